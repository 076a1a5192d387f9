"""A simulated Slack, and our client and channel over it, in this process."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from adapters.slack.channel import SlackChannel, SlackSettings
from adapters.slack.client import SlackClient
from adapters.slack.simulator import SlackSimulator


@pytest.fixture
async def simulator() -> AsyncIterator[SlackSimulator]:
    """Waits a third of a second for an acknowledgement, and retries at once."""
    async with SlackSimulator(rate_limits=False, ack_timeout=0.3, retry_schedule=(0.0,) * 5) as running:
        yield running


@pytest.fixture
async def client(simulator: SlackSimulator) -> AsyncIterator[SlackClient]:
    client = SlackClient("slack", simulator.bot_token, simulator.api_base, connections=8)
    yield client
    await client.close()


def channel_for(simulator: SlackSimulator, **changed: str) -> SlackChannel:
    """The channel that the simulator's settings describe, some secrets changed."""
    secrets: Mapping[str, str] = {**simulator.secrets(), **changed}
    resolve: Callable[[str], str] = lambda reference: secrets[reference.removeprefix("env:")]  # noqa: E731
    return SlackChannel("slack", SlackSettings.model_validate(simulator.settings(), context={"resolve": resolve}))


@asynccontextmanager
async def closing(channel: SlackChannel) -> AsyncGenerator[SlackChannel]:
    """The channel, closed whatever happens."""
    try:
        yield channel
    finally:
        await channel.close()


@pytest.fixture
async def channel(simulator: SlackSimulator) -> AsyncIterator[SlackChannel]:
    async with closing(channel_for(simulator)) as channel:
        yield channel
