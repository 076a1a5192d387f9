"""What every store keeps is tried on both engines."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from bridge.channel import MessageRef
from bridge.store import database
from bridge.store.protocol import Accepted
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import LEASE_SECONDS, Clock, Stores, arrival, delivery, result, turn
from tests.postgresql import PostgreSQL

ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For what is SQLite's own."""
ON_POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
_TEMPLATE = "store_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def migrated(postgresql: PostgreSQL) -> str:
    """A database with all tables, to be copied."""
    database.migrate_at(postgresql.database(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL, migrated: str) -> Iterator[str]:
    """A PostgreSQL with all tables and nothing in them."""
    name = f"store_{next(_numbers)}"
    yield postgresql.copy(migrated, name)
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


def stores_at(url: str) -> Stores:
    """Opens stores on that database, also on a file: without the lock on it, as several processes would."""
    database.migrate_at(url)

    @asynccontextmanager
    async def opened(clock: Clock) -> AsyncIterator[SqlStore]:
        store = SqlStore(database.open_engine(url), lease_seconds=LEASE_SECONDS, clock=clock, steady=clock)
        try:
            yield store
        finally:
            await store.close()

    return opened


async def goes_all_the_way(store: SqlStore, number: int) -> None:
    """A message is accepted, answered, and its answer posted; nothing else may be open."""
    assert await store.accept(arrival(number)) is Accepted.TURN
    lease = await turn(store)
    await store.begin_turn(lease)
    await store.finish_turn(lease, result(f"answer to {number}"))
    posted = await delivery(store)
    assert posted.payload == {"text": f"answer to {number}"}
    await store.delivered(posted, MessageRef(f"m{number}"))


async def asked(store: SqlStore, question: str) -> Any:
    """What the database answers in a transaction of the store's own."""

    def ask(connection: Connection, calls: Sequence[None]) -> list[Any]:
        return [connection.exec_driver_sql(question).scalar_one() for _ in calls]

    return await store._commit.write(ask, None)


async def somebody_waits(url: str, *, how_many: int = 1) -> None:
    """Returns once so many transactions wait in that PostgreSQL for what others have locked."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while len(await (await connection.execute(waiting)).fetchall()) < how_many:
            pass


@asynccontextmanager
async def two(url: str, clock: Clock) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    async with AsyncExitStack() as stack:
        stores: list[SqlStore] = []
        for _ in range(2):
            store = await SqlStore.open(url, lease_seconds=LEASE_SECONDS, clock=clock, steady=clock)
            stack.push_async_callback(store.close)
            stores.append(store)
        await stores[0].renew()
        yield stores[0], stores[1]
