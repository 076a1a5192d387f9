"""The API methods that write: `chat.*`, `reactions.*`, `assistant.threads.setStatus`.

Error codes as on the methods' pages below https://docs.slack.dev/reference/methods.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from adapters.slack.simulator.arguments import ApiError, Args, invalid_arguments, message_named, room_named
from adapters.slack.simulator.blocks import check
from adapters.slack.simulator.events import message_body
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.workspace import Message, Payload, Room, Whisper, Workspace

MAX_LOADING_MESSAGES = 10
"""https://docs.slack.dev/reference/methods/assistant.threads.setStatus."""

Method = Callable[[Publisher, Args], Payload]

MAX_TEXT = 40_000
"""Longer text is cut. https://docs.slack.dev/reference/methods/chat.postMessage#truncating."""

MAX_UPDATE_TEXT = 4_000
"""Longer text is refused. https://docs.slack.dev/reference/methods/chat.update."""

MAX_MARKDOWN_TEXT = 12_000
"""https://docs.slack.dev/reference/methods/chat.postMessage#arg_markdown_text."""


def post_message(publisher: Publisher, args: Args) -> Payload:
    """`chat.postMessage`."""
    workspace = publisher.workspace
    room = room_named(workspace, args)
    if room.is_archived:
        raise ApiError("is_archived")
    if workspace.bot.id not in room.members:
        raise ApiError("not_in_channel")
    text, blocks, attachments = _content(args)
    thread_ts = args.text("thread_ts")
    if thread_ts and thread_ts not in room.messages:
        raise ApiError("thread_not_found")
    message = Message(
        room=room.id,
        ts="",
        user=workspace.bot.id,
        text=text[:MAX_TEXT],
        thread_ts=thread_ts,
        subtype="thread_broadcast" if thread_ts and args.flag("reply_broadcast") else "",
        bot_id=workspace.bot_id,
        app_id=workspace.app_id,
        metadata=_metadata(args),
        blocks=blocks,
        attachments=attachments,
        reads_names=args.flag("link_names") or args.text("parse") == "full",
    )
    workspace.post(room, message)
    workspace.statuses.pop((room.id, message.root_ts), None)
    publisher.posted(message)
    answer: Payload = {
        "ok": True,
        "channel": room.id,
        "ts": message.ts,
        "message": message_body(workspace, message, with_metadata=True),
    }
    if len(text) > MAX_TEXT:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def post_ephemeral(publisher: Publisher, args: Args) -> Payload:
    """`chat.postEphemeral`: one person sees it, and nobody else and no history. Only for members of the room."""
    workspace = publisher.workspace
    room = room_named(workspace, args)
    if room.is_archived:
        raise ApiError("is_archived")
    if workspace.bot.id not in room.members:
        raise ApiError("not_in_channel")
    user = args.required("user")
    if user not in room.members:
        raise ApiError("user_not_in_channel")
    text, _, _ = _content(args)
    publisher.whispered(Whisper(room.id, user, text, args.text("thread_ts")))
    return {"ok": True, "message_ts": workspace.timestamps.next()}


def update(publisher: Publisher, args: Args) -> Payload:
    """`chat.update`: only the bot's own messages; blocks and metadata stay where none are given.

    https://docs.slack.dev/reference/methods/chat.update#arg_blocks. One that is still written bit by bit is refused:
    https://github.com/odefun/ode/pull/210 (read 2026-11-22; the method's page does not say).
    """
    workspace = publisher.workspace
    room, message = message_named(workspace, args, "ts")
    if message.user != workspace.bot.id:
        raise ApiError("cant_update_message")
    if workspace.streaming(message):
        raise ApiError("streaming_state_conflict")
    if len(args.text("text")) > MAX_UPDATE_TEXT:
        raise ApiError("msg_too_long")
    text, blocks, attachments = _content(args)
    if args.values.get("blocks") is None:
        blocks = message.blocks
    metadata = _metadata(args) or message.metadata
    previous = workspace.edit(
        message, by=workspace.bot.id, text=text, blocks=blocks, attachments=attachments, metadata=metadata
    )
    publisher.changed(message, previous)
    body = message_body(workspace, message, with_metadata=True)
    return {"ok": True, "channel": room.id, "ts": message.ts, "text": message.text, "message": body}


