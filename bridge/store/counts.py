"""Counting what is open, what was given up and what people say of answers: on a connection of its own."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, func, select

from bridge.store import database
from bridge.store.records import Counts
from bridge.store.schema import (
    deliveries,
    feedback,
    of_dead_letters,
    of_dead_turns,
    open_deliveries,
    open_turns,
    turns,
)

PATIENCE = 1.0
"""Seconds that a reader waits for the file; SQLite's writers keep it only while they tidy up."""


def read_at(url: str) -> Counts:
    """What there is now. Raises StoreError."""
    with database.reading(url, patience=PATIENCE) as connection:
        return _read(connection)


def _read(connection: Connection) -> Counts:
    return Counts(
        open_turns=_by(connection, open_turns.c.instance),
        open_deliveries=_by(connection, open_deliveries.c.channel),
        dead_turns=_dead(connection, of_dead_turns, turns.c.status),
        dead_deliveries=_dead(connection, of_dead_letters, deliveries.c.status),
        votes={"good": 0, "bad": 0, **_by(connection, feedback.c.value)},
    )


def _by(connection: Connection, named: ColumnElement[str]) -> Mapping[str, int]:
    return {row[0]: row[1] for row in connection.execute(select(named, func.count()).group_by(named))}


def _dead(connection: Connection, of_dead: ColumnElement[bool], status: ColumnElement[str]) -> int:
    """The index holds all that were given up; what a person dropped is listed no longer."""
    return connection.execute(select(func.count()).where(of_dead, status != "dropped")).scalar_one()
