"""The API methods that read: `conversations.*`, `users.*`, `usergroups.*`, `team.info`, `bots.info`, `auth.test`.

Shapes and error codes as on the methods' pages below https://docs.slack.dev/reference/methods.
"""

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeVar

from adapters.slack.simulator.arguments import ApiError, Args, room_named
from adapters.slack.simulator.events import bot_profile, message_body
from adapters.slack.simulator.methods_chat import Method
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.workspace import Message, Payload, Person, Room, Workspace

_Item = TypeVar("_Item")

MAX_REPLIES = 1_000
MAX_HISTORY = 999
DEFAULT_HISTORY = 100
DEFAULT_LIST = 100


def replies(publisher: Publisher, args: Args) -> Payload:
    """`conversations.replies`: oldest first. The thread's first message heads the first page, whatever the range."""
    workspace, room = publisher.workspace, _readable_room(publisher, args)
    found = room.messages.get(args.required("ts"))
    if found is None:
        raise ApiError("thread_not_found")
    root = room.messages[found.root_ts]
    following = room.replies.get(root.ts, [])
    first, last = _range(following, args)
    limit = min(args.integer("limit", MAX_REPLIES), MAX_REPLIES)
    cursor = args.text("cursor")
    page = [] if cursor else [root]
    if cursor:
        first = max(first, bisect_left(following, _decode_cursor(cursor)))
    end = min(last, first + limit - len(page))
    page += [room.messages[ts] for ts in following[first:end]]
    more = end < last
    answer = _messages(workspace, page, args, more)
    if more:
        answer["response_metadata"] = {"next_cursor": _encode_cursor(following[end])}
    return answer


def history(publisher: Publisher, args: Args) -> Payload:
    """`conversations.history`: newest first, without the replies of threads."""
    workspace, room = publisher.workspace, _readable_room(publisher, args)
    first, last = _range(room.top, args)
    limit = min(args.integer("limit", DEFAULT_HISTORY), MAX_HISTORY)
    cursor = args.text("cursor")
    if cursor:
        last = min(last, bisect_right(room.top, _decode_cursor(cursor)))
    start = max(first, last - limit)
    page = [room.messages[ts] for ts in reversed(room.top[start:last])]
    more = start > first
    answer = _messages(workspace, page, args, more) | {"pin_count": 0}
    if more:
        answer["response_metadata"] = {"next_cursor": _encode_cursor(room.top[start - 1])}
    return answer


def room_info(publisher: Publisher, args: Args) -> Payload:
    """`conversations.info`."""
    return {"ok": True, "channel": _room_body(publisher.workspace, room_named(publisher.workspace, args))}


def open_room(publisher: Publisher, args: Args) -> Payload:
    """`conversations.open`: the direct conversation with one person."""
    workspace = publisher.workspace
    if args.text("channel"):
        return {"ok": True, "no_op": True, "already_open": True, "channel": {"id": room_named(workspace, args).id}}
    users = args.required("users").split(",")
    person = workspace.people.get(users[0])
    if person is None or len(users) > 1:
        raise ApiError("user_not_found" if person is None else "not_enough_users")
    room = workspace.direct(person)
    body = _room_body(workspace, room) if args.flag("return_im") else {"id": room.id}
    return {"ok": True, "no_op": bool(room.messages), "already_open": bool(room.messages), "channel": body}


def list_rooms(publisher: Publisher, args: Args) -> Payload:
    """`conversations.list`."""
    return _rooms(publisher.workspace, args, list(publisher.workspace.rooms.values()))


def list_own_rooms(publisher: Publisher, args: Args) -> Payload:
    """`users.conversations`: the rooms of that person, of the bot by default."""
    workspace = publisher.workspace
    member = args.text("user") or workspace.bot.id
    if member not in workspace.people:
        raise ApiError("user_not_found")
    return _rooms(workspace, args, [room for room in workspace.rooms.values() if member in room.members])


def join_room(publisher: Publisher, args: Args) -> Payload:
    """`conversations.join`."""
    workspace = publisher.workspace
    room = room_named(workspace, args)
    if room.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    if room.is_archived:
        raise ApiError("is_archived")
    answer: Payload = {"ok": True}
    if workspace.bot.id in room.members:
        answer |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    room.members.add(workspace.bot.id)
    return answer | {"channel": _room_body(workspace, room)}


def user_info(publisher: Publisher, args: Args) -> Payload:
    """`users.info`."""
    person = publisher.workspace.people.get(args.text("user"))
    if person is None:
        raise ApiError("user_not_found")
    return {"ok": True, "user": _person_body(publisher.workspace, person)}


def list_users(publisher: Publisher, args: Args) -> Payload:
    """`users.list`."""
    workspace = publisher.workspace
    page, following = _page(list(workspace.people.values()), args)
    members = [_person_body(workspace, person) for person in page]
    return {"ok": True, "members": members, "cache_ts": int(workspace.clock())} | following


def group_members(publisher: Publisher, args: Args) -> Payload:
    """`usergroups.users.list`: all members of one user group, by their ids."""
    members = publisher.workspace.groups.get(args.required("usergroup"))
    if members is None:
        raise ApiError("no_such_subteam")
    return {"ok": True, "users": sorted(members)}


