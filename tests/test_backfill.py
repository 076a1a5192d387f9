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
from bridge.backfill import AGAIN, DEAF_AFTER, LISTED_SECONDS, NEAR_SECONDS, OVERLAP, PERIOD, Backfill, unheard_since
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.errors import NotSent, RateLimited
from bridge.intake import Intake
from bridge.rules import Rule
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, turn
from tests.scripted import ScriptedChannel

FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)
NOW = Clock().now
HOUR = 3600.0


class ReadableChannel(ScriptedChannel):
    """Its history breaks so often before it can be read."""

    def __init__(self, *failures: Exception, messages: Sequence[Envelope] = ()) -> None:
        super().__init__()
        self.failures = list(failures)
        self.messages = messages
        self.read: list[tuple[float, bool]] = []
        self.reconnected = asyncio.Event()

    async def missed(
        self, since: float, known: Sequence[Conversation], *, everywhere: bool
    ) -> Sequence[tuple[Envelope, Facts]]:
        async with self.changed:
            self.read.append((since, everywhere))
            self.changed.notify_all()
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
    intake = Intake(store, [Rule(channel="c", instance="main")], "c")
    one = Backfill(channel, store, intake, answer_within=10**12, **clocks)
    task = asyncio.create_task(one.run())
    yield one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
        (2 * HOUR, HOUR, -OVERLAP),
        (-60, HOUR, -60 - OVERLAP),
    ],
)
def test_what_lies_in_the_future_says_nothing_about_what_was_heard(until: float, first: float, since: float) -> None:
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


async def test_a_long_history_goes_on_where_it_was_left_although_it_is_of_this_minute(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "MOST", 2)
    clock = Clock()
    channel = ReadableChannel(messages=[said(number, NOW + number) for number in range(1, 6)])
    async with opened(url, clock=lambda: NOW - HOUR) as store:
        await store.heard_until("c")
        clock.now += 10
        async with running(channel, store, clock=clock):
            assert [since for since, _ in await channel.reads(3)] == [NOW - HOUR, NOW + 2, NOW + 4]
            assert (await turn(store)).envelope.id == "p:1"


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
