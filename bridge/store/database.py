"""Opening the database: pragmas, the lock that keeps a second process out, and the schema's version."""

import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreError
from bridge.store import failures

HEAD = "0008"
"""The newest migration that this program knows; a test holds it against the migrations."""
LOOKED_THROUGH = 64 * 1024 * 1024
"""Bytes: a larger store is not looked through for damage at the start, which would take seconds."""


def path_of(url: str) -> Path:
    """The file behind a `sqlite:///` URL."""
    return Path(url.removeprefix("sqlite:///"))


def lock(url: str) -> FileLock:
    """The lock that one `threadbridge run` holds. Raises StoreError if another process has it."""
    path = path_of(url).resolve()
    if not path.parent.is_dir():
        raise no_folder(path)
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
        raise failures.refusal(engine, error) from error
    finally:
        engine.dispose()


def version(engine: Engine) -> str | None:
    """The schema's version, None in an empty database. Raises StoreError if it cannot be used or is not ours."""
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            if not tables:
                return None
            known = "alembic_version" in tables
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else ""
    except DBAPIError as error:
        raise failures.refusal(engine, error) from error
    if not re.fullmatch("[0-9]{4}", str(found)):
        raise StoreError(f"the store {failures.shown(engine)} is another program's database: name another file")
    return str(found)


def look_through(engine: Engine) -> None:
    """Raises StoreError if the file is damaged; a large one is not looked through."""
    path = Path(failures.shown(engine))
    if not path.is_file() or path.stat().st_size > LOOKED_THROUGH:
        return
    try:
        with engine.connect() as connection:
            found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    except DBAPIError as error:
        raise failures.refusal(engine, error) from error
    if found != "ok":
        raise failures.damaged(engine, found.splitlines()[-1])


def problem(url: str) -> str | None:
    """Why `run` would refuse this store, as far as that is seen without writing; None if it is not there yet."""
    if not path_of(url).parent.is_dir():
        return str(no_folder(path_of(url)))
    if not path_of(url).exists():
        return None
    engine = open_engine(url, read_only=True)
    try:
        check_version(engine)
    except StoreError as error:
        return str(error)
    finally:
        engine.dispose()
    return None


def no_folder(path: Path) -> StoreError:
    """The refusal of a store whose folder is missing."""
    return StoreError(f"the store {path} cannot be written: its folder is not there, make it or name another")


def check_version(engine: Engine) -> bool:
    """Whether the schema is this program's own. Raises StoreError if it is newer."""
    found = version(engine)
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
            raise failures.refusal(engine, error) from error
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
    """`migrate` on a connection of its own, after a look for damage."""
    engine = open_engine(url)
    try:
        look_through(engine)
        return migrate(engine)
    finally:
        engine.dispose()
