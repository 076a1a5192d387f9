"""A world for each journey; the program in it is not started yet."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import DiscordSimulator
from adapters.slack.simulator import SlackSimulator
from bridge.demo.instance_server import DemoInstanceServer
from bridge.store import database
from tests.journeys.program import DiscordWorld, SlackWorld

MakeWorld = Callable[..., Awaitable[SlackWorld]]
MakeDiscordWorld = Callable[..., Awaitable[DiscordWorld]]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was migrated once for all journeys, which saves each of them a third of a second."""
    path = tmp_path_factory.mktemp("store") / "threadbridge.db"
    engine = database.open_engine(f"sqlite:///{path}")
    database.migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
async def make_world(tmp_path: Path, empty_store: Path) -> AsyncIterator[MakeWorld]:
    """Makes a world whose Slack has these options."""
    async with AsyncExitStack() as stack:

        async def make(**slack: Any) -> SlackWorld:
            simulator = await stack.enter_async_context(SlackSimulator(**{"rate_limits": False, **slack}))
            agent = await stack.enter_async_context(DemoInstanceServer())
            world = SlackWorld(tmp_path, simulator, agent)
            shutil.copy(empty_store, world.store)
            stack.push_async_callback(world.close)
            return world

        yield make


@pytest.fixture
async def world(make_world: MakeWorld) -> SlackWorld:
    """Slack without limits on posts, its redelivery rules shortened."""
    return await make_world()


@pytest.fixture
async def make_discord_world(tmp_path: Path, empty_store: Path) -> AsyncIterator[MakeDiscordWorld]:
    """Makes a world whose Discord has these options."""
    async with AsyncExitStack() as stack:

        async def make(**discord: Any) -> DiscordWorld:
            simulator = await stack.enter_async_context(DiscordSimulator(**{"rate_limits": False, **discord}))
            agent = await stack.enter_async_context(DemoInstanceServer())
            world = DiscordWorld(tmp_path, simulator, agent)
            shutil.copy(empty_store, world.store)
            stack.push_async_callback(world.close)
            return world

        yield make


@pytest.fixture
async def discord_world(make_discord_world: MakeDiscordWorld) -> DiscordWorld:
    """Discord without limits on posts."""
    return await make_discord_world()
