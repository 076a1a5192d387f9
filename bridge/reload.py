"""Reads the rules again while the bridge runs: on a signal, or when another process asks for it in the store."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Self

import structlog

from bridge.config import Config
from bridge.errors import ConfigError, StoreError
from bridge.rules import Rules
from bridge.store.access import ProcessStore

_log = structlog.get_logger(__name__)

POLL = 1.0
"""Seconds between two looks whether somebody asked for it."""
SIGNAL = "operator:signal"
"""Who asks by a signal, in the audit."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    rules: int
    """So many are in force now."""
    problems: Sequence[str] = ()
    """Why the rules stay as they were; empty if the new ones were taken over."""
    restart: Sequence[str] = ()
    """What else is different in the file, and is read at the next start only."""
    warnings: Sequence[str] = ()

    def written(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """The reverse of `written`."""
        values = json.loads(text)
        return cls(values.pop("rules"), **{key: tuple(value) for key, value in values.items()})


class Reloading:
    """Takes over the rules of the file as it is then, all of them or none; whatever runs goes on.

    `read` reads the file and raises ConfigError.
    """

    def __init__(self, running: Config, rules: Rules, store: ProcessStore, read: Callable[[], Config]) -> None:
        self._running = running
        self._rules = rules
        self._store = store
        self._read = read
        self._signalled = asyncio.Event()

    def ask(self) -> None:
        """Has it done soon; for a signal."""
        self._signalled.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except StoreError as error:
                _log.error("store.refused", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._signalled.wait()

    async def reload(self) -> Report:
        """Reads the file and takes over its rules, if they can be used by what runs."""
        try:
            new = await asyncio.to_thread(self._read)
        except ConfigError as error:
            return self._kept(error.problems)
        problems = [*self._unknown(new)]
        if problems:
            return self._kept(problems)
        self._rules.current = new.rules
        restart, warnings = tuple(self._differing(new)), tuple(new.warnings())
        _log.info("rules.reloaded", rules=len(new.rules), restart=list(restart))
        for warning in warnings:
            _log.warning("config.warning", warning=warning)
        return Report(len(new.rules), restart=restart, warnings=warnings)

    async def _look(self) -> None:
        if self._signalled.is_set():
            self._signalled.clear()
            report = await self.reload()
            await self._store.note_reload(SIGNAL, done=not report.problems)
        asked = await self._store.reloads_asked()
        if asked:
            report = await self.reload()
            for one in asked:
                await self._store.answer_reload(one, report.written(), done=not report.problems)

    def _kept(self, problems: Sequence[str]) -> Report:
        _log.error("rules.kept", problems=list(problems), rules=len(self._rules.current))
        return Report(len(self._rules.current), problems=tuple(problems))

    def _unknown(self, new: Config) -> Sequence[str]:
        """What the new rules name that this process does not have."""
        said: list[str] = []
        for number, rule in enumerate(new.rules, start=1):
            if rule.channel not in self._running.channels:
                said.append(
                    f"rules[{number}].channel: [channels.{rule.channel}] does not run yet: restart threadbridge"
                )
            said += [
                f"rules[{number}]: [instances.{name}] does not run yet: restart threadbridge"
                for name in rule.instances()
                if name not in self._running.instances
            ]
        return said

    def _differing(self, new: Config) -> list[str]:
        """The sections of the file that are not what this process began with."""
        old = self._running
        said = ["[bridge]"] if new.bridge != old.bridge else []
        for group, before, now in (
            ("instances", old.instances, new.instances),
            ("channels", old.channels, new.channels),
        ):
            names = dict.fromkeys([*before, *now])
            said += [f"[{group}.{name}]" for name in names if before.get(name) != now.get(name)]
        return said
