"""The program with one promise broken: `python -m tests.chaos.broken NAME run …`. The run has to notice each of them."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, UniqueConstraint

from adapters.slack.channel import SlackChannel
from bridge.cli import main
from bridge.intake import Intake
from bridge.store import database
from bridge.store.accept import AcceptStatements
from bridge.store.claims import Leasing
from bridge.store.protocol import Arrival, Lease
from bridge.store.schema import metadata, turns
from bridge.store.sqlstore import SqlStore


def acknowledge_before_the_commit() -> None:
    """Events are stored a little later."""
    accept, running = Intake.accept, set[asyncio.Task[None]]()

    async def early(self: Intake, *arguments: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(0.2)
            await accept(self, *arguments)

        running.add(asyncio.create_task(later()))

    Intake.accept = early  # type: ignore[method-assign]


def post_again_without_looking() -> None:
    """What may have been posted is posted."""

    async def nothing(*_: object) -> list[object]:
        return []

    SlackChannel.find_sent = nothing  # type: ignore[assignment,method-assign]


def forget_that_the_agent_was_asked() -> None:
    """A turn that was cut off is simply asked again."""

    async def forget(*_: object) -> None:
        pass

    SqlStore.begin_turn = forget  # type: ignore[method-assign]


def forget_what_was_taken() -> None:
    """Nothing but the store's index knows what was taken before."""

    def nothing(*_: object) -> Callable[[Arrival], None]:
        return lambda _: None

    AcceptStatements.taken = staticmethod(nothing)  # type: ignore[method-assign,assignment]


def write_without_checking_the_owner() -> None:
    """Whoever began something writes what became of it, whoever has it by now."""

    def all_of_them(_: Leasing, __: Connection, leases: Sequence[Lease]) -> set[int]:
        return {lease.seq for lease in leases}

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    Leasing.held = all_of_them  # type: ignore[method-assign]
    SqlStore.until_lost = never  # type: ignore[method-assign]  # or nobody would listen to the agent for so long


def post_without_checking_the_lease() -> None:
    """Whoever began something shows it, whoever has it by now: `tests/journeys/test_cluster.py` notices, a run seldom."""

    async def nothing(*_: object) -> None:
        pass

    SqlStore.confirm = nothing  # type: ignore[method-assign]


def take_down_the_fence() -> None:
    """Nobody asks whether what he began is his by now, neither before he writes nor before he posts."""
    write_without_checking_the_owner()
    post_without_checking_the_lease()


WAYS: Mapping[str, Callable[[], None]] = {
    way.__name__: way
    for way in (
        acknowledge_before_the_commit,
        forget_that_the_agent_was_asked,
        forget_what_was_taken,
        post_again_without_looking,
        post_without_checking_the_lease,
        take_down_the_fence,
        write_without_checking_the_owner,
    )
}


def store_without_its_index(path: Path) -> None:
    """A new store that takes a message twice."""
    (index,) = [one for one in turns.constraints if isinstance(one, UniqueConstraint)]
    turns.constraints.remove(index)
    try:
        engine = database.open_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (database.HEAD,))
        engine.dispose()
    finally:
        turns.append_constraint(index)


if __name__ == "__main__":
    WAYS[sys.argv.pop(1)]()
    main()
