"""What people and other apps do."""

import asyncio
from collections.abc import Callable, Sequence

from adapters.discord.simulator import commands, components, files, objects
from adapters.discord.simulator.guild import (
    FORUMS,
    Message,
    MessageType,
    Payload,
    Person,
    Room,
    RoomType,
    SharedFile,
)
from adapters.discord.simulator.interaction import Interaction
from adapters.discord.simulator.owner import DEFAULT_ROOM, Owner
from adapters.discord.simulator.permissions import EVERYONE, in_room
from bridge.testing.simulator import Said

EPHEMERAL = 1 << 6
"""https://docs.discord.com/developers/resources/message#message-object-message-flags."""

DEFAULT_FORUM = "help"

THREAD_NAME = 100  # characters
"""https://docs.discord.com/developers/resources/channel#start-thread-from-message."""


class People(Owner):
    """Everybody but the bot. People may do everything, in locked threads, too."""

    async def say(self, person: str, text: str, *, thread: str | None = None) -> Said:
        """Mentions the bot at the top of #general, or answers in the thread as it is.

        Where the thread was not opened yet, the person opens it from its first message.
        """
        if thread is None:
            return self.say_in(person, text, mention=True)
        return self.say_in(person, text, thread=thread)

    def say_in(
        self,
        person: str,
        text: str,
        *,
        room: str = DEFAULT_ROOM,
        thread: str | None = None,
        mention: bool = False,
        reply_to: Said | None = None,
        attachments: Sequence[SharedFile] = (),
        stickers: Sequence[str] = (),
        message_type: int = MessageType.DEFAULT,
    ) -> Said:
        """Writes at the top of a room, or in a thread.

        The text is what Discord keeps: `<@id>`, `<#id>` and `@everyone` mean what they mean there. A reply goes where
        the message stands that it answers, unless a thread is named, and notifies that message's author.
        """
        author = self._api.guild.person(person)
        place = self._place(author, room, thread, reply_to)
        content = f"<@{self._api.guild.bot.id}> {text}" if mention else text
        draft = Message(place.id, author, content, type=message_type)
        if reply_to is not None:
            answered = self.message(reply_to)
            draft.type = MessageType.REPLY
            draft.message_reference = self.publisher.reference(answered.room, answered.id)
        return self._write(place, draft, attachments, stickers)

    def say_direct(
        self, person: str, text: str, *, attachments: Sequence[SharedFile] = (), stickers: Sequence[str] = ()
    ) -> Said:
        """Writes to the bot alone."""
        author = self._api.guild.person(person)
        room = self._api.guild.direct(author)
        return self._write(room, Message(room.id, author, text), attachments, stickers)

    def post_in_forum(
        self, person: str, title: str, text: str, *, forum: str = DEFAULT_FORUM, mention: bool = False
    ) -> Said:
        """Opens a post: a thread whose first message has its id."""
        guild = self._api.guild
        room = self.room(forum)
        if room.type not in FORUMS:
            raise ValueError(f"{forum!r} is no forum: add one with kind='forum'")
        author = guild.person(person)
        opened = guild.open_thread(room, title, author)
        self.publisher.thread_opened(opened, None)
        content = f"<@{guild.bot.id}> {text}" if mention else text
        return self.publisher.said(self.publisher.post(opened, Message(opened.id, author, content), opened.id))

    def open_thread(self, person: str, name: str, *, room: str = DEFAULT_ROOM, private: bool = False) -> str:
        """Opens a thread without a starter message; returns what `Said.thread` will be there.

        A private one the bot sees once it is mentioned in it.
        """
        parent = self.room(room)
        opened = self._api.guild.open_thread(parent, name, self._api.guild.person(person), private=private)
        self.publisher.thread_opened(opened, None)
        return f"{parent.id}/{opened.id}"

    def other_bot_says(self, name: str, text: str, *, room: str = DEFAULT_ROOM, thread: str | None = None) -> Said:
        """Writes as a bot of another maker."""
        author = self._api.guild.person(name, is_bot=True)
        place = self._place(author, room, thread, None)
        return self._write(place, Message(place.id, author, text))

    def add_echo_bot(self, name: str = "Echo") -> None:
        """A bot of another maker that answers each message of the bot where that stands, with the same words."""
        guild = self._api.guild
        author = guild.person(name, is_bot=True)

        def answer(message: Message) -> None:
            self._write(guild.rooms[message.room], Message(message.room, author, message.content))

        def soon(message: Message) -> None:
            asyncio.get_running_loop().call_soon(answer, message)

        self.on_post(soon)

    def webhook_says(self, name: str, text: str, *, room: str = DEFAULT_ROOM) -> Said:
        """Writes as a webhook: an author that is no user of the guild."""
        author = Person(self._api.guild.ids.next(), name, is_bot=True)
        place = self.room(room)
        return self._write(place, Message(place.id, author, text, webhook_id=author.id))

    def edit(self, said: Said, text: str, *, without_files: bool = False) -> Said:
        """Changes the text of a message, or takes its files away, as its author can."""
        message = self.message(said)
        message.attachments = [] if without_files else message.attachments
        self.publisher.edited(message, text)
        return self.publisher.said(message)

    def unfurl(self, said: Said, link: str = "https://example.com/") -> None:
        """Discord adds the preview of a link: the words stay, and so does `edited_timestamp`.

        https://github.com/Rapptz/discord.py/issues/273 (a developer of Discord's, read 2026-11-22)
        """
        message = self.message(said)
        message.embeds = [{"type": "link", "url": link, "title": link}]
        self.publisher.changed(message)

    def delete(self, said: Said) -> None:
        """Takes a message away; a thread that was opened from it stays. Discord does not tell who did it."""
        self.publisher.delete(self.message(said))

    def delete_many(self, gone: Sequence[Said]) -> None:
        """Takes messages of one room or thread away at once, as bots of moderators do."""
        self.publisher.delete_many([self.message(said) for said in gone])

    def interact(
        self,
        person: str,
        command: str,
        *,
        room: str = DEFAULT_ROOM,
        thread: str | None = None,
        options: Sequence[Payload] = (),
    ) -> Interaction:
        """Uses a slash command of the bot; `options` as in the API's `data.options`."""
        api, guild = self._api, self._api.guild
        author = guild.person(person)
        place = self._place(author, room, thread, None)
        registered = [*api.commands.get(guild.id, ()), *api.commands.get("", ())]
        command_id = next((each["id"] for each in registered if each["name"] == command), "") or guild.ids.next()
        made = Interaction(guild.ids.next(), author, place.id, command, command_id)
        api.interactions[made.token] = made
        data: Payload = {"id": command_id, "name": command, "type": 1, "options": list(options)}
        self.publisher.interaction(self._interaction_body(made, place, {"type": 2, "data": data}))
        return made

    def invoke(
        self, person: str, words: str, *, room: str = DEFAULT_ROOM, thread: str | None = None, direct: bool = False
    ) -> Interaction:
        """Chooses one of the bot's commands and fills it in, as in "link ABC-123", there or in the bot's DM.

        Raises LookupError where Discord shows no such command. The person is shown that it failed if it is not
        `answered_in_time`.
        """
        api = self._api
        author = api.guild.person(person)
        if direct:
            thread = api.guild.direct(author).id
        place = self._place(author, room, thread, None)
        command, options = commands.chosen(self.registered(), place, words)
        return self.interact(person, command, room=place.id, thread=thread, options=options)

    def registered(self) -> Sequence[Payload]:
        """The commands that the app registered for everywhere."""
        return self._api.commands.get("", ())

    def press(self, person: str, said: Said, label: str) -> Interaction:
        """Presses the button with that label under a message.

        The person is shown that it failed if it is not `answered_in_time`.
        """
        api, message = self._api, self.message(said)
        data = next((data for text, data in components.buttons(message.components) if text == label), None)
        if data is None:
            raise LookupError(f"no button {label!r} under the message {message.id}")
        made = Interaction(api.guild.ids.next(), api.guild.person(person), message.room, pressed=message)
        api.interactions[made.token] = made
        described = {"type": 3, "data": data, "message": objects.message(api.guild, message)}
        self.publisher.interaction(self._interaction_body(made, api.guild.rooms[message.room], described))
        return made

    def buttons(self, said: Said) -> list[str]:
        """What stands on the buttons under a message."""
        return [label for label, _ in components.buttons(self.message(said).components)]

    def whispers(self, person: str) -> list[str]:
        """What only that person was shown, oldest first."""
        who = self._api.guild.person(person)
        own = [made for made in self._api.interactions.values() if made.person is who]
        return [one.content for made in own for one in made.messages.values() if one.flags & EPHEMERAL]

    def person(self, name: str) -> Person:
        """The person with that display name, made on first use."""
        return self._api.guild.person(name)

    def expire_addresses(self) -> None:
        """The attachments' addresses in all payloads so far have expired."""
        self._api.guild.signing_key += 1

    def message(self, said: Said) -> Message:
        """What is stored of a message."""
        room, _, opened = self._api.guild.resolve(said.thread)
        for each in (opened, room):
            if each is not None and said.id in each.messages:
                return each.messages[said.id]
        raise LookupError(f"no message {said.id} in {said.thread}")

    def read(self, thread: str) -> Sequence[Said]:
        """The thread's messages, oldest first, with the one it was opened from."""
        return [self.publisher.said(message) for message in self._api.guild.conversation(thread)]

    def read_room(self, room: str) -> Sequence[Said]:
        """Every message at the top of a room, oldest first, announcements of threads included."""
        return [self.publisher.said(message) for message in self.room(room).messages.values()]

    def typing(self, place: str) -> list[float]:
        """When the bot triggered typing in that thread or room, in `time.monotonic` seconds."""
        room_id, _, root = place.partition("/")
        found = None if root else self._api.guild.find_room(place)
        return self._api.typing.get(root or (found.id if found else room_id), [])

    def watch(self, seen: Callable[[Said], None]) -> None:
        """Calls `seen` with every message from now on, and again (`edited=True`) when a text changes."""
        self.publisher.watchers.append(seen)

    def on_post(self, seen: Callable[[Message], None]) -> None:
        """Calls `seen` with every message that the bot posts, before the call is answered."""
        self.publisher.post_watchers.append(seen)

    async def redeliver(self) -> None:
        """Dispatches the newest message of somebody else once more, under a new sequence number."""
        self.publisher.redeliver()

    def _write(
        self, place: Room, draft: Message, attachments: Sequence[SharedFile] = (), stickers: Sequence[str] = ()
    ) -> Said:
        guild = self._api.guild
        draft.content = draft.content.strip()
        if attachments:
            draft.attachments = files.share(guild, self._api.url(), place.id, attachments)
        draft.sticker_items = [{"id": guild.ids.next(), "name": name, "format_type": 1} for name in stickers]
        return self.publisher.said(self.publisher.post(place, draft))

    def _place(self, author: Person, room: str, thread: str | None, reply_to: Said | None) -> Room:
        """Where a message goes; a thread that was not opened yet is opened from its first message."""
        if thread is None:
            return self._api.guild.rooms[self.message(reply_to).room] if reply_to else self.room(room)
        channel, starter, opened = self._api.guild.resolve(thread)
        if opened is not None:
            return opened
        if starter is None:
            return channel
        made = self._api.guild.open_thread(channel, starter.content[:THREAD_NAME] or "thread", author, starter=starter)
        self.publisher.thread_opened(made, starter)
        return made

    def _interaction_body(self, made: Interaction, place: Room, described: Payload) -> Payload:
        """https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object."""
        guild = self._api.guild
        body: Payload = {
            "id": made.id,
            "application_id": guild.application_id,
            "token": made.token,
            "version": 1,
            "channel_id": place.id,
            "channel": objects.channel(guild, place),
            **described,
            "app_permissions": str(in_room(guild, place)),
            "locale": "en-US",
            "entitlements": [],
            "entitlement_sku_ids": [],
            "authorizing_integration_owners": {"0": guild.id},
            "attachment_size_limit": files.MAX_UPLOAD,
        }
        person = objects.user(made.person)
        if place.type is RoomType.DIRECT:
            return body | {"context": 1, "user": person}
        shown: Payload = {"id": guild.id, "locale": "en-US", "features": []}
        member = objects.member(guild, made.person.id) | {"user": person, "permissions": str(EVERYONE)}
        return body | {
            "context": 0,
            "guild_id": guild.id,
            "guild": shown,
            "guild_locale": "en-US",
            "member": member,
        }
