"""Reading what nobody heard where other processes listen to the same channel."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from bridge import backfill
from bridge.backfill import DEAF_AFTER, PERIOD
from bridge.errors import NotSent
from bridge.store import database
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival
from tests.test_backfill import ReadableChannel, opened, running, said, until_read

PASSES = 6
"""A loop that asked its clock so often since that was moved has done what was due."""


class SharedChannel(ReadableChannel):
    """Each message comes over one connection of all."""

    shares_events: Literal[True] = True


class Watched:
    """The clock as one process sees it, which has that channel; knows how often it was asked."""

    def __init__(self, clock: Clock, channel: ReadableChannel) -> None:
        self._clock = clock
        self._channel = channel
        self._asked = 0

    def __call__(self) -> float:
        self._asked += 1
        return self._clock.now

    async def noticed(self) -> None:
        """Until whatever is due by now was done, or the connection was given up."""
        enough = self._asked + PASSES
        async with asyncio.timeout(5):
            while self._asked < enough and self._channel.is_connected:  # noqa: ASYNC110 - the loop tells nobody
                await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "LOOK", 0.001)
    monkeypatch.setattr(backfill, "ANOTHER_READS", 0.001)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[SqlStore]:
    """With a conversation that may be looked at."""
    async with opened(f"sqlite:///{tmp_path / 'store.db'}", clock=clock, steady=clock) as store:
        await store.accept(arrival(1))
        await store.heard_until("c")
        clock.now += 1
        yield store


@pytest.fixture
async def other(store: SqlStore, tmp_path: Path, clock: Clock) -> AsyncIterator[SqlStore]:  # noqa: ARG001 - it migrates
    """Another process's."""
    other = SqlStore(database.open_engine(f"sqlite:///{tmp_path / 'store.db'}"), clock=clock, steady=clock)
    yield other
    await other.close()


def not_alone() -> bool:
    return False


async def test_what_a_process_that_is_gone_may_have_received_is_read_once(store: SqlStore, clock: Clock) -> None:
    channel = ReadableChannel()
    async with running(channel, store, clock=clock, steady=clock) as one:
        await until_read(store, clock)
        clock.now += 1
        one.read_again()
        await until_read(store, clock)
        clock.now += PERIOD
        assert [everywhere for _, everywhere in await channel.reads(3)] == [True, True, False]


async def test_what_another_process_reads_is_read_after_it(store: SqlStore, other: SqlStore, clock: Clock) -> None:
    channel = ReadableChannel()
    assert await other.lease_history("c")
    async with running(channel, store, clock=clock, steady=clock):
        for _ in range(10):
            await store.heard_until("c")
        assert channel.read == []
        await other.let_history_go("c")
        await channel.reads(1)


async def takes_over(other: SqlStore) -> None:
    """Until another process may read, although no time goes by."""
    async with asyncio.timeout(5):
        while not await other.lease_history("c"):
            pass


async def test_what_cannot_be_read_is_left_to_others_at_once(store: SqlStore, other: SqlStore, clock: Clock) -> None:
    channel = ReadableChannel(*[NotSent("refused")] * 9)
    async with running(channel, store, clock=clock, steady=clock):
        await channel.reads(1)
        await takes_over(other)


async def test_whoever_ends_while_it_reads_leaves_that_to_others_at_once(
    store: SqlStore, other: SqlStore, clock: Clock
) -> None:
    channel = ReadableChannel()
    channel.readable.clear()
    async with running(channel, store, clock=clock, steady=clock):
        await channel.reads(1)
        assert not await other.lease_history("c")
    await takes_over(other)


@pytest.mark.parametrize(("alone", "looks"), [(lambda: True, 1), (not_alone, 0)])
async def test_where_another_process_looked_just_now_only_whoever_is_alone_looks_again(
    store: SqlStore, other: SqlStore, clock: Clock, alone: Callable[[], bool], looks: int
) -> None:
    channel = ReadableChannel()
    steady = Watched(clock, channel)
    async with running(channel, store, clock=clock, steady=steady, alone=alone):
        await until_read(store, clock)
        clock.now += PERIOD - 1
        assert await other.may_look("c", PERIOD)
        clock.now += 1
        await steady.noticed()
        assert len(channel.read) == 1 + looks


