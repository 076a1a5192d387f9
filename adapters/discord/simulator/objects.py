"""The state as the API's JSON objects.

https://docs.discord.com/developers/resources/message#message-object,
https://docs.discord.com/developers/resources/channel#channel-object,
https://docs.discord.com/developers/resources/guild#guild-object,
https://docs.discord.com/developers/resources/user#user-object.
"""

from adapters.discord.simulator import permissions
from adapters.discord.simulator.guild import (
    AUTO_ARCHIVE_MINUTES,
    FORUMS,
    HAS_THREAD,
    Guild,
    Message,
    MessageType,
    Payload,
    Person,
    Room,
    RoomType,
    Thread,
    created_at,
    iso,
)
from adapters.discord.simulator.signing import signed

MAX_COUNTED_MEMBERS = 50
"""A thread's `member_count` stops here. https://docs.discord.com/developers/topics/threads#thread-fields."""


def user(person: Person) -> Payload:
    """A user as others see it."""
    body: Payload = {
        "id": person.id,
        "username": person.name if person.is_bot else person.name.lower().replace(" ", "."),
        "discriminator": "0001" if person.is_bot else "0",
        "global_name": None if person.is_bot else person.name,
        "avatar": None,
        "avatar_decoration_data": None,
        "public_flags": 0,
    }
    return body | {"bot": True} if person.is_bot else body


def bot_user(guild: Guild) -> Payload:
    """The bot as it sees itself: READY's `user` and `GET /users/@me`."""
    return user(guild.bot) | {
        "mfa_enabled": False,
        "locale": "en-US",
        "verified": True,
        "email": None,
        "flags": 0,
        "bio": "",
    }


