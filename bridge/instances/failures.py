"""Whose failure an HTTP answer is, and what follows from it. Pure.

The status alone does not tell: OpenClaw repeats the status of the model provider around a response object. The shape
of the body does: a response object that failed is the agent's failure, a bare `{"error": …}` is the gateway's, and
`{"detail": …}` is Chowder's. Sources: https://docs.chowder.dev/api-reference/instances/send-message (409 by its text,
502), OpenClaw 2026.9.6 as observed on 2026-11-21.
"""

import email.utils
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from bridge.errors import InstanceError, InstanceRefused, InstanceUnavailable, TurnInterrupted
from bridge.foreign import text_at
from bridge.instance import Ending
from bridge.instances import openresponses
from bridge.text import readable

RETRY_AFTER = 5.0  # seconds until an instance that is not running is asked again
LONGEST_RETRY_AFTER = 3600.0  # seconds; a server that asks for more is asked again earlier
_MAX_WORDS = 200  # characters of a server's own words in a sentence
_MIN_WITHHELD = 4  # characters; shorter texts occur in everything

Row = tuple[type[InstanceError], str]
"""What to do, and the sentence, in which `{who}`, `{name}`, `{status}` and `{why}` may stand."""

_NOT_UNDERSTOOD: Row = (
    InstanceRefused,
    (
        "{who} does not understand the request{why}: "
        "check model and extra of [instances.{name}], then `!retry` asks again."
    ),
)
_TABLE: Mapping[int, Row] = {  # status -> what to do, what to say
    400: _NOT_UNDERSTOOD,
    401: (
        InstanceRefused,
        "{who} does not accept the key of [instances.{name}]: check api_key, then `!retry` asks again.",
    ),
    403: (
        InstanceRefused,
        (
            "{who} does not let the key of [instances.{name}] write to this instance: "
            "give it the permission interact, or use another api_key, then `!retry` asks again."
        ),
    ),
    404: (
        InstanceRefused,
        (
            "{who} does not know the instance of [instances.{name}], or it belongs to another organisation: "
            "check instance_id and base_url, then `!retry` asks again."
        ),
    ),
    408: (TurnInterrupted, "{name} took too long (408); whether it worked on the message is unknown."),
    413: (InstanceRefused, "The message is too long for {name}: write a shorter one."),
    422: _NOT_UNDERSTOOD,
    429: (InstanceUnavailable, "{name} takes no more requests for the moment (429)."),
    503: (InstanceUnavailable, "{name} takes no requests for the moment (503)."),
}
_FILES_REFUSED: Row = (
    InstanceRefused,
    (
        "{who} does not take the message with its files{why}: write it again without them. "
        "If that is refused, too, check model and extra of [instances.{name}]."
    ),
)
_WITH_FILES: Mapping[int, Row] = dict.fromkeys((400, 413, 422), _FILES_REFUSED)
"""The same for a message with files, where it differs: OpenClaw looks into files and refuses what is not what it
is called (seen with 2026.9.6: a PDF that is none is a 400)."""
_REST: Mapping[int, Row] = {  # the first digit of every other status -> the same
    3: (
        InstanceRefused,
        "{who} points elsewhere (HTTP {status}): check base_url of [instances.{name}], then `!retry` asks again.",
    ),
    4: (
        InstanceRefused,
        "{who} refuses the request (HTTP {status}){why}: check [instances.{name}], then `!retry` asks again.",
    ),
}
_UNKNOWN: Row = (TurnInterrupted, "{name} failed with HTTP {status}; whether it worked on the message is unknown.")

_NONE: Mapping[int, Row] = {}

NOT_RUNNING: Mapping[str, str] = {  # status of an instance that is not running -> what it is called
    "stopped": "is stopped",
    "stopping": "is being stopped",
    "provisioning": "is starting",
    "starting": "is starting",
    "error": "is in an error state, which its owner has to repair",
}
FORGOTTEN = "it does not know this conversation any more, and begins a new one with what is asked next"
"""The detail of a failure for which the continuation is to blame: the session's next turn goes without one."""
_FORGOTTEN_CODE = "previous_response_not_found"
_STATUS = re.compile(rf"\b({'|'.join(NOT_RUNNING)}|terminated)\b", re.IGNORECASE)
_NOT_REACHED = re.compile(r"\b(unavailable|unreachable)\b", re.IGNORECASE)


class Stopped(InstanceUnavailable):
    """Whoever may start the instance may do so now."""


