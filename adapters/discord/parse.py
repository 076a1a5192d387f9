"""A message of the gateway or history -> `(Envelope, Facts)`, a deletion -> `Change`, an interaction -> `Press` or else
`Invocation`. Pure.

Pure. Source: https://docs.discord.com/developers/events/gateway-events#message-create and what follows there,
https://docs.discord.com/developers/resources/message#message-object and
https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from adapters.discord import attached, ids, markup
from bridge.actions import Change, Invocation, Press
from bridge.channel import Facts
from bridge.envelope import Actor, Conversation, Envelope
from bridge.foreign import dig, items_at, text_at
from bridge.text import label, readable

SAID = (0, 19)
"""Types of messages that are something somebody said: DEFAULT and REPLY. The others speak of joins, pins, threads."""
STARTER = 21
"""THREAD_STARTER_MESSAGE: stands in a thread for the message that it was begun with."""
THREADS = (10, 11, 12)
"""Types of channels that are threads: announcement, public, private."""
UNREADABLE = (
    "I cannot read messages that do not mention me: this bot's Message Content intent is switched off. "
    "Mention me, or ask whoever runs this bot to switch it on."
)


class Malformed(ValueError):
    """The payload is not what Discord promises."""


@dataclass(frozen=True, slots=True)
class Bot:
    """Who we are."""

    user: str
    name: str
    reads_content: bool = True
    """Whether we are given what does not mention us."""


@dataclass(frozen=True, slots=True)
class Where:
    """What a message does not say of the channel that it stands in."""

    room: str
    """The channel, or a thread's parent."""
    thread: str | None = None
    own_role: str | None = None
    """The role of that guild which is the bot's own; people mention it in the bot's place."""
    title: str | None = None
    """What the thread is called."""


def where(channel: object) -> Where:
    """A channel object of the API. Raises Malformed. https://docs.discord.com/developers/resources/channel."""
    own, parent = text_at(channel, "id"), text_at(channel, "parent_id")
    if own is None:
        raise Malformed("a channel without id")
    if dig(channel, "type") not in THREADS:
        return Where(own)
    if parent is None:
        raise Malformed("a thread without parent")
    return Where(parent, own, title=text_at(channel, "name"))


