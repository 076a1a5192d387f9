"""A running simulator, and the real slack-sdk and slack-bolt against it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.simulator import SlackSimulator

PING_INTERVAL = 0.5  # seconds; the SDK sees a broken connection within one or two of them


class BoltBot:
    """A Bolt app that keeps every event and answers mentions in their thread."""

    def __init__(self, simulator: SlackSimulator, **options: Any) -> None:
        self.client = AsyncWebClient(token=simulator.bot_token, base_url=simulator.api_base)
        self.app = AsyncApp(
            client=self.client, signing_secret=simulator.signing_secret, ignoring_self_events_enabled=False, **options
        )
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, Any]] = []
        self.failures = 0
        self.app.event("message")(self._take)
        self.app.event("app_mention")(self._answer)
        self.handler = AsyncSocketModeHandler(self.app, simulator.app_token, ping_interval=PING_INTERVAL)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.events.get(), 10)

    async def _take(self, event: dict[str, Any], body: dict[str, Any], request: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the handler was told to fail")
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        await self.events.put(event)

    async def _answer(self, event: dict[str, Any], body: dict[str, Any], request: Any) -> None:
        await self._take(event, body, request)
        await self.client.chat_postMessage(
            channel=event["channel"], thread_ts=event.get("thread_ts", event["ts"]), text="at your service"
        )


Connect = Callable[..., Awaitable[BoltBot]]


@pytest.fixture
async def simulator() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator(rate_limits=False) as running:
        yield running


@pytest.fixture
async def impatient() -> AsyncIterator[SlackSimulator]:
    """Waits a quarter of a second for an acknowledgement, and retries at once."""
    async with SlackSimulator(rate_limits=False, ack_timeout=0.25, retry_schedule=(0.0, 0.0, 0.0)) as running:
        yield running


@pytest.fixture
async def client(simulator: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(token=simulator.bot_token, base_url=simulator.api_base, retry_handlers=[])


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes a Bolt app and connects it by Socket Mode."""
    async with AsyncExitStack() as stack:

        async def connected(simulator: SlackSimulator, **options: Any) -> BoltBot:
            bot = BoltBot(simulator, **options)
            stack.push_async_callback(bot.handler.close_async)
            await bot.handler.connect_async()
            await simulator.connected()
            return bot

        yield connected
