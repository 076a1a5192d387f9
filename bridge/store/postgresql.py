"""A store in PostgreSQL, for any number of processes: the connection, what keeps them apart, and how they tell others.

Nothing is set for a session, only for the one transaction: behind a pooler that gives every transaction another
session, settings, locks and prepared statements of a session would be somebody else's; statements are prepared only
where there is none. Only notifications do not come through such a pooler. https://www.pgbouncer.org/features.html
"""

import contextlib
import functools
import hashlib
import math
import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import psycopg
import structlog
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from bridge.errors import StoreError
from bridge.store import failures
from bridge.store.watch import Watch

_log = structlog.get_logger(__name__)

LONGEST = 10.0
"""Seconds that a transaction may take, waiting for locks and for a database that does not answer included."""
LEFT_OPEN = 2.5
"""Seconds after which the database ends the transaction of a process that is stopped or cut off in the middle of it: so
few that others who wait for its locks renew their leases in time.
"""
NOTICED = 0.5
"""So many seconds the clock may be ahead without anybody's lease looking over: they have more left when all is well."""
UNSEEN = 2 / 3
"""The part of a lease that the database is away without anybody's lease ending: it is renewed three times in one."""
OLDEST = 130000
"""The oldest server that this is meant for (`server_version_num`); it is tried with 15."""
CHANNEL = "threadbridge"
"""The name under which processes tell each other that there is work."""
HEARD_WITHIN = 5.0
"""Seconds within which a process hears what it told itself, or hears nothing at all."""
ENDS_WITHIN = 0.25
"""Seconds within which it ends."""
LISTENS_AGAIN = 2.0
"""Seconds after which it is tried again to listen."""
PREPARED_AFTER = 3
"""So many times a statement is sent before the server is asked to keep its plan, where there is no pooler."""
CONNECTING: dict[str, Any] = {
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    "connect_timeout": 5,
    "application_name": "threadbridge",
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": round(LONGEST * 1000),
}
"""What is not said in the URL."""

# Every statement finds its rows by an index. The planner, whose statistics of a hot table are of another moment, would
# read it from its beginning to its end for each row that waits; and it compiles what looks dear to it for 10 ms.
_BEGIN = text(
    """
    SELECT
        extract(epoch FROM clock_timestamp())::float8,
        set_config('statement_timeout', :longest, true),
        set_config('lock_timeout', :longest, true),
        set_config('idle_in_transaction_session_timeout', :left_open, true),
        set_config('enable_seqscan', 'off', true),
        set_config('jit', 'off', true),
        set_config('plan_cache_mode', 'force_generic_plan', true),
        CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END,
        (SELECT count(pg_advisory_xact_lock(line)) FROM unnest(CAST(:lines AS bigint[])) AS line)
    """
).bindparams(longest=str(round(LONGEST * 1000)), left_open=str(round(LEFT_OPEN * 1000)))
_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")
_CLAIM = text("SELECT pg_try_advisory_xact_lock(:claiming)")
_MIGRATES = text("SELECT pg_advisory_xact_lock(:migrating), set_config('lock_timeout', :longest, true)").bindparams(
    longest=str(round(LONGEST * 1000))
)
_TELL = text("SELECT pg_notify(:channel, :me)").bindparams(channel=CHANNEL)
_SERVER = text("SELECT current_setting('server_version_num')::int, current_setting('transaction_read_only')::bool")


def is_postgresql(url: str) -> bool:
    """Whether that is the URL of one."""
    return url.startswith("postgresql://")


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine on one connection. Connects only when it is used."""
    address = make_url(url).set(drivername="postgresql+psycopg")
    said = {key: value for key, value in CONNECTING.items() if key not in address.query}
    # With the server's own placeholders the driver need not look through each statement: of those with hundreds of
    # values, which accept many messages at once, that was a third of the time.
    engine = create_engine(
        address,
        pool_size=1,
        max_overflow=0,
        isolation_level="READ COMMITTED",
        use_native_hstore=False,
        paramstyle="numeric_dollar",
        connect_args=said | {"prepare_threshold": None, "cursor_factory": psycopg.RawCursor},
    )

    if read_only:

        @event.listens_for(engine, "connect")
        def _read_only(connection: psycopg.Connection, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
            connection.read_only = True

    return engine


@contextlib.contextmanager
def watched(engine: Engine) -> Generator[None]:
    """What is done here with a PostgreSQL fails in time if that does not answer; nothing for another engine."""
    if engine.dialect.name != "postgresql":
        yield
        return
    watch = Watch(LONGEST)

    def connected(connection: psycopg.Connection, _record: Any) -> None:
        watch.connected(lambda: connection.pgconn.socket)

    event.listen(engine, "connect", connected)
    try:
        with watch.watched():
            yield
    finally:
        watch.close()


def check_server(engine: Engine) -> None:
    """Raises StoreError if this program cannot work on such a server, or not on this one as it is."""
    try:
        with watched(engine), engine.connect() as connection:
            version, read_only = connection.execute(_SERVER).one()
    except DBAPIError as error:
        raise failures.refusal(engine, error) from error
    problem = server_problem(version, read_only=read_only)
    if problem is not None:
        raise StoreError(f"the store {failures.shown(engine)} cannot be used: {problem}")


def now(connection: Connection) -> float:
    """Seconds since the epoch, by the server's clock."""
    return float(connection.execute(_NOW).scalar_one())


