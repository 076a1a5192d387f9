"""Where a run plays: people on both platforms, their troubles, an agent, and the judgement of what became of it all."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from adapters.discord.simulator import DiscordSimulator
from adapters.slack.simulator import SlackSimulator
from bridge.demo.instance_server import DemoInstanceServer
from bridge.testing.simulator import Simulator
from tests.chaos.outcome import Outcome
from tests.chaos.people import People, words_in
from tests.chaos.stored import REPEATABLE, stored
from tests.chaos.troubles import Trouble, some, troubles
from tests.chaos.verdict import Stored, verdict
from tests.journeys.program import BROKEN, DiscordWorld, Program, SlackWorld, toml

STILL = 45.0
"""Seconds without any change after which what is missing will not come any more."""


class Scene:
    """Both platforms and the agent, without any bridge yet; `store` is where their store is read."""

    def __init__(self, outcome: Outcome, chance: random.Random, store: str) -> None:
        self.outcome = outcome
        self.chance = chance
        self.store = store
        size = outcome.size
        self._slack = SlackSimulator(rate_limits=False, record_calls=False, chance=random.Random(size.seed))
        self._discord = DiscordSimulator(rate_limits=False, record_calls=False)
        self.agent = DemoInstanceServer(keep=10 * size.messages)
        self.platforms: dict[str, Any] = {"slack": self._slack, "discord": self._discord}
        self.people = People(self.platforms, chance)
        self._troubles: dict[str, dict[str, Trouble]] = {
            "slack": dict(troubles("slack", SlackWorld.posting)),
            "discord": dict(troubles("discord", DiscordWorld.posting)),
        }
        self._early: set[int] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for one in (self._slack, self._discord, self.agent):
            await self._stack.enter_async_context(one)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def bridge(self, folder: Path, store: str, module: Sequence[str]) -> Program:
        """A bridge between the platforms and the agent, configured in that folder; `module` runs instead of it."""
        tables: dict[str, dict[str, object]] = {
            "bridge": {"store": store, "http": ""},
            "instances.main": {
                "type": "chowder", "base_url": self.agent.base_url, "instance_id": self.agent.instance_id,
                "api_key": "env:AGENT_KEY", "model": "demo", "concurrency": 16,
            },
            f"instances.{REPEATABLE}": {"type": "echo"},
        }  # fmt: skip
        secrets = {"AGENT_KEY": self.agent.api_key}
        for name, platform in self.platforms.items():
            tables[f"channels.{name}"] = dict(platform.settings())
            secrets |= platform.secrets()
        share = {"main": 2, REPEATABLE: 1} if self.outcome.size.repeatable else {"main": 1}
        rules = [{"channel": name, "rooms": ["*"], "instance": "main", "variants": share} for name in self.platforms]
        path = folder / "config.toml"
        path.write_text(toml(tables, rules), encoding="utf-8")
        return Program(path, secrets, module)

    async def connected(self, bridges: int = 1) -> None:
        """Returns once so many bridges are connected to both platforms."""
        await asyncio.gather(*(platform.connected(bridges) for platform in self.platforms.values()))

    async def write(self, messages: int, step: float) -> None:
        """People say something, over and over, `step` seconds apart on average; some of it the platform tells twice."""
        for _ in range(messages):
            await self.people.say()
            await asyncio.sleep(self.chance.uniform(0, 2 * step))
            if self.chance.random() < 0.02:
                await self._redeliver(self.chance.choice(list(self.platforms.values())))
                self.outcome.redelivered += 1

    def trouble(self) -> None:
        """Some of what can go wrong on each platform."""
        for name, platform in self.platforms.items():
            for trouble in some(self._troubles[name], self.chance):
                self._troubles[name][trouble](platform.faults)
                self.outcome.troubled[trouble] += 1

    def calm(self) -> None:
        """Whatever of that did not happen yet does not happen any more."""
        for platform in self.platforms.values():
            platform.faults.clear()

    async def settled(self, works: Callable[[], bool]) -> None:
        """Returns once everything said is done with, or nothing changes any more, or nobody works."""
        before, since = None, time.monotonic()
        while True:
            messages, waiting = await self.stored()
            now = (len({one.number for one in messages}), waiting)
            if now == (len(self.people.questions), 0):
                return
            if now != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > STILL or not works():
                return
            await asyncio.sleep(0.5)

    async def redelivered(self, works: Callable[[], bool]) -> None:
        """Returns once everything is done with, and the same after each platform told its newest event again."""
        await self.settled(works)
        for platform in self.platforms.values():
            await self._redeliver(platform)
        await self.settled(works)

    @staticmethod
    async def _redeliver(platform: Simulator) -> None:
        with contextlib.suppress(LookupError):  # nobody said anything there yet
            await platform.redeliver()

    async def stored(self) -> tuple[Sequence[Stored], int]:
        """See `stored.stored`."""
        return await asyncio.to_thread(stored, self.store)

    async def note_acknowledged(self) -> None:
        """Acknowledgements of messages that are not in the store: only Slack waits for any."""
        acknowledged = {
            one.number
            for one in self.people.questions
            if one.platform == "slack" and one.id in self._slack.journal.acked_at
        }
        messages, _ = await self.stored()
        self._early |= acknowledged - {one.number for one in messages}

    def note_broken(self, program: Program) -> None:
        """What a program's log since its last start says of itself as broken."""
        self.outcome.broke += [line["event"] for event in sorted(BROKEN) for line in program.events(event)]

    async def judge(self) -> None:
        """Holds what stands in the threads against what was said and what the store says."""
        shown = {
            (question.platform, question.thread): [
                said.text for said in self.platforms[question.platform].read(question.thread) if said.by_bot
            ]
            for question in self.people.questions
        }
        asked = Counter(words_in(request.input)[0][0] for request in self.agent.requests)
        messages, _ = await self.stored()
        found = verdict(self.people.questions, messages, shown, asked)
        found.overlapping = self.agent.overlaps
        found.acknowledged_early = len(self._early)
        self.outcome.verdict = found
