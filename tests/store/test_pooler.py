"""The store behind a PgBouncer that gives every transaction another session: all it keeps, but no notifications."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bridge.store import commit, database, postgresql
from bridge.store.schema import metadata
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_contract import StoreContract
from bridge.testing.store_examples import Stores, arrival, result
from tests.pooler import SESSIONS, Pooler
from tests.postgresql import USER, PostgreSQL
from tests.store.conftest import asked, goes_all_the_way, stores_at

ENOUGH = 2 * SESSIONS * postgresql.PREPARED_AFTER
"""So many messages use each statement in each session often enough for its plan to be kept, if it were."""
_numbers = itertools.count(1)


def left(url: str) -> list[object]:
    """What is set in each session, and how many locks it has: of as many clients at a time as there are sessions."""
    query = """
        SELECT jsonb_object_agg(name, setting), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
        FROM pg_settings
    """
    clients = [psycopg.connect(url, application_name="another") for _ in range(SESSIONS)]
    found: list[object] = [client.execute(query).fetchone() for client in clients]
    for client in clients:
        client.close()
    return found


@pytest.fixture
def pooled(pooler: Pooler, postgresql: PostgreSQL, migrated: str) -> Iterator[str]:
    """A database with all tables and nothing in them, behind the pooler, which has all its sessions with it."""
    name = f"pooled_{next(_numbers)}"
    postgresql.copy(migrated, name)
    left(pooler.url(name))
    yield pooler.url(name)
    postgresql.drop(name)


class TestPooled(StoreContract):
    @pytest.fixture
    def stores(self, pooled: str) -> Stores:
        return stores_at(pooled)


async def test_what_one_process_accepts_another_finds_although_it_hears_nothing_and_says_so(
    pooled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "HEARD_WITHIN", 0.2)
    with capture_logs() as logs:
        one, other = await SqlStore.open(pooled), await SqlStore.open(pooled)
        for number in range(3):
            waiting = asyncio.ensure_future(other.lease_turns("main", 1))
            await other.renew()
            await one.renew()
            await one.accept(arrival(number))
            (lease,) = await asyncio.wait_for(waiting, 5 * commit.POLL)
            await other.finish_turn(lease, result())
        async with asyncio.timeout(10):
            while sum(log["event"] == "store.hears_nothing" for log in logs) < 2:  # noqa: ASYNC110 - logs tell nobody
                await asyncio.sleep(0.02)
        await one.close()
        await other.close()
    assert {log["event"] for log in logs if log["log_level"] == "warning"} == {"store.hears_nothing"}


async def test_plans_are_kept_where_no_pooler_stands_before_the_server_and_only_there(
    pooled: str, postgresql_url: str
) -> None:
    kept: list[bool] = []
    for url in (postgresql_url, pooled):
        store = await SqlStore.open(url)
        for number in range(ENOUGH):
            await goes_all_the_way(store, number)
        counts = [await asked(store, "SELECT count(*) FROM pg_prepared_statements") for _ in range(SESSIONS)]
        kept.append(any(counts))
        await store.close()
    assert kept == [True, False]


async def test_whoever_is_given_a_session_after_the_store_finds_it_as_it_was(pooled: str) -> None:
    before = left(pooled)
    store = await SqlStore.open(pooled)
    for number in range(SESSIONS):
        await goes_all_the_way(store, number)
    assert left(pooled) == before
    await store.close()


def test_tables_are_made_through_it_in_the_schema_that_the_server_gives_to_its_user(
    pooler: Pooler, database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bot")
        connection.execute(f"ALTER ROLE {USER} IN DATABASE {name} SET search_path = bot".encode())
    assert database.migrate_at(pooler.url(name)) == (None, database.HEAD)
    with psycopg.connect(database_url) as connection:
        made = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'bot'").fetchone()
    assert made == (len(metadata.tables) + 1,)


async def test_what_a_pooler_tells_a_store_that_did_not_ask_is_not_kept(pooled: str) -> None:
    one, other = await SqlStore.open(pooled), await SqlStore.open(pooled)
    for store in (one, other):
        await store.renew()

    def kept(connection: Connection, calls: Sequence[None]) -> list[int]:
        driver: Any = connection.connection.driver_connection
        return [len(driver._notifies_backlog) for _ in calls]

    for number in range(20 * SESSIONS):
        await one.accept(arrival(number, f"t{number}"))
    assert [await store._commit.write(kept, None) for store in (one, other)] == [0, 0]
    for store in (one, other):
        await store.close()
