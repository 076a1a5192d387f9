"""The API methods that write a message bit by bit: `chat.startStream`, `chat.appendStream`, `chat.stopStream`.

https://docs.slack.dev/reference/methods/chat.startStream and its neighbours (read 2026-11-22). What the
pages do not say: Slack ends a stream by itself after some minutes, and its message can be edited from then on, or once
it is stopped: https://github.com/slackapi/python-slack-sdk/issues/1859 and https://github.com/vercel/chat/issues/637.
"""

from adapters.slack.simulator.arguments import ApiError, Args, message_named, room_named
from adapters.slack.simulator.events import message_body
from adapters.slack.simulator.publisher import Publisher
from adapters.slack.simulator.workspace import Message, Payload, Stream

MAX_MARKDOWN_TEXT = 12_000
"""https://docs.slack.dev/reference/methods/chat.appendStream#arg_markdown_text."""


def start(publisher: Publisher, args: Args) -> Payload:
    """`chat.startStream`: a reply in a thread; in a channel for one person."""
    workspace = publisher.workspace
    room = room_named(workspace, args)
    if room.is_archived:
        raise ApiError("is_archived")
    if workspace.bot.id not in room.members:
        raise ApiError("not_in_channel")
    thread_ts = args.required("thread_ts")
    if thread_ts not in room.messages:
        raise ApiError("thread_not_found")
    if room.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not args.text(name):
                raise ApiError(f"missing_{name}")
    text = _markdown(args)
    now = workspace.clock()
    message = Message(
        room=room.id,
        ts="",
        user=workspace.bot.id,
        text=text,
        thread_ts=thread_ts,
        bot_id=workspace.bot_id,
        app_id=workspace.app_id,
        blocks=_blocks(text),
        stream=Stream(began=now, appended=now, text=text),
    )
    workspace.post(room, message)
    workspace.statuses.pop((room.id, message.root_ts), None)
    publisher.posted(message)
    return {"ok": True, "channel": room.id, "ts": message.ts}


def append(publisher: Publisher, args: Args) -> Payload:
    """`chat.appendStream`."""
    message, stream = _open(publisher, args)
    stream.appended = publisher.workspace.clock()
    _write(publisher, message, stream, _markdown(args, needed=True))
    return {"ok": True, "channel": message.room, "ts": message.ts}


def stop(publisher: Publisher, args: Args) -> Payload:
    """`chat.stopStream`: the message is one like others from then on."""
    message, stream = _open(publisher, args)
    _write(publisher, message, stream, _markdown(args))
    message.stream = None
    workspace = publisher.workspace
    body = message_body(workspace, message, with_metadata=True)
    return {"ok": True, "channel": message.room, "ts": message.ts, "message": body}


def _open(publisher: Publisher, args: Args) -> tuple[Message, Stream]:
    _, message = message_named(publisher.workspace, args, "ts")
    if message.user != publisher.workspace.bot.id:
        raise ApiError("message_not_owned_by_app")
    stream = publisher.workspace.streaming(message)
    if stream is None:
        raise ApiError("message_not_in_streaming_state")
    return message, stream


def _write(publisher: Publisher, message: Message, stream: Stream, more: str) -> None:
    stream.text += more
    message.text, message.blocks = stream.text, _blocks(stream.text)
    if more:
        publisher.grew(message)


def _markdown(args: Args, *, needed: bool = False) -> str:
    chunks = [str(chunk.get("text", "")) for chunk in args.objects("chunks") if chunk.get("type") == "markdown_text"]
    text = args.text("markdown_text") + "".join(chunks)
    if needed and not text:
        raise ApiError("no_text")
    if len(text) > MAX_MARKDOWN_TEXT:
        raise ApiError("msg_too_long")
    return text


def _blocks(text: str) -> list[Payload]:
    return [{"type": "markdown", "text": text, "block_id": "streamed"}] if text else []


METHODS = {
    "chat.appendStream": append,
    "chat.startStream": start,
    "chat.stopStream": stop,
}
