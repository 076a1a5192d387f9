"""REST routes for messages and reactions.

https://docs.discord.com/developers/resources/message.
"""

import time
from bisect import bisect_left, bisect_right
from typing import Any, cast

from adapters.discord.simulator import components, objects
from adapters.discord.simulator.answers import NO_CONTENT, Answer, ApiError, invalid_form, too_long
from adapters.discord.simulator.api import Api, Args, Route
from adapters.discord.simulator.files import attach
from adapters.discord.simulator.guild import (
    ANNOUNCEMENTS,
    FORUMS,
    Guild,
    Message,
    MessageType,
    Payload,
    Room,
    RoomType,
    Thread,
)
from adapters.discord.simulator.permissions import can

MAX_CONTENT = 2000
MAX_NONCE = 25
MAX_EMBEDS = 10
MAX_LISTED = 100
"""https://docs.discord.com/developers/resources/message#create-message and #get-channel-messages."""

SETTABLE_FLAGS = 1 << 2 | 1 << 12 | 1 << 13 | 1 << 15
EDITABLE_FLAGS = 1 << 2 | 1 << 15
"""https://docs.discord.com/developers/resources/message#create-message and #edit-message."""

SHOWN_FIELDS = frozenset({"content", "embeds", "components"})
"""An edit of one of these marks the message as edited."""


def create(api: Api, args: Args) -> Answer:
    """Create Message. With `enforce_nonce` the same nonce gives the same message for a while."""
    room = api.room(args.path["channel"])
    may_write(api.guild, room)
    draft = drafted(api, room, args)
    nonce = draft.nonce
    if nonce is not None and args.fields.get("enforce_nonce"):
        known = api.nonces.find(api.guild.bot.id, nonce)
        if known is not None:
            return _existing(api, known, nonce)
    api.publisher.post(room, draft)
    if nonce is not None:
        api.nonces.keep(draft, nonce)
    return Answer(_with_nonce(objects.message(api.guild, draft), nonce))


