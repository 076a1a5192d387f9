"""The state of the simulated workspace: people, rooms, messages and threads, as Slack keeps them."""

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from adapters.slack.simulator.notifications import notified

Payload = dict[str, Any]
RoomKind = Literal["channel", "group", "im", "mpim"]

MAX_REPLY_USERS = 5
"""A thread's first message names at most this many of those who answered.
https://docs.slack.dev/reference/methods/conversations.replies."""

STREAM_SECONDS = 300.0
"""After which Slack ends a stream: https://github.com/vercel/chat/issues/637 (about five minutes, read 2026-11-22)."""
STREAM_IDLE_SECONDS = 30.0
"""Without an append: https://github.com/vercel/chat/issues/607 (2026-11-22) tells of such a limit, not how long."""

TOMBSTONE_TEXT = "This message was deleted."
TOMBSTONE_USER = "USLACKBOT"


class Timestamps:
    """Gives every message of a workspace its own `ts`, strictly increasing, in Slack's format."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._newest = 0  # microseconds

    def next(self) -> str:
        """The clock's time, or one microsecond after the last `ts` where the clock has not moved on."""
        self._newest = max(int(self._clock() * 1_000_000), self._newest + 1)
        return f"{self._newest // 1_000_000}.{self._newest % 1_000_000:06d}"


@dataclass(slots=True)
class Person:
    """Somebody of the workspace; the bot is one, too."""

    id: str
    name: str
    real_name: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that a person sends along with a message."""

    name: str
    content: bytes = b""
    mimetype: str = "text/plain"
    of_others: bool = False
    """Of another organisation: messages do not describe it."""


@dataclass(slots=True)
class Stream:
    """What makes a message one that is still written. Times are the clock's."""

    began: float
    appended: float
    text: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """An ephemeral message: only that person sees it."""

    room: str
    user: str
    text: str
    thread_ts: str = ""


@dataclass(slots=True)
class Message:
    """One message; `ts` is its id within the room."""

    room: str
    ts: str
    user: str
    text: str
    thread_ts: str = ""
    parent_user_id: str = ""
    subtype: str = ""
    client_msg_id: str = ""
    bot_id: str = ""
    app_id: str = ""
    username: str = ""
    topic: str = ""
    """What a message of the subtype `channel_topic` says."""
    metadata: Payload | None = None
    edited: Payload | None = None
    blocks: list[Payload] = field(default_factory=list[Payload])
    attachments: list[Payload] = field(default_factory=list[Payload])
    files: list[Payload] = field(default_factory=list[Payload])
    reactions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    reply_count: int = 0
    reply_users: list[str] = field(default_factory=list[str])
    latest_reply: str = ""
    reads_names: bool = False
    """Whether `@name` in it is a mention, too."""
    stream: Stream | None = None
    """While it is written bit by bit."""

    @property
    def pinged(self) -> list[str]:
        """Who is notified, as `notifications.notified` gives it."""
        return notified(self.text, self.blocks, names=self.reads_names)

    @property
    def root_ts(self) -> str:
        """The `ts` of the thread's first message; its own where it has no thread."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        """True for a message within a thread, false for the thread's first one."""
        return self.thread_ts not in ("", self.ts)


@dataclass(slots=True)
class Room:
    """A channel or a direct conversation. `top` and every list in `replies` hold `ts` in ascending order."""

    id: str
    name: str
    kind: RoomKind
    created: int
    members: set[str] = field(default_factory=set[str])
    is_archived: bool = False
    person: str = ""
    """Whom a direct conversation is with."""
    topic: dict[str, Any] = field(default_factory=lambda: {"value": "", "creator": "", "last_set": 0})
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    top: list[str] = field(default_factory=list[str])
    replies: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


