"""A PostgreSQL that cannot be used as it is: one sentence that names it and the remedy, and never its password."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreError
from bridge.store import database, failures, postgresql
from bridge.store.protocol import Accepted
from bridge.store.schema import metadata
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival
from tests.ports import free_port
from tests.store.conftest import ON_POSTGRESQL, asked, goes_all_the_way

ENOUGH = postgresql.PREPARED_AFTER + 2
"""So many messages use each statement often enough for the server to keep its plan."""


def change(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def read_only(url: str) -> str:
    change(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
    return url


def anothers(url: str) -> str:
    change(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "CREATE TABLE invoices (id int)")
    return url


def anothers_with_migrations(url: str) -> str:
    change(url, "UPDATE alembic_version SET version_num = '3fa09cc2b1d7'")
    return url


def newer(url: str) -> str:
    change(url, "UPDATE alembic_version SET version_num = '9999'")
    return url


def guest(url: str, *rights: str) -> str:
    change(
        url,
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        *rights,
    )
    return url.replace("bridge@", "guest:hunter2@")


def without_schema(url: str) -> str:
    return guest(url)


def without_rights(url: str) -> str:
    return guest(url, "GRANT USAGE ON SCHEMA public TO guest")


REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "gone": (lambda _: f"postgresql://me:hunter2@127.0.0.1:{free_port()}/x", "check that it runs, its address"),
    "no such database": (
        lambda url: url.rpartition("/")[0] + "/nowhere",
        "check the user, the password and the database",
    ),
    "no such host": (lambda _: "postgresql://me:hunter2@nowhere.invalid/x", "check the host"),
    "read-only": (read_only, "it is read-only: name the primary server"),
    "another program's": (anothers, "is another program's database: name an empty one"),
    "another program's, with migrations": (anothers_with_migrations, "is another program's database"),
    "newer": (newer, "was written by a newer threadbridge (schema 9999"),
    "without a schema": (without_schema, "not there, or not for its user: create it"),
    "without rights": (without_rights, "give its user the right to create tables"),
}


@ON_POSTGRESQL
@pytest.mark.parametrize("case", REFUSED)
async def test_a_start_on_what_cannot_be_used_says_why(url: str, case: str) -> None:
    make, sentence = REFUSED[case]
    made = make(url)
    with pytest.raises(StoreError) as refused:
        await SqlStore.open(made)
    assert sentence in str(refused.value)
    assert failures.shown_url(made) in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("version", "problem"),
    [(120011, "PostgreSQL 12 is too old: 13 or newer is needed"), (130000, None), (150008, None), (180001, None)],
)
def test_a_server_that_is_too_old_is_refused(version: int, problem: str | None) -> None:
    assert postgresql.server_problem(version, read_only=False) == problem


def test_every_failure_that_names_a_remedy_is_one_of_postgresqls() -> None:
    for state in failures.SQLSTATES:
        known = [
            code for code in psycopg.errors.__dict__.values() if str(getattr(code, "sqlstate", "")).startswith(state)
        ]
        assert known, state


@pytest.mark.parametrize(
    ("error", "the_databases", "conflict"),
    [
        (psycopg.errors.DiskFull, True, False),
        (psycopg.errors.ReadOnlySqlTransaction, True, False),
        (psycopg.errors.AdminShutdown, True, False),
        (psycopg.errors.InsufficientPrivilege, True, False),
        (psycopg.errors.UndefinedTable, True, False),
        (psycopg.errors.QueryCanceled, True, False),
        (psycopg.errors.DeadlockDetected, False, True),
        (psycopg.errors.LockNotAvailable, False, True),
        (psycopg.errors.UniqueViolation, False, False),
        (psycopg.errors.UntranslatableCharacter, False, False),
        (psycopg.OperationalError, True, False),
    ],
)
def test_whose_failure_it_is(error: type[psycopg.Error], the_databases: bool, conflict: bool) -> None:
    wrapped = DBAPIError.instance("SELECT 1", {}, error("words"), psycopg.Error)
    assert isinstance(wrapped, Exception)
    assert (failures.is_the_databases(wrapped), failures.is_conflict(wrapped)) == (the_databases, conflict)


@ON_POSTGRESQL
async def test_a_full_disk_is_named_with_what_to_do(url: str) -> None:
    store = await SqlStore.open(url)
    change(
        url,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON turns EXECUTE FUNCTION full_disk()",
    )
    with pytest.raises(StoreError, match=r"could not extend file; make room on its disk"):
        await store.accept(arrival(1))
    change(url, "DROP TRIGGER full_disk ON turns")
    assert await store.accept(arrival(1)) is Accepted.TURN
    await store.close()


@ON_POSTGRESQL
async def test_a_lock_that_another_program_holds_is_waited_for_so_long_and_no_longer(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = postgresql._BEGIN.bindparams(longest="300")  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(postgresql, "_BEGIN", begin)
    store = await SqlStore.open(url)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE turns IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreError, match="it takes too long"):
            await store.accept(arrival(1))
        connection.rollback()
    assert await store.accept(arrival(1)) is Accepted.TURN
    await store.close()


@ON_POSTGRESQL
async def test_what_is_committed_is_on_the_disk_also_where_the_database_would_not_wait_for_that(url: str) -> None:
    change(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    store = await SqlStore.open(url)
    assert await asked(store, "SELECT current_setting('synchronous_commit')") == "on"
    await store.close()


@ON_POSTGRESQL
@pytest.mark.parametrize("waits_for", ["local", "remote_write", "remote_apply"])
async def test_for_whom_else_a_commit_waits_is_left_to_the_database(url: str, waits_for: str) -> None:
    change(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = {waits_for}")
    store = await SqlStore.open(url)
    assert await asked(store, "SELECT current_setting('synchronous_commit')") == waits_for
    await store.close()


@ON_POSTGRESQL
async def test_the_server_ends_what_a_process_that_is_stopped_left_open(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = postgresql._BEGIN.bindparams(left_open="100")  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(postgresql, "_BEGIN", begin)
    store = await SqlStore.open(url)

    def stopped(connection: Connection, _: Sequence[None]) -> list[None]:
        own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with psycopg.connect(url, autocommit=True) as other:
            while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [own]).fetchone():
                pass
        return [None]

    with pytest.raises(StoreError, match="idle-in-transaction timeout; it takes too long"):
        await store._commit.write(stopped, None)
    assert await store.accept(arrival(1)) is Accepted.TURN
    await store.close()


@ON_POSTGRESQL
async def test_connections_that_the_server_ends_are_made_anew(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    change(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    with pytest.raises(StoreError, match="it ends or starts at this moment"):
        await store.accept(arrival(2))
    assert await store.accept(arrival(2)) is Accepted.TURN
    await store.close()


def test_the_tables_are_those_of_the_schema_and_are_made_once_by_whoever_is_first(database_url: str) -> None:
    outcomes: list[object] = []

    def migrate() -> None:
        try:
            outcomes.append(database.migrate_at(database_url)[1])
        except StoreError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [database.HEAD] * 4
    with database.reading(database_url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_schema_of_its_own_keeps_it_apart_from_another_program(database_url: str) -> None:
    change(database_url, "CREATE TABLE invoices (id int)", "CREATE SCHEMA bot")
    url = f"{database_url}?options=-csearch_path%3Dbot"
    assert database.migrate_at(url) == (None, database.HEAD)
    with psycopg.connect(database_url) as connection:
        made = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'bot'").fetchone()
    assert made == (len(metadata.tables) + 1,)


def test_a_plan_says_what_a_migration_would_do_and_does_nothing(database_url: str) -> None:
    plan = database.plan(database_url)
    assert (plan.before, [step.revision for step in plan.steps]) == (None, [database.HEAD])
    assert database.plan(database_url) == plan
    database.migrate_at(database_url)
    assert database.plan(database_url).steps == []


async def test_what_a_newer_version_adds_a_running_older_one_survives(url: str) -> None:
    """Newer versions only add: columns with a default or none, tables, indexes."""
    store = await SqlStore.open(url)
    for number in range(ENOUGH):
        await goes_all_the_way(store, number)
    with database.transaction(url) as connection:
        for statement in (
            *(f"ALTER TABLE {table} ADD COLUMN mood TEXT" for table in metadata.tables),
            *(f"ALTER TABLE {table} ADD COLUMN weight INTEGER NOT NULL DEFAULT 1" for table in metadata.tables),
            "CREATE INDEX turns_of_mood ON turns (mood)",
            "CREATE TABLE moods (id INTEGER PRIMARY KEY)",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            connection.exec_driver_sql(statement)
    for number in range(ENOUGH, 2 * ENOUGH):
        await goes_all_the_way(store, number)
    await store.close()
    with pytest.raises(StoreError, match="was written by a newer threadbridge"):
        await SqlStore.open(url)


def test_migrations_after_the_first_that_a_server_knows_only_add() -> None:
    folder = Path(database.__file__).parent / "migrations" / "versions"
    later = [path for path in sorted(folder.glob("[0-9]*.py")) if path.name > "0010"]
    assert later
    for path in later:
        text = path.read_text(encoding="utf-8")
        for taken in ("drop_", "alter_", "rename_", "batch_"):
            assert taken not in text, f"{path.name}: a running older version would not survive {taken}…"
