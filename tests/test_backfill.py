"""Reading what nobody heard, whatever the channel and the clock do meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge import backfill
from bridge.backfill import (
    AGAIN,
    DEAF_AFTER,
    DOUBTED,
    LISTED_SECONDS,
    NEAR_SECONDS,
    OVERLAP,
    PERIOD,
    Backfill,
    unheard_since,
)
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.errors import NotSent, RateLimited
from bridge.intake import Intake
from bridge.rules import Rule, Rules
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, nothing_to_do, result, turn
from tests.scripted import ScriptedChannel, orders

FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)
NOW = Clock().now
HOUR = 3600.0
TAKES_THE_SECOND = 4
"""So often the clock was asked when the second message that was missed is about to be taken."""


class ReadableChannel(ScriptedChannel):
    """Its history breaks so often before it can be read."""

    def __init__(self, *failures: Exception, messages: Sequence[Envelope] = ()) -> None:
        super().__init__()
        self.failures = list(failures)
        self.messages = messages
        self.read: list[tuple[float, bool]] = []
        self.reconnected = asyncio.Event()
        self.readable = asyncio.Event()
        self.readable.set()

    async def missed(
        self, since: float, known: Sequence[Conversation], *, everywhere: bool
    ) -> Sequence[tuple[Envelope, Facts]]:
        async with self.changed:
            self.read.append((since, everywhere))
            self.changed.notify_all()
        await self.readable.wait()
        if self.failures:
            raise self.failures.pop(0)
        return [(message, FACTS) for message in self.messages if message.ts.timestamp() > since]

    async def reconnect(self) -> None:
        self.is_connected = False
        self.reconnected.set()

    async def reads(self, count: int) -> list[tuple[float, bool]]:
        """(since, everywhere) of each reading, once there are so many."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.read) >= count), 5)
        return self.read


def said(number: int, at: float) -> Envelope:
    return arrival(number).envelope.model_copy(update={"ts": datetime.fromtimestamp(at, UTC)})


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@asynccontextmanager
async def opened(url: str, **clocks: Callable[[], float]) -> AsyncIterator[SqlStore]:
    store = await SqlStore.open(url, **clocks)
    yield store
    await store.close()


@asynccontextmanager
async def running(channel: ReadableChannel, store: SqlStore, **clocks: Any) -> AsyncIterator[Backfill]:
    intake = Intake(store, Rules([Rule(channel="c", instance="main")]), "c", orders(store))
    one = Backfill(channel, store, intake, answer_within=10**12, **clocks)
    task = asyncio.create_task(one.run())
    yield one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_read(store: SqlStore, clock: Clock) -> None:
    """Until everything up to now is read."""
    async with asyncio.timeout(5):
        while (await store.heard_until("c"))[0] != clock.now:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0)


