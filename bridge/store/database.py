"""Opening the database: pragmas, the lock that keeps a second process out, and the schema's version."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreError

HEAD = "0003"
"""The newest migration that this program knows; a test holds it against the migrations."""


def path_of(url: str) -> Path:
    """The file behind a `sqlite:///` URL."""
    return Path(url.removeprefix("sqlite:///"))


def lock(url: str) -> FileLock:
    """The lock that one `threadbridge run` holds. Raises StoreError if another process has it."""
    path = path_of(url).resolve()
    if not path.parent.is_dir():
        raise StoreError(f"the store {path} cannot be written: its folder is not there, make it or name another")
    file_lock = FileLock(f"{path}.lock")
    try:
        file_lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreError(f"the store {path} is in use by another threadbridge: stop that one first") from error
    except OSError as error:
        raise StoreError(f"the store {path} cannot be written ({error.strerror}): check the folder's rights") from error
    return file_lock


def open_engine(url: str, *, read_only: bool = False, patience: float = 5.0) -> Engine:
    """An engine on one connection. Transactions begin at once with the right to write, unless it is read-only.

    A transaction waits `patience` seconds for another process's to end.
    """
    if read_only and not path_of(url).exists():
        raise StoreError(f"there is no store at {path_of(url)} yet: start `threadbridge run` first")
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.isolation_level = None  # SQLAlchemy says BEGIN, not the driver
        connection.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # NORMAL can lose acknowledged rows at a power cut

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def transaction(url: str, *, read_only: bool = False) -> Generator[Connection]:
    """One transaction on a store that is there and has this program's schema, also beside a running bridge.

    Raises StoreError; then nothing was written.
    """
    engine = open_engine(url, read_only=True)
    try:
        check_current(engine)
        if not read_only:
            engine.dispose()
            engine = open_engine(url)
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(f"the store {_shown(engine)} cannot be used: {error.orig}") from error
    finally:
        engine.dispose()


def version(engine: Engine) -> str | None:
    """The schema's version, None in an empty database. Raises StoreError if it cannot be used."""
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return found
    except DBAPIError as error:
        raise StoreError(f"the store {_shown(engine)} cannot be used: {error.orig}") from error


def check_version(engine: Engine) -> bool:
    """Whether the schema is this program's own. Raises StoreError if it is newer."""
    found = version(engine)
    if found is not None and found > HEAD:
        raise StoreError(
            f"the store {_shown(engine)} was written by a newer threadbridge (schema {found}, this one knows {HEAD}): "
            "install that version"
        )
    return found == HEAD


def check_current(engine: Engine) -> None:
    """Raises StoreError unless the schema is this program's own."""
    if not check_version(engine):
        raise StoreError(f"the store {_shown(engine)} has an older schema: run `threadbridge migrate` first")


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Brings the schema to this program's version, forward only. Returns (before, after)."""
    before = version(engine)
    if not check_version(engine):
        from alembic import command  # noqa: PLC0415 - 20 MB that only a first start needs
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        try:
            with engine.connect() as connection, _without_foreign_keys(connection):
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DBAPIError as error:
            raise StoreError(f"the store {_shown(engine)} cannot be written: {error.orig}") from error
    return before, HEAD


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


def migrate_at(url: str) -> tuple[str | None, str]:
    """`migrate` on a connection of its own."""
    engine = open_engine(url)
    try:
        return migrate(engine)
    finally:
        engine.dispose()


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True).removeprefix("sqlite:///")
