"""A store in a SQLite file: pragmas, the lock that keeps a second process out, and a look for damage."""

import sqlite3
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreError
from bridge.store import failures

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
        raise StoreError(
            f"the store {path} is in use by another threadbridge: stop that one first, or let both share a PostgreSQL"
        ) from error
    except OSError as error:
        raise StoreError(f"the store {path} cannot be written ({error.strerror}): check the folder's rights") from error
    return file_lock


def open_engine(url: str, *, read_only: bool, patience: float) -> Engine:
    """An engine on one connection. Transactions begin at once with the right to write, unless it is read-only."""
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


def no_folder(path: Path) -> StoreError:
    """The refusal of a store whose folder is missing."""
    return StoreError(f"the store {path} cannot be written: its folder is not there, make it or name another")
