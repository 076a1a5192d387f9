"""The stage of the demo: simulators and the demo agent in this process, the real bridge as one that can be killed."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from bridge.demo.instance_server import DemoInstanceServer
from bridge.errors import BridgeError
from bridge.registry import SIMULATORS, Registry
from bridge.store import database, reading
from bridge.store.records import SessionSummary, TurnRecord
from bridge.testing.simulator import Simulator

PATIENCE = 30.0
"""Seconds that anything on the stage may take."""

_Result = TypeVar("_Result")


class DemoError(BridgeError):
    """Something on the stage did not go as it should."""


async def in_time(what: str, awaited: Awaitable[_Result]) -> _Result:
    """The result, or DemoError if it takes too long."""
    try:
        return await asyncio.wait_for(awaited, PATIENCE)
    except TimeoutError:
        raise DemoError(f"{what} did not happen within {PATIENCE:.0f} s") from None


class Stage:
    """Everything that the demo needs, in a temporary folder that goes away with it."""

    def __init__(self, *, logs: bool) -> None:
        self._logs = logs
        self._bridge: asyncio.subprocess.Process | None = None
        self._ways_down = contextlib.AsyncExitStack()
        self.agent = DemoInstanceServer()
        self.simulators: Mapping[str, Simulator] = {}
        self._folder = Path()

    async def __aenter__(self) -> Self:
        self._folder = Path(self._ways_down.enter_context(tempfile.TemporaryDirectory(prefix="threadbridge-demo-")))
        await self.agent.start()
        self._ways_down.push_async_callback(self.agent.stop)
        types = Registry(SIMULATORS)
        simulators: dict[str, Simulator] = {name: types[name]() for name in types}
        for simulator in simulators.values():
            await simulator.start()
            self._ways_down.push_async_callback(simulator.stop)
        self.simulators = simulators
        self._write_config()
        self._ways_down.push_async_callback(self._end_bridge)  # the last to come is the first to go
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._ways_down.aclose()

    @property
    def pid(self) -> int | None:
        """The bridge's process."""
        return self._bridge.pid if self._bridge else None

    async def start_bridge(self) -> float:
        """Starts the real bridge; returns the seconds until every simulated platform had it connected."""
        began = time.monotonic()
        log = None if self._logs else (self._folder / "bridge.log").open("ab")
        environment = {**os.environ, "DEMO_AGENT_KEY": self.agent.api_key}
        for simulator in self.simulators.values():
            environment |= simulator.secrets()
        self._bridge = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", "run", "--config", str(self._folder / "config.toml"),
            env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        if log is not None:
            log.close()
        connected = asyncio.create_task(self._connected())
        ended = asyncio.create_task(self._bridge.wait())
        try:
            await in_time("the bridge's start", asyncio.wait([connected, ended], return_when=asyncio.FIRST_COMPLETED))
            if not connected.done():
                raise DemoError("the bridge ended at its start")
        finally:
            connected.cancel()
            ended.cancel()
        return time.monotonic() - began

    async def kill_bridge(self) -> None:
        """SIGKILL: the bridge has no chance to tidy up."""
        if self._bridge is not None and self._bridge.returncode is None:
            self._bridge.kill()
            await self._bridge.wait()

    async def _connected(self) -> None:
        for simulator in self.simulators.values():
            await simulator.connected()

    def log(self) -> str:
        """The last lines of the bridge's log."""
        path = self._folder / "bridge.log"
        return "\n".join(path.read_text(encoding="utf-8").splitlines()[-20:]) if path.exists() else ""

    async def until_sessions(self, true: Callable[[Sequence[SessionSummary]], bool]) -> Sequence[SessionSummary]:
        """What the store knows of sessions, once that is true. Looks now and then: the store is another process's."""
        while not true(found := self.sessions()):  # noqa: ASYNC110 - another process's store tells nobody
            await asyncio.sleep(0.03)
        return found

    def sessions(self) -> Sequence[SessionSummary]:
        """What the store knows of sessions."""
        engine = database.open_engine(self._store_url(), read_only=True)
        with engine.connect() as connection:
            found = reading.session_summaries(connection, 100)
        engine.dispose()
        return found

    def turns(self, session: str) -> Sequence[TurnRecord]:
        """What the store knows of a session's turns."""
        engine = database.open_engine(self._store_url(), read_only=True)
        with engine.connect() as connection:
            found = reading.turn_records(connection, session)
        engine.dispose()
        return found

    def _store_url(self) -> str:
        return f"sqlite:///{self._folder / 'demo.db'}"

    def _write_config(self) -> None:
        tables: dict[str, Mapping[str, object]] = {
            "bridge": {"store": "sqlite:///demo.db", "http": ""},
            "instances.demo": {
                "type": "chowder", "base_url": self.agent.base_url, "instance_id": self.agent.instance_id,
                "api_key": "env:DEMO_AGENT_KEY", "model": "demo",
            },
        }  # fmt: skip
        for name, simulator in self.simulators.items():
            tables[f"channels.{name}"] = simulator.settings()
        lines = [line for name, table in tables.items() for line in _toml(f"[{name}]", table)]
        for name in self.simulators:
            lines += _toml("[[rules]]", {"channel": name, "rooms": ["*", "dm"], "instance": "demo"})
        (self._folder / "config.toml").write_text("\n".join(lines), encoding="utf-8")

    async def _end_bridge(self) -> None:
        bridge = self._bridge
        if bridge is None or bridge.returncode is not None:
            return
        bridge.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(bridge.wait(), 10)
        except TimeoutError:
            await self.kill_bridge()


def _toml(header: str, table: Mapping[str, object]) -> list[str]:
    # JSON's texts, numbers, booleans and lists are TOML's, too.
    return [header, *(f"{key} = {json.dumps(value)}" for key, value in table.items()), ""]
