"""The state of the simulated Discord: one guild with people, rooms, threads and messages, and direct channels."""

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Literal

Payload = dict[str, Any]
RoomKind = Literal["text", "announcement", "forum", "media", "voice"]

DISCORD_EPOCH = 1_420_070_400_000
"""Milliseconds. https://docs.discord.com/developers/reference#snowflakes."""

AUTO_ARCHIVE_MINUTES = 1440

HAS_THREAD = 1 << 5
"""Message flag. https://docs.discord.com/developers/resources/message#message-object-message-flags."""


class RoomType(IntEnum):
    """https://docs.discord.com/developers/resources/channel#channel-object-channel-types."""

    TEXT = 0
    DIRECT = 1
    VOICE = 2
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15
    MEDIA = 16


class MessageType(IntEnum):
    """https://docs.discord.com/developers/resources/message#message-object-message-types."""

    DEFAULT = 0
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21


# kind of a room -> its type, and the type of the public threads in it
ROOM_TYPES: dict[RoomKind, RoomType] = {
    "text": RoomType.TEXT,
    "announcement": RoomType.ANNOUNCEMENT,
    "forum": RoomType.FORUM,
    "media": RoomType.MEDIA,
    "voice": RoomType.VOICE,
}
THREAD_TYPES = {
    RoomType.TEXT: RoomType.PUBLIC_THREAD,
    RoomType.ANNOUNCEMENT: RoomType.ANNOUNCEMENT_THREAD,
    RoomType.FORUM: RoomType.PUBLIC_THREAD,
    RoomType.MEDIA: RoomType.PUBLIC_THREAD,
}
FORUMS = frozenset({RoomType.FORUM, RoomType.MEDIA})


class Snowflakes:
    """Gives out ids, strictly increasing with the clock (Unix seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._newest = 0

    def next(self) -> str:
        """The clock's millisecond, or one after the last id where the clock has not moved on."""
        now = int(self._clock() * 1000) - DISCORD_EPOCH << 22
        self._newest = max(now, self._newest + 1)
        return str(self._newest)


def created_at(snowflake: str) -> float:
    """When that id was given out, in Unix seconds."""
    return ((int(snowflake) >> 22) + DISCORD_EPOCH) / 1000


def iso(seconds: float) -> str:
    """Unix seconds as the API writes times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


@dataclass(eq=False, slots=True)
class Person:
    """A user; the bot, other bots and webhooks are some, too."""

    id: str
    name: str
    """As people see it."""
    is_bot: bool = False


@dataclass(eq=False, slots=True)
class Role:
    """A role, and who has it by their ids."""

    name: str
    members: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that is sent along with a message."""

    name: str
    content: bytes = b""
    mimetype: str = "text/plain"


@dataclass(eq=False, slots=True)
class Message:
    """One message as it is stored. `room` is the id of the channel or thread it stands in."""

    room: str
    author: Person
    content: str
    id: str = ""
    thread: str = ""
    """What `Said.thread` names."""
    type: int = MessageType.DEFAULT
    edited: float | None = None  # Unix seconds
    nonce: str | int | None = None
    """Shown where the message appears, and never again: Discord does not store it.
    https://github.com/Rapptz/discord.py/issues/2451."""
    flags: int = 0
    tts: bool = False
    allowed_mentions: Payload | None = None
    """As the bot sent it."""
    mentions: list[str] = field(default_factory=list[str])
    """Ids of the users whom it mentions and notifies."""
    mention_roles: list[str] = field(default_factory=list[str])
    mention_everyone: bool = False
    message_reference: Payload | None = None
    attachments: list[Payload] = field(default_factory=list[Payload])
    embeds: list[Payload] = field(default_factory=list[Payload])
    components: list[Payload] = field(default_factory=list[Payload])
    sticker_items: list[Payload] = field(default_factory=list[Payload])
    webhook_id: str = ""
    application_id: str = ""
    interaction_metadata: Payload | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    position: int | None = None

    @property
    def pinged(self) -> list[str]:
        """Who was really notified: ids of users and roles, and "everyone"."""
        return [*self.mentions, *self.mention_roles, *(["everyone"] if self.mention_everyone else ())]


@dataclass(eq=False, slots=True)
class Room:
    """A channel, a thread or a direct channel. `order` holds its message ids as numbers, ascending."""

    id: str
    name: str
    type: RoomType
    topic: str | None = None
    position: int = 0
    allowed: int = 0
    """Permission bits that an overwrite gives the bot here."""
    denied: int = 0
    """Permission bits that an overwrite takes from the bot here."""
    person: Person | None = None
    """Whom a direct channel is with."""
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    order: list[int] = field(default_factory=list[int])
    last_message_id: str | None = None


@dataclass(eq=False, kw_only=True, slots=True)
class Thread(Room):
    """A thread or a forum post."""

    parent: Room
    owner: Person
    archived: bool = False
    locked: bool = False
    archive_changed: float = 0.0  # Unix seconds
    members: dict[str, float] = field(default_factory=dict[str, float])
    """User id -> when they joined, in Unix seconds."""
    message_count: int = 0
    """Without the first one and what was deleted."""
    total_message_sent: int = 0


