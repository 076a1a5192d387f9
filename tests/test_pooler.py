"""PgBouncer for tests: it does what it is there for, and it leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.pooler import SESSIONS, Pooler, program
from tests.postgresql import NotInstalled

ROOT = Path(__file__).parent.parent
STARTS_ONE = """
import sys
from tests.pooler import Pooler
from tests.postgresql import PostgreSQL
server = PostgreSQL()
server.start()
pooler = Pooler(server)
print(server.log.parent, pooler.log.parent, flush=True)
sys.stdin.read()
"""


def session(connection: psycopg.Connection) -> object:
    (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (None,)
    return pid


def test_every_transaction_is_given_another_session(pooler: Pooler) -> None:
    url = pooler.url("postgres")
    with psycopg.connect(url) as one, psycopg.connect(url) as other:
        assert session(one) != session(other)
        one.rollback()
        other.rollback()
        given: list[object] = []
        for _ in range(2 * SESSIONS):
            given.append(session(one))
            one.rollback()
    assert given[:SESSIONS] == given[SESSIONS:]
    assert len(set(given)) == SESSIONS


@pytest.mark.usefixtures("pooler")
def test_who_started_it_is_killed_and_it_leaves_neither_process_nor_folder() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    with starter.stdin, starter.stdout:
        folders = [Path(each) for each in starter.stdout.readline().decode().split()]
        started = psutil.Process(starter.pid).children(recursive=True)
        names = [each.name() for each in started]
        starter.kill()
        starter.wait()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert "pgbouncer" in names
    assert alive == []
    assert [folder for folder in folders if folder.exists()] == []


def test_where_it_is_not_installed_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="needs PgBouncer: apt-get install pgbouncer"):
        program(str(tmp_path))
