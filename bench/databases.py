"""Where stores are measured: an SQLite file, or a database of a PostgreSQL of our own that syncs every commit."""

import itertools
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from tests.postgresql import NotInstalled, PostgreSQL

__all__ = ["NotInstalled", "Server", "sqlite_file"]


class Server:
    """A PostgreSQL with its own defaults, on the same disk as the files."""

    def __init__(self) -> None:
        """Raises NotInstalled."""
        self.postgresql = PostgreSQL(durable=True)
        self.postgresql.start()
        # What it has as it comes; the tests' own is smaller.
        self.execute("ALTER SYSTEM SET shared_buffers = '128MB'", "ALTER SYSTEM SET max_wal_size = '1GB'")
        self.postgresql.restart()
        self._numbers = itertools.count(1)

    def close(self) -> None:
        self.postgresql.close()

    @contextmanager
    def database(self) -> Generator[str]:
        """The URL of an empty one, which is gone afterwards."""
        name = f"bench_{next(self._numbers)}"
        yield self.postgresql.database(name)
        self.postgresql.drop(name)

    def execute(self, *statements: str) -> None:
        """Each in a transaction of its own, as its owner."""
        with psycopg.connect(self.postgresql.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def cpu(self) -> float:
        """Seconds of CPU since its start of all its processes, also of those that ended."""
        server = psutil.Process(self.postgresql.pid)
        times = server.cpu_times()
        spent = times.user + times.system + times.children_user + times.children_system
        for child in server.children():
            own = child.cpu_times()
            spent += own.user + own.system
        return float(spent)


@contextmanager
def sqlite_file() -> Generator[str]:
    """The URL of a file that is not there yet, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="threadbridge-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'bench.db'}"