class Guild:
    """People, rooms, threads and messages. Every method leaves counts and orders right; none sends anything out.

    Direct channels are kept here, too, though they belong to no guild.
    """

    def __init__(self, *, bot_name: str = "threadbridge", clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.ids = Snowflakes(clock)
        self.id = self.ids.next()
        self.name = "Demo"
        self.application_id = self.ids.next()
        self.bot = Person(self.ids.next(), bot_name, is_bot=True)
        self.bot_role = self.ids.next()
        self.has_bot = True
        self.people: dict[str, Person] = {self.bot.id: self.bot}
        self.rooms: dict[str, Room] = {}
        """Channels, threads and direct channels by id."""
        self.threads: dict[str, Thread] = {}
        self.roles: dict[str, Role] = {}
        """What people were given, by id; without the one that all have and the bot's own."""
        self.strangers: set[str] = set()
        """Ids of people who know the bot and are not members of the guild."""
        self.files: dict[str, SharedFile] = {}
        """Attachment id -> what its URL gives out."""
        self.signing_key = 0
        """What attachments' addresses are signed with; with another one, all of before have expired."""
        self._people_by_name: dict[str, Person] = {bot_name: self.bot}
        self._rooms_by_name: dict[str, Room] = {}
        self._directs: dict[str, Room] = {}
        self.owner = self.person("Owner")

    def person(self, name: str, *, is_bot: bool = False) -> Person:
        """The person with that display name, made on first use; `is_bot` counts then."""
        known = self._people_by_name.get(name)
        if known is None:
            known = Person(self.ids.next(), name, is_bot)
            self.people[known.id] = self._people_by_name[name] = known
        return known

    def add_room(self, name: str, kind: RoomKind = "text", topic: str | None = None) -> Room:
        """A new channel."""
        bare = name.removeprefix("#")
        if bare in self._rooms_by_name:
            raise ValueError(f"there is a room {bare!r} already: choose another name")
        made = Room(self.ids.next(), bare, ROOM_TYPES[kind], topic, position=len(self._rooms_by_name))
        self.rooms[made.id] = self._rooms_by_name[bare] = made
        return made

    def channels(self) -> list[Room]:
        """The guild's channels, without threads and direct channels."""
        return list(self._rooms_by_name.values())

    def find_room(self, reference: str) -> Room | None:
        """The channel with that name (with or without `#`) or id."""
        return self._rooms_by_name.get(reference.removeprefix("#")) or self.rooms.get(reference)

    def direct(self, person: Person) -> Room:
        """The direct channel of that person with the bot, made on first use."""
        known = self._directs.get(person.id)
        if known is None:
            known = Room(self.ids.next(), "", RoomType.DIRECT, person=person)
            self.rooms[known.id] = self._directs[person.id] = known
        return known

    def open_thread(
        self, parent: Room, name: str, owner: Person, *, starter: Message | None = None, private: bool = False
    ) -> Thread:
        """A new thread; one from a message has that message's id, and the message a flag.

        https://docs.discord.com/developers/topics/threads#public-&-private-threads.
        """
        if parent.type not in THREAD_TYPES:
            raise ValueError(f"no threads can be opened in {parent.name!r}: it is no text, announcement or forum room")
        kind = RoomType.PRIVATE_THREAD if private else THREAD_TYPES[parent.type]
        now = self.clock()
        made = Thread(
            starter.id if starter else self.ids.next(), name, kind, parent=parent, owner=owner, archive_changed=now
        )
        made.members[owner.id] = now
        if starter is not None:
            starter.flags |= HAS_THREAD
        self.rooms[made.id] = self.threads[made.id] = made
        return made

    def post(self, room: Room, draft: Message, message_id: str = "") -> Message:
        """Gives the draft its id, its place and its thread's name, and puts it into the room."""
        draft.id = message_id or self.ids.next()
        draft.room = room.id
        room.messages[draft.id] = draft
        room.order.append(int(draft.id))
        room.last_message_id = draft.id
        if isinstance(room, Thread):
            draft.thread = f"{room.parent.id}/{room.id}"
            draft.position = room.total_message_sent
            if draft.id != room.id and draft.type != MessageType.THREAD_STARTER_MESSAGE:
                room.message_count += 1
                room.total_message_sent += 1
        else:
            draft.thread = room.id if room.type is RoomType.DIRECT else f"{room.id}/{draft.id}"
        return draft

    def delete(self, message: Message) -> None:
        """Takes the message away; a thread that was opened from it stays."""
        room = self.rooms[message.room]
        del room.messages[message.id]
        place = bisect_left(room.order, int(message.id))
        del room.order[place]
        if isinstance(room, Thread) and message.id != room.id:
            room.message_count -= 1

    def set_archived(self, thread: Thread, archived: bool) -> None:
        """Archives the thread, or makes it active again."""
        thread.archived = archived
        thread.archive_changed = self.clock()

    def remove(self, room: Room) -> None:
        """Takes a thread away, or a channel with its threads."""
        for thread in [each for each in self.threads.values() if each is room or each.parent is room]:
            del self.threads[thread.id], self.rooms[thread.id]
        if not isinstance(room, Thread):
            del self.rooms[room.id], self._rooms_by_name[room.name]

    def resolve(self, thread: str) -> tuple[Room, Message | None, Thread | None]:
        """Behind the name that `Said.thread` carries: the channel, its starter message there, and the thread.

        Either of the latter two may be missing: no thread was opened yet, or the message is gone or never was.
        """
        room_id, _, root = thread.partition("/")
        room = self.rooms.get(room_id)
        starter = room.messages.get(root) if room else None
        opened = self.threads.get(root)
        if room is None or (root and starter is None and opened is None):
            raise LookupError(f"no thread {thread!r}: pass `Said.thread` of a message of this simulator")
        return room, starter, opened

    def conversation(self, thread: str) -> list[Message]:
        """The thread's messages, oldest first, with its starter and without what only announces threads."""
        room, starter, opened = self.resolve(thread)
        if "/" not in thread:
            return list(room.messages.values())
        first = [starter] if starter else []
        rest = opened.messages.values() if opened else ()
        return [*first, *(each for each in rest if each.type not in ANNOUNCEMENTS)]


ANNOUNCEMENTS = frozenset({MessageType.THREAD_CREATED, MessageType.THREAD_STARTER_MESSAGE})
