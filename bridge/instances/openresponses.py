"""The Open Responses wire, read leniently: a response object or its event stream -> progress, reply, ending.

Sources, read 2026-11-21: https://www.openresponses.org, https://docs.openclaw.ai/gateway/openresponses-http-api and
https://docs.chowder.dev/api-reference/instances/send-message. Real gateways leave out fields that the schema requires
and add others, so nothing is validated: what can be read is read, and what is no answer at all is said to be none.
"""

import contextlib
import json
import secrets
import uuid
from asyncio import timeout
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

import httpx
from httpx_sse import EventSource

from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import InstanceRefused
from bridge.files import File
from bridge.foreign import items_at, text_at
from bridge.instance import Activity, Ending, Outcome, Progress, Turn, Usage
from bridge.instances import returned
from bridge.instances.activity import activity
from bridge.text import readable
from bridge.trace import traceparent

MAX_BODY_BYTES = 64 * 1024 * 1024
"""An answer longer than this is not read to its end."""
EMPTY_REPLY = "No response from OpenClaw."
"""What OpenClaw 2026.9.6 writes as the text of a completed turn that said nothing (seen 2026-11-21)."""
_REST_OF_STREAM = (
    0.25  # seconds to wait for the end of a stream whose response is complete: hanging up is no abort then
)

