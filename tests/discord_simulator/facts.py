"""Facts from Discord's documentation, written by hand: field names and types of its objects.

https://docs.discord.com/developers/events/gateway-events, https://docs.discord.com/developers/resources/message,
https://docs.discord.com/developers/resources/channel, https://docs.discord.com/developers/resources/user,
https://docs.discord.com/developers/resources/guild, https://docs.discord.com/developers/resources/application.
"""

from typing import Any

# field -> type, or types, or the value itself where there is only one
USER: dict[str, Any] = {
    "id": str,
    "username": str,
    "discriminator": str,
    "global_name": (str, type(None)),
    "avatar": None,
    "avatar_decoration_data": None,
    "public_flags": int,
}
MEMBER: dict[str, Any] = {
    "roles": list,
    "nick": None,
    "avatar": None,
    "joined_at": str,
    "premium_since": None,
    "pending": bool,
    "communication_disabled_until": None,
    "deaf": bool,
    "mute": bool,
    "flags": int,
}
MESSAGE: dict[str, Any] = {
    "id": str,
    "channel_id": str,
    "type": 0,
    "author": dict,
    "content": str,
    "timestamp": str,
    "edited_timestamp": None,
    "tts": bool,
    "mention_everyone": bool,
    "mentions": list,
    "mention_roles": list,
    "attachments": list,
    "embeds": list,
    "components": list,
    "pinned": bool,
    "flags": int,
}
MESSAGE_CREATE = MESSAGE | {"guild_id": str, "channel_type": int, "member": dict}
IN_THREAD = MESSAGE_CREATE | {"position": int}
REFERENCE: dict[str, Any] = {"type": 0, "channel_id": str, "guild_id": str, "message_id": str}
ATTACHMENT: dict[str, Any] = {
    "id": str,
    "filename": str,
    "size": int,
    "url": str,
    "proxy_url": str,
    "content_type": str,
    "content_scan_version": int,
}
CHANNEL: dict[str, Any] = {
    "id": str,
    "type": int,
    "guild_id": str,
    "name": str,
    "position": int,
    "parent_id": None,
    "flags": int,
    "nsfw": bool,
    "permission_overwrites": list,
    "last_message_id": (str, type(None)),
    "rate_limit_per_user": int,
    "topic": (str, type(None)),
}
TEXT = CHANNEL | {"type": 0, "last_pin_timestamp": None}
FORUM = CHANNEL | {
    "type": 15,
    "available_tags": list,
    "default_reaction_emoji": None,
    "default_sort_order": None,
    "default_forum_layout": int,
    "template": str,
}
THREAD: dict[str, Any] = {
    "id": str,
    "type": 11,
    "guild_id": str,
    "parent_id": str,
    "owner_id": str,
    "name": str,
    "flags": int,
    "last_message_id": (str, type(None)),
    "rate_limit_per_user": int,
    "message_count": int,
    "total_message_sent": int,
    "member_count": int,
    "thread_metadata": dict,
}
METADATA: dict[str, Any] = {
    "archived": bool,
    "archive_timestamp": str,
    "auto_archive_duration": int,
    "locked": bool,
    "create_timestamp": str,
}
THREAD_MEMBER: dict[str, Any] = {"id": str, "user_id": str, "join_timestamp": str, "flags": int}


def check(payload: dict[str, Any], facts: dict[str, Any]) -> None:
    assert set(payload) == set(facts)
    for name, fact in facts.items():
        if isinstance(fact, tuple):
            assert type(payload[name]) in fact, name
        elif isinstance(fact, type):
            assert type(payload[name]) is fact, name
        else:
            assert payload[name] == fact, name
