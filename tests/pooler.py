"""A real PgBouncer before a PostgreSQL, on loopback: it gives every transaction another session.

https://www.pgbouncer.org/config.html. It ends with the process that started it.
"""

import os
import shutil
import socket
import time
from pathlib import Path

from tests.ordinary import PATIENCE, OrdinaryFolder
from tests.ports import free_port
from tests.postgresql import USER, NotInstalled, PostgreSQL

SESSIONS = 2
"""So many with the server for each database, however many clients there are."""
_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
; Otherwise it takes the session that was given back last, and one client alone has the same one again and again.
server_round_robin = 1
logfile = {log}
"""
_RUN = '"$1" --quiet "$0/pgbouncer.ini" & read -r _; kill -9 $!; wait; rm -rf "$0"'


_FOLDERS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
"""Debian puts it where only root looks."""


def program(folders: str = _FOLDERS) -> Path:
    """Raises NotInstalled."""
    found = shutil.which("pgbouncer", path=folders)
    if found is None:
        raise NotInstalled("needs PgBouncer: apt-get install pgbouncer")
    return Path(found)


class Pooler:
    """Takes connections from its making to `close`; what it is not told is as PgBouncer comes."""

    def __init__(self, server: PostgreSQL) -> None:
        """Raises NotInstalled."""
        pgbouncer = program()
        self._server = server
        self._folder = OrdinaryFolder("threadbridge-pooler-")
        self.log = self._folder.path / "pgbouncer.log"
        self.port = free_port()
        (self._folder.path / "pgbouncer.ini").write_text(
            _CONFIGURATION.format(server=server.port, user=USER, port=self.port, sessions=SESSIONS, log=self.log),
            encoding="utf-8",
        )
        self._folder.watch(_RUN, pgbouncer)
        ready_by = time.monotonic() + PATIENCE
        while not self._ready():
            log = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
            over = "FATAL" in log or time.monotonic() > ready_by
            assert not over, f"PgBouncer did not start:\n{log[-5000:]}"
            time.sleep(0.02)

    def url(self, name: str) -> str:
        """Where the server's database is through the pooler."""
        return self._server.url(name, self.port)

    def close(self) -> None:
        """Ends it and takes its folder away."""
        self._folder.close()

    def _ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return False
        return True