def listed(api: Api, args: Args) -> Answer:
    """Get Channel Messages: newest first; nothing without READ_MESSAGE_HISTORY."""
    room = api.room(args.path["channel"])
    limit = args.number("limit", 50, 1, MAX_LISTED)
    if room.type in FORUMS:
        raise ApiError(50024)
    if not can(api.guild, room, "read_message_history"):
        return Answer([])
    order = room.order
    start, end = max(0, len(order) - limit), len(order)
    if "around" in args.query:
        middle = bisect_left(order, _snowflake(args, "around"))
        start = max(0, middle - limit // 2)
        end = start + limit
    elif "before" in args.query:
        end = bisect_left(order, _snowflake(args, "before"))
        start = max(0, end - limit)
    elif "after" in args.query:
        start = bisect_right(order, _snowflake(args, "after"))
        end = start + limit
    return Answer([shown(api, room, room.messages[str(each)]) for each in reversed(order[start:end])])


def get(api: Api, args: Args) -> Answer:
    """Get Channel Message."""
    room, message = _message(api, args)
    api.need(room, "read_message_history")
    return Answer(shown(api, room, message))


def edit(api: Api, args: Args) -> Answer:
    """Edit Message: the bot's own ones."""
    room, message = _message(api, args)
    if message.author is not api.guild.bot:
        raise ApiError(50005)
    _not_closed(api.guild, room)
    apply_edit(api, args, message)
    return Answer(objects.message(api.guild, message))


def delete(api: Api, args: Args) -> Answer:
    """Delete Message: the bot's own ones, others with MANAGE_MESSAGES."""
    room, message = _message(api, args)
    if message.type in ANNOUNCEMENTS and message.type != MessageType.THREAD_CREATED:
        raise ApiError(50021)
    if message.author is not api.guild.bot:
        api.need(room, "manage_messages")
    api.publisher.delete(message)
    return NO_CONTENT


def react(api: Api, args: Args) -> Answer:
    """Create Reaction."""
    room, message = _message(api, args)
    api.need(room, "read_message_history")
    api.need(room, "add_reactions")
    _not_closed(api.guild, room)
    users = message.reactions.setdefault(args.path["emoji"], [])
    if api.guild.bot.id not in users:
        users.append(api.guild.bot.id)
        api.publisher.reacted(message, args.path["emoji"], api.guild.bot.id)
    return NO_CONTENT


def unreact(api: Api, args: Args) -> Answer:
    """Delete Own Reaction."""
    _, message = _message(api, args)
    users = message.reactions.get(args.path["emoji"], [])
    if api.guild.bot.id in users:
        users.remove(api.guild.bot.id)
        if not users:
            del message.reactions[args.path["emoji"]]
    return NO_CONTENT


def typing(api: Api, args: Args) -> Answer:
    """Trigger Typing Indicator. https://docs.discord.com/developers/resources/channel#trigger-typing-indicator."""
    room = api.room(args.path["channel"])
    may_write(api.guild, room)
    api.typing.setdefault(room.id, []).append(time.monotonic())
    return NO_CONTENT


def may_write(guild: Guild, room: Room) -> None:
    """Refuses the call where the bot may not write, or nobody can.

    https://docs.discord.com/developers/topics/threads#locked-threads.
    """
    if room.type in FORUMS:
        raise ApiError(40058)
    if isinstance(room, Thread):
        if room.locked and not can(guild, room, "manage_threads"):
            raise ApiError(50083 if room.archived else 160005)
        needed = "send_messages_in_threads"
    else:
        needed = "send_messages"
    if not can(guild, room, needed):
        raise ApiError(50013)


def drafted(api: Api, room: Room, args: Args) -> Message:
    """The message that the body describes."""
    fields, guild = args.fields, api.guild
    content = _content(fields)
    stickers = [{"id": str(each), "name": "sticker", "format_type": 1} for each in fields.get("sticker_ids") or ()]
    draft = Message(
        room.id,
        guild.bot,
        content,
        nonce=_nonce(fields),
        flags=int(fields.get("flags") or 0) & SETTABLE_FLAGS,
        tts=bool(fields.get("tts")),
        allowed_mentions=_allowed_mentions(fields),
        embeds=_embeds(args),
        components=_components(args),
        sticker_items=stickers,
    )
    if not (content or draft.embeds or draft.components or stickers or args.files or fields.get("poll")):
        raise ApiError(50006)
    _reply(api, room, fields, draft)
    if args.files:
        api.need(room, "attach_files")
        draft.attachments = attach(guild, api.url(), room.id, args)
    return draft


def apply_edit(api: Api, args: Args, message: Message, *, marked: bool = True) -> None:
    """Changes what the body names; a missing field stays, null empties it. `marked` shows it as edited."""
    fields = args.fields
    content = _content(fields) if "content" in fields else message.content
    embeds = _embeds(args) if "embeds" in fields else message.embeds
    rows = _components(args) if "components" in fields else message.components
    if not (content or embeds or rows or message.attachments or message.sticker_items):
        raise ApiError(50006)
    if "allowed_mentions" in fields:
        message.allowed_mentions = _allowed_mentions(fields)
    if fields.get("flags") is not None:
        message.flags = message.flags & ~EDITABLE_FLAGS | int(fields["flags"]) & EDITABLE_FLAGS
    message.embeds, message.components = embeds, rows
    api.publisher.edited(message, content, marked=marked and not fields.keys().isdisjoint(SHOWN_FIELDS))


def shown(api: Api, room: Room, message: Message) -> Payload:
    """The message as the bot may read it: without the message content intent some are empty here, too."""
    body = objects.message(api.guild, message)
    if not api.message_content and objects.needs_intent(api.guild, room, message):
        return objects.hide_content(body)
    return body


def _existing(api: Api, known: Message, nonce: str | int) -> Answer:
    room = api.guild.rooms.get(known.room)
    if room is None or known.id not in room.messages:
        raise ApiError(10008)
    return Answer(_with_nonce(objects.message(api.guild, known), nonce))


def _with_nonce(body: Payload, nonce: str | int | None) -> Payload:
    return body if nonce is None else body | {"nonce": nonce}


def _message(api: Api, args: Args) -> tuple[Room, Message]:
    room = api.room(args.path["channel"])
    message = room.messages.get(args.path["message"])
    if message is None:
        raise ApiError(10008)
    return room, message


def _not_closed(guild: Guild, room: Room) -> None:
    """Messages in archived threads can neither be edited nor reacted to."""
    if isinstance(room, Thread) and room.archived:
        raise ApiError(50083)
    if isinstance(room, Thread) and room.locked and not can(guild, room, "manage_threads"):
        raise ApiError(160005)


def _snowflake(args: Args, name: str) -> int:
    text = args.query[name]
    if not text.isdecimal():
        raise invalid_form(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


def _content(fields: Payload) -> str:
    content = str(fields.get("content") or "").strip()
    if len(content) > MAX_CONTENT:
        raise too_long("content", MAX_CONTENT)
    return content


def _nonce(fields: Payload) -> str | int | None:
    nonce: Any = fields.get("nonce")
    if nonce is None:
        return None
    if len(str(nonce)) > MAX_NONCE:
        raise too_long("nonce", MAX_NONCE)
    return nonce if isinstance(nonce, int) else str(nonce)


def _embeds(args: Args) -> list[Payload]:
    embeds = args.objects("embeds")
    if len(embeds) > MAX_EMBEDS:
        raise invalid_form("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_EMBEDS} or fewer in length.")
    return embeds


def _components(args: Args) -> list[Payload]:
    found = args.objects("components")
    components.check(found)
    return found


def _allowed_mentions(fields: Payload) -> Payload | None:
    """https://docs.discord.com/developers/resources/message#allowed-mentions-object."""
    allowed: object = fields.get("allowed_mentions")
    if not isinstance(allowed, dict):
        return None
    given = cast("Payload", allowed)
    for name in ("users", "roles"):
        if name in (given.get("parse") or ()) and given.get(name):
            detail = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            raise invalid_form("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", detail)
    return given


def _reply(api: Api, room: Room, fields: Payload, draft: Message) -> None:
    """https://docs.discord.com/developers/resources/message#message-reference-structure."""
    given: object = fields.get("message_reference")
    if not isinstance(given, dict):
        return
    reference = cast("Payload", given)
    answered = room.messages.get(str(reference.get("message_id")))
    if answered is None or str(reference.get("channel_id", room.id)) != room.id:
        if reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return
    if answered.type in ANNOUNCEMENTS:
        detail = "Cannot reply to a system message"
        raise invalid_form("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", detail)
    if room.type is not RoomType.DIRECT and not can(api.guild, room, "read_message_history"):
        raise ApiError(160002)
    draft.type = MessageType.REPLY
    draft.message_reference = api.publisher.reference(room.id, answered.id)


_CHANNEL = "/channels/{channel}"
_MESSAGE = f"{_CHANNEL}/messages/{{message}}"

ROUTES = (
    Route("messages.create", "POST", f"{_CHANNEL}/messages", create),
    Route("messages.list", "GET", f"{_CHANNEL}/messages", listed),
    Route("message", "GET", _MESSAGE, get),
    Route("message.edit", "PATCH", _MESSAGE, edit),
    Route("message.delete", "DELETE", _MESSAGE, delete),
    Route("reaction", "PUT", f"{_MESSAGE}/reactions/{{emoji}}/@me", react),
    Route("reaction", "DELETE", f"{_MESSAGE}/reactions/{{emoji}}/@me", unreact),
    Route("typing", "POST", f"{_CHANNEL}/typing", typing),
)
