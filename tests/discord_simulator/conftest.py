"""A running simulator, the real discord.py against it, and its bare wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import discord
import pytest
import yarl

from adapters.discord.simulator import DiscordSimulator
from adapters.discord.simulator.guild import Payload

GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 0, 1 << 9, 1 << 12, 1 << 15
INTENTS = GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES | MESSAGE_CONTENT


def intents() -> discord.Intents:
    return discord.Intents(guilds=True, messages=True, message_content=True)


class Bot(discord.Client):
    """A client that keeps every message it is given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"intents": intents(), "guild_ready_timeout": 0.0, **options})
        self.messages: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.happened: asyncio.Queue[str] = asyncio.Queue()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Does not wait the five seconds between two identifies."""

    async def on_message(self, message: discord.Message) -> None:
        await self.messages.put(message)

    async def on_ready(self) -> None:
        await self.happened.put("ready")

    async def on_resumed(self) -> None:
        await self.happened.put("resumed")

    async def next(self) -> discord.Message:
        return await asyncio.wait_for(self.messages.get(), 10)

    async def next_event(self) -> str:
        return await asyncio.wait_for(self.happened.get(), 10)


Connect = Callable[..., Awaitable[Bot]]


class Wire:
    """A gateway connection without a library."""

    def __init__(self, simulator: DiscordSimulator, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.simulator = simulator
        self.socket = socket
        self.ready: Payload = {}
        self.seq = 0

    async def take(self) -> Payload:
        payload: Payload = await self.socket.receive_json(timeout=5)
        self.seq = payload.get("s") or self.seq
        return payload

    async def event(self, name: str) -> Payload:
        """The body of the next event with that name; others before it are passed over."""
        while True:
            payload = await self.take()
            if payload.get("t") == name:
                return payload["d"]

    async def names(self, last: str) -> list[str]:
        """The names of the events up to that one."""
        names: list[str] = []
        while not names or names[-1] != last:
            names.append((await self.take())["t"])
        return names

    async def quiet(self) -> None:
        """Nothing but the answer to a heartbeat comes."""
        await self.send(1, self.seq)
        assert (await self.take())["op"] == 11

    async def send(self, opcode: int, data: object) -> None:
        await self.socket.send_str(json.dumps({"op": opcode, "d": data}))

    async def identify(self, intents: int = INTENTS, **fields: Any) -> None:
        identity = {"token": self.simulator.token, "intents": intents, "properties": {"os": "linux"}}
        await self.send(2, identity | fields)

    async def resume(self, session_id: str, seq: int) -> None:
        await self.send(6, {"token": self.simulator.token, "session_id": session_id, "seq": seq})

    async def closed(self) -> int | None:
        """The code that the simulator closes the connection with."""
        while True:
            message = await self.socket.receive(timeout=5)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return self.socket.close_code


class Rest:
    """The REST API without a library."""

    def __init__(self, simulator: DiscordSimulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.headers: dict[str, str] = {}

    async def __call__(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """(status, decoded body)."""
        authorization = f"Bot {self.simulator.token if token is None else token}"
        url = self.simulator.api_base + path
        async with self.session.request(method, url, json=body, headers={"Authorization": authorization}) as answer:
            self.headers = dict(answer.headers)
            return answer.status, (await answer.json() if answer.status != 204 else None)


async def error(rest: Rest, method: str, path: str, body: object = None) -> tuple[int, int]:
    """HTTP status and error code of a call that is refused."""
    status, answer = await rest(method, path, body)
    return status, answer["code"]


def place(thread: str) -> str:
    """The path of a thread, as the REST API names it."""
    return f"/channels/{thread.partition('/')[2]}"


OpenWire = Callable[..., Awaitable[Wire]]


@pytest.fixture
async def simulator() -> AsyncIterator[DiscordSimulator]:
    async with DiscordSimulator(rate_limits=False) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def rest(simulator: DiscordSimulator, session: aiohttp.ClientSession) -> Rest:
    return Rest(simulator, session)


@pytest.fixture
def room(simulator: DiscordSimulator) -> str:
    """The path of #general."""
    return f"/channels/{simulator.room('general').id}"


@pytest.fixture
def forum(simulator: DiscordSimulator) -> str:
    """The path of the forum."""
    return f"/channels/{simulator.room('help').id}"


@pytest.fixture
def aim(monkeypatch: pytest.MonkeyPatch) -> Callable[[DiscordSimulator], None]:
    """Leads discord.py to a simulator: its addresses belong to the whole process."""

    def at(simulator: DiscordSimulator) -> None:
        monkeypatch.setattr(discord.http.Route, "BASE", simulator.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(simulator.gateway.url))

    return at


@pytest.fixture
async def connect(aim: Callable[[DiscordSimulator], None]) -> AsyncIterator[Connect]:
    """Starts a client and waits until it is ready."""
    async with AsyncExitStack() as stack:

        async def connected(simulator: DiscordSimulator, **options: Any) -> Bot:
            aim(simulator)
            bot = Bot(**options)
            running = asyncio.create_task(bot.start(simulator.token))
            stack.push_async_callback(asyncio.gather, running, return_exceptions=True)
            stack.push_async_callback(bot.close)
            assert await bot.next_event() == "ready"
            return bot

        yield connected


@pytest.fixture
async def wire(session: aiohttp.ClientSession) -> OpenWire:
    """Opens a gateway connection; with `intents` it identifies and waits for the guild."""

    async def opened(simulator: DiscordSimulator, intents: int | None = INTENTS, query: str = "?v=10") -> Wire:
        made = Wire(simulator, await session.ws_connect(f"{simulator.gateway.url}{query}"))
        assert (await made.take())["op"] == 10
        if intents is not None:
            await made.identify(intents)
            made.ready = await made.event("READY")
            if intents & GUILDS:
                await made.event("GUILD_CREATE")
        return made

    return opened
