"""What an error of OpenComputer's API means: `{"error": {type, message, code?, param?, request_id?}}`. Pure.

Source: https://docs.opencomputer.dev/agent-sessions/api-reference (errors; read 2026-11-22): what belongs to another
organisation answers 404, and 429 carries `Retry-After`. Every call that changes something has a key by which it is done
once, so whatever may pass by itself is tried again.
"""

from collections.abc import Mapping, Sequence

from bridge.errors import InstanceError, InstanceRefused, InstanceUnavailable
from bridge.foreign import dig, text_at
from bridge.instances import openresponses
from bridge.instances.failures import quotable


class Refused(InstanceRefused):
    """OpenComputer itself says no; what a caller does about it depends on the `status`."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


CONFLICT = 409
"""The same key was used with something else before, or the session takes nothing."""
UNAUTHORIZED = 401

_Row = tuple[type[InstanceError], str]
_NOT_UNDERSTOOD: _Row = (
    InstanceRefused,
    "OpenComputer does not take the request{why}: check agent of [instances.{name}], then `!retry` asks again.",
)
_TABLE: Mapping[int, _Row] = {  # status -> what to do, what to say
    400: _NOT_UNDERSTOOD,
    UNAUTHORIZED: (
        InstanceRefused,
        "OpenComputer does not accept the key of [instances.{name}]: check api_key, then `!retry` asks again.",
    ),
    403: (
        InstanceRefused,
        (
            "OpenComputer does not let the key of [instances.{name}] do this{why}: "
            "use another api_key, then `!retry` asks again."
        ),
    ),
    404: (
        InstanceRefused,
        (
            "OpenComputer does not know the agent or the session of [instances.{name}], or it belongs to another "
            "organisation: check agent, api_key and base_url, then `!retry` asks again."
        ),
    ),
    408: (InstanceUnavailable, "{name} took too long (408)."),
    CONFLICT: (
        InstanceRefused,
        (
            "OpenComputer does not take the message into this session{why}: it may be closed. "
            "Ask in a new thread, or open the session again at OpenComputer and write `!retry`."
        ),
    ),
    413: (InstanceRefused, "The message is too long for {name}: write a shorter one."),
    422: _NOT_UNDERSTOOD,
    429: (InstanceUnavailable, "{name} takes no more requests for the moment (429)."),
}
_REST: Mapping[int, _Row] = {  # the first digit of every other status -> the same
    3: (
        InstanceRefused,
        "{name} points elsewhere (HTTP {status}): check base_url of [instances.{name}], then `!retry` asks again.",
    ),
    4: (
        InstanceRefused,
        "OpenComputer refuses the request (HTTP {status}{why}): check [instances.{name}], then `!retry` asks again.",
    ),
}
_BROKEN: _Row = (InstanceUnavailable, "{name} failed with HTTP {status}.")


def failure(
    status: int, body: bytes, *, name: str, retry_after: float | None = None, withheld: Sequence[str] = ()
) -> InstanceError:
    """What an answer other than 2xx means. The server's words are quoted unless they hold a text of `withheld`."""
    value = openresponses.load(body)
    kind, sentence = _TABLE.get(status) or _REST.get(status // 100) or _BROKEN
    if status == 422 and "idempotency" in f"{text_at(value, 'error', 'type')} {text_at(value, 'error', 'code')}":
        status = CONFLICT
        kind, sentence = _TABLE[status]
    quoted = quotable(openresponses.error_words(dig(value, "error")) or "", withheld)
    text = sentence.format(name=name, status=status, why=f" ({quoted})" if quoted else "")
    if kind is InstanceUnavailable:
        return InstanceUnavailable(text, retry_after=retry_after)
    return Refused(text, status)
