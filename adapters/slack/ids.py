"""Slack's ids and ours: built and read here only."""

import re
from dataclasses import dataclass

from bridge.abilities import LinkedMessage
from bridge.channel import MessageRef

_ID = r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}"
"""An id of Slack's. Its first letter promises nothing (private channels may begin with C or G), so none is asked for.
No dot: a user can then never be taken for a thread in a session id."""
_TS = r"[0-9]{1,15}\.[0-9]{1,10}"
_PLACE = re.compile(rf"({_ID})/({_ID})(?:/({_TS}))?")
_LINK = re.compile(
    rf"(?i:https://(?:[a-z0-9-]+\.)+slack(?:-gov)?\.com)/archives/({_ID})/p([0-9]{{7,21}})/?(?:[?#]\S*)?"
)
"""`https://acme.slack.com/archives/C1/p1700000000000100?thread_ts=…&cid=C1`, also acme.enterprise.slack.com: the
`permalink` of https://docs.slack.dev/reference/methods/chat.getPermalink (read 2026-11-22)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: a thread, or a room itself (`thread` None)."""

    team: str
    room: str
    thread: str | None


def conversation_ref(place: Place) -> str:
    """`T1/C1/1700000000.000100`, or `T1/D1` for a room itself."""
    whole = "/".join(part for part in (place.team, place.room, place.thread) if part)
    if not _PLACE.fullmatch(whole):
        raise ValueError(f"not a place in Slack: {whole[:120]!r}")
    return whole


def place(ref: str) -> Place:
    """The reverse of `conversation_ref`. Raises ValueError for anything else."""
    found = _PLACE.fullmatch(ref)
    if found is None:
        raise ValueError(f"not a place in Slack: {ref[:120]!r}")
    return Place(found[1], found[2], found[3])


def message_ref(room: str, ts: str) -> MessageRef:
    """A message, unique in its workspace."""
    return MessageRef(f"{room}/{ts}")


def message(ref: MessageRef) -> tuple[str, str]:
    """The reverse of `message_ref`: room and `ts`."""
    room, _, ts = ref.partition("/")
    return room, ts


def file_name(name: str, delivery: str) -> str:
    """What a delivery's file is called where people see its title: so it is found again."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem or suffix}-{delivery}{dot}{suffix if stem else ''}"


def is_file_of(name: str, delivery: str) -> bool:
    """Whether a file has a name that `file_name` gave it for that delivery."""
    return f"-{delivery}." in f"{name}."


def envelope_id(team: str, room: str, ts: str) -> str:
    """The same for every event about one message."""
    return f"slack:{team}:{room}:{ts}"


def invocation_id(team: str, room: str, trigger: str) -> str:
    """The envelope id of a slash command, which Slack gives a trigger of its own. Raises ValueError if it is none."""
    if not re.fullmatch(r"[A-Za-z0-9.]{1,120}", trigger):
        raise ValueError(f"not a trigger of Slack: {trigger[:60]!r}")
    return f"slack:{team}:{room}:command:{trigger}"


def linked_message(link: str) -> LinkedMessage | None:
    """The message behind a permalink, which names no team; None for anything else."""
    found = _LINK.fullmatch(link.strip())
    if found is None:
        return None
    room, ts = found[1], f"{found[2][:-6]}.{found[2][-6:]}"
    return LinkedMessage(envelope_suffix=f":{room}:{ts}", message_ref=message_ref(room, ts))


def ts_of(envelope_id: str) -> str:
    """The `ts` of the message behind an envelope id."""
    return envelope_id.rpartition(":")[2]


def actor_id(user: str) -> str:
    """`slack:U1`. Raises ValueError if it is no id of a user or bot."""
    if not re.fullmatch(_ID, user):
        raise ValueError(f"not a user of Slack: {user[:60]!r}")
    return f"slack:{user}"


def user_of(actor_id: str) -> str:
    """The reverse of `actor_id`."""
    return actor_id.removeprefix("slack:")
