"""The protocol of a channel: platform events in, platform messages out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NewType, Protocol, Self, runtime_checkable

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


@runtime_checkable
class CanFindSent(Protocol):
    """Can tell afterwards whether a post arrived."""

    async def find_sent(self, delivery: Delivery) -> Sequence[MessageRef]:
        """The messages that an earlier attempt of this delivery may have left in its conversation, oldest first.

        Where the platform cannot tell for sure, all of ours since then that look exactly like it; other deliveries may
        have left some of them. Empty if there is none. Raises ChannelError where it cannot look: Rejected if it never
        will.
        """
        ...


@runtime_checkable
class CanEdit(Protocol):
    """Can change what it posted."""

    edit_seconds: float
    """Between two edits anywhere, so that the platform's limits are left to those that somebody waits for."""
    previews_at_once: int
    """How many answers may be shown as they grow at the same time: the end of each is one more edit."""

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        """Makes one of our messages say this; again, that changes nothing. Raises ChannelError."""
        ...


@runtime_checkable
class CanSendFiles(Protocol):
    """Can post files: `send` and `find_sent` take what `bridge.files.payload` makes, too.

    `send` raises FileRefused for a file that the platform does not take where it may take the same as text.
    """

    file_bytes: int
    """The most that the platform takes in one file."""

    def sends_files(self) -> bool:
        """Whether it may, as far as the platform told."""
        ...


@runtime_checkable
class CanResolveNames(Protocol):
    """Knows people's names."""

    async def resolve_names(self, envelope: Envelope) -> Envelope:
        """The envelope with names in place of ids, in the actor and the text. Never fails: unknown ids stay."""
        ...


@runtime_checkable
class CanReadHistory(Protocol):
    """Can read what was written before."""

    async def earlier_in_thread(self, envelope: Envelope) -> Sequence[tuple[Envelope, Facts]]:
        """The messages of the envelope's thread that were written before it, oldest first, at most about 100."""
        ...


@runtime_checkable
class CanShowStatus(Protocol):
    """Can show that an answer is being worked on."""

    status_seconds: float
    """How long it is seen."""

    async def show_status(self, envelope: Envelope) -> None:
        """Shows it where the answer to that message will appear, which it may prepare. Raises ChannelError."""
        ...


@runtime_checkable
class CanReadMissed(Protocol):
    """Can read afterwards what was said while nobody listened."""

    async def missed(
        self, since: float, known: Sequence[Conversation], *, everywhere: bool
    ) -> Sequence[tuple[Envelope, Facts]]:
        """What was said after `since` (seconds since the epoch), oldest first. Raises ChannelError.

        Looked for in these conversations and in the rooms that they belong to, and, if `everywhere`, in every room that
        the bot can see, in its direct conversations and in their threads, as far as the platform tells of these. Raises
        also where it cannot be told which rooms there are: nothing is passed over because the platform is away.
        """
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


@runtime_checkable
class CanSayWhyAway(Protocol):
    """Knows why it is not connected while `listen` goes on."""

    def why_away(self) -> str | None:
        """The reason and the remedy in one sentence without secrets; None if there is nothing special about it."""
        ...


@runtime_checkable
class CanReconnect(Protocol):
    """Can give up a connection that is open but brings nothing."""

    async def reconnect(self) -> None:
        """Ends the connection; `listen` makes a new one."""
        ...


@dataclass(frozen=True, slots=True)
class LinkedMessage:
    """The message that a link of the platform points at, whoever wrote it."""

    envelope_suffix: str
    """How its envelope's id ends, if a person wrote it: all that the link tells of it."""
    message_ref: MessageRef
    """Its name, if the bot wrote it."""


@runtime_checkable
class CanReadLinks(Protocol):
    """Its platform gives each message a link that people can copy."""

    @classmethod
    def read_link(cls, link: str) -> LinkedMessage | None:
        """The message behind a link; None if it is no link of this platform to a message. Pure."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request that a platform sent us."""

    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    query: str = ""


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """What the platform is answered."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


@runtime_checkable
class CanReceiveWebhooks(Protocol):
    """Takes events over HTTP at `POST {http}/{name}/events`."""

    async def receive(self, request: WebhookRequest) -> WebhookResponse:
        """Verifies the request and gives its event to the `accept` of `listen` before it answers."""
        ...


@runtime_checkable
class HasManifest(Protocol):
    """Has an app that must be registered with the platform."""

    @classmethod
    def manifest(cls) -> str:
        """What to paste where the platform registers apps."""
        ...
