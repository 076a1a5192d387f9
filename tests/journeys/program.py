"""The real program as a subprocess, and around it a simulated platform and the demo's agent."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import aiohttp

from adapters.discord.simulator import DiscordSimulator
from adapters.slack.simulator import SlackSimulator
from bridge.demo.instance_server import DemoInstanceServer
from bridge.store import database, reading
from bridge.testing.simulator import Said, Simulator
from tests.journeys.forked import Forked

PATIENCE = 25.0  # seconds that anything may take
LONGEST_LINE = 2**20  # bytes of the log
BROKEN = {"turn.broke", "work.broke", "delivery.broke", "channel.broke"}

_Result = TypeVar("_Result")


async def in_time(what: str, awaited: Awaitable[_Result], patience: float = PATIENCE) -> _Result:
    """The result, or a failure of the test that says what did not happen."""
    try:
        return await asyncio.wait_for(awaited, patience)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {patience:.0f} s") from None


async def eventually(what: str, true: Callable[[], Awaitable[_Result | None]]) -> _Result:
    """What `true` returns once it is something: only for the state of another process, which tells nobody."""

    async def look() -> _Result:
        while (found := await true()) is None:  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.05)
        return found

    return await in_time(what, look())


class Program:
    """`threadbridge run`, and what it writes to standard error."""

    def __init__(
        self, config: Path, environment: Mapping[str, str], module: Sequence[str] = ("bridge",), *, forked: bool = False
    ) -> None:
        """`module`: what `python -m` is given before the command, if it is not the program as it is.

        `forked`: it need not be executed; somebody else has made its imports.
        """
        self._config = config
        self.module = module
        self.environment = {**os.environ, **environment}
        self.log: list[str] = []
        self.under: Sequence[str] = ()
        """What runs the program, if it is not to run by itself."""
        self.forked = forked
        self._process: asyncio.subprocess.Process | Forked | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._ended = False

    async def start(self, *options: str) -> None:
        """Starts it; the log begins anew."""
        self.log = []
        self._ended = False
        command = ["run", "--config", str(self._config), *options]
        if self.forked and not self.under:
            self._process = await Forked.start(command, self.environment, LONGEST_LINE)
        else:
            self._process = await asyncio.create_subprocess_exec(
                *self.under, sys.executable, "-m", *self.module, *command,
                env=self.environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
            )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process))

    async def logged(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The log's lines about that event, once there are so many."""

        def enough() -> bool:
            return len(self.events(event)) >= count or self._over()

        async with self._changed:
            await in_time(f"the log's line {count} of {event}", self._changed.wait_for(enough))
        found = self.events(event)
        assert len(found) >= count, f"the program ended without logging {event}:\n{self.text()}"
        return found

    async def refused_to_start(self) -> int:
        """The exit code; it has to end without having started."""
        async with self._changed:
            over = self._changed.wait_for(lambda: self._over() or self.events("bridge.started"))
            await in_time("the refusal", over)
        started = bool(self.events("bridge.started"))
        if started:
            self.signal(signal.SIGKILL)
        code = await self.ended()
        assert not started, f"it started:\n{self.text()}"
        return code

    def _over(self) -> bool:
        return self._ended

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log's lines about that event so far."""
        parsed = [json.loads(line) for line in self.log if line.startswith("{")]
        return [one for one in parsed if one["event"] == event]

    def text(self) -> str:
        """The whole log."""
        return "\n".join(self.log)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self.signal(signal.SIGKILL)
        await self.ended()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def fill_disk(self, full: bool) -> None:
        """While true, the program cannot write to any file, as on a full disk."""
        assert self._process is not None
        most = 0 if full else resource.RLIM_INFINITY
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    async def ended(self) -> int:
        """The exit code, once it has ended and all that it logged is read."""
        return await in_time("the end of the program", self.lived())

    async def lived(self) -> int:
        """The same, however long that takes."""
        assert self._process is not None
        assert self._reading is not None
        await asyncio.shield(self._reading)
        return await self._process.wait()

    async def _read(self, process: asyncio.subprocess.Process | Forked) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            async with self._changed:
                self.log.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        await process.wait()
        async with self._changed:
            self._ended = True
            self._changed.notify_all()


