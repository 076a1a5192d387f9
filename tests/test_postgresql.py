"""PostgreSQL for tests: it keeps what it holds, and it leaves nothing behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.postgresql import FOLDER, NotInstalled, PostgreSQL, programs

ROOT = Path(__file__).parent.parent
STARTS_ONE = """
import sys
from tests.postgresql import PostgreSQL
server = PostgreSQL()
server.start()
print(server.log.parent, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def own(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:  # noqa: ARG001 - skips where it is not installed
    """One that this test may stop."""
    server = PostgreSQL()
    server.start()
    yield server
    server.close()


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def test_every_test_has_an_empty_database(database_url: str) -> None:
    assert ask(database_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert ask(database_url, "SELECT current_user") == "bridge"


def test_the_databases_of_earlier_tests_are_gone(database_url: str) -> None:
    assert (
        ask(database_url, "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'test%'")
        == (database_url.rpartition("/")[2])
    )


def test_a_copy_holds_what_its_template_holds(postgresql: PostgreSQL, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    copied = postgresql.copy(database_url.rpartition("/")[2], "copied")
    try:
        assert ask(copied, "SELECT number FROM kept") == 42
    finally:
        postgresql.drop("copied")


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_it_comes_back_on_its_port_with_what_it_held(own: PostgreSQL, how: str) -> None:
    url, pid = own.database("kept"), own.pid
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    with psycopg.connect(url) as still_connected:
        own.restart(how)
        with pytest.raises(psycopg.OperationalError):
            still_connected.execute("SELECT 1")
    assert own.pid != pid
    assert ask(url, "SELECT number FROM kept") == 42


def test_while_it_is_gone_nobody_connects(own: PostgreSQL) -> None:
    url = own.url("postgres")
    with own.gone(), pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url)
    assert ask(url, "SELECT 1") == 1


def test_what_is_committed_is_on_the_disk_only_where_that_is_asked_for(own: PostgreSQL) -> None:
    durable = PostgreSQL(durable=True)
    try:
        durable.start()
        settings = [ask(server.url("postgres"), "SHOW fsync") for server in (own, durable)]
    finally:
        durable.close()
    assert settings == ["off", "on"]


def test_closed_it_leaves_neither_process_nor_folder(own: PostgreSQL) -> None:
    server, folder = psutil.Process(own.pid), own.log.parent
    own.close()
    assert not server.is_running()
    assert own.pid is None
    assert not folder.exists()


@pytest.mark.usefixtures("postgresql")
def test_who_started_it_is_killed_and_it_leaves_neither_process_nor_folder() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    with starter.stdin, starter.stdout:
        folder = Path(starter.stdout.readline().decode().strip())
        started = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
        starter.wait()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert started
    assert alive == []
    assert not folder.exists()


def test_it_is_found_where_it_is_named(tmp_path: Path) -> None:
    for name in ("initdb", "pg_ctl"):
        (tmp_path / name).touch()
    assert programs({FOLDER: str(tmp_path)}) == tmp_path


def test_where_it_is_not_installed_its_tests_are_skipped_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="apt-get install postgresql"):
        programs({FOLDER: str(tmp_path)})
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", "empty_database", "-p", "no:cacheprovider"],
        cwd=ROOT, env={**os.environ, FOLDER: str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0
    assert "needs PostgreSQL: apt-get install postgresql" in run.stdout
    assert "1 skipped" in run.stdout
