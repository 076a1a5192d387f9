"""For all tests: no assertion of time, what can be said to pytest (`--openclaw` and others), PostgreSQL, PgBouncer."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.pooler import Pooler
from tests.postgresql import NotInstalled, PostgreSQL

settings.register_profile("threadbridge", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=10_000)
settings.load_profile("threadbridge")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-gallery", action="store_true", help="write what the gallery's answers look like now")
    parser.addoption("--openclaw", action="store_true", help="the journeys against a real OpenClaw: make test-openclaw")


@pytest.fixture
def update_gallery(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-gallery"))


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL that runs, for all tests of this process; they are skipped where it is not installed."""
    try:
        server = PostgreSQL()
    except NotInstalled as error:
        pytest.skip(str(error))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def pooler(postgresql: PostgreSQL) -> Iterator[Pooler]:
    """A PgBouncer before it that gives every transaction another session; skipped where it is not installed."""
    try:
        before = Pooler(postgresql)
    except NotInstalled as error:
        pytest.skip(str(error))
    yield before
    before.close()


@pytest.fixture
def database_url(postgresql: PostgreSQL) -> Iterator[str]:
    """An empty database, gone afterwards."""
    name = f"test_{next(_numbers)}"
    yield postgresql.database(name)
    postgresql.drop(name)
