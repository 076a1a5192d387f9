"""What the database's failures mean: whose fault each is, and what to do about it.

Sources: https://www.sqlite.org/rescode.html, https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import sqlite3
from collections.abc import Mapping

import psycopg
from sqlalchemy import URL, Engine, make_url
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

_TOO_SLOW = "it takes too long: look at what else it does, and at the network to it"
_RIGHTS = "give its user the right to create tables there and to write them"
_ANOTHER = "check the user, the password and the database in [bridge] store"
SQLSTATES: Mapping[str, str] = {
    # PostgreSQL's code, or the class that its first two characters are -> what to do.
    "08": "check that it runs, its address, and what the network lets through",
    "25006": "it is read-only: name the primary server, and a user who may write",
    "25P03": _TOO_SLOW,
    "26": "a pooler stands before it: name the server itself, or let it pool sessions",
    "28": _ANOTHER,
    "3D": _ANOTHER,
    "3F": "the schema in its search_path is not there, or not for its user: create it, and give the right to it",
    "40": "another process was faster: it is tried again",
    "42501": _RIGHTS,
    "42P01": "a table is gone: `threadbridge migrate` says whether it is this program's database at all",
    "42703": "a column is gone: `threadbridge migrate` says whether it is this program's database at all",
    "53100": "make room on its disk",
    "53200": "give it more memory",
    "53300": "it takes no more connections: raise max_connections, each process needs three",
    "54": "it is at one of its own limits",
    "55P03": _TOO_SLOW,
    "57014": _TOO_SLOW,
    "57P": "it ends or starts at this moment: nothing to do if it comes back",
    "58": "look at its disk: it is full or broken",
    "XX": "its files may be damaged: look at its own log",
}
_CONNECTING: Mapping[str, str] = {
    # What stands in its answer when it does not let us in, which has no code -> what to do.
    "authentication failed": _ANOTHER,
    "no password supplied": _ANOTHER,
    "does not exist": _ANOTHER,
    "no pg_hba.conf entry": "let this machine in: pg_hba.conf, on the server",
    "too many": SQLSTATES["53300"],
    "remaining connection slots": SQLSTATES["53300"],
    "could not translate host name": "check the host in [bridge] store",
    "failed to resolve host": "check the host in [bridge] store",
    "unsupported startup parameter": "a pooler stands before it: name the server, or ALTER ROLE … SET it",
    "starting up": SQLSTATES["57P"],
    "shutting down": SQLSTATES["57P"],
}
_OF_THE_VALUES = frozenset({"22", "23"})
"""Classes of PostgreSQL's codes for what is wrong with the values."""
CONFLICTS = frozenset({"40001", "40P01", "55P03"})
"""Codes by which PostgreSQL says that another process was in the way: each call alone may get through."""


def refusal(engine: Engine, error: Exception) -> StoreError:
    """One sentence with the store, the database's own word and the remedy."""
    remedy = _remedy(error)
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
        if state := _state(error):
            return state[:2] not in _OF_THE_VALUES and state not in CONFLICTS
        return isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError
    return isinstance(error, SQLAlchemyError)


def is_conflict(error: Exception) -> bool:
    """Whether another process was in the way."""
    return _state(error) in CONFLICTS


def reason(error: Exception) -> str:
    """The database's own words, without the statement and its values (they hold messages)."""
    words = str(getattr(error, "orig", None) or type(error).__name__)
    return words.strip().splitlines()[0] if _is_postgresqls(error) else words


def shown(engine: Engine) -> str:
    """The store as people know it: the file, or server and database; never its password."""
    return shown_url(engine.url)


def shown_url(address: str | URL) -> str:
    """The same for its URL."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    return f"postgresql://{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _remedy(error: Exception) -> str | None:
    if not _is_postgresqls(error):
        return REMEDIES.get(_code(error))
    state = _state(error)
    if state is None:
        words = str(getattr(error, "orig", ""))
        return next((remedy for word, remedy in _CONNECTING.items() if word in words), SQLSTATES["08"])
    return next((SQLSTATES[state[:most]] for most in (5, 3, 2) if state[:most] in SQLSTATES), None)


def _is_postgresqls(error: Exception) -> bool:
    return isinstance(getattr(error, "orig", error), psycopg.Error)


def _state(error: Exception) -> str | None:
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _code(error: Exception) -> int:
    return int(getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)) & 0xFF
