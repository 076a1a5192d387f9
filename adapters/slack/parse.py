"""An Events API payload -> `(Envelope, Facts)` or `Change`, an interaction's -> `Press`, a slash command's ->
`Invocation`. Pure.

Source: https://docs.slack.dev/reference/events/message with its subtypes message_changed and message_deleted,
https://docs.slack.dev/reference/events/app_mention,
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload and
https://docs.slack.dev/interactivity/implementing-slash-commands
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from adapters.slack import attached, ids, markup
from bridge.actions import Change, Invocation, Press
from bridge.channel import Facts
from bridge.envelope import Actor, Conversation, Envelope
from bridge.foreign import dig, items_at, text_at
from bridge.text import readable

SAID = (None, "file_share", "thread_broadcast", "me_message", "bot_message")
"""Subtypes of `message` that are something somebody said; edits, unfurls, joins and the like are not."""


TOMBSTONE = "tombstone"
"""The subtype of what stands where a message was deleted that has a thread (https://github.com/slack-edge/slack-edge/pull/10
and https://github.com/42wim/matterbridge/issues/600, read 2026-11-22)."""


class Malformed(ValueError):
    """The payload is not what Slack promises."""


@dataclass(frozen=True, slots=True)
class Bot:
    """Who we are: what `auth.test` says."""

    team: str
    user: str
    bot: str | None


def parse(payload: Mapping[str, Any], bot: Bot) -> tuple[Envelope, Facts] | None:
    """The message behind an event; None if it is none, or our own. Raises Malformed."""
    event = payload.get("event")
    if not isinstance(event, Mapping):
        raise Malformed("it has no event")
    return message(cast("Mapping[str, Any]", event), _text(payload, "team_id") or bot.team, bot, dict(payload))


def change(payload: Mapping[str, Any], bot: Bot) -> Change | None:
    """What the author of a message made of it; None if the event tells of no such thing, or of ours. Raises Malformed.

    Slack also tells of previews of links and the like as `message_changed`: these leave the text as it was, or carry no
    `edited` (https://docs.slack.dev/reference/events/message/message_changed). Who deleted a message it does not tell.
    """
    event: Any = payload.get("event")
    if dig(event, "type") != "message" or dig(event, "subtype") not in ("message_changed", "message_deleted"):
        return None
    team, room = _text(payload, "team_id") or bot.team, _text(event, "channel")
    now = dig(event, "message")
    gone = event["subtype"] == "message_deleted" or dig(now, "subtype") == TOMBSTONE
    ts = text_at(event, "deleted_ts") or text_at(now, "ts")
    if room is None or ts is None or not (gone or isinstance(now, Mapping)):
        raise Malformed("a changed message without channel, ts or message")
    if gone:
        return Change(ids.envelope_id(team, room, ts), None)
    raw = dict(cast("Mapping[str, Any]", now))
    if not _edited(raw, dig(event, "previous_message")):
        return None
    of_room = {"channel_type": event["channel_type"]} if "channel_type" in event else {}
    said = message({**raw, **of_room, "channel": room}, team, bot, raw)
    return Change(said[0].id, said) if said else None


def _edited(now: object, before: object) -> bool:
    """Whether the author changed what a message says, or took files from it."""
    by, author = text_at(now, "edited", "user"), text_at(now, "user")
    if by is None or (author is not None and by != author):
        return False
    return before is None or any(said(now) != said(before) for said in (_words, _files))


def _words(message: object) -> object:
    return dig(message, "text")


def _files(message: object) -> object:
    return [dig(file, "id") for file in items_at(message, "files")]


def press(payload: Mapping[str, Any], bot: Bot) -> Press:
    """A button that was pressed under one of our messages. Raises Malformed.

    Where the payload does not say of what kind the room is, its first letter has to do.
    """
    user, room = text_at(payload, "user", "id"), text_at(payload, "channel", "id")
    ts = text_at(payload, "container", "message_ts")
    button = next((value for action in items_at(payload, "actions") if (value := text_at(action, "value"))), None)
    if user is None or room is None or ts is None or button is None:
        raise Malformed("a press without user, channel, message or value")
    team = text_at(payload, "team", "id") or bot.team
    root = text_at(payload, "container", "thread_ts") or text_at(payload, "message", "thread_ts") or ts
    try:
        actor = ids.actor_id(user)
        conversation = Conversation(source="slack", ref=ids.conversation_ref(ids.Place(team, room, root)))
        flat = Conversation(source="slack", ref=ids.conversation_ref(ids.Place(team, room, None)))
    except ValueError as error:
        raise Malformed(str(error)) from error
    facts = Facts(
        workspace=team,
        room=room,
        author=user,
        thread=(team, room, root),
        direct=text_at(payload, "channel", "name") == "directmessage" or room.startswith("D"),
        addressed=False,
        in_thread=root != ts,
        author_is_bot=False,
        unthreaded=flat,
    )
    return Press(button, ids.message_ref(room, ts), actor, facts, conversation)


def invocation(payload: Mapping[str, Any], bot: Bot, at: datetime) -> Invocation:
    """A slash command; `at`: when it came, which Slack does not say. Raises Malformed.

    Slack refuses them inside threads, and the payload names none: it is beside all threads of its room.
    """
    team, room, user = _text(payload, "team_id") or bot.team, _text(payload, "channel_id"), _text(payload, "user_id")
    trigger = _text(payload, "trigger_id")
    if room is None or user is None or trigger is None:
        raise Malformed("a command without channel_id, user_id or trigger_id")
    try:
        place = Conversation(source="slack", ref=ids.conversation_ref(ids.Place(team, room, None)))
        envelope = Envelope(
            id=ids.invocation_id(team, room, trigger),
            source="slack",
            actor=Actor(id=ids.actor_id(user), display=readable(_text(payload, "user_name") or user), type="human"),
            conversation=place,
            text=readable(_text(payload, "text") or "").strip(),
            ts=at,
            raw={key: value for key, value in payload.items() if key not in {"token", "response_url"}},
        )
    except ValueError as error:
        raise Malformed(str(error).splitlines()[0]) from error
    facts = Facts(
        workspace=team,
        room=room,
        author=user,
        thread=(team, room),
        direct=_text(payload, "channel_name") == "directmessage" or room.startswith("D"),
        addressed=True,
        in_thread=False,
        author_is_bot=False,
        unthreaded=place,
    )
    return Invocation(envelope, facts, beside_threads=True)


def is_own(payload: Mapping[str, Any], bot: Bot) -> bool:
    """Whether an event is about a message that we posted."""
    event = payload.get("event")
    changed = dig(event, "message")
    return any(isinstance(one, Mapping) and own(cast("Mapping[str, Any]", one), bot) for one in (event, changed))


def message(
    event: Mapping[str, Any], team: str, bot: Bot, raw: dict[str, Any], *, room: str | None = None
) -> tuple[Envelope, Facts] | None:
    """One message object, of an event or of a thread's history (which does not name its `room`)."""
    kind, subtype = event.get("type"), event.get("subtype")
    if kind not in ("message", "app_mention") or subtype not in SAID or own(event, bot):
        return None
    author = _text(event, "user") or _text(event, "bot_id")
    room = _text(event, "channel") or room
    ts = _text(event, "ts")
    if not author or not room or not ts:
        raise Malformed("a message without user, channel or ts")
    # An app_mention names no channel_type; then the first letter has to do.
    direct = event.get("channel_type", "im" if room.startswith("D") else None) == "im"
    thread = _text(event, "thread_ts") or ts
    text = readable(_text(event, "text") or "")
    try:
        flat = Conversation(source="slack", ref=ids.conversation_ref(ids.Place(team, room, None)))
        envelope = Envelope(
            id=ids.envelope_id(team, room, ts),
            source="slack",
            actor=Actor(id=ids.actor_id(author), display=_name(event) or author, type=_type(event)),
            conversation=Conversation(source="slack", ref=ids.conversation_ref(ids.Place(team, room, thread))),
            text="\n".join(
                part for part in (markup.to_plain(text, bot.user), *map(attached.line, attached.files(event))) if part
            ),
            ts=datetime.fromtimestamp(float(ts), UTC),
            raw=raw,
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(str(error).splitlines()[0]) from error
    facts = Facts(
        workspace=team,
        room=room,
        author=author,
        thread=(team, room, thread),
        direct=direct,
        addressed=event["type"] == "app_mention" or f"<@{bot.user}>" in text or f"<@{bot.user}|" in text,
        in_thread=thread != ts,
        author_is_bot=_type(event) == "agent",
        unthreaded=flat,
        edited_at=_edited_at(event),
    )
    return envelope, facts


def own(event: Mapping[str, Any], bot: Bot) -> bool:
    """Whether a message object is one that we posted."""
    return event.get("user") == bot.user or (bot.bot is not None and event.get("bot_id") == bot.bot)


def team_of_author(raw: Mapping[str, Any]) -> str | None:
    """The team of whoever wrote the message, if it says so: in shared rooms it may be another one than ours."""
    return text_at(raw, "event", "user_team") or text_at(raw, "user_team")


def _edited_at(event: Mapping[str, Any]) -> float | None:
    said = text_at(event, "edited", "ts") or ""
    return float(said) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,10})?", said) else None


def _type(event: Mapping[str, Any]) -> Any:
    bot = event.get("bot_id") or event.get("subtype") == "bot_message" or event.get("user") == "USLACKBOT"
    return "agent" if bot else "human"


def _name(event: Mapping[str, Any]) -> str | None:
    """A name, where the event carries one: bots' posts do, people's do not."""
    name = event.get("username")
    return readable(name) if isinstance(name, str) and name else None


def _text(source: Mapping[str, Any], key: str) -> str | None:
    value = source.get(key)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{key} is no text")
    return value or None
