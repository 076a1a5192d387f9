"""The events of a durable session -> what is said, what is being done, and how the turn ended. Pure.

Source: https://docs.opencomputer.dev/agent-sessions/events and …/sessions (read 2026-11-22). A message that was sent
into a session belongs to the turn whose `turn.started` has `input_from_seq` <= its `seq` <= `input_to_seq`; that turn's
`turn.completed` is its end. Levels: `user` is for people, `progress` says what is being done, `internal` is for nobody
here. `seq` grows with every event of a session, so what was seen is known by one number.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from bridge.foreign import dig, text_at
from bridge.instance import Activity, Ending, Outcome, Progress
from bridge.instances import openresponses
from bridge.text import readable

OURS = "threadbridge"
"""The key of `raw` under which a message that we send keeps its id, so that it is known again in the log."""
MAX_DOING_CHARS = 60

_OUTCOMES: Mapping[str, Outcome] = {  # `yield_reason` of a turn -> ours
    "completed": "completed",
    "needs_input": "incomplete",
    "error": "failed",
    "budget_exceeded": "incomplete",
    "deadline_exceeded": "incomplete",
    "max_turns": "incomplete",
    "canceled": "incomplete",
}
_HARMLESS = re.compile(r"[^\w.,:;()/' +-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """How far the events of a session are told: what an `Ending` leaves for the next turn."""

    id: str
    """The session's id at OpenComputer."""
    seq: int

    def written(self) -> str:
        """As a `continuation`."""
        return json.dumps({"id": self.id, "seq": self.seq})


def place(continuation: str | None) -> Place | None:
    """The reverse of `written`; None for what is no place."""
    value = openresponses.load(continuation or "")
    session, seq = text_at(value, "id"), dig(value, "seq")
    return Place(session, seq) if session and type(seq) is int else None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a session's log."""

    id: str
    seq: int
    type: str
    level: str
    turn: str | None
    body: object
    offloaded: bool
    """The body is too large to be here: it has to be fetched."""
    raw: dict[str, Any]

    @property
    def said(self) -> bool:
        """Whether it is a message of the agent to people."""
        by_agent = dig(self.raw, "actor", "type") or self.type.partition(".")[0]
        return self.type.endswith(".message") and by_agent == "agent" and self.level == "user"

    @property
    def text(self) -> str:
        return readable(text_at(self.body, "text") or "")

    def whole(self, content: bytes) -> "Event":
        """The same with the body that was fetched, which is the body as JSON or its text."""
        value = openresponses.load(content)
        body = value if text_at(value, "text") else {"text": content.decode(errors="replace")}
        return replace(self, body=body, offloaded=False)

    @property
    def at(self) -> datetime | None:
        """When it happened."""
        try:
            found = datetime.fromisoformat(text_at(self.raw, "ts") or "")
        except ValueError:
            return None
        return found if found.tzinfo else None


def event(value: object) -> Event | None:
    """Reads an event; None if it is none. Total: never raises."""
    raw = _storable(value)
    identifier, seq, kind = text_at(raw, "id"), dig(raw, "seq"), text_at(raw, "type")
    if raw is None or identifier is None or kind is None or type(seq) is not int:
        return None
    body: object = raw.get("body")
    offloaded = bool(raw.get("content_ref") or raw.get("body_truncated") or text_at(body, "content_ref"))
    turn = text_at(raw, "turn_id") or text_at(body, "turn_id")
    return Event(identifier, seq, kind, text_at(raw, "level") or "internal", turn, body, offloaded, raw)


def message_id(one: Event) -> str | None:
    """The id of the message that an event is, if it is one of ours: as we left it in `raw`, or the envelope's own."""
    return text_at(one.body, "raw", OURS) or text_at(one.body, "id")


@dataclass(frozen=True, slots=True)
class Done:
    """The end of the turn that is waited for."""

    ending: Ending
    seq: int
    result: str | None
    """The id of the event that is the result."""


@dataclass(slots=True)
class Transcript:
    """The events of one session from a place on, fed in order, until the turn of one message ends.

    `asked`: the `seq` of the message; None: the message that the session began with, which its first turn answers.
    What the agent says to people belongs to it whatever turn it comes from, so that nothing is left out between two
    messages of ours.
    """

    after: int
    asked: int | None
    messages: list[Event] = field(default_factory=list[Event])
    turn: str | None = None
    """The turn of ours, once it began."""
    ended: bool = False
    _error: str | None = None

    def feed(self, one: Event) -> Progress | Activity | Done | None:
        """What an event adds. One that was fed before adds nothing."""
        if one.seq <= self.after:
            return None
        self.after = one.seq
        if one.type == "turn.started" and self._answers(one):
            self.turn = one.turn
        elif one.type == "turn.completed" and one.turn is not None and one.turn == self.turn:
            return self._done(one)
        elif one.type.startswith("error."):
            self._error = openresponses.error_words(one.body)
        elif one.said and one.text.strip():
            self.messages.append(one)
            return Progress("\n\n".join(message.text for message in self.messages))
        elif one.level == "progress":
            return _activity(one.body)
        return None

    def covers(self, one: Event) -> bool:
        """Whether the event is told already, or will be with the turn that is waited for."""
        return one.seq <= self.after or (one.turn is not None and one.turn == self.turn and not self.ended)

    def _answers(self, one: Event) -> bool:
        if self.turn is not None:
            return False
        first, last = dig(one.body, "input_from_seq"), dig(one.body, "input_to_seq")
        if self.asked is None:
            return True
        return type(first) is int and type(last) is int and first <= self.asked <= last

    def _done(self, one: Event) -> Done:
        self.ended = True
        reason = text_at(one.body, "yield_reason") or text_at(one.body, "outcome") or "completed"
        outcome = _OUTCOMES.get(reason, "incomplete")
        detail = None if outcome == "completed" else reason
        if outcome == "failed":
            detail = openresponses.error_words(dig(one.body, "error")) or self._error
        return Done(Ending(outcome, detail), one.seq, text_at(one.body, "result_event_id"))


def _activity(body: object) -> Activity | None:
    words = text_at(body, "text") or text_at(body, "summary") or text_at(body, "message") or ""
    what = " ".join(_HARMLESS.sub(" ", readable(words)).split())[:MAX_DOING_CHARS].strip()
    return Activity(what) if what else None


def _storable(value: object) -> dict[str, Any] | None:
    """The object, without lone surrogates; None if it is none or nested too deep."""
    if not isinstance(value, dict):
        return None
    try:
        text = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        return cast("dict[str, Any]", json.loads(text.decode("utf-16-le", "replace")))
    except (ValueError, RecursionError):
        return None
