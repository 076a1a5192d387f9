"""REST routes for channels, threads, direct channels and the guild.

https://docs.discord.com/developers/resources/channel and https://docs.discord.com/developers/resources/guild.
"""

from adapters.discord.simulator import objects
from adapters.discord.simulator.answers import NO_CONTENT, Answer, ApiError, invalid_form, required
from adapters.discord.simulator.api import Api, Args, Route
from adapters.discord.simulator.guild import FORUMS, THREAD_TYPES, RoomType, Thread
from adapters.discord.simulator.permissions import can
from adapters.discord.simulator.routes_messages import drafted


def channel(api: Api, args: Args) -> Answer:
    """Get Channel, threads included."""
    return Answer(objects.channel(api.guild, api.room(args.path["channel"])))


def modify(api: Api, args: Args) -> Answer:
    """Modify Channel, for threads: `name`, `archived`, `locked`.

    https://docs.discord.com/developers/topics/threads#editing-&-deleting-threads.
    """
    room = api.room(args.path["channel"])
    if not isinstance(room, Thread):
        raise ApiError(50013)
    moderator = can(api.guild, room, "manage_threads")
    owner = room.owner is api.guild.bot
    fields = args.fields
    if not moderator and (not owner or "locked" in fields or room.locked):
        raise ApiError(50013)
    if "name" in fields:
        room.name = args.name()
    if "locked" in fields:
        room.locked = bool(fields["locked"])
    if "archived" in fields:
        api.guild.set_archived(room, bool(fields["archived"]))
    api.publisher.thread_changed(room)
    return Answer(objects.thread(api.guild, room))


def thread_from_message(api: Api, args: Args) -> Answer:
    """Start Thread from Message: the thread gets the message's id."""
    room = api.room(args.path["channel"])
    if room.type not in (RoomType.TEXT, RoomType.ANNOUNCEMENT):
        raise ApiError(50024)
    name = args.name()
    api.need(room, "create_public_threads")
    starter = room.messages.get(args.path["message"])
    if starter is None:
        raise ApiError(10008)
    if starter.id in api.guild.threads:
        raise ApiError(160004)
    opened = api.guild.open_thread(room, name, api.guild.bot, starter=starter)
    api.publisher.thread_opened(opened, starter)
    return Answer(objects.thread(api.guild, opened), 201)


def thread(api: Api, args: Args) -> Answer:
    """Start Thread without Message, or Start Thread in Forum or Media Channel with its first message."""
    room = api.room(args.path["channel"])
    if room.type not in THREAD_TYPES:
        raise ApiError(50024)
    name = args.name()
    if room.type in FORUMS:
        return _forum_post(api, args, name)
    kind = args.fields.get("type", RoomType.PRIVATE_THREAD)
    if kind not in (THREAD_TYPES[room.type], RoomType.PRIVATE_THREAD):
        raise invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of {10, 11, 12}.")
    private = kind == RoomType.PRIVATE_THREAD
    if private and room.type is not RoomType.TEXT:
        raise ApiError(50024)
    api.need(room, "create_private_threads" if private else "create_public_threads")
    opened = api.guild.open_thread(room, name, api.guild.bot, private=private)
    api.publisher.thread_opened(opened, None)
    return Answer(objects.thread(api.guild, opened), 201)


def archived(api: Api, args: Args) -> Answer:
    """List Public Archived Threads, the last archived first."""
    room = api.room(args.path["channel"])
    api.need(room, "read_message_history")
    public = [
        each
        for each in api.guild.threads.values()
        if each.parent is room and each.archived and each.type is not RoomType.PRIVATE_THREAD
    ]
    public.sort(key=lambda each: each.archive_changed, reverse=True)
    limit = args.number("limit", 50, 2, 100)
    return Answer(_threads(api, public[:limit]) | {"has_more": len(public) > limit})


def join(api: Api, args: Args) -> Answer:
    """Join Thread."""
    room = api.room(args.path["channel"])
    if not isinstance(room, Thread):
        raise ApiError(50024)
    if room.archived:
        raise ApiError(50083)
    api.publisher.join(room)
    return NO_CONTENT


def direct(api: Api, args: Args) -> Answer:
    """Create DM. https://docs.discord.com/developers/resources/user#create-dm."""
    recipient = args.fields.get("recipient_id")
    if recipient is None:
        raise required("recipient_id")
    person = api.guild.people.get(str(recipient))
    if person is None:
        raise ApiError(50033)
    if person.is_bot:
        raise ApiError(50007)
    return Answer(objects.direct(api.guild.direct(person)))


def guild(api: Api, args: Args) -> Answer:
    """Get Guild."""
    _in_guild(api, args)
    return Answer(objects.guild_body(api.guild))


def channels(api: Api, args: Args) -> Answer:
    """Get Guild Channels, without threads."""
    _in_guild(api, args)
    return Answer([objects.channel(api.guild, room) for room in api.guild.channels()])


def active_threads(api: Api, args: Args) -> Answer:
    """List Active Guild Threads: those the bot can see, the newest first."""
    _in_guild(api, args)
    active = sorted(objects.active_threads(api.guild), key=lambda each: int(each.id), reverse=True)
    return Answer(_threads(api, active))


def member(api: Api, args: Args) -> Answer:
    """Get Guild Member."""
    _in_guild(api, args)
    person = api.guild.people.get(args.path["user"])
    if person is None:
        raise ApiError(10013)
    if person.id in api.guild.strangers:
        raise ApiError(10007)
    return Answer(objects.member(api.guild, person.id) | {"user": objects.user(person)})


def _forum_post(api: Api, args: Args, name: str) -> Answer:
    room = api.room(args.path["channel"])
    api.need(room, "send_messages")
    message = args.fields.get("message")
    if not isinstance(message, dict):
        raise required("message")
    draft = drafted(api, room, Args(args.path, args.query, message, args.files))
    opened = api.guild.open_thread(room, name, api.guild.bot)
    draft.room = opened.id
    api.publisher.thread_opened(opened, None)
    api.publisher.post(opened, draft, opened.id)
    body = objects.thread(api.guild, opened) | {"message": objects.message(api.guild, draft)}
    return Answer(body, 201)


def _in_guild(api: Api, args: Args) -> None:
    if args.path["guild"] != api.guild.id:
        raise ApiError(10004)
    if not api.guild.has_bot:
        raise ApiError(50001)


def _threads(api: Api, threads: list[Thread]) -> dict[str, object]:
    joined = [each for each in threads if api.guild.bot.id in each.members]
    return {
        "threads": [objects.thread(api.guild, each) for each in threads],
        "members": [objects.thread_member(api.guild, each) for each in joined],
    }


_CHANNEL = "/channels/{channel}"
_GUILD = "/guilds/{guild}"

ROUTES = (
    Route("threads.from_message", "POST", f"{_CHANNEL}/messages/{{message}}/threads", thread_from_message),
    Route("threads.create", "POST", f"{_CHANNEL}/threads", thread),
    Route("threads.archived", "GET", f"{_CHANNEL}/threads/archived/public", archived),
    Route("threads.join", "PUT", f"{_CHANNEL}/thread-members/@me", join),
    Route("channel", "GET", _CHANNEL, channel),
    Route("channel.edit", "PATCH", _CHANNEL, modify),
    Route("dm", "POST", "/users/@me/channels", direct),
    Route("guild", "GET", _GUILD, guild),
    Route("guild.channels", "GET", f"{_GUILD}/channels", channels),
    Route("threads.active", "GET", f"{_GUILD}/threads/active", active_threads),
    Route("member", "GET", f"{_GUILD}/members/{{user}}", member),
)