def failure(
    status: int,
    body: bytes,
    content_type: str,
    *,
    name: str,
    retry_after: float | None = None,
    withheld: Sequence[str] = (),
    files: bool = False,
    continued: bool = False,
    sentences: Mapping[int, Row] = _NONE,
) -> InstanceError | Ending:
    """What an answer other than 2xx means for the turn: an error to raise, or the agent's own failure. Never raises.

    `name` is the section's name, `retry_after` what the server asked for in seconds. A server's words are quoted in a
    sentence only if they contain none of the texts in `withheld` (the key, the message). `files`: some went with it.
    `continued`: it named an earlier response. `sentences`: the rows that a kind of server has of its own.
    """
    value = openresponses.load(body) if "html" not in content_type.lower() else None
    fields = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if fields.get("object") == "response" and fields.get("status") == "failed":
        return Ending("failed", openresponses.error_words(fields.get("error")))
    who, words = _owner(fields)
    if continued and _is_forgotten(fields.get("error")):
        return Ending("failed", FORGOTTEN, continuation="")
    if status == 409 and who != "The gateway":
        return _not_running(words, name, retry_after)
    if status == 502 and who == "Chowder" and _NOT_REACHED.search(words):
        return InstanceUnavailable(
            f"Chowder cannot reach {name} (502).",
            retry_after=retry_after or RETRY_AFTER,
            notice=f"{name} cannot be reached at the moment; your message waits and is answered when it is back.",
        )
    kind, sentence = (
        (_WITH_FILES.get(status) if files else None)
        or sentences.get(status)
        or _TABLE.get(status)
        or _REST.get(status // 100)
        or _UNKNOWN
    )
    quoted = quotable(words, withheld)
    text = sentence.format(who=who, name=name, status=status, why=f" ({quoted})" if quoted else "")
    if kind is InstanceUnavailable:
        return InstanceUnavailable(text, retry_after=retry_after)
    return kind(text)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """`Retry-After` as seconds from `now`, from either of its forms (RFC 9110, 10.2.3); None if it says nothing."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    return min(seconds, LONGEST_RETRY_AFTER) if math.isfinite(seconds) and seconds > 0 else None


def _not_running(words: str, name: str, retry_after: float | None) -> InstanceError:
    found = _STATUS.search(words)
    status = found[1].lower() if found else "unknown"
    if status == "terminated":
        return InstanceRefused(f"{name} was terminated: write another instance_id under [instances.{name}].")
    state = NOT_RUNNING.get(status, "is not running")
    kind = Stopped if status == "stopped" else InstanceUnavailable
    return kind(
        f"{name} {state} (409).",
        retry_after=retry_after or RETRY_AFTER,
        notice=f"{name} {state}; your message waits and is answered when it runs.",
    )


def _is_forgotten(error: object) -> bool:
    """OpenAI's code, and the field it blames: https://github.com/bigduu/Bamboo-agent/pull/513 (read 2026-11-22)."""
    return text_at(error, "code") == _FORGOTTEN_CODE or text_at(error, "param") == "previous_response_id"


def _owner(fields: Mapping[str, object]) -> tuple[str, str]:
    """Who answers, and its words."""
    if "detail" in fields:
        return "Chowder", _detail_words(fields["detail"])
    if "error" in fields:
        return "The gateway", openresponses.error_words(fields["error"]) or ""
    return "The server", ""


def _detail_words(detail: object) -> str:
    """The words of FastAPI's `detail`: a text, an object with one, or a list of fields. Never the rejected input."""
    if isinstance(detail, list):
        rows = [cast("dict[str, object]", row) for row in cast("list[object]", detail) if isinstance(row, dict)]
        return "; ".join(f"{_place(row.get('loc'))}{openresponses.error_words(row.get('msg')) or '?'}" for row in rows)
    if not isinstance(detail, dict):
        return openresponses.error_words(detail) or ""
    fields = cast("dict[str, object]", detail)
    return openresponses.error_words(fields.get("error", fields)) or ""


def _place(loc: object) -> str:
    parts = [str(part) for part in cast("list[object]", loc) if part != "body"] if isinstance(loc, list) else []
    return f"{'.'.join(parts)}: " if parts else ""


def quotable(words: str, withheld: Sequence[str]) -> str:
    """A server's words on one line, cut to a sentence's length; none if they contain one of the texts in `withheld`."""
    words = " ".join(readable(words).split()).rstrip(".")
    for text in withheld:
        spellings = (text, json.dumps(text)[1:-1])
        if any(len(one) >= _MIN_WITHHELD and " ".join(one.split()) in words for one in spellings):
            return ""
    return words if len(words) <= _MAX_WORDS else f"{words[:_MAX_WORDS]}…"