def message(
    data: object,
    guild: str | None,
    where: Where,
    bot: Bot,
    name_of: markup.NameOf,
    *,
    raw: dict[str, Any] | None = None,
) -> tuple[Envelope, Facts] | None:
    """One message object; None if nobody said it, or we did. Raises Malformed.

    `guild` is None in a direct conversation; `raw` is what it came in, if that is more than the object itself.
    """
    if dig(data, "type") not in SAID or dig(data, "author", "id") == bot.user:
        return None
    own, author = text_at(data, "id"), text_at(data, "webhook_id") or text_at(data, "author", "id")
    if own is None or author is None:
        raise Malformed("a message without id or author")
    addresses = {bot.user: bot.name} | ({where.own_role: bot.name} if where.own_role else {})
    root = where.thread or _root(data, bot) or own
    place = ids.Place(guild, where.room, root if guild else None)
    addressed = bot.user in _names(data) or markup.mentions(text_at(data, "content") or "", addresses)
    text = "\n".join(part for part in (words(data, addresses, name_of), *_besides(data)) if part)
    unreadable = not (bot.reads_content or addressed or text) and guild is not None
    try:
        envelope = Envelope(
            id=ids.envelope_id(own),
            source="discord",
            kind="unreadable" if unreadable else "message",
            actor=Actor(id=ids.actor_id(author), display=_display(data) or author, type=_type(data)),
            conversation=Conversation(source="discord", ref=ids.conversation_ref(place)),
            text=UNREADABLE if unreadable else text,
            ts=_written_at(data, own),
            raw=raw or dict(cast("Mapping[str, Any]", data)),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(str(error).splitlines()[0]) from error
    facts = Facts(
        workspace=guild or ids.DIRECT,
        room=where.room,
        author=author,
        thread=(guild, root) if guild else (ids.DIRECT, where.room),
        direct=guild is None,
        addressed=addressed,
        in_thread=guild is not None and root != own,
        author_is_bot=_type(data) == "agent",
        title=where.title,
        groups=roles(dig(data, "member"), guild) if guild else None,
        edited_at=_edited_at(data),
    )
    return envelope, facts


def roles(member: object, guild: str) -> frozenset[str] | None:
    """The roles of a member of a server, the one that all have included, which has the server's id; None: it is none.

    https://docs.discord.com/developers/resources/guild#guild-member-object; a message of the history has no `member`.
    """
    listed: object = dig(member, "roles")
    if not isinstance(listed, list):
        return None
    return frozenset({guild, *(one for one in cast("list[object]", listed) if isinstance(one, str))})


def is_edit(data: object) -> bool:
    """Whether a MESSAGE_UPDATE may tell of something that its author wrote; the message is whole then.

    Discord also tells so of previews of links, pins and the like, without `edited_timestamp` where nobody edited the
    message before (https://github.com/Rapptz/discord.py/issues/273), and it used to send only what was changed
    (https://github.com/discord/discord-api-docs/pull/7017). After an edit previews come with an `edited_timestamp`, too
    (https://github.com/discord/discord-api-docs/issues/8281, all read 2026-11-22): these repeat the words.
    """
    content, files = dig(data, "content"), dig(data, "attachments")
    whole = dig(data, "author", "id") is not None and isinstance(content, str) and isinstance(files, list)
    return whole and text_at(data, "edited_timestamp") is not None


def deleted(payload: object) -> list[Change]:
    """What a MESSAGE_DELETE or MESSAGE_DELETE_BULK tells: not by whom. Raises Malformed.

    https://docs.discord.com/developers/events/gateway-events#message-delete-bulk
    """
    one, several = dig(payload, "d", "id"), dig(payload, "d", "ids")
    gone = cast("list[object]", several) if isinstance(several, list) else [one]
    try:
        return [Change(ids.envelope_id(str(message)), None) for message in gone]
    except ValueError as error:
        raise Malformed(str(error)) from error


def press(data: object) -> Press:
    """A button that was pressed under one of our messages. Raises Malformed.

    Where our message stands in a thread, that is the conversation; else it may be a reply to what began it.
    """
    guild = text_at(data, "guild_id")
    user = text_at(data, "member", "user", "id") or text_at(data, "user", "id")
    button, own = text_at(data, "data", "custom_id"), text_at(data, "message", "id")
    if user is None or button is None or own is None:
        raise Malformed("a press without user, custom_id or message")
    at = where(dig(data, "channel"))
    root = at.thread or text_at(data, "message", "message_reference", "message_id") or own
    try:
        actor = ids.actor_id(user)
        place = ids.Place(guild, at.room, root if guild else None)
        conversation = Conversation(source="discord", ref=ids.conversation_ref(place))
        ids.envelope_id(own)
    except ValueError as error:
        raise Malformed(str(error)) from error
    facts = Facts(
        workspace=guild or ids.DIRECT,
        room=at.room,
        author=user,
        thread=(guild, root) if guild else (ids.DIRECT, at.room),
        direct=guild is None,
        addressed=False,
        in_thread=guild is not None and root != own,
        author_is_bot=False,
        groups=roles(dig(data, "member"), guild) if guild else None,
    )
    told = text_at(data, "id")
    return Press(button, ids.message_ref(at.thread or at.room, own), actor, facts, conversation, told)


def invocation(data: object) -> Invocation:
    """A command that somebody used in a room, a thread or the direct conversation. Raises Malformed."""
    guild, own, name = text_at(data, "guild_id"), text_at(data, "id"), text_at(data, "data", "name")
    person = dig(data, "member", "user") or dig(data, "user")
    user = text_at(person, "id")
    if own is None or user is None or name is None:
        raise Malformed("a command without id, user or name")
    at = where(dig(data, "channel"))
    values = [value for option in items_at(data, "data", "options") if (value := text_at(option, "value"))]
    try:
        envelope = Envelope(
            id=ids.invocation_id(own),
            source="discord",
            actor=Actor(id=ids.actor_id(user), display=_display_of(data, person) or user, type="human"),
            conversation=Conversation(
                source="discord", ref=ids.conversation_ref(ids.Place(guild, at.room, at.thread if guild else None))
            ),
            text=readable(" ".join([name, *values])),
            ts=ids.written_at(own),
            raw=_kept(data),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(str(error).splitlines()[0]) from error
    facts = Facts(
        workspace=guild or ids.DIRECT,
        room=at.room,
        author=user,
        thread=(guild, at.thread or at.room) if guild else (ids.DIRECT, at.room),
        direct=guild is None,
        addressed=True,
        in_thread=guild is not None and at.thread is not None,
        author_is_bot=False,
    )
    return Invocation(envelope, facts, beside_threads=guild is not None and at.thread is None, told_to_all=own)


def words(data: object, addresses: Mapping[str, str], name_of: markup.NameOf) -> str:
    """What a message says as people read it, without the mention of the bot at its beginning."""
    return markup.to_plain(readable(text_at(data, "content") or ""), addresses, _names(data), name_of)


def _root(data: object, bot: Bot) -> str | None:
    """The message that begins the conversation of a reply to ours, where we answer without threads.

    There each of our messages is a reply to that beginning.
    """
    answered = dig(data, "referenced_message")
    if dig(answered, "author", "id") != bot.user:
        return None
    return text_at(answered, "message_reference", "message_id")


def _type(data: object) -> Literal["human", "agent"]:
    return "agent" if dig(data, "author", "bot") is True or text_at(data, "webhook_id") else "human"


def _display(data: object) -> str | None:
    return _display_of(data, dig(data, "author"))


def _display_of(data: object, person: object) -> str | None:
    name = text_at(data, "member", "nick") or text_at(person, "global_name") or text_at(person, "username")
    return readable(name) if name else None


def _kept(interaction: object) -> dict[str, Any]:
    """An interaction without its token, with which anybody could answer in the bot's name for a while."""
    return {key: value for key, value in cast("Mapping[str, Any]", interaction).items() if key != "token"}


def _names(data: object) -> dict[str, str]:
    """User id -> name of everybody who is mentioned."""
    named: dict[str, str] = {}
    for user in items_at(data, "mentions"):
        known = text_at(user, "id")
        name = text_at(user, "member", "nick") or text_at(user, "global_name") or text_at(user, "username")
        if known:
            named[known] = label(name or "") or known
    return named


def _besides(data: object) -> Iterator[str]:
    """What else is in a message: the agent is told of it in words."""
    for snapshot in items_at(data, "message_snapshots"):
        forwarded = text_at(snapshot, "message", "content")
        yield f"(forwarded) {readable(forwarded)}" if forwarded else "(a forwarded message without text)"
        yield from _besides(dig(snapshot, "message"))
    for file in items_at(data, "attachments"):
        yield attached.line(file)
    for sticker in items_at(data, "sticker_items"):
        yield f"(a sticker: {_label(sticker, 'name') or 'without name'})"
    question = text_at(data, "poll", "question", "text")
    if question:
        yield f"(a poll: {readable(question)})"


def _label(value: object, key: str) -> str:
    return " ".join(readable(text_at(value, key) or "").split())


def _written_at(data: object, own: str) -> datetime:
    return _time_at(data, "timestamp") or ids.written_at(own)


def _edited_at(data: object) -> float | None:
    """In whole seconds: repeated events may be some microseconds off."""
    found = _time_at(data, "edited_timestamp")
    return float(int(found.timestamp())) if found else None


def _time_at(data: object, key: str) -> datetime | None:
    said = text_at(data, key)
    try:
        found = datetime.fromisoformat(said) if said else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
