"""What the guild's owner does: rooms, threads, roles, permissions, members."""

from adapters.discord.simulator.api import Api
from adapters.discord.simulator.guild import FORUMS, Role, Room, RoomKind, Thread
from adapters.discord.simulator.permissions import EVERYONE, bits, can
from adapters.discord.simulator.publisher import Publisher

DEFAULT_ROOM = "general"
TOPIC, FORUM_TOPIC = 1024, 4096  # characters


class Owner:
    """Whoever may change the guild."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def publisher(self) -> Publisher:
        """Tells what happens."""
        return self._api.publisher

    def delete_thread(self, thread: str) -> None:
        """Takes a thread away; the message it was opened from stays."""
        self.publisher.remove(self._thread(thread))

    def delete_room(self, room: str) -> None:
        """Takes a room away with its threads."""
        self.publisher.remove(self.room(room))

    def archive(self, thread: str, *, locked: bool = False) -> None:
        """Archives a thread, and locks it: then only moderators can write there."""
        found = self._thread(thread)
        found.locked = locked
        self.publisher.set_archived(found, archived=True)

    def lock(self, thread: str, *, locked: bool = True) -> None:
        """Locks a thread without archiving it, or unlocks it."""
        found = self._thread(thread)
        found.locked = locked
        self.publisher.thread_changed(found)

    def kick(self) -> None:
        """Removes the bot from the guild; direct channels stay."""
        self.publisher.bot_left()

    def invite_again(self) -> None:
        """Makes the bot a member of the guild again."""
        self.publisher.bot_joined()

    def add_room(self, name: str, *, kind: RoomKind = "text", topic: str | None = None) -> Room:
        """Makes a room."""
        made = self._api.guild.add_room(name, kind, topic)
        self.publisher.room_added(made)
        return made

    def set_topic(self, topic: str | None, *, room: str = DEFAULT_ROOM) -> None:
        """Says what a room is for; in a forum these are its guidelines.

        https://docs.discord.com/developers/resources/channel#channel-object (0 to 1024 characters, a forum's 4096)
        """
        found = self.room(room)
        if len(topic or "") > (FORUM_TOPIC if found.type in FORUMS else TOPIC):
            raise ValueError("this topic is too long for Discord")
        found.topic = topic
        self.publisher.room_changed(found, could_see=can(self._api.guild, found, "view_channel"))

    def role(self, name: str, *people: str) -> str:
        """Gives the role of that name to these people and takes it from all others; its id. Made on first use."""
        guild = self._api.guild
        known = next((each for each, role in guild.roles.items() if role.name == name), None)
        if known is None:
            known = guild.ids.next()
            guild.roles[known] = Role(name)
            self.publisher.role_added(known)
        guild.roles[known].members = {guild.person(person).id for person in people}
        return known

    def leave(self, person: str) -> None:
        """Somebody is no member of the guild any more, and has no role; direct channels stay."""
        guild, gone = self._api.guild, self._api.guild.person(person).id
        guild.strangers.add(gone)
        for role in guild.roles.values():
            role.members.discard(gone)

    def deny(self, room: str, *permissions: str) -> None:
        """Takes permissions from the bot in a room, such as "view_channel" or "send_messages_in_threads"."""
        found, taken = self.room(room), bits(permissions)
        self._overwrite(found, found.allowed & ~taken, found.denied | taken)

    def allow(self, room: str, *permissions: str) -> None:
        """Gives permissions to the bot in a room."""
        found, given = self.room(room), bits(permissions)
        self._overwrite(found, found.allowed | given & ~EVERYONE, found.denied & ~given)

    def room(self, name: str) -> Room:
        """The room with that name or id."""
        found = self._api.guild.find_room(name)
        if found is None:
            raise LookupError(f"no room {name!r}: make one with `add_room`")
        return found

    def _thread(self, thread: str) -> Thread:
        opened = self._api.guild.resolve(thread)[2]
        if opened is None:
            raise LookupError(f"no thread was opened from {thread!r} yet")
        return opened

    def _overwrite(self, room: Room, allowed: int, denied: int) -> None:
        could_see = can(self._api.guild, room, "view_channel")
        room.allowed, room.denied = allowed, denied
        self.publisher.room_changed(room, could_see=could_see)
