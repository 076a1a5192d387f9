"""Who did what, and who was refused: written in the transaction of what it tells of, never with anybody's words."""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, literal, select

from bridge.store.schema import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit. It holds ids and never what somebody said."""

    actor: str
    """`Actor.id` of a person, or `operator()`."""
    action: str
    """`access`, `pairing`, `reload`, `dead letter`, or a command."""
    target: str
    """What it was about: a room, a person, a session, a delivery."""
    outcome: str
    """One word: `refused`, `asked`, `approved`, `done`, …"""
    channel: str | None = None
    """The name under `[channels]`."""
    once_in: float | None = None
    """Seconds: it is not written if it was in that time."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Which lines are meant; without any, all of them."""

    channel: str | None = None
    actor: str | None = None
    since: float | None = None
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Written:
    """A line and when it was written, in seconds since the epoch."""

    at: float
    channel: str | None
    actor: str
    action: str
    target: str
    outcome: str


_WRITE = insert(audit)
_SAME = (
    select(audit.c.seq)
    .where(
        audit.c.actor == bindparam("actor"),
        audit.c.at > bindparam("after"),
        audit.c.channel.is_not_distinct_from(bindparam("channel")),
        audit.c.action == bindparam("action"),
        audit.c.target == bindparam("target"),
        audit.c.outcome == bindparam("outcome"),
    )
    .limit(1)
)


def write(connection: Connection, entries: Sequence[Entry], at: float) -> None:
    """Writes these, in their order, in the transaction of whatever they tell of; `at` in seconds since the epoch."""
    for one in entries:
        row = {
            "channel": one.channel,
            "actor": one.actor,
            "action": one.action,
            "target": one.target,
            "outcome": one.outcome,
        }
        if one.once_in is None or connection.execute(_SAME, {**row, "after": at - one.once_in}).first() is None:
            connection.execute(_WRITE, {**row, "at": at})


def read(connection: Connection, wanted: Entries, limit: int) -> Sequence[Written]:
    """The newest so many of these, the newest last."""
    chosen = select(audit).where(literal(True))
    if wanted.channel is not None:
        chosen = chosen.where(audit.c.channel == wanted.channel)
    if wanted.actor is not None:
        chosen = chosen.where(audit.c.actor == wanted.actor)
    if wanted.since is not None:
        chosen = chosen.where(audit.c.at >= wanted.since)
    rows = connection.execute(chosen.order_by(audit.c.seq.desc()).limit(limit)).all()
    return [Written(row.at, row.channel, row.actor, row.action, row.target, row.outcome) for row in reversed(rows)]


def operator() -> str:
    """The `actor` of whoever runs a command of ours."""
    try:
        return f"operator:{getpass.getuser()}"
    except (OSError, KeyError):  # nobody of that number
        return "operator:unknown"
