"""The canned server, and the instances that are pointed at it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.instances.chowder import ChowderInstance, ChowderSettings

from .canned import KEY, CannedServer


@pytest.fixture
async def canned() -> AsyncIterator[CannedServer]:
    canned = CannedServer()
    server = await asyncio.start_server(canned.serve, "127.0.0.1", 0)
    canned.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield canned
    server.close()
    await server.wait_closed()


@pytest.fixture
async def chowder() -> AsyncIterator[Callable[..., ChowderInstance]]:
    """Makes instances named `main`, closed at the end."""
    made: list[ChowderInstance] = []

    def make(base_url: str, **keys: Any) -> ChowderInstance:
        settings = {"instance_id": "inst-1", "api_key": SecretStr(KEY), "model": "m", "timeout": 5} | keys
        made.append(ChowderInstance.create("main", ChowderSettings(base_url=base_url, **settings)))
        return made[-1]

    yield make
    for instance in made:
        await instance.close()
