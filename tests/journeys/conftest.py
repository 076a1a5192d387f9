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
from tests.journeys.cluster import Cluster
from tests.journeys.program import DiscordWorld, SlackWorld
from tests.postgresql import PostgreSQL
from tests.proxy import Proxy

MakeWorld = Callable[..., Awaitable[SlackWorld]]
MakeDiscordWorld = Callable[..., Awaitable[DiscordWorld]]
MakeCluster = Callable[..., Awaitable[Cluster[Any]]]

PLATFORMS = {"slack": (SlackSimulator, SlackWorld), "discord": (DiscordSimulator, DiscordWorld)}


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


@pytest.fixture(scope="session")
def migrated(postgresql: PostgreSQL) -> str:
    """The name of a database that was migrated once for all journeys."""
    database.migrate_at(postgresql.database("migrated"))
    return "migrated"


@pytest.fixture
async def make_cluster(tmp_path: Path, postgresql: PostgreSQL, migrated: str) -> AsyncIterator[MakeCluster]:
    """Makes so many bridges on one database, over a platform with these options; an `empty` database is not migrated."""
    async with AsyncExitStack() as stack:

        async def make(platform: str, count: int = 2, *, empty: bool = False, **options: Any) -> Cluster[Any]:
            simulator_class, world_class = PLATFORMS[platform]
            simulator = await stack.enter_async_context(simulator_class(**{"rate_limits": False, **options}))
            agent = await stack.enter_async_context(DemoInstanceServer())
            url = postgresql.database("cluster") if empty else postgresql.copy(migrated, "cluster")
            stack.callback(postgresql.drop, "cluster")
            proxies = [await stack.enter_async_context(Proxy(postgresql.port)) for _ in range(count)]
            worlds = []
            for number in range(count):
                (tmp_path / str(number)).mkdir()
                worlds.append(world_class(tmp_path / str(number), simulator, agent))
                stack.push_async_callback(worlds[-1].close)
            return Cluster(worlds, proxies, url)

        yield make


@pytest.fixture(params=sorted(PLATFORMS))
async def cluster(make_cluster: MakeCluster, request: pytest.FixtureRequest) -> Cluster[Any]:
    """Two bridges, on each platform."""
    return await make_cluster(request.param)
