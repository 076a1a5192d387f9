"""What every store keeps is tried on both engines."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.store import database
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import LEASE_SECONDS, Clock, Stores
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
