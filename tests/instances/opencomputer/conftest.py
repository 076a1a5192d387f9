"""OpenComputer's demo server, and the instances that are pointed at it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.instances.opencomputer import OpenComputerInstance, OpenComputerSettings

from .asked import Make


@pytest.fixture
async def server() -> AsyncIterator[DemoOpenComputerServer]:
    async with DemoOpenComputerServer() as server:
        yield server


@pytest.fixture
async def make(server: DemoOpenComputerServer) -> AsyncIterator[Make]:
    """Makes instances named `main`, closed at the end."""
    made: list[OpenComputerInstance] = []

    def make(**keys: Any) -> OpenComputerInstance:
        settings = {"base_url": server.base_url, "agent": server.agent_id, "api_key": SecretStr(server.api_key), **keys}
        made.append(OpenComputerInstance.create("main", OpenComputerSettings(**settings)))
        return made[-1]

    yield make
    for instance in made:
        await instance.close()


@pytest.fixture
def instance(make: Make) -> OpenComputerInstance:
    return make()