_OUTCOMES: Mapping[str, Outcome] = {  # status of a response object -> ours
    "completed": "completed",
    "incomplete": "incomplete",
    "cancelled": "incomplete",
    "in_progress": "incomplete",
    "queued": "incomplete",
    "failed": "failed",
}
_TERMINAL = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
_DELTAS = {"response.output_text.delta", "response.refusal.delta"}
_PART_TEXTS = {"response.output_text.done": "text", "response.refusal.done": "refusal"}  # event -> the key of its text


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response object says. `text` holds no lone surrogates and no NUL, so it can be stored and posted."""

    id: str | None
    text: str
    outcome: Outcome
    detail: str | None
    usage: Usage | None
    raw: dict[str, Any]
    files: tuple[File, ...] = ()


def load(body: str | bytes) -> object:
    """The JSON value of `body`, or None if it is no JSON (or nested too deep, or holds numbers too long)."""
    try:
        return json.loads(body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def answer(value: object) -> Answer | None:
    """Reads a response object; None if the value is no response object. Total: never raises."""
    body = _storable(value)
    if body is None or not _is_response(body):
        return None
    output = body.get("output")
    items = cast("list[object]", output) if isinstance(output, list) else []
    texts, unreadable = _texts(items)
    files = returned.of_output(items)
    if not texts and isinstance(body.get("output_text"), str):
        texts = [body["output_text"]]
    text, linked = returned.without_data(readable(join_messages(texts)))
    if unreadable and not text:
        return None
    outcome, detail = _outcome(body)
    if outcome == "completed" and text and _only_refuses(body):
        outcome = "refused"
    usage = _usage(body.get("usage"))
    return Answer(_words(body.get("id")), _spoken(text, outcome), outcome, detail, usage, body, (*files, *linked))


def join_messages(texts: Iterable[str]) -> str:
    """One text out of the messages of a response: as paragraphs, unless they bring their own white space."""
    joined = ""
    for text in texts:
        apart = not joined or not text or joined[-1].isspace() or text[0].isspace()
        joined += text if apart else f"\n\n{text}"
    return joined


def error_words(error: object) -> str | None:
    """The message of an `error` value, else its code, on one line."""
    if isinstance(error, dict):
        fields = cast("dict[str, object]", error)
        return _words(fields.get("message")) or _words(fields.get("code")) or _words(fields.get("type"))
    return _words(error)


def _words(value: object) -> str | None:
    text = " ".join(readable(value).split()) if isinstance(value, str) else ""
    return text or None


def _spoken(text: str, outcome: Outcome) -> str:
    return "" if outcome == "completed" and text.strip() == EMPTY_REPLY else text


def _is_response(body: Mapping[str, object]) -> bool:
    output = body.get("output")
    if output is not None and not isinstance(output, list):
        return False
    return (
        isinstance(output, list)
        or body.get("object") == "response"
        or isinstance(body.get("output_text"), str)
        or (body.get("status") == "failed" and body.get("error") is not None)
    )


def _outcome(body: Mapping[str, object]) -> tuple[Outcome, str | None]:
    status, error = body.get("status"), body.get("error")
    known = _OUTCOMES.get(status) if isinstance(status, str) else None
    outcome = known or ("failed" if error else "completed")
    if outcome == "failed":
        return outcome, error_words(error)
    if outcome == "incomplete":
        why = body.get("incomplete_details")
        reason = cast("dict[str, object]", why).get("reason") if isinstance(why, dict) else None
        return outcome, _words(reason) or (None if status == "incomplete" else _words(status))
    return outcome, None


def _texts(output: Iterable[object]) -> tuple[list[str], int]:
    """The text of each message, and how many parts should have held text but did not."""
    texts: list[str] = []
    unreadable = 0
    for item in output:
        parts = _parts(item)
        found = [text for text in map(_part_text, parts) if text is not None]
        unreadable += sum(_should_hold_text(part) for part in parts) - len(found)
        texts += ["".join(found)] if found else []
        texts += [link for link in map(returned.link, parts or [item]) if link]
    return texts, unreadable


def _parts(item: object) -> list[object]:
    """The content of a message of the agent; an item without a type counts as one if it looks like one."""
    if not isinstance(item, dict):
        return []
    fields = cast("dict[str, object]", item)
    kind, content = fields.get("type"), fields.get("content")
    if fields.get("role", "assistant") not in ("assistant", None):
        return []
    if kind not in ("message", None):
        return [item] if kind in ("output_text", "refusal") else []
    if content is None:
        return [item] if kind is None else []
    return cast("list[object]", content) if isinstance(content, list) else [content]


def _only_refuses(body: object) -> bool:
    """Whether all that the agent says is why it does not answer."""
    parts = [part for item in items_at(body, "output") for part in _parts(item) if _part_text(part)]
    return bool(parts) and all(text_at(part, "type") == "refusal" for part in parts)


def _should_hold_text(part: object) -> bool:
    if not isinstance(part, dict):
        return True
    kind = cast("dict[str, object]", part).get("type")
    return kind is None or kind in ("output_text", "text", "refusal")


def _part_text(part: object) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or not _should_hold_text(cast("object", part)):
        return None
    fields = cast("dict[str, object]", part)
    text = fields.get("refusal") if fields.get("type") == "refusal" else fields.get("text")
    return text if isinstance(text, str) else None


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, object]", value)
    counts = [fields.get(key) for key in ("input_tokens", "output_tokens", "total_tokens")]
    read, written, total = (count if type(count) is int and count >= 0 else None for count in counts)
    if read is None and written is None and total is None:
        return None
    return Usage(read or 0, written or 0, (read or 0) + (written or 0) if total is None else total)


def _storable(value: object) -> dict[str, Any] | None:
    """The object itself, or without lone surrogates if it has some; None if it is no object or nested too deep."""
    if not isinstance(value, dict):
        return None
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return cast("dict[str, Any]", json.loads(text))
    return cast("dict[str, Any]", value)


GROWTH = 100
"""A part of what is shown by which a text has to grow before it is put together again: keeps long streams linear."""


@dataclass(slots=True)
class Transcript:
    """The events of one streamed response, fed in order."""

    _response: dict[str, Any] = field(default_factory=dict[str, Any])
    _parts: dict[tuple[object, object], list[str]] = field(default_factory=dict[tuple[object, object], list[str]])
    _length: int = 0
    _shown: int = 0
    _finished_parts: bool = False
    _items: list[object] = field(default_factory=list[object])

    def feed(self, event: str, data: str) -> Progress | Activity | Answer | None:
        """What an event adds: longer text, what is being done, or the answer if it is the last event, or nothing.

        Unknown events and rubbish add nothing. `[DONE]` ends a response whose text was declared done, for servers
        that send no `response.completed`.
        """
        if data.strip() == "[DONE]":
            return self._ending({}) if self._finished_parts or "error" in self._response else None
        value = load(data)
        if not isinstance(value, dict):
            return None
        fields = cast("dict[str, object]", value)
        named = fields.get("type")
        kind = named if isinstance(named, str) else event
        if kind in _DELTAS:
            return self._grown(fields, fields.get("delta"), done=False)
        if kind in _PART_TEXTS:
            return self._grown(fields, fields.get(_PART_TEXTS[kind]), done=True)
        if kind in _TERMINAL:
            last = fields.get("response")
            status = kind.removeprefix("response.")
            return self._ending({"status": status} | (cast("dict[str, Any]", last) if isinstance(last, dict) else {}))
        if kind == "response.created" and isinstance(fields.get("response"), dict):
            self._response["id"] = cast("dict[str, Any]", fields["response"]).get("id")
        if kind == "response.output_item.added":
            return activity(fields.get("item"))
        if kind == "response.output_item.done" and text_at(fields, "item", "result"):
            self._items.append(fields["item"])
        if kind == "error":
            error = fields.get("error")
            self._response |= {"status": "failed", "error": error if isinstance(error, dict) else fields}
        return None

    def failed(self) -> Answer | None:
        """The answer of a stream that ended after an `error` event, else None."""
        return self._ending({}) if "error" in self._response else None

    def _grown(self, fields: Mapping[str, object], text: object, *, done: bool) -> Progress | None:
        if not isinstance(text, str):
            return None
        part = (str(fields.get("output_index")), str(fields.get("content_index")))
        written = self._parts.setdefault(part, [])
        if done:
            self._length -= sum(map(len, written))
            written.clear()
        written.append(text)
        self._length += len(text)
        self._finished_parts |= done
        if self._length <= self._shown + self._shown // GROWTH:
            return None
        whole = self._text()
        if "\ud800" <= whole[-1:] <= "\udbff":  # the other half of the character is in the next delta
            whole = whole[:-1]
        if len(whole) <= self._shown or EMPTY_REPLY.startswith(whole.strip()):
            return None
        self._shown = len(whole)
        shown = returned.as_it_grows(readable(whole))
        return Progress(shown) if shown.strip() else None

    def _text(self) -> str:
        messages: dict[object, str] = {}
        for (message, _), written in self._parts.items():
            messages[message] = messages.get(message, "") + "".join(written)
        return join_messages(messages.values())

    def _ending(self, last: dict[str, Any]) -> Answer | None:
        """The response object's own text if it has some, else what was streamed."""
        body = {"object": "response"} | self._response | last
        said = answer(body) or answer({key: value for key, value in body.items() if key != "output"})
        if said is None:
            return None
        text, linked = (said.text, []) if said.text else returned.without_data(readable(self._text()))
        files = (*(said.files or returned.of_output(self._items)), *linked)
        raw = {key: value for key, value in said.raw.items() if key in last} if last else said.raw
        return replace(said, text=_spoken(text, said.outcome), raw=raw, files=files)