async def test_a_history_that_cannot_be_understood_takes_nothing_down_and_is_read_later(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PERIOD", 0.01)
    message = said(1, NOW)
    channel = ReadableChannel(ValueError("not a place of this platform"), messages=[message])
    async with opened(url, clock=lambda: NOW - HOUR) as store, running(channel, store):
        assert (await turn(store)).envelope.id == message.id


@pytest.mark.parametrize(
    ("until", "first", "since"),
    [
        (-HOUR, -9 * HOUR, -HOUR - OVERLAP),
        (-1, -2, -2),
        (-90 * 24 * HOUR, -99 * 24 * HOUR, -LISTED_SECONDS),
        (HOUR, -9 * HOUR, -9 * HOUR),
        (HOUR, -99 * 24 * HOUR, -LISTED_SECONDS),
        (2 * HOUR, HOUR, HOUR),
        (90 * 24 * HOUR, 80 * 24 * HOUR, 80 * 24 * HOUR),
        (-60, HOUR, HOUR),
    ],
)
def test_what_lies_in_the_future_says_nothing_about_what_was_heard_and_nothing_is_older_than_the_first_start(
    until: float, first: float, since: float
) -> None:
    assert unheard_since(NOW + until, NOW + first, NOW) == NOW + since


async def test_what_was_said_after_a_clock_was_set_back_is_found_with_one_warning(url: str) -> None:
    clock = Clock()
    channel = ReadableChannel(messages=[said(1, NOW - HOUR)])
    async with opened(url, clock=lambda: NOW - 9 * HOUR) as store:
        await store.heard_until("c")
        await store.set_heard_until("c", NOW + 24 * HOUR)
        with capture_logs() as logs:
            async with running(channel, store, clock=clock):
                assert (await turn(store)).envelope.id == "p:1"
                assert await store.heard_until("c") == (NOW, NOW - 9 * HOUR)
            async with running(channel, store, clock=clock):
                assert await channel.reads(2) == [(NOW - 9 * HOUR, True), (NOW - OVERLAP, True)]
    jumps = [line for line in logs if line["event"] == "clock.jumped"]
    assert [(line["log_level"], line["ahead"]) for line in jumps] == [("warning", 24 * 3600)]


@pytest.mark.parametrize("behind", [HOUR, 200 * 24 * HOUR])
async def test_a_clock_that_is_behind_brings_nothing_from_before_the_very_first_start(url: str, behind: float) -> None:
    clock = Clock()
    clock.now -= behind
    before = [said(1, NOW - behind - 60), said(2, NOW - behind + 60), said(3, NOW - 60)]
    channel = ReadableChannel(messages=[*before, said(4, NOW + 60)])
    async with opened(url, clock=lambda: NOW) as store:
        await store.heard_until("c")
        await store.set_heard_until("c", NOW + 30)
        with capture_logs() as logs:
            for reads in (1, 2):
                async with running(channel, store, clock=clock):
                    await channel.reads(reads)
                    await until_read(store, clock)
                clock.now += 60
        assert [since for since, _ in channel.read] == [NOW, NOW]
        only = await turn(store)
        assert only.envelope.id == "p:4"
        await store.begin_turn(only)
        await store.finish_turn(only, result())
        assert await nothing_to_do(store)
    assert [line["log_level"] for line in logs if line["event"] == "clock.jumped"] == ["warning"] * 2


async def test_a_long_history_is_read_once_and_taken_in_parts_of_which_the_log_tells(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "MOST", 2)
    clock = Clock()
    channel = ReadableChannel(messages=[said(number, NOW + number) for number in range(1, 6)])
    async with opened(url, clock=lambda: NOW - HOUR) as store:
        await store.heard_until("c")
        await store.accept(arrival(2))
        clock.now += 10
        with capture_logs() as logs:
            async with running(channel, store, clock=clock):
                await until_read(store, clock)
        assert channel.read == [(NOW - HOUR, True)]
    parts = [(line["read"], line["of"], line["taken"]) for line in logs if line["event"] == "backfill.read"]
    assert parts == [(2, 5, 1), (4, 5, 2), (5, 5, 1)]


async def test_what_was_read_and_taken_in_part_is_read_again_from_the_beginning(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "MOST", 1)
    clock = Clock()
    channel = ReadableChannel(messages=[said(number, NOW + number) for number in range(1, 4)])
    async with opened(url, clock=lambda: NOW - HOUR) as store:
        await store.heard_until("c")
        clock.now += 10
        with capture_logs() as logs:
            reads_the_clock = 0

            def ending() -> float:
                nonlocal reads_the_clock
                reads_the_clock += 1
                if reads_the_clock == TAKES_THE_SECOND:
                    reading.cancel()
                return clock.now

            intake = Intake(store, Rules([Rule(channel="c", instance="main")]), "c", orders(store))
            one = Backfill(channel, store, intake, answer_within=10**12, clock=ending)
            reading = asyncio.create_task(one.run())
            await asyncio.gather(reading, return_exceptions=True)
            assert await store.heard_until("c") == (NOW - HOUR, NOW - HOUR)
            async with running(channel, store, clock=clock):
                await until_read(store, clock)
        assert channel.read == [(NOW - HOUR, True)] * 2
    parts = [(line["read"], line["taken"]) for line in logs if line["event"] == "backfill.read"]
    assert parts[:2] == [(1, 1), (1, 0)]
    assert [read for read, _ in parts] == [1, 1, 2, 3]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_deaf_connection_is_found_out_although_the_clock_was_set(
    url: str, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    clock, steady = Clock(), Clock()
    channel = ReadableChannel()
    async with opened(url, clock=clock) as store:
        await store.accept(arrival(1))
        async with running(channel, store, clock=clock, steady=steady):
            await channel.reads(1)
            await store.heard_until("c")
            clock.now += hours * HOUR
            channel.messages = [said(2, clock.now + 1)]
            clock.now += PERIOD + DEAF_AFTER
            steady.now += PERIOD + DEAF_AFTER
            await asyncio.wait_for(channel.reconnected.wait(), 5)
            assert channel.read[1:] == [(NOW + hours * HOUR, False)]


async def test_a_deaf_connection_counts_as_deaf_until_a_look_at_the_next_one_finds_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    clock = Clock()
    channel = ReadableChannel()
    async with opened(url, clock=clock) as store:
        await store.accept(arrival(1))
        async with running(channel, store, clock=clock, steady=clock) as one:
            await channel.reads(1)
            await store.heard_until("c")
            channel.messages = [said(2, clock.now + 1)]
            clock.now += PERIOD + DEAF_AFTER
            await asyncio.wait_for(channel.reconnected.wait(), 5)
            assert one.deaf
            channel.messages = []
            channel.is_connected = True
            await channel.reads(3)
            await store.heard_until("c")
            assert one.deaf
            clock.now += AGAIN
            await channel.reads(4)
            await store.heard_until("c")
            assert not one.deaf
            assert [everywhere for _, everywhere in channel.read] == [True, False, True, False]


@pytest.mark.parametrize("history", ["goes on", "fails", "breaks"])
async def test_a_connection_in_place_of_a_deaf_one_counts_soon_whatever_becomes_of_the_history(
    url: str, monkeypatch: pytest.MonkeyPatch, history: str
) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    clock = Clock()
    channel = ReadableChannel()
    async with opened(url, clock=clock) as store:
        await store.accept(arrival(1))
        async with running(channel, store, clock=clock, steady=clock) as one:
            await channel.reads(1)
            await store.heard_until("c")
            channel.messages = [said(2, clock.now + 1)]
            clock.now += PERIOD + DEAF_AFTER
            await asyncio.wait_for(channel.reconnected.wait(), 5)
            clock.now += HOUR
            assert one.deaf
            if history == "goes on":
                channel.readable.clear()
            broken = {"goes on": [], "fails": [NotSent("refused")], "breaks": [ValueError("not this platform's")]}
            channel.failures = [*broken[history]]
            channel.is_connected = True
            await channel.reads(3)
            clock.now += AGAIN - 1
            assert one.deaf
            clock.now += DOUBTED - AGAIN + 1
            assert not one.deaf


async def test_a_connection_that_is_deaf_again_counts_as_deaf_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    clock = Clock()
    channel = ReadableChannel()
    async with opened(url, clock=clock) as store:
        await store.accept(arrival(1))
        await store.heard_until("c")
        clock.now += 1
        async with running(channel, store, clock=clock, steady=clock) as one:
            for number in (2, 3):
                channel.reconnected.clear()
                channel.is_connected = True
                await until_read(store, clock)
                channel.messages = [said(number, clock.now + 1)]
                clock.now += PERIOD + DEAF_AFTER
                await asyncio.wait_for(channel.reconnected.wait(), 5)
                clock.now += HOUR
                assert one.deaf


async def test_why_a_history_cannot_be_read_is_known_until_it_can(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    clock = Clock()
    channel = ReadableChannel()
    async with opened(url, clock=clock) as store:
        await store.accept(arrival(1))
        async with running(channel, store, clock=clock, steady=clock) as one:
            await channel.reads(1)
            await store.heard_until("c")
            for failure, problem in (
                (RateLimited("wait", retry_after=0), None),
                (NotSent("history: refused"), "what was missed cannot be read: history: refused"),
                (None, None),
            ):
                channel.failures = [failure] if failure else []
                clock.now += PERIOD
                await channel.reads(len(channel.read) + 1)
                await store.heard_until("c")
                assert one.problem == problem


async def test_a_look_reaches_no_further_back_than_that(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    clock, steady = Clock(), Clock()
    channel = ReadableChannel()
    async with opened(url, clock=clock) as store:
        await store.accept(arrival(1))
        async with running(channel, store, clock=clock, steady=steady):
            await channel.reads(1)
            await store.heard_until("c")
            clock.now += HOUR
            steady.now += HOUR
            assert (await channel.reads(2))[1] == (NOW + HOUR - NEAR_SECONDS, False)


async def test_the_end_is_not_put_off_although_the_store_cannot_be_told_that_others_may_read(url: str) -> None:
    channel = ReadableChannel()
    channel.readable.clear()
    async with opened(url) as store:
        intake = Intake(store, Rules([Rule(channel="c", instance="main")]), "c", orders(store))
        reading = asyncio.create_task(Backfill(channel, store, intake, answer_within=10**12).run())
        await channel.reads(1)
        await store.close()
        reading.cancel()
        done, _ = await asyncio.wait({reading}, timeout=5)
        assert done
        assert reading.cancelled()
