"""Discord's ids and ours: built and read here only."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.abilities import LinkedMessage
from bridge.channel import MessageRef

_ID = r"[0-9]{1,20}"
"""A snowflake: https://docs.discord.com/developers/reference#snowflakes."""
_PLACE = re.compile(rf"(?:dm/({_ID})|({_ID})/({_ID})(?:/({_ID}))?)")
_LINK = re.compile(
    rf"(?i:https://(?:(?:www|ptb|canary)\.)?discord(?:app)?\.com)/channels/(?:@me|{_ID})/({_ID})/({_ID})/?(?:[?#]\S*)?"
)
"""`https://discord.com/channels/GUILD/CHANNEL/MESSAGE`, `@me` for a direct conversation, also of the test clients: what
"Copy Message Link" gives, as discord.py 2.7 reads it (`MessageConverter` in discord/ext/commands/converter.py)."""
_EPOCH_MS = 1_420_070_400_000  # the first second of 2015
DIRECT = "DM"
"""Stands where a guild's id would, for what is written to the bot alone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: a direct conversation (`guild` None), a room, or a thread of a room.

    A thread that was begun by a message has that message's id, so it can be named before it is there.
    """

    guild: str | None
    room: str
    thread: str | None = None


def conversation_ref(place: Place) -> str:
    """`GUILD/ROOM/THREAD`, `GUILD/ROOM` for a room itself, `dm/ROOM` for a direct conversation."""
    parts = ("dm", place.room) if place.guild is None else (place.guild, place.room, place.thread)
    whole = "/".join(part for part in parts if part)
    if not _PLACE.fullmatch(whole):
        raise ValueError(f"not a place in Discord: {whole[:120]!r}")
    return whole


def place(ref: str) -> Place:
    """The reverse of `conversation_ref`. Raises ValueError for anything else."""
    found = _PLACE.fullmatch(ref)
    if found is None:
        raise ValueError(f"not a place in Discord: {ref[:120]!r}")
    direct, guild, room, thread = found.groups()
    return Place(None, direct) if direct else Place(guild, room, thread)


def message_ref(channel: str, message: str) -> MessageRef:
    """A message in a room or thread."""
    return MessageRef(f"{channel}/{message}")


def channel_and_message(ref: MessageRef) -> tuple[str, str]:
    """The reverse of `message_ref`."""
    channel, _, message = ref.partition("/")
    return channel, message


def envelope_id(message: str) -> str:
    """The same for every event about one message. Raises ValueError if it is no id."""
    return f"discord:{_checked(message)}"


def invocation_id(interaction: str) -> str:
    """The envelope id of a command that was used. Raises ValueError if it is no id."""
    return f"discord:command:{_checked(interaction)}"


def linked_message(link: str) -> LinkedMessage | None:
    """The message behind a link; None for anything else."""
    found = _LINK.fullmatch(link.strip())
    return None if found is None else LinkedMessage(envelope_id(found[2]), message_ref(found[1], found[2]))


def message_of(envelope_id: str) -> str:
    """The reverse of `envelope_id`."""
    return envelope_id.removeprefix("discord:")


def actor_id(user: str) -> str:
    """`discord:USER`. Raises ValueError if it is no id."""
    return f"discord:{_checked(user)}"


def user_of(actor_id: str) -> str:
    """The reverse of `actor_id`."""
    return actor_id.removeprefix("discord:")


def written_at(message: str) -> datetime:
    """When a message was written: its id says so."""
    return datetime.fromtimestamp(((int(_checked(message)) >> 22) + _EPOCH_MS) / 1000, UTC)


def first_at(seconds: float) -> str:
    """An id before all that are given at that time, in seconds since the epoch."""
    return str(max(int(seconds * 1000) - _EPOCH_MS, 0) << 22)


def _checked(snowflake: str) -> str:
    if not re.fullmatch(_ID, snowflake):
        raise ValueError(f"not an id of Discord: {snowflake[:60]!r}")
    return snowflake
