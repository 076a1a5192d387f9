"""What the database's failures mean: whose fault each is, and what to do about it.

Source: https://www.sqlite.org/rescode.html
"""

import sqlite3
from collections.abc import Mapping

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, InternalError, OperationalError, SQLAlchemyError, StatementError

from bridge.errors import StoreError

_ELSEWHERE = "check that it is a file, and the rights of this file, of its folder and of what stands beside it"
_DAMAGED = (
    "it is damaged, so nothing is written any more: stop the bridge, put a backup in its place without the -wal and "
    "-shm beside it, or save what can be read with `sqlite3 FILE .recover`"
)
REMEDIES: Mapping[int, str] = {
    # SQLite's primary result code -> what to do.
    sqlite3.SQLITE_BUSY: "another program keeps it locked: end that one",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked: end that one",
    sqlite3.SQLITE_PROTOCOL: "another program keeps it locked: end that one",
    sqlite3.SQLITE_READONLY: "it cannot be written: check the rights of the file, of its folder and of the file system",
    sqlite3.SQLITE_PERM: _ELSEWHERE,
    sqlite3.SQLITE_AUTH: _ELSEWHERE,
    sqlite3.SQLITE_CANTOPEN: _ELSEWHERE,
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_IOERR: "look at its disk: it is full or broken",
    sqlite3.SQLITE_NOTADB: "it holds something else: put a backup in its place, or name another file",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
}


def refusal(engine: Engine, error: Exception) -> StoreError:
    """One sentence with the file, the database's own word and the remedy."""
    remedy = REMEDIES.get(_code(error))
    return StoreError(f"the store {shown(engine)} cannot be used: {reason(error)}" + (f"; {remedy}" if remedy else ""))


def damaged(engine: Engine, found: str) -> StoreError:
    """The same for damage that a look through the file found."""
    return StoreError(f"the store {shown(engine)} cannot be used: {found}; {_DAMAGED}")


def is_damage(error: Exception) -> bool:
    """Whether the file itself is broken, which no repetition mends."""
    return _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_the_databases(error: Exception) -> bool:
    """Whether the database or the connection failed (locked, full, damaged), and not what was to be written."""
    if isinstance(error, StatementError):
        return isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError
    return isinstance(error, SQLAlchemyError)


def reason(error: Exception) -> str:
    """The database's own words, without the statement and its values (they hold messages)."""
    return str(getattr(error, "orig", None) or type(error).__name__)


def shown(engine: Engine) -> str:
    """The file as people know it."""
    return engine.url.render_as_string(hide_password=True).removeprefix("sqlite:///")


def _code(error: Exception) -> int:
    return int(getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)) & 0xFF