async def misses(number: int, channel: ReadableChannel, clock: Clock, steady: Watched) -> bool:
    """Whether a connection that did not bring that message, which its next look finds, is given up."""
    channel.messages = [said(number, clock.now + 1)]
    clock.now += 2 * PERIOD + DEAF_AFTER
    await steady.noticed()
    return channel.reconnected.is_set()


@pytest.mark.parametrize(
    ("channel", "alone"), [(SharedChannel(), lambda: True), (ReadableChannel(), not_alone)], ids=["alone", "not shared"]
)
async def test_what_should_have_come_over_this_connection_shows_that_it_is_deaf(
    store: SqlStore, clock: Clock, channel: ReadableChannel, alone: Callable[[], bool]
) -> None:
    steady = Watched(clock, channel)
    async with running(channel, store, clock=clock, steady=steady, alone=alone):
        await until_read(store, clock)
        assert await misses(2, channel, clock, steady)


async def test_what_may_have_gone_to_another_connection_counts_from_the_second_time_on(
    store: SqlStore, clock: Clock
) -> None:
    channel = SharedChannel()
    steady = Watched(clock, channel)
    async with running(channel, store, clock=clock, steady=steady, alone=not_alone):
        await until_read(store, clock)
        assert not await misses(2, channel, clock, steady)
        clock.now += 2 * PERIOD
        await steady.noticed()
        assert await misses(3, channel, clock, steady)


async def test_a_connection_that_brings_something_meanwhile_is_not_the_deaf_one(store: SqlStore, clock: Clock) -> None:
    channel = SharedChannel()
    steady = Watched(clock, channel)
    async with running(channel, store, clock=clock, steady=steady, alone=not_alone) as one:
        await until_read(store, clock)
        for number in (2, 3, 4):
            assert not await misses(number, channel, clock, steady)
            one.heard_live()


@asynccontextmanager
async def both(
    store: SqlStore, other: SqlStore, clock: Clock
) -> AsyncIterator[tuple[list[SharedChannel], list[backfill.Backfill], list[Watched]]]:
    """Two processes, of which the second is connected half a period later."""
    channels = [SharedChannel(), SharedChannel()]
    steadies = [Watched(clock, channel) for channel in channels]
    async with running(channels[0], store, clock=clock, steady=steadies[0], alone=not_alone) as first:
        await until_read(store, clock)
        clock.now += PERIOD / 2
        async with running(channels[1], other, clock=clock, steady=steadies[1], alone=not_alone) as second:
            await until_read(store, clock)
            yield channels, [first, second], steadies


async def test_the_looks_go_round(store: SqlStore, other: SqlStore, clock: Clock) -> None:
    async with both(store, other, clock) as (channels, _, steadies):
        looked: list[int] = []
        for _ in range(20):
            before = [len(channel.read) for channel in channels]
            clock.now += PERIOD / 2
            for steady in steadies:
                await steady.noticed()
            looked += [number for number in (0, 1) if len(channels[number].read) > before[number]]
        assert looked[:6] == [0, 1, 0, 1, 0, 1]


async def test_of_two_connections_the_deaf_one_is_given_up_although_the_other_looks_too(
    store: SqlStore, other: SqlStore, clock: Clock
) -> None:
    async with both(store, other, clock) as (channels, (hears, _), steadies):
        for number in range(2, 20):
            clock.now += PERIOD / 2
            hears.heard_live()
            for channel in channels:
                channel.messages = [*channel.messages, said(number, clock.now)]
            for steady in steadies:
                await steady.noticed()
        assert [channel.reconnected.is_set() for channel in channels] == [False, True]
