"""A simulated Discord, and our client and channel over it, in this process."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from adapters.discord.channel import DiscordChannel, DiscordSettings
from adapters.discord.client import DiscordClient
from adapters.discord.simulator import DiscordSimulator


@pytest.fixture
async def simulator() -> AsyncIterator[DiscordSimulator]:
    """Without limits on posts."""
    async with DiscordSimulator(rate_limits=False) as running:
        yield running


@pytest.fixture
async def client(simulator: DiscordSimulator) -> AsyncIterator[DiscordClient]:
    client = DiscordClient("discord", simulator.token, simulator.api_base)
    yield client
    await client.close()


def channel_for(simulator: DiscordSimulator, **changed: str) -> DiscordChannel:
    """The channel that the simulator's settings describe, some secrets changed."""
    secrets: Mapping[str, str] = {**simulator.secrets(), **changed}
    resolve: Callable[[str], str] = lambda reference: secrets[reference.removeprefix("env:")]  # noqa: E731
    return DiscordChannel("discord", DiscordSettings.model_validate(simulator.settings(), context={"resolve": resolve}))


@asynccontextmanager
async def closing(channel: DiscordChannel) -> AsyncGenerator[DiscordChannel]:
    """The channel, closed whatever happens."""
    try:
        yield channel
    finally:
        await channel.close()


@pytest.fixture
async def channel(simulator: DiscordSimulator) -> AsyncIterator[DiscordChannel]:
    async with closing(channel_for(simulator)) as channel:
        yield channel