def member(guild: Guild, user_id: str) -> Payload:
    """A guild member without `user`, as messages carry it. Nobody here has a nickname.

    `roles` are without the one that all have. https://docs.discord.com/developers/resources/guild#guild-member-object.
    """
    return {
        "roles": sorted(role for role, role_of in guild.roles.items() if user_id in role_of.members),
        "nick": None,
        "avatar": None,
        "joined_at": iso(created_at(guild.id)),
        "premium_since": None,
        "pending": False,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def channel(guild: Guild, room: Room) -> Payload:
    """A channel, a thread or a direct channel."""
    if isinstance(room, Thread):
        return thread(guild, room)
    if room.type is RoomType.DIRECT:
        return direct(room)
    body: Payload = {
        "id": room.id,
        "type": room.type,
        "guild_id": guild.id,
        "name": room.name,
        "position": room.position,
        "parent_id": None,
        "flags": 0,
        "nsfw": False,
        "permission_overwrites": permissions.overwrites(guild, room),
        "last_message_id": room.last_message_id,
        "rate_limit_per_user": 0,
    }
    if room.type is RoomType.VOICE:
        return body | {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    body["topic"] = room.topic
    if room.type in FORUMS:
        return body | {
            "available_tags": [],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
            "template": "",
        }
    return body | {"last_pin_timestamp": None}


def direct(room: Room) -> Payload:
    """A direct channel; its recipients are without the bot itself."""
    return {
        "id": room.id,
        "type": room.type,
        "flags": 0,
        "last_message_id": room.last_message_id,
        "recipients": [user(room.person)] if room.person else [],
    }


def thread(guild: Guild, room: Thread) -> Payload:
    """A thread or a forum post, with `member` where the bot is one of its members."""
    metadata: Payload = {
        "archived": room.archived,
        "archive_timestamp": iso(room.archive_changed),
        "auto_archive_duration": AUTO_ARCHIVE_MINUTES,
        "locked": room.locked,
        "create_timestamp": iso(created_at(room.id)),
    }
    if room.type is RoomType.PRIVATE_THREAD:
        metadata["invitable"] = True
    body: Payload = {
        "id": room.id,
        "type": room.type,
        "guild_id": guild.id,
        "parent_id": room.parent.id,
        "owner_id": room.owner.id,
        "name": room.name,
        "flags": 0,
        "last_message_id": room.last_message_id,
        "rate_limit_per_user": 0,
        "message_count": room.message_count,
        "total_message_sent": room.total_message_sent,
        "member_count": min(len(room.members), MAX_COUNTED_MEMBERS),
        "thread_metadata": metadata,
    }
    if room.parent.type in FORUMS:
        body["applied_tags"] = []
    if guild.bot.id in room.members:
        body["member"] = thread_member(guild, room)
    return body


def thread_member(guild: Guild, room: Thread) -> Payload:
    """The bot's own membership."""
    bot = guild.bot.id
    return {"id": room.id, "user_id": bot, "join_timestamp": iso(room.members[bot]), "flags": 0}


def message(guild: Guild, stored: Message, *, quoted: bool = True) -> Payload:
    """A message as the REST API shows it. With `quoted`, one that answers another carries that one whole."""
    people = guild.people
    body: Payload = {
        "id": stored.id,
        "channel_id": stored.room,
        "type": stored.type,
        "author": user(stored.author) | ({"discriminator": "0000"} if stored.webhook_id else {}),
        "content": stored.content,
        "timestamp": iso(created_at(stored.id)),
        "edited_timestamp": iso(stored.edited) if stored.edited else None,
        "tts": stored.tts,
        "mention_everyone": stored.mention_everyone,
        "mentions": [user(people[each]) for each in stored.mentions if each in people],
        "mention_roles": stored.mention_roles,
        "attachments": [signed(guild, each) for each in stored.attachments],
        "embeds": stored.embeds,
        "components": stored.components,
        "pinned": False,
        "flags": stored.flags,
    }
    for name, value in (
        ("sticker_items", stored.sticker_items),
        ("webhook_id", stored.webhook_id),
        ("application_id", stored.application_id),
        ("interaction_metadata", stored.interaction_metadata),
        ("reactions", _reactions(guild, stored) if stored.reactions else None),
    ):
        if value:
            body[name] = value
    if stored.position is not None:
        body["position"] = stored.position
    if stored.message_reference:
        body["message_reference"] = stored.message_reference
        if quoted and stored.type != MessageType.THREAD_CREATED:
            original = _referenced(guild, stored.message_reference)
            body["referenced_message"] = message(guild, original, quoted=False) if original else None
    if stored.flags & HAS_THREAD and stored.id in guild.threads:
        body["thread"] = thread(guild, guild.threads[stored.id])
    return body


def message_event(guild: Guild, stored: Message) -> Payload:
    """A message as MESSAGE_CREATE and MESSAGE_UPDATE show it: in a guild with `guild_id`, `member` and members.

    https://docs.discord.com/developers/events/gateway-events#message-create.
    """
    body = message(guild, stored)
    if guild.rooms[stored.room].type is RoomType.DIRECT:
        return body | {"channel_type": RoomType.DIRECT}
    body["guild_id"] = guild.id
    body["channel_type"] = guild.rooms[stored.room].type
    if not stored.webhook_id:
        body["member"] = member(guild, stored.author.id)
    for mentioned in body["mentions"]:
        mentioned["member"] = member(guild, mentioned["id"])
    return body


def needs_intent(guild: Guild, room: Room, stored: Message) -> bool:
    """Whether its content is only for apps with the message content intent: not for the bot's own messages, not in
    direct channels, and not where the bot is mentioned.

    https://docs.discord.com/developers/events/gateway#message-content-intent.
    """
    return stored.author is not guild.bot and room.type is not RoomType.DIRECT and guild.bot.id not in stored.mentions


def hide_content(body: Payload) -> Payload:
    """The same message for an app without the message content intent.

    https://docs.discord.com/developers/events/gateway#message-content-intent.
    """
    return body | {"content": "", "embeds": [], "attachments": [], "components": []}


def guild_body(guild: Guild) -> Payload:
    """The guild as `GET /guilds/{id}` shows it."""
    return {
        "id": guild.id,
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": guild.owner.id,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [everyone_role(guild), bot_role(guild), *(role(guild, each) for each in guild.roles)],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "stickers": [],
        "max_members": 500000,
        "max_presences": None,
        "max_video_channel_users": 25,
    }


def guild_create(guild: Guild) -> Payload:
    """GUILD_CREATE's body: every channel, and the active threads that the bot can see.

    https://docs.discord.com/developers/events/gateway-events#guild-create.
    """
    return guild_body(guild) | {
        "joined_at": iso(created_at(guild.id)),
        "large": False,
        "member_count": len(guild.people),
        "voice_states": [],
        "members": [member(guild, guild.bot.id) | {"user": user(guild.bot)}],
        "channels": [channel(guild, room) for room in guild.channels()],
        "threads": [thread(guild, each) for each in active_threads(guild)],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def active_threads(guild: Guild) -> list[Thread]:
    """The threads that are not archived and that the bot can see."""
    return [each for each in guild.threads.values() if not each.archived and permissions.can_see(guild, each)]


def everyone_role(guild: Guild) -> Payload:
    """The role that all members have; its id is the guild's."""
    return {
        "id": guild.id,
        "name": "@everyone",
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": 0,
        "permissions": str(permissions.EVERYONE),
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def bot_role(guild: Guild) -> Payload:
    """The role that an invited bot brings along; people mention it in the bot's place.

    https://docs.discord.com/developers/topics/permissions#role-object-role-tags-structure.
    """
    return everyone_role(guild) | {
        "id": guild.bot_role,
        "name": guild.bot.name,
        "position": 1,
        "managed": True,
        "tags": {"bot_id": guild.bot.id},
    }


def role(guild: Guild, role_id: str) -> Payload:
    """A role that people were given."""
    position = 2 + list(guild.roles).index(role_id)
    return everyone_role(guild) | {"id": role_id, "name": guild.roles[role_id].name, "position": position}


def _referenced(guild: Guild, reference: Payload) -> Message | None:
    room = guild.rooms.get(reference["channel_id"])
    return room.messages.get(reference.get("message_id", "")) if room else None


def _reactions(guild: Guild, stored: Message) -> list[Payload]:
    return [
        {
            "emoji": {"id": None, "name": name},
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "me": guild.bot.id in users,
            "me_burst": False,
            "burst_colors": [],
        }
        for name, users in stored.reactions.items()
    ]
