"""Opening the database, whichever engine it is, and the schema's version."""

import re
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreError
from bridge.store import failures, postgresql, sqlite
from bridge.store.schema import metadata
from bridge.store.together import Alone, Together

HEAD = "0010"
"""The newest migration that this program knows; a test holds it against the migrations."""


def open_engine(url: str, *, read_only: bool = False, patience: float = 5.0) -> Engine:
    """An engine on one connection.

    On a file, transactions begin at once with the right to write, unless it is read-only, and wait `patience` seconds
    for another process's to end.
    """
    if postgresql.is_postgresql(url):
        return postgresql.open_engine(url, read_only=read_only)
    return sqlite.open_engine(url, read_only=read_only, patience=patience)


@contextmanager
def reading(url: str, *, patience: float = 5.0) -> Generator[Connection]:
    """One transaction that only reads, whatever the schema. Raises StoreError."""
    engine = open_engine(url, read_only=True, patience=patience)
    try:
        with postgresql.watched(engine), engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise failures.refusal(engine, error) from error
    finally:
        engine.dispose()


@contextmanager
def transaction(url: str, *, read_only: bool = False) -> Generator[Connection]:
    """One transaction on a store that is there and has this program's schema, also beside a running bridge.

    Raises StoreError; then nothing was written.
    """
    engine = open_engine(url, read_only=True)
    try:
        with postgresql.watched(engine):
            check_current(engine)
        if not read_only:
            engine.dispose()
            engine = open_engine(url)
        with postgresql.watched(engine), engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise failures.refusal(engine, error) from error
    finally:
        engine.dispose()


def together(engine: Engine, me: str, lease_seconds: float) -> Together:
    """What keeps processes apart on it; `me` is one process start."""
    return postgresql.Shared(engine, me, lease_seconds) if engine.dialect.name == "postgresql" else Alone()


def now(connection: Connection) -> float:
    """Seconds since the epoch, by the clock that history is dated by."""
    return postgresql.now(connection) if connection.dialect.name == "postgresql" else time.time()


def version(engine: Engine) -> str | None:
    """The schema's version, None in an empty database. Raises StoreError if it cannot be used or is not ours."""
    try:
        with engine.connect() as connection:
            return _version(connection, engine)
    except DBAPIError as error:
        raise failures.refusal(engine, error) from error


def _version(connection: Connection, engine: Engine) -> str | None:
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    known = "alembic_version" in tables
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else ""
    if not re.fullmatch("[0-9]{4}", str(found)):
        remedy = "name another file" if engine.dialect.name == "sqlite" else "name an empty one, or an empty schema"
        raise StoreError(f"the store {failures.shown(engine)} is another program's database: {remedy}")
    return str(found)


def problem(url: str) -> str | None:
    """Why `run` would refuse this store, as far as that is seen without writing and without connecting anywhere;
    None if it is not there yet.
    """
    if postgresql.is_postgresql(url):
        return None
    if not sqlite.path_of(url).parent.is_dir():
        return str(sqlite.no_folder(sqlite.path_of(url)))
    if not sqlite.path_of(url).exists():
        return None
    engine = open_engine(url, read_only=True)
    try:
        check_version(engine)
    except StoreError as error:
        return str(error)
    finally:
        engine.dispose()
    return None


def check_version(engine: Engine) -> bool:
    """Whether the schema is this program's own. Raises StoreError if it is newer."""
    return _is_current(version(engine), engine)


def _is_current(found: str | None, engine: Engine) -> bool:
    if found is not None and found > HEAD:
        raise StoreError(
            f"the store {failures.shown(engine)} was written by a newer threadbridge (schema {found}, this one knows "
            f"{HEAD}): install that version"
        )
    return found == HEAD


def check_current(engine: Engine) -> None:
    """Raises StoreError unless the schema is this program's own."""
    if version(engine) is None:
        raise StoreError(f"the store {failures.shown(engine)} is empty: start `threadbridge run` first")
    if not check_version(engine):
        raise StoreError(f"the store {failures.shown(engine)} has an older schema: run `threadbridge migrate` first")


@dataclass(frozen=True, slots=True)
class Step:
    """One migration."""

    revision: str
    does: str
    """In a sentence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a migration would do."""

    store: str
    """As people know it."""
    before: str | None
    """The schema's version as it is; None: the database is empty."""
    steps: Sequence[Step]
    """None of them: there is nothing to do."""


def plan(url: str) -> Plan:
    """What `migrate_at` would do. Writes nothing. Raises StoreError as that does."""
    store = failures.shown_url(url)
    if not postgresql.is_postgresql(url) and not sqlite.path_of(url).exists():
        return Plan(store, None, [_ALL_AT_ONCE])
    engine = open_engine(url, read_only=True)
    try:
        with postgresql.watched(engine):
            before = version(engine)
        if _is_current(before, engine):
            return Plan(store, before, [])
        return Plan(store, before, _steps(before) if before else [_ALL_AT_ONCE])
    finally:
        engine.dispose()


_ALL_AT_ONCE = Step(HEAD, "Makes all tables in the empty database.")


def _steps(before: str) -> Sequence[Step]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see below

    ahead = ScriptDirectory.from_config(_alembic()).iterate_revisions("head", before)
    return [Step(one.revision, str(one.doc)) for one in reversed(list(ahead))]


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Brings the schema to this program's version, forward only. Returns (before, after)."""
    before = version(engine)
    if not check_version(engine):
        from alembic import command  # noqa: PLC0415 - 20 MB that only a first start needs

        try:
            with engine.connect() as connection, _migrating(connection):
                config = _alembic()
                config.attributes["connection"] = connection
                if engine.dialect.name == "sqlite":
                    command.upgrade(config, "head")
                elif (before := _version(connection, engine)) is None:
                    metadata.create_all(connection)
                    command.stamp(config, "head")
                elif not _is_current(before, engine):
                    command.upgrade(config, "head")
        except DBAPIError as error:
            raise failures.refusal(engine, error) from error
    return before, HEAD


def _alembic() -> Any:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _migrating(connection: Connection) -> Generator[None]:
    if connection.dialect.name == "sqlite":
        with _without_foreign_keys(connection):
            yield
    else:
        with connection.begin():
            postgresql.migrates_alone(connection)
            yield


@contextmanager
def _without_foreign_keys(connection: Connection) -> Generator[None]:
    """SQLite changes a table by making it anew, and must not mind that others refer to it meanwhile.

    https://www.sqlite.org/lang_altertable.html#otheralter; a transaction that has begun would not notice.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


@contextmanager
def locked(url: str) -> Generator[None]:
    """No `threadbridge run` uses the file meanwhile; a server is migrated while others run. Raises StoreError."""
    if postgresql.is_postgresql(url):
        yield
        return
    with sqlite.lock(url):
        yield


def migrate_at(url: str) -> tuple[str | None, str]:
    """`migrate` on a connection of its own, after a look for damage, or whether such a server can be used."""
    engine = open_engine(url)
    try:
        if postgresql.is_postgresql(url):
            postgresql.check_server(engine)
        else:
            sqlite.look_through(engine)
        return migrate(engine)
    finally:
        engine.dispose()
