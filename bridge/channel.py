"""The protocol of a channel: platform events in, platform messages out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NewType, Protocol, Self

from bridge.envelope import Conversation, Envelope
from bridge.settings import Section

Payload = dict[str, Any]
"""What a channel's `render` made and its `send` understands; JSON, opaque to the core."""

MessageRef = NewType("MessageRef", str)
"""A platform message, named so that its channel finds it again; opaque to the core."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What only the platform knows about a message. Channels report, policy decides."""

    workspace: str
    room: str
    """The room's id; a thread's room is its parent."""
    author: str
    """The author's id as rules list it."""
    thread: tuple[str, ...]
    """The parts that name the thread, from which its session id is made."""
    direct: bool
    """A direct conversation with the bot."""
    addressed: bool
    """The bot is mentioned."""
    in_thread: bool
    """Written inside a thread, not at its beginning."""
    author_is_bot: bool
    unthreaded: Conversation | None = None
    """The room itself as a place for the answer, where the platform can answer outside of threads."""
    title: str | None = None
    """What the thread is called, where threads have names and the platform told it."""
    groups: frozenset[str] | None = None
    """All groups of people that the author belongs to, by the ids that rules list; None: the platform did not say."""
    edited_at: float | None = None
    """When its author changed it last, in seconds since the epoch by the platform's clock; None: never."""


Accept = Callable[[Envelope, Facts], Awaitable[None]]
"""Commits an event. The platform is acknowledged only after it returns; if it raises, it is not acknowledged."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One platform message that is to be posted."""

    id: str
    """Also the nonce: the same for every attempt, at most 25 characters."""
    session: str
    conversation: Conversation
    payload: Payload
    created_at: float
    """Seconds since the epoch, by our clock."""
    answers: str | None = None
    """The id of the envelope that it answers: nothing of this delivery was posted before that was written."""


class Channel(Protocol):
    """One connection to a platform.

    `Settings` is the section of `config.toml` it takes; `name` is the section's name. Every network call has a
    time-out. Errors leave as `ConfigError` (in `verify`) or `ChannelError`.
    """

    Settings: ClassVar[type[Section]]
    source: ClassVar[str]
    """The platform, first part of every session id."""
    name: str
    posts_at_once: int
    """How many `send` may run at the same time."""

    @classmethod
    def create(cls, name: str, settings: Section) -> Self:
        """A channel that has not connected yet."""
        ...

    async def verify(self) -> None:
        """Asks the platform whether the secrets are right.

        Raises ConfigError when they are not. Returns when they are, and also when the platform cannot be reached.
        """
        ...

    async def listen(self, accept: Accept) -> None:
        """Gives every event to `accept`, reconnecting by itself, until it is cancelled.

        An event that `accept` raises for is given to it again: by the platform, which was not acknowledged, or by the
        channel itself where the platform waits for no acknowledgement.
        """
        ...

    def connected(self) -> bool:
        """Whether an event written now would reach `accept` now."""
        ...

    @classmethod
    def render(cls, text: str) -> Sequence[Payload]:
        """The platform messages that show `text`, each within the platform's limits. Pure; never empty."""
        ...

    async def send(self, delivery: Delivery) -> MessageRef:
        """Posts one message, once: whatever it repeats by itself must not be able to post it twice."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whether what is said in a channel now is heard."""

    connected: bool
    """The connection to the platform is open."""
    hears: bool
    """It is open and not known to be deaf."""
    problem: str | None
    """What is wrong, in one sentence without secrets; something may be wrong with a channel that hears, too."""
