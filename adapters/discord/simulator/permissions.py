"""What the bot may do where: everything that a new guild lets everybody do, and overwrites per channel.

https://docs.discord.com/developers/topics/permissions.
"""

from adapters.discord.simulator.guild import Guild, Payload, Room, RoomType, Thread

# name, as discord.py spells it -> bit
PERMISSIONS = {
    "add_reactions": 1 << 6,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "use_external_emojis": 1 << 18,
    "connect": 1 << 20,
    "speak": 1 << 21,
    "change_nickname": 1 << 26,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "create_private_threads": 1 << 36,
    "use_external_stickers": 1 << 37,
    "send_messages_in_threads": 1 << 38,
}

EVERYONE = sum(PERMISSIONS.values()) - PERMISSIONS["manage_messages"] - PERMISSIONS["manage_threads"]
"""The bits of the role @everyone, which all members have."""

MEMBER_OVERWRITE = 1


def bits(names: tuple[str, ...]) -> int:
    """The bits with those names."""
    return sum(PERMISSIONS[name] for name in names)


def in_room(guild: Guild, room: Room) -> int:
    """The bot's permission bits there. Threads inherit their channel's; outside of its guild the bot has none."""
    if room.type is RoomType.DIRECT:
        return EVERYONE
    if not guild.has_bot:
        return 0
    channel = room.parent if isinstance(room, Thread) else room
    return (EVERYONE & ~channel.denied) | channel.allowed


def can(guild: Guild, room: Room, name: str) -> bool:
    """Whether the bot has that permission there."""
    return bool(in_room(guild, room) & PERMISSIONS[name])


def can_see(guild: Guild, room: Room) -> bool:
    """Whether the bot can see the room; a private thread only as one of its members, or as a moderator.

    https://docs.discord.com/developers/topics/threads#permissions.
    """
    granted = in_room(guild, room)
    if not granted & PERMISSIONS["view_channel"]:
        return False
    if isinstance(room, Thread) and room.type is RoomType.PRIVATE_THREAD:
        return guild.bot.id in room.members or bool(granted & PERMISSIONS["manage_threads"])
    return True


def overwrites(guild: Guild, room: Room) -> list[Payload]:
    """The channel's `permission_overwrites`: at most one, for the bot."""
    if not (room.allowed or room.denied):
        return []
    return [{"id": guild.bot.id, "type": MEMBER_OVERWRITE, "allow": str(room.allowed), "deny": str(room.denied)}]
