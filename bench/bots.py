"""The two bots as processes: started, looked at from outside, ended."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench import prefill
from bench.stage import BenchError, Stage

AT_ONCE = 64
"""Turns that the bridge runs at the same time, where nothing else is said."""
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL = 0.05
"""Seconds between two looks at a process's memory."""


@dataclass(frozen=True, slots=True)
class Bot:
    """How one of the two is started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


Make = Callable[[Stage, Path, Sequence[str], int], Bot]
"""A stage, an empty folder, the threads that the bot has answered in before, and how many turns it may run at once."""


def store_url(folder: Path) -> str:
    """Where the bridge keeps its store."""
    return f"sqlite:///{folder / 'bench.db'}"


def bare(stage: Stage, _folder: Path, _known: Sequence[str], _at_once: int) -> Bot:
    """The bot written by hand. It remembers nothing, so there is nothing to prepare, and it counts nothing."""
    agent, platform = stage.agent, stage.platform
    environment = {
        **platform.simulator.secrets(),
        **platform.bare_environment(),
        "INSTANCE_URL": f"{agent.base_url}/instances/{agent.instance_id}",
        "KEY": agent.api_key,
    }
    return Bot("bare", [sys.executable, str(Path(__file__).with_name(platform.bare))], environment)


def bridge(
    stage: Stage, folder: Path, known: Sequence[str], at_once: int, *, stream: bool = False, store: str | None = None
) -> Bot:
    """The real bridge with a store on disk, whose schema is there already, as at every start but the first.

    `store`: the URL of another one than a file in the folder.
    """
    agent, platform = stage.agent, stage.platform
    tables: dict[str, Mapping[str, object]] = {
        "[bridge]": {"store": store or "sqlite:///bench.db", "http": ""},
        f"[channels.{platform.name}]": platform.simulator.settings(),
        "[instances.bench]": {
            "type": "chowder", "base_url": agent.base_url, "instance_id": agent.instance_id, "api_key": "env:KEY",
            "model": "bench", "stream": stream, "concurrency": at_once, "on_unknown": "retry",
        },
        "[[rules]]": {"channel": platform.name, "rooms": ["*"], "instance": "bench"},
    }  # fmt: skip
    lines: list[str] = []
    for header, table in tables.items():  # JSON's texts, numbers, booleans and lists are TOML's, too
        lines += [header, *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    config = folder / "config.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    history = [platform.known(thread) for thread in known]
    prefill.fill(store or store_url(folder), history, len(history), channel=platform.name)
    command = [sys.executable, "-m", "bridge", "run", "--config", str(config), "--log-level", "warning"]
    return Bot("bridge", command, {**platform.simulator.secrets(), "KEY": agent.api_key})


BOTS: Mapping[str, Make] = {"bare": bare, "bridge": bridge}


class Process:
    """A bot that runs, or several processes of it, whose figures are added up."""

    def __init__(self, started_in: float, *pids: int) -> None:
        self.started_in = started_in
        """Seconds from the (last) process's start until it was connected."""
        self.peak = 0
        """The most resident bytes that were seen."""
        self.pids = pids
        self._processes = [psutil.Process(pid) for pid in pids]

    def resident(self) -> int:
        """Bytes of memory."""
        return sum(int(one.memory_info().rss) for one in self._processes)

    def unshared(self) -> int:
        """Bytes of memory that ending the process would free."""
        return sum(int(one.memory_full_info().uss) for one in self._processes)

    def cpu(self) -> float:
        """Seconds of CPU since its start, user and system."""
        return float(sum(one.cpu_times().user + one.cpu_times().system for one in self._processes))

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        for one in self._processes:
            one.kill()

    async def watch_memory(self) -> None:
        """Keeps `peak` up to date until cancelled."""
        while True:
            self.peak = max(self.peak, self.resident())
            await asyncio.sleep(POLL)


@asynccontextmanager
async def running(
    name: str, stage: Stage, known: Sequence[str] = (), at_once: int = AT_ONCE
) -> AsyncGenerator[Process]:
    """That bot in an empty folder, connected; ended on the way out. Raises BenchError if it does not connect."""
    with TemporaryDirectory(prefix="threadbridge-bench-") as created:
        folder = Path(created)
        async with started(BOTS[name](stage, folder, known, at_once), stage, folder) as process:
            yield process


@asynccontextmanager
async def started(bot: Bot, stage: Stage, folder: Path, *, running_already: int = 0) -> AsyncGenerator[Process]:
    """That bot, connected; ended on the way out if it still runs. Raises BenchError if it does not connect.

    `running_already`: so many others are connected to the same simulator.
    """
    log = folder / f"{bot.name}{running_already or ''}.log"
    with log.open("wb") as output:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *bot.command, env={**os.environ, **bot.environment}, stdin=asyncio.subprocess.DEVNULL,
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        ended = asyncio.create_task(process.wait())
        connected = asyncio.create_task(stage.platform.connected(running_already + 1))
        await asyncio.wait([ended, connected], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        took = time.monotonic() - began
        there = connected.done()
        ended.cancel()
        connected.cancel()
        if not there and process.returncode is not None:
            raise BenchError(f"{bot.name} ended at its start:\n{last_words(log)}")
        if not there:
            raise BenchError(f"{bot.name} did not connect within {START_SECONDS:.0f} s:\n{last_words(log)}")
        try:
            yield Process(took, process.pid)
        except (BenchError, psutil.Error) as error:
            raise BenchError(f"{bot.name}: {error}\n{last_words(log)}".rstrip()) from error
    finally:
        await _end(process)


def last_words(log: Path) -> str:
    """The end of a bot's log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