def delete(publisher: Publisher, args: Args) -> Payload:
    """`chat.delete`: only the bot's own messages."""
    workspace = publisher.workspace
    room, message = message_named(workspace, args, "ts")
    if message.user != workspace.bot.id:
        raise ApiError("cant_delete_message")
    if workspace.streaming(message):
        raise ApiError("cant_delete_message")
    withdraw(publisher, message)
    return {"ok": True, "channel": room.id, "ts": message.ts}


def withdraw(publisher: Publisher, message: Message) -> None:
    """Deletes a message and says so; the first one of a thread with replies becomes a tombstone."""
    previous = publisher.workspace.delete(message)
    if message.subtype == "tombstone":
        publisher.changed(message, previous)
    else:
        publisher.deleted(previous)


def get_permalink(publisher: Publisher, args: Args) -> Payload:
    """`chat.getPermalink`."""
    room, message = message_named(publisher.workspace, args, "message_ts")
    link = permalink(publisher.workspace, room, message)
    return {"ok": True, "channel": room.id, "permalink": link}


def permalink(workspace: Workspace, room: Room, message: Message) -> str:
    """The message's address in the workspace."""
    link = f"https://{workspace.team_domain}.slack.com/archives/{room.id}/p{message.ts.replace('.', '')}"
    return f"{link}?thread_ts={message.thread_ts}&cid={room.id}" if message.is_reply else link


def add_reaction(publisher: Publisher, args: Args) -> Payload:
    """`reactions.add`."""
    users = _reaction(publisher, args)
    bot = publisher.workspace.bot.id
    if bot in users:
        raise ApiError("already_reacted")
    users.append(bot)
    publisher.touched()
    return {"ok": True}


def remove_reaction(publisher: Publisher, args: Args) -> Payload:
    """`reactions.remove`."""
    users = _reaction(publisher, args)
    bot = publisher.workspace.bot.id
    if bot not in users:
        raise ApiError("no_reaction")
    users.remove(bot)
    _, message = message_named(publisher.workspace, args, "timestamp")
    message.reactions = {name: left for name, left in message.reactions.items() if left}
    return {"ok": True}


def set_status(publisher: Publisher, args: Args) -> Payload:
    """`assistant.threads.setStatus`: shown until the bot's next message in the thread, or an empty status."""
    workspace = publisher.workspace
    room = room_named(workspace, args, "channel_id")
    thread_ts = args.required("thread_ts")
    if thread_ts not in room.messages:
        raise ApiError("thread_not_found")
    place = (room.id, room.messages[thread_ts].root_ts)
    status = args.text("status")
    hints = args.texts("loading_messages")
    if len(hints) > MAX_LOADING_MESSAGES:
        raise invalid_arguments("no more than 10 items allowed [json-pointer:/loading_messages]")
    if status:
        workspace.statuses[place] = " / ".join([status, *hints])
    else:
        workspace.statuses.pop(place, None)
    publisher.touched()
    return {"ok": True}


def _reaction(publisher: Publisher, args: Args) -> list[str]:
    if not args.text("timestamp"):
        raise ApiError("no_item_specified")
    name = args.text("name").strip(":")
    if not name:
        raise ApiError("invalid_name")
    _, message = message_named(publisher.workspace, args, "timestamp")
    return message.reactions.setdefault(name, [])


def _content(args: Args) -> tuple[str, list[Payload], list[Payload]]:
    """Text, blocks and attachments of a message, or the error that refuses them."""
    text, markdown = args.text("text"), args.text("markdown_text")
    blocks, attachments = args.objects("blocks"), args.objects("attachments")
    if markdown:
        if text or blocks:
            raise ApiError("markdown_text_conflict")
        if len(markdown) > MAX_MARKDOWN_TEXT:
            raise ApiError("msg_too_long")
        text = markdown
    if not (text or blocks or attachments):
        raise ApiError("no_text")
    check(blocks)
    return text, blocks, attachments


def _metadata(args: Args) -> Payload | None:
    value: Any = args.json("metadata")
    if not value:
        return None
    if not isinstance(value, Mapping) or "event_type" not in value or "event_payload" not in value:
        raise ApiError("invalid_metadata_format")
    return cast("Payload", value)


METHODS: dict[str, Method] = {
    "assistant.threads.setStatus": set_status,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
}
