"""Tells everybody what changed in the guild: the bot by gateway events, the watchers by `Said`.

https://docs.discord.com/developers/events/gateway-events.
"""

from collections.abc import Callable, Sequence

from adapters.discord.simulator import mentions, objects
from adapters.discord.simulator.guild import ANNOUNCEMENTS, Guild, Message, MessageType, Payload, Room, RoomType, Thread
from adapters.discord.simulator.permissions import can, can_see
from adapters.discord.simulator.sessions import (
    DIRECT_MESSAGE_REACTIONS,
    DIRECT_MESSAGES,
    GUILD_MESSAGE_REACTIONS,
    GUILD_MESSAGES,
    GUILDS,
    Event,
    encode,
)
from bridge.testing.simulator import Said


class Publisher:
    """Writes into the guild and sends events for what the bot can see. Watchers see everything."""

    def __init__(self, guild: Guild, dispatch: Callable[[Event], None]) -> None:
        self.guild = guild
        self.newest: Event | None = None
        """The newest MESSAGE_CREATE about a message that is not the bot's own."""
        self.watchers: list[Callable[[Said], None]] = []
        self.post_watchers: list[Callable[[Message], None]] = []
        self._dispatch = dispatch

    def said(self, message: Message) -> Said:
        """The message as a person sees it."""
        return Said(
            id=message.id,
            thread=message.thread,
            author=message.author.name,
            text=mentions.visible(message.content, self._name_of),
            by_bot=message.author is self.guild.bot,
            edited=message.edited is not None,
        )

    def post(self, room: Room, draft: Message, message_id: str = "") -> Message:
        """Puts the message into the room, unarchives the thread, and tells everybody."""
        guild = self.guild
        self._address(draft)
        if isinstance(room, Thread):
            if room.archived:
                self.set_archived(room, archived=False)
            self._join(room, draft)
        guild.post(room, draft, message_id)
        self._message("MESSAGE_CREATE", room, draft)
        self._seen(draft)
        if draft.author is guild.bot and draft.type not in ANNOUNCEMENTS:
            for seen in self.post_watchers:
                seen(draft)
        return draft

    def edited(self, message: Message, content: str, *, marked: bool = True) -> None:
        """The author changed the text; `marked` shows it as edited."""
        message.content = content
        message.edited = self.guild.clock() if marked else message.edited
        self._address(message)
        self._message("MESSAGE_UPDATE", self.guild.rooms[message.room], message)
        self._seen(message)

    def changed(self, message: Message) -> None:
        """Something but the text changed."""
        self._message("MESSAGE_UPDATE", self.guild.rooms[message.room], message)

    def delete(self, message: Message) -> None:
        """Takes the message away."""
        room = self.guild.rooms[message.room]
        self.guild.delete(message)
        body = self._in_guild(room, {"id": message.id, "channel_id": room.id})
        self._send("MESSAGE_DELETE", self._message_intent(room), room, body)

    def delete_many(self, messages: Sequence[Message]) -> None:
        """Takes messages of one room away: https://docs.discord.com/developers/events/gateway-events#message-delete-bulk."""
        room = self.guild.rooms[messages[0].room]
        for message in messages:
            self.guild.delete(message)
        body = self._in_guild(room, {"ids": [message.id for message in messages], "channel_id": room.id})
        self._send("MESSAGE_DELETE_BULK", self._message_intent(room), room, body)

    def reacted(self, message: Message, emoji: str, user_id: str) -> None:
        """Somebody added a reaction."""
        room = self.guild.rooms[message.room]
        body = {
            "user_id": user_id,
            "channel_id": room.id,
            "message_id": message.id,
            "message_author_id": message.author.id,
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        intent = DIRECT_MESSAGE_REACTIONS if room.type is RoomType.DIRECT else GUILD_MESSAGE_REACTIONS
        self._send("MESSAGE_REACTION_ADD", intent, room, self._in_guild(room, body))

    def thread_opened(self, thread: Thread, starter: Message | None) -> None:
        """A thread exists: its event, the message it was opened from, and what announces it.

        From a message: a THREAD_STARTER_MESSAGE in the thread. Without one: a THREAD_CREATED in the channel, except
        for forum posts and private threads.
        https://docs.discord.com/developers/topics/threads#new-message-types.
        """
        guild, parent = self.guild, thread.parent
        self._send("THREAD_CREATE", GUILDS, thread, objects.thread(guild, thread) | {"newly_created": True})
        if guild.bot.id in thread.members:
            self._member_added(thread)
        if starter is not None:
            self.changed(starter)
            self.post(
                thread,
                Message(
                    thread.id,
                    thread.owner,
                    "",
                    type=MessageType.THREAD_STARTER_MESSAGE,
                    message_reference=self.reference(parent.id, starter.id),
                ),
            )
        elif parent.type in (RoomType.TEXT, RoomType.ANNOUNCEMENT) and thread.type is not RoomType.PRIVATE_THREAD:
            reference = {"type": 0, "channel_id": thread.id, "guild_id": guild.id}
            announced = Message(
                parent.id,
                thread.owner,
                thread.name,
                type=MessageType.THREAD_CREATED,
                message_reference=reference,
            )
            self.post(parent, announced)

    def join(self, thread: Thread) -> None:
        """The bot becomes a member of the thread."""
        bot = self.guild.bot.id
        if bot not in thread.members:
            thread.members[bot] = self.guild.clock()
            self._member_added(thread)

    def set_archived(self, thread: Thread, *, archived: bool) -> None:
        """Archives the thread or makes it active again."""
        self.guild.set_archived(thread, archived)
        self.thread_changed(thread)

    def thread_changed(self, thread: Thread) -> None:
        """Its name, its archiving or its lock changed."""
        self._send("THREAD_UPDATE", GUILDS, thread, objects.thread(self.guild, thread))

    def remove(self, room: Room) -> None:
        """Takes away a thread, or a channel with its threads."""
        guild = self.guild
        if isinstance(room, Thread):
            body: Payload = {"id": room.id, "guild_id": guild.id, "parent_id": room.parent.id, "type": room.type}
            self._send("THREAD_DELETE", GUILDS, room, body)
        else:
            self._send("CHANNEL_DELETE", GUILDS, room, objects.channel(guild, room))
        guild.remove(room)

    def room_added(self, room: Room) -> None:
        """A channel is new."""
        self._send("CHANNEL_CREATE", GUILDS, room, objects.channel(self.guild, room))

    def room_changed(self, room: Room, *, could_see: bool) -> None:
        """The bot's permissions in a channel changed; one that it gained access to comes with its active threads.

        https://docs.discord.com/developers/topics/threads#channel-access.
        """
        guild = self.guild
        self._dispatch(Event("CHANNEL_UPDATE", GUILDS, encode(objects.channel(guild, room))))
        if can(guild, room, "view_channel") and not could_see:
            active = [each for each in objects.active_threads(guild) if each.parent is room]
            joined = [each for each in active if guild.bot.id in each.members]
            body: Payload = {
                "guild_id": guild.id,
                "channel_ids": [room.id],
                "threads": [objects.thread(guild, each) for each in active],
                "members": [objects.thread_member(guild, each) for each in joined],
            }
            self._dispatch(Event("THREAD_LIST_SYNC", GUILDS, encode(body)))

    def role_added(self, role: str) -> None:
        """A role is new. https://docs.discord.com/developers/events/gateway-events#guild-role-create."""
        body = {"guild_id": self.guild.id, "role": objects.role(self.guild, role)}
        self._dispatch(Event("GUILD_ROLE_CREATE", GUILDS, encode(body)))

    def bot_left(self) -> None:
        """The bot was removed from the guild: GUILD_DELETE without `unavailable`."""
        self.guild.has_bot = False
        self._dispatch(Event("GUILD_DELETE", GUILDS, encode({"id": self.guild.id})))

    def bot_joined(self) -> None:
        """The bot is a member again: GUILD_CREATE without `unavailable`."""
        self.guild.has_bot = True
        self._dispatch(Event("GUILD_CREATE", GUILDS, encode(objects.guild_create(self.guild))))

    def interaction(self, body: Payload) -> None:
        """Somebody used a command. No intent is needed."""
        self._dispatch(Event("INTERACTION_CREATE", 0, encode(body)))

    def redeliver(self) -> None:
        """The newest message of a person once more."""
        if self.newest is None:
            raise LookupError("there is no event to deliver again: nobody wrote where the bot can see it")
        self._dispatch(self.newest)

    def reference(self, channel_id: str, message_id: str) -> Payload:
        """The `message_reference` to a message.

        https://docs.discord.com/developers/resources/message#message-reference-structure.
        """
        reference: Payload = {"type": 0, "channel_id": channel_id, "message_id": message_id}
        return self._in_guild(self.guild.rooms[channel_id], reference)

    def _address(self, message: Message) -> None:
        """Finds out whom the message notifies."""
        guild, reference = self.guild, message.message_reference
        replied_to = ""
        if message.type == MessageType.REPLY and reference is not None:
            room = guild.rooms.get(reference["channel_id"])
            answered = room.messages.get(reference["message_id"]) if room else None
            replied_to = answered.author.id if answered and answered.author is not message.author else ""
        found = mentions.notified(message.content, message.allowed_mentions, replied_to=replied_to)
        message.mentions = [each for each in found.users if each in guild.people]
        message.mention_roles = [each for each in found.roles if each in {guild.id, guild.bot_role}]
        everyone = found.everyone
        if message.author is guild.bot:
            everyone = everyone and can(guild, guild.rooms[message.room], "mention_everyone")
        message.mention_everyone = everyone

    def _join(self, thread: Thread, draft: Message) -> None:
        """Whoever writes in a thread, or is mentioned there, becomes a member of it."""
        guild, now = self.guild, self.guild.clock()
        bot = guild.bot.id
        knew = bot in thread.members
        for user_id in (draft.author.id, *draft.mentions):
            if not draft.webhook_id or user_id != draft.author.id:
                thread.members.setdefault(user_id, now)
        if bot in thread.members and not knew:
            if thread.type is RoomType.PRIVATE_THREAD:
                self._send("THREAD_CREATE", GUILDS, thread, objects.thread(guild, thread))
            self._member_added(thread)

    def _member_added(self, thread: Thread) -> None:
        """https://docs.discord.com/developers/events/gateway-events#thread-members-update."""
        guild = self.guild
        added = objects.thread_member(guild, thread) | {
            "member": objects.member(guild, guild.bot.id) | {"user": objects.user(guild.bot)}
        }
        body: Payload = {
            "id": thread.id,
            "guild_id": guild.id,
            "member_count": min(len(thread.members), objects.MAX_COUNTED_MEMBERS),
            "added_members": [added],
            "removed_member_ids": [],
        }
        self._send("THREAD_MEMBERS_UPDATE", GUILDS, thread, body)

    def _message(self, name: str, room: Room, message: Message) -> None:
        """A message event, with and without the content that needs an intent."""
        guild = self.guild
        if not can_see(guild, room):
            return
        body = objects.message_event(guild, message)
        hidden = ""
        if objects.needs_intent(guild, room, message):
            hidden = encode(objects.hide_content(body))
        created = name == "MESSAGE_CREATE"
        if created and message.nonce is not None:
            body["nonce"] = message.nonce
        event = Event(name, self._message_intent(room), encode(body), hidden, message.id if created else "")
        if created and message.author is not guild.bot:
            self.newest = event
        self._dispatch(event)

    def _send(self, name: str, intent: int, room: Room, body: Payload) -> None:
        if can_see(self.guild, room):
            self._dispatch(Event(name, intent, encode(body)))

    def _in_guild(self, room: Room, body: Payload) -> Payload:
        return body if room.type is RoomType.DIRECT else body | {"guild_id": self.guild.id}

    def _message_intent(self, room: Room) -> int:
        return DIRECT_MESSAGES if room.type is RoomType.DIRECT else GUILD_MESSAGES

    def _seen(self, message: Message) -> None:
        if message.type in ANNOUNCEMENTS:
            return
        said = self.said(message)
        for seen in self.watchers:
            seen(said)

    def _name_of(self, target: str) -> str:
        person = self.guild.people.get(target)
        if person is not None:
            return person.name
        room = self.guild.rooms.get(target)
        return room.name if room else target