def migrates_alone(connection: Connection) -> None:
    """Nobody else gets beyond this until the transaction ends, and no table is waited for longer than is bearable."""
    connection.execute(_MIGRATES, {"migrating": lock_number("migration")})


def server_problem(version: int, *, read_only: bool) -> str | None:
    """Why a server of that `server_version_num` cannot be used. Pure."""
    if version < OLDEST:
        return f"PostgreSQL {version // 10000} is too old: {OLDEST // 10000} or newer is needed"
    return failures.SQLSTATES["25006"] if read_only else None


@functools.lru_cache(maxsize=4096)
def lock_number(name: str) -> int:
    """The advisory lock of that name: 64 bits, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(f"{CHANNEL} {name}".encode(), digest_size=8).digest(), signed=True)


class Shared:
    """A database with other processes on it. Its clock decides: how late this machine's is does not matter."""

    shared = True

    def __init__(self, engine: Engine, me: str, lease_seconds: float) -> None:
        self._me = me
        self._lease_seconds = lease_seconds
        self._ahead = time.time() - _seconds()
        self._took = 0.0
        self._reached = self._back = -math.inf
        self._claims: bool | None = None
        self._watch = Watch(LONGEST)
        self._told = _Told(engine, me)
        event.listen(engine, "connect", self._connected)

    @property
    def waits(self) -> bool:
        return self._claims is False

    def clock(self) -> float:
        """The database's, as it was when the last transaction began, and the time since."""
        return self._ahead + _seconds()

    steady = clock

    @property
    def leniency(self) -> float:
        """As much as the clock may be ahead; and once the database is back, everybody renews theirs first."""
        just_back = _seconds() - self._back < self._lease_seconds
        return (self._took if self._took > NOTICED else 0.0) + (self._lease_seconds if just_back else 0.0)

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        self._claims = None
        return self._watch.watched()

    def begin(self, connection: Connection, lines: Sequence[str]) -> None:
        asked_at = _seconds()  # what the way takes makes our leases end earlier here than there, never later
        now = connection.execute(_BEGIN, {"lines": sorted({lock_number(line) for line in lines})}).scalar_one()
        self._ahead = now - asked_at
        answered_at = _seconds()
        self._took = answered_at - asked_at
        if self._lease_seconds * UNSEEN < answered_at - self._reached < math.inf:
            self._back = answered_at
        self._reached = answered_at

    def claims_alone(self, connection: Connection) -> bool:
        if self._claims is None:
            self._claims = bool(connection.execute(_CLAIM, {"claiming": lock_number("claims")}).scalar_one())
        return self._claims

    def tell(self, connection: Connection) -> None:
        connection.execute(_TELL, {"me": self._me})

    def listen(self, wake: Callable[[], None]) -> None:
        self._told.start(wake)

    def close(self) -> None:
        self._told.close()
        self._watch.close()

    def _connected(self, connection: psycopg.Connection, _record: Any) -> None:
        self._watch.connected(lambda: connection.pgconn.socket)
        connection.add_notify_handler(lambda _: None)  # behind a pooler its session may be one that listens
        if _is_direct(connection):
            connection.prepare_threshold = PREPARED_AFTER


def _is_direct(connection: psycopg.Connection) -> bool:
    """Whether the server itself is on the other side: a pooler makes up the process id that it names at the beginning.

    https://www.postgresql.org/docs/current/protocol-flow.html#id-1.10.6.7.3: BackendKeyData.
    """
    with connection.cursor() as cursor:
        found = cursor.execute("SELECT pg_backend_pid()").fetchone()
    connection.rollback()
    return found == (connection.pgconn.backend_pid,)


def _seconds() -> float:
    """Seconds that only grow, also while the machine sleeps where that can be told."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class _Told:
    """Listens, on a connection of its own, to what other processes tell. A hint only: nothing depends on it."""

    def __init__(self, engine: Engine, me: str) -> None:
        address = engine.url.set(drivername="postgresql")
        said = {key: value for key, value in CONNECTING.items() if key not in address.query}
        self._connect: Callable[[], psycopg.Connection] = lambda: psycopg.connect(
            address.render_as_string(hide_password=False), autocommit=True, prepare_threshold=None, **said
        )
        self._shown = failures.shown(engine)
        self._me = me
        self._wake: Callable[[], None] = lambda: None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._thread = threading.Thread(target=self._run, name="store told", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=LISTENS_AGAIN)

    def _run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(psycopg.Error), self._connect() as connection:
                self._listen(connection)  # without it work is found all the same, a little later
            self._ended.wait(LISTENS_AGAIN)

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        with self._connect() as other:
            other.execute("SELECT pg_notify(%s, %s)", (CHANNEL, self._me))
        heard, since = False, _seconds()
        while not self._ended.is_set():
            for notification in connection.notifies(timeout=ENDS_WITHIN, stop_after=1):
                heard = True
                if notification.payload != self._me:
                    self._wake()
            if not heard and _seconds() - since > HEARD_WITHIN:
                heard = True
                _log.warning(
                    "store.hears_nothing",
                    store=self._shown,
                    remedy="what other processes accept is found once a second: name the server itself, not a pooler",
                )
