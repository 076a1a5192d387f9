"""What every store keeps is tried on both engines."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bridge.store import database
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


async def somebody_waits(url: str, *, how_many: int = 1) -> None:
    """Returns once so many transactions wait in that PostgreSQL for what others have locked."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while len(await (await connection.execute(waiting)).fetchall()) < how_many:
            pass
