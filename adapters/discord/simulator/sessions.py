"""Gateway sessions: which events an app subscribed to, their numbers, and what a resume replays.

https://docs.discord.com/developers/events/gateway#resuming and #gateway-intents.
"""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from adapters.discord.simulator.guild import Payload

GUILDS = 1 << 0
GUILD_MEMBERS = 1 << 1
GUILD_PRESENCES = 1 << 8
GUILD_MESSAGES = 1 << 9
GUILD_MESSAGE_REACTIONS = 1 << 10
DIRECT_MESSAGES = 1 << 12
DIRECT_MESSAGE_REACTIONS = 1 << 13
MESSAGE_CONTENT = 1 << 15

KNOWN_INTENTS = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))
"""https://docs.discord.com/developers/events/gateway#list-of-intents."""

PRIVILEGED_INTENTS = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT


@dataclass(eq=False, slots=True)
class Event:
    """One dispatch on its way to the app."""

    name: str
    intent: int
    """The intent that brings it; 0 where it always comes."""
    body: str
    """`d` as JSON."""
    hidden_body: str = ""
    """The same for an app without the message content intent, where that makes a difference."""
    message_id: str = ""
    """Of a MESSAGE_CREATE."""


class Outlet(Protocol):
    """A connection that a session writes to."""

    def send(self, text: str) -> None:
        """Queues one payload; never waits."""
        ...


@dataclass(eq=False, slots=True)
class Session:
    """One app's subscription, which survives its connections."""

    id: str
    intents: int
    buffer: deque[str]
    """The newest payloads, the last one with the number `sequence`."""
    sequence: int = 0
    outlet: Outlet | None = None
    resumable: bool = True
    expiry: asyncio.TimerHandle | None = None

    def wants(self, event: Event) -> bool:
        """Whether the app subscribed to it."""
        return not event.intent or bool(self.intents & event.intent)

    def number(self, event: Event) -> str:
        """Gives the event its number and keeps it for a resume; returns the payload."""
        hidden = event.hidden_body and not self.intents & MESSAGE_CONTENT
        return self.number_body(event.name, event.hidden_body if hidden else event.body)

    def number_body(self, name: str, body: str) -> str:
        """The same for an event with that body (JSON)."""
        self.sequence += 1
        text = f'{{"t":"{name}","s":{self.sequence},"op":0,"d":{body}}}'
        self.buffer.append(text)
        return text

    def missed(self, sequence: int) -> list[str] | None:
        """The payloads after that number; None where they are not all kept any more."""
        count = self.sequence - sequence
        if count > len(self.buffer):
            return None
        return list(self.buffer)[len(self.buffer) - count :] if count else []


@dataclass(slots=True)
class SessionLimits:
    """How long a session waits for its app, and how much it keeps meanwhile."""

    seconds: float = 120.0
    """Discord says "a few minutes". https://docs.discord.com/developers/events/gateway#initiating-a-disconnect."""
    events: int = 10_000
    """Not documented."""


@dataclass(slots=True)
class Sessions:
    """Every session that can receive or be resumed."""

    limits: SessionLimits
    changed: Callable[[], None]
    """Called when one is forgotten."""
    by_id: dict[str, Session] = field(default_factory=dict[str, Session])

    def open(self, intents: int) -> Session:
        """A new session."""
        made = Session(uuid.uuid4().hex, intents, deque(maxlen=self.limits.events))
        self.by_id[made.id] = made
        return made

    def attach(self, session: Session, outlet: Outlet) -> Outlet | None:
        """Gives the session a connection; returns the one it had."""
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None
        before, session.outlet = session.outlet, outlet
        return before

    def detach(self, session: Session, outlet: Outlet) -> None:
        """The session's connection ended: it waits for a resume, or is forgotten."""
        if session.outlet is not outlet:
            return
        session.outlet = None
        if not session.resumable:
            self.forget(session)
        elif session.id in self.by_id:
            loop = asyncio.get_running_loop()
            session.expiry = loop.call_later(self.limits.seconds, self.forget, session)

    def forget(self, session: Session) -> None:
        """The session cannot be resumed any more and receives nothing."""
        session.resumable = False
        self.by_id.pop(session.id, None)
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None
        self.changed()

    def forget_all(self) -> None:
        """No session can be resumed; those with a connection go on until it ends."""
        for session in list(self.by_id.values()):
            session.resumable = False
            if session.outlet is None:
                self.forget(session)


def encode(body: Payload) -> str:
    """JSON as it goes over the wire."""
    return json.dumps(body, separators=(",", ":"))
