"""What a channel may be able to do besides: each a protocol of its own, had by whoever has its methods."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from bridge.channel import Delivery, Facts, MessageRef, Payload
from bridge.envelope import Conversation, Envelope
from bridge.room import Room


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


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a platform allows of messages that are written bit by bit. Times in seconds."""

    at_once: int
    between_starts: float
    between_appends: float
    idle: float
    """Without an append it is better ended than left open."""
    longest: float
    """After which it is better ended."""
    chars: int
    """The most that one may say."""


@runtime_checkable
class CanStream(CanEdit, Protocol):
    """Can write a message bit by bit, which looks better than edits. `edit` ends that and says what is given to it."""

    stream_limits: StreamLimits

    def streamable(self, text: str) -> str:
        """What can be shown of a growing text by now: the beginning of what can be shown later. Pure."""
        ...

    def opening(self, text: str, asked: Envelope, otherwise: Payload, *, mention: bool) -> Payload | None:
        """For `send`: a message that says what is `streamable` and to which more can be appended, or, where the
        platform does not take it, one that says `otherwise`. None: not as an answer to that. Pure.

        `mention`: it notifies the person who wrote that.
        """
        ...

    async def append(self, ref: MessageRef, text: str) -> None:
        """Adds to a message. Raises ChannelError; Rejected if nothing can be added to it any more."""
        ...


@runtime_checkable
class CanMention(Protocol):
    """Can notify somebody by a message; nothing that an agent writes does."""

    def mention(self, parts: Sequence[Payload], asked: Envelope) -> Sequence[Payload]:
        """The same messages, the first of which notifies the person who wrote that one. Pure."""
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
class CanResolveGroups(Protocol):
    """Knows who belongs to a group of people."""

    async def groups_of(self, facts: Facts, groups: Collection[str]) -> frozenset[str]:
        """Which of these the author belongs to: as it was some minutes ago at most, or, while the platform cannot be
        asked, an hour.

        Nobody belongs to a group that is not there or that the platform does not tell the bot about. Raises
        ChannelError, but not Rejected, if nothing is known.
        """
        ...

    async def groups_problem(self, groups: Collection[str]) -> str | None:
        """Asks about each of these, so that it is known when somebody writes.

        What is wrong with them that a person has to mend, in one clause with what to do. Raises ChannelError.
        """
        ...


@runtime_checkable
class CanDescribeRoom(Protocol):
    """Knows what its rooms are called and what they are for."""

    async def describe_room(self, envelope: Envelope) -> Room:
        """The room in which that was written, and its thread: as they were some minutes ago at most, or, while the
        platform cannot be asked, an hour. Never asked of a direct conversation.

        Takes a few seconds at most. Raises ChannelError if it cannot be told for now.
        """
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

    status_after: float
    """Seconds of work before it is worth it."""
    status_seconds: float
    """How long it is seen."""

    async def show_status(self, envelope: Envelope, doing: str | None) -> None:
        """Shows it where the answer to that message will appear, which it may prepare. Raises ChannelError.

        `doing` says in a few words what is being done; not every platform shows words.
        """
        ...

    async def end_status(self, envelope: Envelope) -> None:
        """Takes it away, if it does not go by itself. Raises ChannelError."""
        ...


@runtime_checkable
class CanReact(Protocol):
    """Can put a sign on a message that somebody wrote."""

    reaction: str
    """The sign of a message that was taken; empty: none."""
    not_taken: str
    """The sign of one that is not taken as it stands there now; empty: none."""
    react_seconds: float
    """Between two of them anywhere, so that the platform's limits are kept."""

    async def react(self, envelope: Envelope, sign: str) -> None:
        """Shows one of these signs; again, that changes nothing. Raises ChannelError."""
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


@runtime_checkable
class CanShareWaits(Protocol):
    """Keeps to what the platform asked another process for."""

    def paced_with(self, conversation: Conversation) -> str:
        """One name for all conversations that the platform makes wait together. Pure."""
        ...

    def hold(self, place: str, seconds: float) -> None:
        """The platform asked not to post there for so long: until then `send` raises RateLimited."""
        ...


@runtime_checkable
class SharesEvents(Protocol):
    """Each message comes over one of the connections that the bot has, in whichever processes, and not over all."""

    shares_events: Literal[True]


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
class Attachment:
    """A file that somebody attached to a message, as its platform describes it."""

    name: str
    """On one line, as `bridge.text.label` leaves it."""
    media_type: str
    """In lower case, without parameters; empty if the platform does not say."""
    size: int | None
    """Bytes, if the platform says."""
    id: str = ""
    """Names it among those of its message; opaque to the core."""
    address: str = ""
    """Where it is, by what the message says; opaque to the core, and not to be trusted."""
    unavailable: str | None = None
    """Why it can never be fetched, and what to do: one clause."""


@runtime_checkable
class CanFetchFiles(Protocol):
    """Can fetch what people attach."""

    async def attached(self, envelope: Envelope) -> Sequence[Attachment]:
        """What is attached to that message, in its order. Raises ChannelError if that cannot be told for now."""
        ...

    async def fetch(self, envelope: Envelope, attachment: Attachment, most: int) -> bytes | None:
        """The content of one of these; None if it is longer than `most` bytes, which are never held.

        Only the platform's own hosts are asked, wherever the message says that it is, and no other host is followed to
        or given a secret. Raises Rejected if it can never be had, with why and what to do as one clause that people
        read; any other ChannelError if it cannot be had for now.
        """
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
