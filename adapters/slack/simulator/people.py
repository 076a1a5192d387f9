"""What people and other apps do in the workspace."""

import asyncio
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from adapters.slack.simulator import blocks, files, interactions, mrkdwn
from adapters.slack.simulator.events_api import EventsApi
from adapters.slack.simulator.methods_chat import withdraw
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.socket_mode import SocketMode
from adapters.slack.simulator.workspace import Message, Person, Room, RoomKind, SharedFile, Whisper, Workspace
from bridge.testing.simulator import Said

DEFAULT_ROOM = "#general"
MAX_TOPIC = 250


class People(ABC):
    """Everybody but the bot."""

    workspace: Workspace
    publisher: Publisher
    transport: EventsApi | SocketMode

    @property
    @abstractmethod
    def url(self) -> str:
        """Where files are."""

    def say_in(
        self,
        person: str,
        text: str,
        *,
        room: str = DEFAULT_ROOM,
        thread_ts: str | None = None,
        mention: bool = False,
        broadcast: bool = False,
        files: Sequence[SharedFile] = (),
        mention_first: bool = False,
    ) -> Said:
        """Writes in a room, which is made on first use with the bot in it.

        The text is what a person types: `&`, `<` and `>` become entities, but `<@U…>`, `<#C…>`, `<!here>` and
        `<https://…>` mean what they mean to Slack. `broadcast` shows a reply in the room, too. `mention_first` sends
        `app_mention` before `message`; Slack promises no order.
        """
        known = self.workspace.find_room(room) or self.workspace.room(room)
        typed = f"<@{self.workspace.bot.id}> {text}" if mention else text
        return self._write(
            person, known, typed, thread_ts, broadcast=broadcast, files=files, mention_first=mention_first
        )

    def say_direct(
        self, person: str, text: str, thread_ts: str | None = None, files: Sequence[SharedFile] = ()
    ) -> Said:
        """Writes to the bot alone."""
        return self._write(person, self.workspace.direct(self.workspace.person(person)), text, thread_ts, files=files)

    def other_bot_says(self, name: str, text: str, *, room: str = DEFAULT_ROOM, thread_ts: str | None = None) -> Said:
        """Writes as an app of another maker: subtype `bot_message`, a `bot_id`, no `user`."""
        known = self.workspace.find_room(room) or self.workspace.room(room)
        message = Message(known.id, "", "", mrkdwn.escape(text), thread_ts or "", subtype="bot_message")
        message.username, message.bot_id = name, "B0OTHER001"
        return self.publisher.posted(self.workspace.post(known, message))

    def add_echo_bot(self, name: str = "Echo") -> None:
        """An app of another maker that answers each message of the bot in its thread, with the same words."""

        def answer(message: Message) -> None:
            self.other_bot_says(name, message.text, room=message.room, thread_ts=message.root_ts)

        def soon(message: Message) -> None:
            asyncio.get_running_loop().call_soon(answer, message)

        self.on_post(soon)

    def edit(self, said: Said, text: str, *, mention_again: bool = True, without_files: bool = False) -> Said:
        """Changes the text of a person's message, or takes its files from it.

        Slack then sends an `app_mention` again where it mentions the bot.
        """
        message = self.message(said)
        left = [] if without_files else message.files
        stored = mrkdwn.escape(text)
        blocks = mrkdwn.rich_text(stored, uuid.uuid4().hex[:5])
        previous = self.workspace.edit(message, by=message.user, text=stored, blocks=blocks, files=left)
        self.publisher.changed(message, previous, mention_again=mention_again)
        return self.publisher.said(message)

    def delete(self, said: Said) -> None:
        """Takes a message away."""
        withdraw(self.publisher, self.message(said))

    def unfurl(self, said: Said, link: str = "https://example.com/") -> None:
        """Slack adds the preview of a link: `message_changed`, with the same text and not marked as edited."""
        message = self.message(said)
        edited = message.edited
        preview = {"id": 1, "from_url": link, "original_url": link, "title": link, "fallback": link}
        previous = self.workspace.edit(message, by=message.user, attachments=[preview])
        message.edited = edited
        self.publisher.changed(message, previous)

    async def press(self, person: str, said: Said, label: str) -> bool:
        """Presses the button with that label under a message: whether the app acknowledged it.

        Where it did not, the person is shown an error.
        """
        message = self.message(said)
        room = self.workspace.rooms[message.room]
        payload = interactions.pressed(self.workspace, self.workspace.person(person), room, message, label)
        return await self.transport.interact(json.dumps(payload, separators=(",", ":")))

    async def invoke(
        self,
        person: str,
        words: str,
        *,
        room: str = DEFAULT_ROOM,
        thread: str | None = None,
        direct: bool = False,
        command: str = interactions.COMMAND,
    ) -> bool:
        """Types a slash command in a room, a thread or the bot's DM: whether the app acknowledged it.

        The person is shown what the app answered, or what Slack says where it did not; in a thread Slack refuses it.
        """
        workspace, who = self.workspace, self.workspace.person(person)
        if thread is not None:
            place, ts = self._thread(thread)
            sentence = interactions.NOT_IN_THREADS.format(command=command)
            self.publisher.whispered(Whisper(place.id, who.id, sentence, ts))
            return False
        place = workspace.direct(who) if direct else workspace.find_room(room) or workspace.room(room)
        answer = await self.transport.command(interactions.commanded(workspace, who, place, command, words))
        said = interactions.FAILED.format(command=command) if answer is None else interactions.shown(answer)
        if said:
            self.publisher.whispered(Whisper(place.id, who.id, said))
        return answer is not None

    def buttons(self, said: Said) -> list[str]:
        """What stands on the buttons under a message."""
        return [label for label, _ in blocks.buttons(self.message(said).blocks)]

    def whispers(self, person: str) -> list[str]:
        """What only that person was shown, oldest first."""
        user = self.workspace.person(person).id
        return [whisper.text for whisper in self.workspace.whispers if whisper.user == user]

    def on_post(self, seen: Callable[[Message], None]) -> None:
        """Calls `seen` with every message that the bot posts, before the call is answered."""
        self.publisher.post_watchers.append(seen)

    def add_room(self, name: str, *, kind: RoomKind = "channel", with_bot: bool = True) -> Room:
        """Makes a room; without the bot its messages cause no events and posts get `not_in_channel`."""
        return self.workspace.room(name, kind=kind, with_bot=with_bot)

    def set_topic(self, person: str, topic: str, *, room: str = DEFAULT_ROOM) -> None:
        """Somebody says what a room is for, which Slack tells there in a message.

        https://docs.slack.dev/reference/events/message/channel_topic and, for the 250 characters,
        https://docs.slack.dev/reference/methods/conversations.setTopic (read 2026-11-22)
        """
        if len(topic) > MAX_TOPIC:
            raise ValueError(f"too_long: a topic has at most {MAX_TOPIC} characters")
        known, author = self.workspace.find_room(room) or self.workspace.room(room), self.workspace.person(person)
        stored = mrkdwn.escape(topic)
        known.topic = {"value": stored, "creator": author.id, "last_set": int(self.workspace.clock())}
        said = Message(known.id, "", author.id, f"<@{author.id}> set the channel topic: {stored}", topic=stored)
        said.subtype = "channel_topic"
        self.publisher.posted(self.workspace.post(known, said))

    def person(self, name: str) -> Person:
        """The person with that display name, made on first use."""
        return self.workspace.person(name)

    def group(self, group: str, *people: str) -> None:
        """Makes these the members of the user group with that id, whoever was in it."""
        self.workspace.groups[group] = {self.workspace.person(name).id for name in people}

    def message(self, said: Said) -> Message:
        """What is stored of a message: metadata, blocks, replies and so on."""
        room, _ = self._thread(said.thread)
        return room.messages[said.id]

    def _write(
        self,
        person: str,
        room: Room,
        typed: str,
        thread_ts: str | None = None,
        *,
        broadcast: bool = False,
        files: Sequence[SharedFile] = (),
        mention_first: bool = False,
    ) -> Said:
        author = self.workspace.person(person)
        message = self._draft(author, room, mrkdwn.escape(typed), thread_ts or "")
        if broadcast and thread_ts:
            message.subtype = "thread_broadcast"
        if files:
            message.subtype = "file_share"
            message.files = [self._share(author, each) for each in files]
        self.workspace.post(room, message)
        return self.publisher.posted(message, mention_first=mention_first)

    def _draft(self, author: Person, room: Room, stored: str, thread_ts: str) -> Message:
        made = uuid.uuid4()
        blocks = mrkdwn.rich_text(stored, made.hex[:5])
        return Message(room.id, "", author.id, stored, thread_ts, client_msg_id=str(made), blocks=blocks)

    def _share(self, author: Person, shared: SharedFile) -> dict[str, object]:
        return files.share(self.workspace, self.url, author, shared)

    def _thread(self, thread: str) -> tuple[Room, str]:
        """The room and the first message's `ts` behind the opaque name that `Said.thread` carries."""
        room_id, _, root = thread.partition("/")
        room = self.workspace.rooms.get(room_id)
        if room is None or root not in room.messages:
            raise LookupError(f"no thread {thread!r}: pass `Said.thread` of a message of this simulator")
        return room, root