class Workspace:
    """People, rooms and messages. Every method leaves the counts of a thread right; none sends anything out."""

    def __init__(self, *, bot_name: str = "threadbridge", clock: Callable[[], float] = time.time) -> None:
        self.team_id = "T0DEMO0001"
        self.team_name = "Demo"
        self.team_domain = "demo"
        self.app_id = "A0DEMO0001"
        self.bot_id = "B0DEMO0001"
        self.verification_token = "simulated"  # noqa: S105 - the old, unused `token` field of every event
        self.timestamps = Timestamps(clock)
        self.clock = clock
        self.bot = Person("U0DEMO0BOT", bot_name, bot_name, is_bot=True)
        self.people: dict[str, Person] = {self.bot.id: self.bot}
        self.rooms: dict[str, Room] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        """(room, thread_ts) -> what `assistant.threads.setStatus` shows there at the moment."""
        self.stream_seconds, self.stream_idle_seconds = STREAM_SECONDS, STREAM_IDLE_SECONDS
        self.whispers: list[Whisper] = []
        self.groups: dict[str, set[str]] = {}
        """User group id -> the ids of its members."""
        self.contents: dict[str, bytes] = {}
        self.files: dict[str, Payload] = {}
        """File id -> its description."""
        """File id -> the bytes behind its `url_private`."""
        self._people_by_name: dict[str, Person] = {bot_name: self.bot}
        self._rooms_by_name: dict[str, Room] = {}
        self._directs: dict[str, Room] = {}

    def person(self, name: str) -> Person:
        """The person with that display name, made on first use."""
        known = self._people_by_name.get(name)
        if known is None:
            known = Person(f"U{len(self.people):010d}", name.lower().replace(" ", "."), name)
            self.people[known.id] = known
            self._people_by_name[name] = known
        return known

    def room(self, name: str, *, kind: RoomKind = "channel", with_bot: bool = True) -> Room:
        """The room with that name (with or without `#`), made on first use; `kind` and `with_bot` count then."""
        bare = name.removeprefix("#")
        known = self._rooms_by_name.get(bare)
        if known is None:
            known = Room(f"C{len(self.rooms) + 1:010d}", bare, kind, int(self.clock()))
            if with_bot:
                known.members.add(self.bot.id)
            self.rooms[known.id] = self._rooms_by_name[bare] = known
        return known

    def direct(self, person: Person) -> Room:
        """The direct conversation of that person with the bot, made on first use."""
        known = self._directs.get(person.id)
        if known is None:
            known = Room(f"D{len(self.rooms) + 1:010d}", "", "im", int(self.clock()), person=person.id)
            known.members = {self.bot.id, person.id}
            self.rooms[known.id] = self._directs[person.id] = known
        return known

    def find_room(self, reference: str) -> Room | None:
        """The room that an API call means: an id, a name, or a person's id (their direct conversation)."""
        known = self.rooms.get(reference) or self._rooms_by_name.get(reference.removeprefix("#"))
        if known is None and reference in self.people and reference != self.bot.id:
            known = self.direct(self.people[reference])
        return known

    def display_name(self, message: Message) -> str:
        """Who wrote it, as people see it."""
        author = self.people.get(message.user)
        return author.real_name if author else message.username or message.user

    def post(self, room: Room, draft: Message) -> Message:
        """Gives the draft its `ts` and puts it into the room, and into its thread where it names one.

        `draft.thread_ts` may be the `ts` of any message of the thread; it must exist.
        """
        draft.ts = self.timestamps.next()
        if draft.thread_ts:
            root = room.messages[room.messages[draft.thread_ts].root_ts]
            draft.thread_ts = root.thread_ts = root.ts
            draft.parent_user_id = root.user
            room.replies.setdefault(root.ts, []).append(draft.ts)
            root.reply_count += 1
            root.latest_reply = draft.ts
            author = draft.user or draft.bot_id
            if author not in root.reply_users:
                root.reply_users.append(author)
        if not draft.thread_ts or draft.subtype == "thread_broadcast":
            room.top.append(draft.ts)
        room.messages[draft.ts] = draft
        if draft.user:
            room.members.add(draft.user)
        return draft

    def edit(self, message: Message, *, by: str, **changes: object) -> Message:
        """Changes the message in place, marks it as edited, and returns what it was before."""
        previous = replace(message)
        for name, value in changes.items():
            setattr(message, name, value)
        message.edited = {"user": by, "ts": f"{int(self.clock())}.000000"}
        return previous

    def streaming(self, message: Message) -> Stream | None:
        """What is still open of a message, which Slack may have ended by itself."""
        stream, now = message.stream, self.clock()
        if stream and (now - stream.began > self.stream_seconds or now - stream.appended > self.stream_idle_seconds):
            message.stream = None
        return message.stream

    def delete(self, message: Message) -> Message:
        """Takes the message away and returns it; the first one of a thread with replies stays as a tombstone."""
        previous = replace(message)
        room = self.rooms[message.room]
        if message.reply_count:
            message.subtype, message.text, message.user = "tombstone", TOMBSTONE_TEXT, TOMBSTONE_USER
            message.blocks, message.attachments, message.files, message.metadata = [], [], [], None
            return previous
        del room.messages[message.ts]
        _discard(room.top, message.ts)
        if message.is_reply:
            replies = room.replies[message.thread_ts]
            _discard(replies, message.ts)
            root = room.messages[message.thread_ts]
            root.reply_count = len(replies)
            root.latest_reply = replies[-1] if replies else ""
            authors = (room.messages[ts] for ts in replies)
            root.reply_users = list(dict.fromkeys(reply.user or reply.bot_id for reply in authors))
        return previous

    def thread(self, room: Room, ts: str) -> list[Message]:
        """The whole thread that the message `ts` is in, oldest first; empty where there is no such message."""
        known = room.messages.get(ts)
        if known is None:
            return []
        root = known.root_ts
        return [room.messages[root], *(room.messages[reply] for reply in room.replies.get(root, ()))]


def _discard(ascending: list[str], ts: str) -> None:
    place = bisect_left(ascending, ts)
    if place < len(ascending) and ascending[place] == ts:
        del ascending[place]
