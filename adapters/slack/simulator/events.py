"""Builds the payloads of the Events API out of the workspace's messages.

https://docs.slack.dev/apis/events-api (the outer object) and
https://docs.slack.dev/reference/events/message with its subtypes.
"""

import base64
import json

from adapters.slack.simulator.workspace import MAX_REPLY_USERS, Message, Payload, Room, Workspace


def event_callback(workspace: Workspace, event: Payload, event_id: str) -> Payload:
    """The outer object around one event, as both transports carry it."""
    team = workspace.team_id
    return {
        "token": workspace.verification_token,
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(event["event_ts"].split(".")[0]),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team,
                "user_id": workspace.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": _event_context(workspace, event),
    }


def message_body(workspace: Workspace, message: Message, *, with_metadata: bool = False) -> Payload:
    """The message as `conversations.replies`, `message_changed` and `chat.postMessage` show it."""
    body: Payload = {"type": "message"}
    for name, value in (
        ("subtype", message.subtype),
        ("user", message.user),
        ("ts", message.ts),
        ("client_msg_id", message.client_msg_id),
        ("username", message.username),
        ("bot_id", message.bot_id),
        ("app_id", message.app_id),
        ("topic", message.topic),
        ("bot_profile", bot_profile(workspace) if message.app_id else None),
    ):
        if value:
            body[name] = value
    body["text"] = message.text
    if message.user:
        body["team"] = workspace.team_id
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
        body |= {"parent_user_id": message.parent_user_id} if message.is_reply else _replies(message)
    for name, content in (
        ("edited", message.edited),
        ("blocks", message.blocks),
        ("attachments", message.attachments),
        ("files", message.files),
    ):
        if content:
            body[name] = content
    if message.files:
        body["upload"] = False
        body["display_as_bot"] = False
    if message.reactions:
        body["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    if with_metadata and message.metadata:
        body["metadata"] = message.metadata
    return body


def message_event(workspace: Workspace, room: Room, message: Message) -> Payload:
    """A new message: plain, `thread_broadcast`, `file_share` or `bot_message`, as its subtype says."""
    event = message_body(workspace, message)
    if message.subtype == "thread_broadcast":
        event["root"] = message_body(workspace, room.messages[message.thread_ts])
    return event | {"channel": room.id, "event_ts": message.ts, "channel_type": room.kind}


def app_mention(workspace: Workspace, room: Room, message: Message, event_ts: str = "") -> Payload:
    """The bot was mentioned. Comes besides the `message` event for the same `ts`, and has no `channel_type`.

    https://docs.slack.dev/reference/events/app_mention.
    """
    event = message_body(workspace, message) | {"type": "app_mention", "channel": room.id}
    event.pop("subtype", None)
    return event | {"event_ts": event_ts or message.ts}


def message_changed(workspace: Workspace, room: Room, message: Message, previous: Message, event_ts: str) -> Payload:
    """An edit, an unfurl or a tombstone: the whole message before and after; `ts` is that of the change."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message_body(workspace, message) | {"source_team": workspace.team_id},
        "previous_message": message_body(workspace, previous),
        "channel": room.id,
        "hidden": True,
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": room.kind,
    }


def message_deleted(workspace: Workspace, room: Room, previous: Message, event_ts: str) -> Payload:
    """A message went away; `deleted_ts` names it."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": message_body(workspace, previous),
        "channel": room.id,
        "hidden": True,
        "deleted_ts": previous.ts,
        "ts": event_ts,
        "event_ts": event_ts,
        "channel_type": room.kind,
    }


def bot_profile(workspace: Workspace) -> Payload:
    """The bot as every one of its messages describes it."""
    return {
        "id": workspace.bot_id,
        "deleted": False,
        "name": workspace.bot.real_name,
        "updated": 1700000000,
        "app_id": workspace.app_id,
        "user_id": workspace.bot.id,
        "icons": {},
        "team_id": workspace.team_id,
    }


def _replies(root: Message) -> Payload:
    if not root.reply_count:
        return {}
    return {
        "reply_count": root.reply_count,
        "reply_users_count": len(root.reply_users),
        "latest_reply": root.latest_reply,
        "reply_users": root.reply_users[:MAX_REPLY_USERS],
        "is_locked": False,
        "subscribed": True,
    }


def _event_context(workspace: Workspace, event: Payload) -> str:
    names = {"et": event["type"], "tid": workspace.team_id, "aid": workspace.app_id, "cid": event["channel"]}
    encoded = base64.urlsafe_b64encode(json.dumps(names, separators=(",", ":")).encode())
    return f"4-{encoded.decode().rstrip('=')}"
