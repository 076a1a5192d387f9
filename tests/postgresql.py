"""A real PostgreSQL on loopback: a cluster of its own in a temporary folder, which ends with the process that made it.

A watcher, `sh` in a session of its own, waits for the end of a pipe that only this process holds: however this process
ends, the watcher then stops the cluster and takes the folder away.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.ports import free_port

FOLDER = "THREADBRIDGE_POSTGRESQL"
"""The variable that names the folder of PostgreSQL's programs; without it they are looked for."""
USER = "bridge"
PATIENCE = 30.0
"""Seconds for a start or an end."""
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
_WATCH = 'read -r _; "$0" stop -D "$1/data" -m immediate -s; rm -rf "$1"'


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
        self._folder = Path(tempfile.mkdtemp(prefix="threadbridge-postgresql-"))
        self._as_ordinary_user: dict[str, Any] = {
            "cwd": self._folder,
            # Nothing of the user's: PGDATA, PGPORT and the like would lead elsewhere.
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "start_new_session": True,  # so that Ctrl-C comes to us, and we end it
        }
        if os.geteuid() == 0:
            account = _ordinary_account()
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as_ordinary_user |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, self._programs / "pg_ctl", self._folder],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._as_ordinary_user,
        )  # fmt: skip
        self._data = self._folder / "data"
        self.log = self._folder / "postgresql.log"
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        made = subprocess.run(
            [self._programs / "initdb", "--no-sync", "-A", "trust", "-U", USER, "-E", "UTF8", "--no-locale", self._data],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **self._as_ordinary_user,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        settings = {**_SETTINGS, "unix_socket_directories": str(self._folder), **({} if durable else _FAST)}
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
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as_ordinary_user,
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
        self._watcher.communicate(timeout=PATIENCE)

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


def _ordinary_account() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")
