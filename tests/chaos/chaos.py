"""Conversations on all platforms with a bridge that is killed over and over, and a count of what became of them."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from adapters.discord.simulator import DiscordSimulator
from adapters.slack.simulator import SlackSimulator
from bridge import faultpoints
from bridge.demo.instance_server import DemoInstanceServer
from bridge.store import database
from bridge.store.schema import open_deliveries, open_turns, turns
from tests.chaos.people import People, words_in
from tests.chaos.troubles import Trouble, some, troubles
from tests.chaos.verdict import Stored, Verdict, verdict
from tests.journeys.program import BROKEN, PATIENCE, DiscordWorld, Program, SlackWorld, toml

RANDOM = "at random"
PLACES = (*faultpoints.POINTS, RANDOM) * 2 + (RANDOM,) * len(faultpoints.POINTS)
"""Each of them twice, and as often at random."""
REPEATABLE = "parrot"
"""The instance that can be asked again; it has a third of the sessions."""
STEP = 0.05
"""Seconds between two looks at the store or two messages, on average."""
LONGEST = 4.0
"""Seconds until a bridge that did not come to its place is killed where it is."""
STILL = 45.0
"""Seconds without any change after which what is missing will not come any more."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    messages: int = 10_000
    kills: int = 500
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What happened and what it led to."""

    size: Size
    verdict: Verdict = field(default_factory=Verdict)
    killed_at: Counter[str] = field(default_factory=Counter[str])
    """Place, or `RANDOM` -> kills."""
    troubled: Counter[str] = field(default_factory=Counter[str])
    """Trouble -> how often."""
    redelivered: int = 0
    minutes: float = 0.0
    broke: list[str] = field(default_factory=list[str])
    """What the log says of itself as broken."""


class Chaos:
    """One run in an empty folder."""

    def __init__(
        self,
        folder: Path,
        size: Size,
        *,
        places: Sequence[str] = PLACES,
        module: Sequence[str] = ("bridge",),
        prepare: Callable[[Path], None] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`places`: where it is killed, over and over. `module` runs instead of the program, `prepare` makes the store;
        `say` is told of progress.
        """
        self._folder = folder
        self._store = folder / "threadbridge.db"
        self._size = size
        self._places = places
        self._module = module
        self._prepare = prepare
        self._say = say
        self._chance = random.Random(size.seed)
        self._outcome = Outcome(size)
        self._early: set[int] = set()

    async def run(self) -> Outcome:
        """Everything, and what it led to."""
        began = time.monotonic()
        async with AsyncExitStack() as stack:
            self._slack = await stack.enter_async_context(SlackSimulator(rate_limits=False, record_calls=False))
            self._discord = await stack.enter_async_context(DiscordSimulator(rate_limits=False, record_calls=False))
            self._agent = await stack.enter_async_context(DemoInstanceServer(keep=10 * self._size.messages))
            self._platforms = {"slack": self._slack, "discord": self._discord}
            self._troubles: dict[str, dict[str, Trouble]] = {
                "slack": dict(troubles("slack", SlackWorld.posting)),
                "discord": dict(troubles("discord", DiscordWorld.posting)),
            }
            self._people = People(self._platforms, self._chance)
            self._program = self._configured()
            if self._prepare is not None:
                self._prepare(self._store)
            try:
                await self._go_on()
            finally:
                if self._program.running:
                    await self._program.kill()
        self._outcome.minutes = (time.monotonic() - began) / 60
        return self._outcome

    async def _go_on(self) -> None:
        # The bridge takes what is said from its very first start on.
        await self._started(None)
        await self._end_by_kill()
        for number in range(self._size.kills):
            await self._one_life(self._places[number % len(self._places)], self._messages_in(number))
            if (number + 1) % 20 == 0:
                self._say(f"{number + 1} of {self._size.kills} kills, {len(self._people.questions)} messages")
        await self._started(None)
        await self._settled()
        for platform in self._platforms.values():
            await platform.redeliver()
        await self._settled()
        await self._program.terminate()
        self._note_broken()
        self._judge()

    def _messages_in(self, life: int) -> int:
        each, more = divmod(self._size.messages, self._size.kills)
        return each + (life < more)

    async def _one_life(self, place: str, messages: int) -> None:
        """The bridge starts, people write before and after, something goes wrong, and it is killed."""
        chance = self._chance
        while_down = chance.randrange(messages // 2 + 1)
        for _ in range(while_down):
            await self._people.say()
        times = 1 if place.startswith(("backfill.", "preview.")) else chance.choice((1, 1, 2, 3, 8))
        await self._started(None if place == RANDOM else f"{place}:{times}")
        for name, platform in self._platforms.items():
            for trouble in some(self._troubles[name], chance):
                self._troubles[name][trouble](platform.faults)
                self._outcome.troubled[trouble] += 1
        writing = asyncio.create_task(self._write(messages - while_down))
        alive = asyncio.create_task(self._program.ended())
        patience = chance.uniform(0.0, 1.5) if place == RANDOM else LONGEST
        await asyncio.wait({alive}, timeout=patience)
        died_there = alive.done()
        if not died_there:
            await self._end_by_kill()
        await alive
        await writing
        self._outcome.killed_at[place if died_there else RANDOM] += 1
        self._note_broken()
        self._note_acknowledged()
        for platform in self._platforms.values():
            platform.faults.clear()

    async def _write(self, messages: int) -> None:
        for _ in range(messages):
            await self._people.say()
            await asyncio.sleep(self._chance.uniform(0, 2 * STEP))
            if self._chance.random() < 0.02:
                await self._chance.choice(list(self._platforms.values())).redeliver()
                self._outcome.redelivered += 1

    async def _started(self, die_at: str | None) -> None:
        """Starts the bridge; returns when it is connected everywhere or dead."""
        self._program.environment.pop(faultpoints.VARIABLE, None)
        if die_at is not None:
            self._program.environment[faultpoints.VARIABLE] = die_at
        await self._program.start()
        connected = asyncio.gather(*(platform.connected() for platform in self._platforms.values()))
        ended = asyncio.create_task(self._program.ended())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({connected, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in (connected, ended):
            task.cancel()
        await asyncio.gather(connected, ended, return_exceptions=True)

    async def _end_by_kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            await self._program.kill()

    def _configured(self) -> Program:
        tables = {
            "bridge": {"store": "sqlite:///threadbridge.db", "http": ""},
            "instances.main": {
                "type": "chowder", "base_url": self._agent.base_url, "instance_id": self._agent.instance_id,
                "api_key": "env:AGENT_KEY", "model": "demo", "concurrency": 16,
            },
            f"instances.{REPEATABLE}": {"type": "echo"},
        }  # fmt: skip
        secrets = {"AGENT_KEY": self._agent.api_key}
        for name, platform in self._platforms.items():
            tables[f"channels.{name}"] = dict(platform.settings())
            secrets |= platform.secrets()
        share = {"main": 2, REPEATABLE: 1}
        rules = [{"channel": name, "rooms": ["*"], "instance": "main", "variants": share} for name in self._platforms]
        path = self._folder / "config.toml"
        path.write_text(toml(tables, rules), encoding="utf-8")
        return Program(path, secrets, self._module)

    async def _settled(self) -> None:
        """Returns once everything said is done with, or nothing changes any more."""
        before, since = None, time.monotonic()
        while True:
            stored, open_rows = self._stored()
            now = (len({one.number for one in stored}), open_rows)
            if now == (len(self._people.questions), 0):
                return
            if now != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > STILL or not self._program.running:
                return
            await asyncio.sleep(0.5)

    def _stored(self) -> tuple[Sequence[Stored], int]:
        """The messages in the order of acceptance, and how many rows wait for something."""
        engine = database.open_engine(f"sqlite:///{self._store}", read_only=True)
        with engine.connect() as connection:
            rows = connection.execute(
                select(turns.c.envelope, turns.c.status, turns.c.instance).order_by(turns.c.seq)
            ).all()
            waiting = sum(len(connection.execute(select(table.c.seq)).all()) for table in (open_turns, open_deliveries))
        engine.dispose()
        stored = [
            Stored(words_in(json.loads(row.envelope)["text"])[0][0], row.status, repeatable=row.instance == REPEATABLE)
            for row in rows
        ]
        return stored, waiting

    def _note_acknowledged(self) -> None:
        """Acknowledgements of messages that are not in the store: only Slack waits for any."""
        acknowledged = self._slack.journal.acked_at
        known = {one.number for one in self._stored()[0]}
        self._early |= {
            question.number
            for question in self._people.questions
            if question.platform == "slack" and question.id in acknowledged and question.number not in known
        }

    def _note_broken(self) -> None:
        self._outcome.broke += [line["event"] for event in sorted(BROKEN) for line in self._program.events(event)]

    def _judge(self) -> None:
        shown = {
            (question.platform, question.thread): [
                said.text for said in self._platforms[question.platform].read(question.thread) if said.by_bot
            ]
            for question in self._people.questions
        }
        asked = Counter(words_in(request.input)[0][0] for request in self._agent.requests)
        found = verdict(self._people.questions, self._stored()[0], shown, asked)
        found.overlapping = self._agent.overlaps
        found.acknowledged_early = len(self._early)
        self._outcome.verdict = found
