"""One OpenClaw gateway for all of its journeys, which are collected only with `--openclaw`."""

import shutil
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.slack.simulator import SlackSimulator
from tests.journeys.conftest import empty_store
from tests.openclaw.gateway import Gateway
from tests.openclaw.installation import Installation
from tests.openclaw.model import model
from tests.openclaw.world import OpenClaw, OpenClawWorld

__all__ = ["empty_store"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return None if config.getoption("--openclaw") or collection_path.is_dir() else True


def pytest_report_header(config: pytest.Config) -> str | None:
    return None if config.getoption("--openclaw") else "tests/openclaw is left out: make test-openclaw runs it"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    openclaw = getattr(item, "funcargs", {}).get("openclaw")
    if report.failed and openclaw is not None:
        report.sections.append(("the gateway's log", openclaw.gateway.tail()))
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def openclaw(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenClaw]:
    """A gateway and its model, ended whatever happens."""
    installation = Installation.chosen()
    assert installation.complete, "OpenClaw is not installed: make test-openclaw does that"
    async with model() as served:
        gateway = Gateway(installation, tmp_path_factory.mktemp("openclaw"), served.url)
        try:
            yield OpenClaw(gateway, served)
        finally:
            await gateway.end()


@pytest_asyncio.fixture(loop_scope="session")
async def world(openclaw: OpenClaw, tmp_path: Path, empty_store: Path) -> AsyncIterator[OpenClawWorld]:
    """A new workspace and an empty store, the gateway running."""
    openclaw.model.forget()
    await openclaw.gateway.ensure()
    async with SlackSimulator(rate_limits=False) as simulator:
        world = OpenClawWorld(tmp_path, simulator, openclaw)
        shutil.copy(empty_store, world.store)
        yield world
        await world.close()
