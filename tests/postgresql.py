"""A real PostgreSQL on loopback: a cluster of its own in a temporary folder, which ends with the process that made it."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from tests.ordinary import PATIENCE, OrdinaryFolder
from tests.ports import free_port

FOLDER = "THREADBRIDGE_POSTGRESQL"
"""The variable that names the folder of PostgreSQL's programs; without it they are looked for."""
USER = "bridge"
STOPS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""https://www.postgresql.org/docs/current/server-shutdown.html."""

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "log_checkpoints": "off",
}
_FAST = {"fsync": "off", "full_page_writes": "off"}
"""What is committed survives the end of every process, but not the machine's."""
_WATCH = 'read -r _; "$1" stop -D "$0/data" -m immediate -s; rm -rf "$0"'


class NotInstalled(Exception):
    """PostgreSQL's programs are not there; the text says what to do."""


def programs(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of `initdb` and `pg_ctl`: the one that is named, or of `pg_config` or PATH, or Debian's newest.

    Raises NotInstalled.
    """
    named = environment.get(FOLDER)
    candidates = [Path(named)] if named else list(_candidates(environment.get("PATH", os.defpath)))
    for folder in candidates:
        if (folder / "initdb").is_file() and (folder / "pg_ctl").is_file():
            return folder
    raise NotInstalled("needs PostgreSQL: apt-get install postgresql")


def _candidates(path: str) -> Iterator[Path]:
    if asked := shutil.which("pg_config", path=path):
        told = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(told.stdout.strip())
    if found := shutil.which("initdb", path=path):
        yield Path(found).resolve().parent
    numbered = [each for each in Path("/usr/lib/postgresql").glob("*/bin") if each.parent.name.isdigit()]
    yield from sorted(numbered, key=lambda each: int(each.parent.name), reverse=True)


class PostgreSQL:
    """Starts, stops and starts again on the same port, with what it holds.

    With `durable` every commit is synced to the disk before it is answered. PostgreSQL refuses to run as root: then it
    runs as `postgres`, or as `nobody`.
    """

    def __init__(self, *, durable: bool = False) -> None:
        """Makes the cluster, which does not run yet. Raises NotInstalled."""
        self._programs = programs()
        self._folder = OrdinaryFolder("threadbridge-postgresql-")
        self._folder.watch(_WATCH, self._programs / "pg_ctl")
        self._data = self._folder.path / "data"
        self.log = self._folder.path / "postgresql.log"
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        made = subprocess.run(
            [self._programs / "initdb", "--no-sync", "-A", "trust", "-U", USER, "-E", "UTF8", "--no-locale", self._data],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **self._folder.as_its_owner,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        settings = {**_SETTINGS, "unix_socket_directories": str(self._folder.path), **({} if durable else _FAST)}
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    @property
    def pid(self) -> int | None:
        """The server's process; None while it does not run."""
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Returns once it takes connections."""
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._folder.as_its_owner,
            )  # fmt: skip
        ready_by = time.monotonic() + PATIENCE
        while not self._ready():
            over = self._server.poll() is not None or time.monotonic() > ready_by
            assert not over, f"PostgreSQL did not start:\n{self.log.read_text(encoding='utf-8')[-5000:]}"
            time.sleep(0.02)

    def stop(self, how: str = "fast") -> None:
        """Returns once it is gone: `fast` ends every connection first, `immediate` is as after a crash."""
        if self._server is not None:
            self._server.send_signal(STOPS[how])
            self._server.wait(PATIENCE)
            self._server = None

    def restart(self, how: str = "fast") -> None:
        """Stops it like that and starts it."""
        self.stop(how)
        self.start()

    @contextlib.contextmanager
    def gone(self, how: str = "fast") -> Iterator[None]:
        """While this lasts, nothing listens on its port."""
        self.stop(how)
        try:
            yield
        finally:
            self.start()

    def close(self) -> None:
        """Ends it and takes its folder away."""
        self.stop("immediate")
        self._folder.close()

    def url(self, name: str, port: int | None = None) -> str:
        """Where that database is, or would be behind another port."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{name}"

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def copy(self, template: str, name: str) -> str:
        """The URL of a new database with all that the template holds, which nobody may be connected to."""
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(command.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Takes the database away, with every connection to it; nothing if there is none."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command)

    def _ready(self) -> bool:
        """https://www.postgresql.org/docs/current/storage-file-layout.html: `postmaster.pid` says it in its last line."""
        with contextlib.suppress(FileNotFoundError):
            told = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return self._server is not None and told[:1] == [str(self._server.pid)] and told[-1].strip() == "ready"
        return False