async def read(response: httpx.Response, name: str) -> AsyncGenerator[Progress | Activity | Answer, None]:
    """Reads a successful HTTP answer, as JSON or as an event stream by its content type.

    Yields the text so far and what is being done any number of times, then one Answer; no Answer means that the stream
    ended early. Raises InstanceRefused if the body is no answer: the turn may have run, so nobody asks again unless a
    person does. Errors of the connection leave as they are.
    """
    if "text/event-stream" not in response.headers.get("content-type", "").lower():
        said = answer(load(await read_body(response)))
        if said is None:
            raise InstanceRefused(
                f"{name} answered something that is no answer of an agent: check base_url of [instances.{name}], "
                "then `!retry` asks again."
            )
        yield said
        return
    response.encoding = "utf-8-sig"  # an event stream is always UTF-8, and may begin with a byte order mark
    transcript = Transcript()
    events = EventSource(response).aiter_sse()
    async with contextlib.aclosing(events):
        async for event in events:
            step = transcript.feed(event.event, event.data)
            if isinstance(step, Answer):
                with contextlib.suppress(Exception):  # the answer is complete, whatever comes after it
                    async with timeout(_REST_OF_STREAM):
                        async for _ in events:
                            pass
                yield step
                return
            if step is not None:
                yield step
    failed = transcript.failed()
    if failed is not None:
        yield failed


def headers(turn: Turn) -> dict[str, str]:
    """What goes with the request besides the key: whatever the agent's side traces belongs to the message."""
    return {"traceparent": traceparent(turn.envelope.id, secrets.token_hex(8))}


async def read_body(response: httpx.Response) -> bytes:
    """The whole body. Raises httpx.ReadError if it is longer than `MAX_BODY_BYTES`."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise httpx.ReadError(f"the answer is longer than {MAX_BODY_BYTES} bytes", request=response.request)
        chunks.append(chunk)
    return b"".join(chunks)


def reply(said: Answer, *, source: str, actor: Actor, conversation: Conversation, now: datetime) -> Envelope | None:
    """The envelope of an answer, or None if it has no text. Its id is the response's, else a new one."""
    if not said.text.strip():
        return None
    return Envelope(
        id=said.id or str(uuid.uuid4()),
        source=source,
        actor=actor,
        conversation=conversation,
        text=said.text,
        ts=now,
        raw=said.raw,
    )


def ending(said: Answer, continuation: str | None) -> Ending:
    """The ending of an answer. `continuation` is kept where the response cannot be continued: no id, or it failed."""
    following = continuation if said.outcome == "failed" else said.id or continuation
    return Ending(said.outcome, said.detail, following, said.usage)
