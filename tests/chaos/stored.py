"""What the store says of the messages, read beside the bridges that run."""

import json
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from bridge.store import database
from bridge.store.schema import deliveries, open_deliveries, open_turns, processes, turns
from tests.chaos.people import words_in
from tests.chaos.verdict import Stored

REPEATABLE = "parrot"
"""The instance that can be asked again; it has a third of the sessions."""


def stored(url: str) -> tuple[Sequence[Stored], int]:
    """The messages in the order of acceptance, and how many rows wait for something. Raises StoreError."""
    with database.reading(url) as connection:
        rows = connection.execute(
            select(turns.c.envelope, turns.c.status, turns.c.instance).order_by(turns.c.seq)
        ).all()
        waiting = sum(len(connection.execute(select(table.c.seq)).all()) for table in (open_turns, open_deliveries))
    found = [Stored(_number(row.envelope), row.status, repeatable=row.instance == REPEATABLE) for row in rows]
    return found, waiting


def in_work(url: str) -> Sequence[tuple[int, int]]:
    """Process and message of each turn whose lease lasts: (its pid, the message's number). Raises StoreError."""
    with database.reading(url) as connection:
        now = database.now(connection)
        rows = connection.execute(
            select(processes.c.name, turns.c.envelope)
            .join(open_turns, open_turns.c.owner == processes.c.id)
            .join(turns, turns.c.seq == open_turns.c.seq)
            .where(open_turns.c.lease_until > now)
        ).all()
    return [(int(row.name.rpartition(":")[2]), _number(row.envelope)) for row in rows]


def write_down(url: str, path: Path) -> None:
    """All turns and deliveries, a line of JSON each, for whoever looks into a broken promise. Raises StoreError."""
    with database.reading(url) as connection, path.open("w", encoding="utf-8") as file:
        for table in (turns, deliveries):
            for row in connection.execute(select(table).order_by(table.c.seq)).mappings():
                file.write(json.dumps({"table": table.name, **row}) + "\n")


def _number(envelope: str) -> int:
    return words_in(json.loads(envelope)["text"])[0][0]