def team_info(publisher: Publisher, args: Args) -> Payload:  # noqa: ARG001 - every method takes arguments
    """`team.info`."""
    workspace = publisher.workspace
    team = {
        "id": workspace.team_id,
        "name": workspace.team_name,
        "domain": workspace.team_domain,
        "url": _team_url(workspace),
        "email_domain": "",
        "icon": {"image_default": True},
    }
    return {"ok": True, "team": team}


def bot_info(publisher: Publisher, args: Args) -> Payload:
    """`bots.info`."""
    if args.text("bot") not in ("", publisher.workspace.bot_id):
        raise ApiError("bot_not_found")
    return {"ok": True, "bot": bot_profile(publisher.workspace)}


def auth_test(publisher: Publisher, args: Args) -> Payload:  # noqa: ARG001 - every method takes arguments
    """`auth.test` with the bot token."""
    workspace = publisher.workspace
    return {
        "ok": True,
        "url": _team_url(workspace),
        "team": workspace.team_name,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def _readable_room(publisher: Publisher, args: Args) -> Room:
    room = room_named(publisher.workspace, args)
    if publisher.workspace.bot.id not in room.members:
        raise ApiError("not_in_channel")
    return room


def _messages(workspace: Workspace, page: Sequence[Message], args: Args, more: bool) -> Payload:
    with_metadata = args.flag("include_all_metadata")
    bodies = [message_body(workspace, message, with_metadata=with_metadata) for message in page]
    return {"ok": True, "messages": bodies, "has_more": more}


def _range(ascending: Sequence[str], args: Args) -> tuple[int, int]:
    """The slice that `oldest`, `latest` and `inclusive` leave; both ends are left out unless `inclusive`."""
    oldest, latest, inclusive = _bound(args, "oldest"), _bound(args, "latest"), args.flag("inclusive")
    first, last = 0, len(ascending)
    if oldest:
        first = (bisect_left if inclusive else bisect_right)(ascending, oldest)
    if latest:
        last = (bisect_right if inclusive else bisect_left)(ascending, latest)
    return first, max(first, last)


def _bound(args: Args, name: str) -> str:
    """A bound in the width of a `ts`, so that it compares as text."""
    value = args.text(name)
    if not value:
        return ""
    seconds, _, fraction = value.partition(".")
    if not seconds.isdecimal() or (fraction and not fraction.isdecimal()):
        raise ApiError(f"invalid_ts_{name}")
    return f"{int(seconds):010d}.{fraction:0<6.6}"


def _page(items: Sequence[_Item], args: Args) -> tuple[Sequence[_Item], Payload]:
    start = int(_decode_cursor(args.text("cursor")) or 0)
    end = start + min(args.integer("limit", DEFAULT_LIST), MAX_REPLIES)
    following = _encode_cursor(str(end)) if end < len(items) else ""
    return items[start:end], {"response_metadata": {"next_cursor": following}}


def _encode_cursor(position: str) -> str:
    return base64.urlsafe_b64encode(f"next:{position}".encode()).decode()


def _decode_cursor(cursor: str) -> str:
    if not cursor:
        return ""
    try:
        kind, _, position = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
    except ValueError:
        raise ApiError("invalid_cursor") from None
    if kind != "next" or not position.replace(".", "").isdecimal():
        raise ApiError("invalid_cursor")
    return position


# Room.kind -> what `types` calls it
_TYPES = {"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}


def _rooms(workspace: Workspace, args: Args, rooms: Sequence[Room]) -> Payload:
    wanted = (args.text("types") or "public_channel").split(",")
    hidden = args.flag("exclude_archived")
    chosen = [room for room in rooms if _TYPES[room.kind] in wanted and not (hidden and room.is_archived)]
    page, following = _page(chosen, args)
    return {"ok": True, "channels": [_room_body(workspace, room) for room in page]} | following


def _room_body(workspace: Workspace, room: Room) -> Payload:
    common: Payload = {
        "id": room.id,
        "created": room.created,
        "is_im": room.kind == "im",
        "is_archived": room.is_archived,
        "is_org_shared": False,
        "context_team_id": workspace.team_id,
    }
    if room.kind == "im":
        return common | {"user": room.person, "is_user_deleted": False, "priority": 0}
    return common | {
        "name": room.name,
        "name_normalized": room.name,
        "is_channel": room.kind == "channel",
        "is_group": room.kind == "group",
        "is_mpim": room.kind == "mpim",
        "is_private": room.kind != "channel",
        "is_general": room.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": workspace.bot.id in room.members,
        "num_members": len(room.members),
        "topic": room.topic,
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def _person_body(workspace: Workspace, person: Person) -> Payload:
    profile: Payload = {
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.real_name,
        "display_name_normalized": person.real_name,
        "team": workspace.team_id,
    }
    if person.is_bot:
        profile |= {"bot_id": workspace.bot_id, "api_app_id": workspace.app_id}
    return {
        "id": person.id,
        "team_id": workspace.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": False,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "is_admin": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "updated": 1700000000,
        "profile": profile,
    }


def _team_url(workspace: Workspace) -> str:
    return f"https://{workspace.team_domain}.slack.com/"


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "bots.info": bot_info,
    "conversations.history": history,
    "conversations.info": room_info,
    "conversations.join": join_room,
    "conversations.list": list_rooms,
    "conversations.open": open_room,
    "conversations.replies": replies,
    "team.info": team_info,
    "usergroups.users.list": group_members,
    "users.conversations": list_own_rooms,
    "users.info": user_info,
    "users.list": list_users,
}