class Platform(Simulator, Protocol):
    """A simulator of ours, which tells more than every simulator has to."""

    faults: Any
    calls: list[Any]

    async def connected(self, count: int = 1) -> None: ...
    def connections(self) -> int: ...
    async def until(self, condition: Callable[[], bool]) -> None: ...
    async def settled(self) -> None: ...


_Platform = TypeVar("_Platform", bound=Platform)


class World(Generic[_Platform]):
    """One platform, one agent, and the bridge between them."""

    posting: ClassVar[str]
    """What the simulator calls a post of the bot among its calls."""
    patience: float = PATIENCE
    """Seconds that an answer may take."""

    def __init__(self, folder: Path, platform: _Platform, agent: DemoInstanceServer) -> None:
        self.folder = folder
        self.platform = platform
        self.agent = agent
        self.store = folder / "threadbridge.db"
        self.store_url = f"sqlite:///{self.store}"
        """Where the store is read; the program has its own way there."""
        self.program = Program(folder / "config.toml", {"AGENT_KEY": agent.api_key, **platform.secrets()}, forked=True)
        self.channel_options: dict[str, object] = {}
        """What stands in the channel's section besides the address and the secrets."""
        self.may_break = False
        """Whether the log may tell of a break: only where a test makes one."""

    def configure(
        self,
        *rules: Mapping[str, object],
        instance: Mapping[str, object] | None = None,
        bridge: Mapping[str, object] | None = None,
        channel: str | None = None,
        budgets: Mapping[str, object] | None = None,
    ) -> None:
        """Writes config.toml; without rules, everybody is answered in every room and direct conversation.

        An `instance` with a `type` is the whole section.
        """
        channel = channel or self.platform.source
        tables: dict[str, Mapping[str, object]] = {
            "bridge": {"store": "sqlite:///threadbridge.db", "http": "", **(bridge or {})},
            "instances.main": instance
            if instance and "type" in instance
            else {**self.agent_section(), **(instance or {})},
            f"channels.{channel}": {**self.platform.settings(), **self.channel_options},
            **({"budgets": budgets} if budgets else {}),
        }
        with_channel = [
            {"channel": channel, "instance": "main", **rule} for rule in rules or ({"rooms": ["*", "dm"]},) if rule
        ]
        (self.folder / "config.toml").write_text(toml(tables, with_channel), encoding="utf-8")

    def agent_section(self) -> Mapping[str, object]:
        """The `[instances.main]` that leads to the agent."""
        return {
            "type": "chowder", "base_url": self.agent.base_url, "instance_id": self.agent.instance_id,
            "api_key": "env:AGENT_KEY", "model": "demo",
        }  # fmt: skip

    async def start(self, *rules: Mapping[str, object], **tables: Any) -> None:
        """Configures, starts the program and waits until the platform has it connected."""
        self.configure(*rules, **tables)
        await self.restart()

    async def restart(self) -> None:
        """Starts the program with the configuration as it is and waits until it is connected."""
        await self.program.start()
        await self.program.logged("channel.connected")
        await in_time("the bridge's connection", self.platform.connected())

    async def end(self) -> None:
        """SIGTERM; the program ends well. What stands in the threads now is all there is."""
        assert await self.program.terminate() == 0, self.program.text()

    async def say(self, text: str, thread: Said | str | None = None, *, person: str = "Ada") -> Said:
        """Mentions the bot in #general, or writes into the thread."""
        return await self.platform.say(person, text, thread=thread.thread if isinstance(thread, Said) else thread)

    async def ask(self, text: str, thread: Said | str | None = None, *, person: str = "Ada") -> tuple[Said, str]:
        """Says it and waits for the next thing that the bot writes in that thread."""
        before = len(self.answers(thread)) if thread else 0
        said = await self.say(text, thread, person=person)
        return said, (await self.until_answers(said, before + 1))[-1]

    def answers(self, thread: Said | str) -> list[str]:
        """What the bot wrote in the thread so far."""
        name = thread.thread if isinstance(thread, Said) else thread
        return [said.text for said in self.platform.read(name) if said.by_bot]

    async def until_answers(self, thread: Said | str, count: int) -> list[str]:
        """What the bot wrote in the thread, once that is so many messages."""
        seen = self.platform.until(lambda: len(self.answers(thread)) >= count)
        try:
            await in_time(f"answer {count}", seen, self.patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {self.answers(thread)}\n{self.program.text()}") from None
        return self.answers(thread)

    async def settled(self) -> None:
        """Returns once every event so far is acknowledged, and with that committed or passed over."""
        await in_time("every acknowledgement", self.platform.settled())

    def inputs(self) -> list[str]:
        """What the agent was sent, oldest first."""
        return [request.input for request in self.agent.requests]

    def posts(self) -> list[Any]:
        """The posts of the bot so far, whatever came of them."""
        return [call for call in self.platform.calls if self.posting in {call.method, getattr(call, "name", None)}]

    async def until_posts(self, count: int) -> None:
        """Returns once it posted so often, whatever came of it."""

        async def enough() -> bool | None:
            return True if len(self.posts()) >= count else None

        await eventually(f"post {count}", enough)

    def sessions(self) -> dict[str, dict[str, Any]]:
        """What the store knows of sessions, by session id."""
        engine = database.open_engine(self.store_url, read_only=True)
        with engine.connect() as connection:
            found = reading.session_summaries(connection, 1000)
        engine.dispose()
        return {one.session: asdict(one) for one in found}

    async def command(self, *arguments: str) -> str:
        """What another command prints."""
        code, out, err = await self.try_command(*arguments)
        assert code == 0, err
        return out

    async def try_command(self, *arguments: str) -> tuple[int, str, str]:
        """Another command's exit code and what it wrote to standard output and to standard error."""
        given = [*arguments, "--config", str(self.folder / "config.toml")]
        process = await Forked.start(given, self.program.environment, LONGEST_LINE, stdout=True)
        out, err = await in_time(f"threadbridge {arguments[0]}", process.communicate())
        return await process.wait(), out.decode(), err.decode()

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of one of the bridge's pages."""
        address = (await self.program.logged("bridge.started"))[0]["http"]
        async with aiohttp.ClientSession() as session, session.get(address + path) as answer:
            return answer.status, await answer.json()

    async def close(self) -> None:
        """Ends the program, if nobody did yet, and holds its log against what must never be in it."""
        if self.program.running:
            self.agent.release()
            self.platform.faults.clear()
            self.program.signal(signal.SIGKILL)
            await self.program.ended()
        broken = [line for event in BROKEN for line in self.program.events(event)]
        assert self.may_break or not broken, broken


class SlackWorld(World[SlackSimulator]):
    """A Slack workspace."""

    posting = "chat.postMessage"

    @property
    def slack(self) -> SlackSimulator:
        return self.platform

    def bot_posts(self) -> list[str]:
        """Whatever the bot wrote anywhere, unescaped or not: as it is stored."""
        rooms = self.slack.workspace.rooms.values()
        bot = self.slack.workspace.bot.id
        return [message.text for room in rooms for message in room.messages.values() if message.user == bot]

    def session_of(self, thread: Said | str) -> str:
        """The session id of a thread by the contract: slack-{team}-{channel}-{ts}."""
        name = thread.thread if isinstance(thread, Said) else thread
        return f"slack-{self.slack.workspace.team_id}-{name.replace('/', '-')}".lower()


class DiscordWorld(World[DiscordSimulator]):
    """A Discord server."""

    posting = "messages.create"

    @property
    def discord(self) -> DiscordSimulator:
        return self.platform

    def session_of(self, thread: Said | str) -> str:
        """The session id of a thread by the contract: discord-{guild}-{thread}."""
        name = thread.thread if isinstance(thread, Said) else thread
        return f"discord-{self.discord.guild.id}-{name.rpartition('/')[2]}"


def toml(tables: Mapping[str, Mapping[str, object]], rules: Sequence[Mapping[str, object]]) -> str:
    """A configuration file."""
    lines = [line for name, table in tables.items() for line in _toml(f"[{name}]", table)]
    return "\n".join([*lines, *(line for rule in rules for line in _toml("[[rules]]", rule))])


def _toml(header: str, table: Mapping[str, object]) -> Sequence[str]:
    return [header, *(f"{key} = {_toml_value(value)}" for key, value in table.items()), ""]


def _toml_value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml_value(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)  # JSON's texts, numbers, booleans and lists are TOML's, too
