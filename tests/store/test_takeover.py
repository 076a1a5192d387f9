"""Several processes on one PostgreSQL: whose work it is once a lease ends, and what is left of it to whoever had it."""

import asyncio
import itertools
from collections.abc import Callable

import psycopg
import pytest

from bridge.channel import MessageRef
from bridge.errors import LeaseLost
from bridge.store import claims, commit, database, postgresql
from bridge.store.protocol import TurnLease
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import LEASE_SECONDS, Clock, arrival, delivery, nothing_to_do, result, turn
from tests.store.conftest import ON_POSTGRESQL, two

pytestmark = ON_POSTGRESQL


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_dead_ones_work_is_taken_over_when_its_lease_is_over(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        await one.begin_turn(await turn(one))
        clock.now += LEASE_SECONDS - 0.1
        assert await nothing_to_do(other)
        clock.now += 0.2
        taken = await turn(other)
        assert (taken.attempt, taken.in_doubt) == (2, True)


async def test_whoever_ends_in_order_leaves_its_work_to_the_others_at_once(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, _):
        async with two(url, clock) as (leaving, _):
            await leaving.accept(arrival(1))
            await leaving.begin_turn(await turn(leaving))
        taken = await turn(one)
        assert (taken.attempt, taken.in_doubt) == (2, True)


async def lost(one: SqlStore, other: SqlStore, clock: Clock) -> TurnLease:
    """A turn that `one` thinks is its own, although `other` took it over while `one` was stopped."""
    await one.accept(arrival(1))
    lease = await turn(one)
    clock.now += LEASE_SECONDS + 1
    await turn(other)
    return lease


@pytest.mark.parametrize(
    "write",
    [
        lambda store, lease: store.begin_turn(lease),
        lambda store, lease: store.finish_turn(lease, result("too late")),
        lambda store, lease: store.retry_turn(lease, 0, "too late"),
        lambda store, lease: store.ask_again(lease, ()),
        lambda store, lease: store.confirm(lease),
    ],
)
async def test_whoever_wakes_up_after_that_writes_nothing(
    url: str, clock: Clock, write: Callable[[SqlStore, TurnLease], object]
) -> None:
    async with two(url, clock) as (one, other):
        lease = await lost(one, other, clock)
        with pytest.raises(LeaseLost):
            await write(one, lease)  # type: ignore[misc]
        await one.renew()
        with pytest.raises(LeaseLost):
            await write(one, lease)  # type: ignore[misc]
        assert await nothing_to_do(one)


async def test_a_delivery_that_another_process_took_over_is_neither_posted_nor_closed(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        await one.finish_turn(await turn(one), result("answer"))
        lease = await delivery(one)
        clock.now += LEASE_SECONDS + 1
        assert (await delivery(other)).in_doubt
        for write in (one.confirm(lease), one.delivered(lease, MessageRef("m")), one.bury(lease, "?")):
            with pytest.raises(LeaseLost):
                await write


async def test_an_older_lease_of_ones_own_is_worth_nothing_once_the_work_is_leased_anew(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        lease = await lost(one, other, clock)
        clock.now += LEASE_SECONDS + 1
        anew = await turn(one)
        for write in (one.confirm(lease), one.begin_turn(lease), one.finish_turn(lease, result("too late"))):
            clock.now += LEASE_SECONDS * 0.8  # from here on the database is asked
            with pytest.raises(LeaseLost):
                await write
        await one.finish_turn(anew, result("answer"))


async def test_a_turn_is_not_confirmed_by_a_delivery_that_has_its_number(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        for number in (1, 2):
            await one.accept(arrival(number, f"t{number}"))
        first, second = [await turn(one) for _ in range(2)]
        await one.finish_turn(first, result("one", "two"))
        await one.delivered(await delivery(one), MessageRef("m"))
        assert (await delivery(one)).seq == second.seq
        clock.now += LEASE_SECONDS + 1
        await turn(other)
        with pytest.raises(LeaseLost):
            await one.confirm(second)


async def test_once_the_database_is_back_everybody_goes_on_with_what_was_theirs(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = Clock()
    monkeypatch.setattr(postgresql, "_seconds", seconds)
    async with two(url, clock) as (one, other):
        for number in (1, 2):
            await one.accept(arrival(number, f"t{number}"))
        kept, left = [await turn(one) for _ in range(2)]
        one.let_go(left)
        for each in (clock, seconds):
            each.now += LEASE_SECONDS + 1
        assert await nothing_to_do(other)
        await one.renew()
        for _ in range(4):
            for each in (clock, seconds):
                each.now += LEASE_SECONDS / 3
            await asyncio.gather(one.renew(), other.renew())
        assert (await turn(other)).seq == left.seq
        await one.finish_turn(kept, result("answer"))


def test_while_the_way_to_the_database_is_long_others_leases_are_not_over_yet(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = database.open_engine(url)
    shared = postgresql.Shared(engine, "me", LEASE_SECONDS)
    monkeypatch.setattr(postgresql, "_seconds", itertools.count(0, 2).__next__)
    with engine.connect() as connection:
        shared.begin(connection, ())
    assert shared.leniency == 2
    shared.close()
    engine.dispose()


async def test_a_lease_that_is_about_to_end_is_as_good_as_lost_if_another_process_may_take_it(
    url: str, clock: Clock
) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        lease = await turn(one)
        until_lost = asyncio.ensure_future(one.until_lost(lease))
        await other.renew()
        clock.now += LEASE_SECONDS * 0.8
        await asyncio.wait({until_lost}, timeout=2 * claims.LOOKS_EVERY)
        assert not until_lost.done()
        await one.renew()
        clock.now += LEASE_SECONDS * 0.95
        await asyncio.wait_for(until_lost, 10)


async def test_alone_it_is_lost_only_once_somebody_else_has_it(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        lease = await turn(one)
        await other.close()
        await one.renew()
        until_lost = asyncio.ensure_future(one.until_lost(lease))
        clock.now += LEASE_SECONDS * 2
        await asyncio.wait({until_lost}, timeout=2 * claims.LOOKS_EVERY)
        assert not until_lost.done()
        late = await SqlStore.open(url, lease_seconds=LEASE_SECONDS, clock=clock, steady=clock)
        await turn(late)
        await one.renew()
        await asyncio.wait_for(until_lost, 10)
        await late.close()


async def test_a_lease_that_is_sure_is_confirmed_without_asking_the_database(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, _):
        await one.accept(arrival(1))
        lease = await turn(one)
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE open_turns IN ACCESS EXCLUSIVE MODE")
            await asyncio.wait_for(one.confirm(lease), 1)
            connection.rollback()


async def test_a_lease_that_nobody_took_meanwhile_lasts_again_once_it_is_asked_for(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        lease = await turn(one)
        clock.now += LEASE_SECONDS + 1
        await one.confirm(lease)
        assert await nothing_to_do(other)


async def test_a_lease_that_ended_before_the_database_answered_is_asked_for_again(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        lease = await turn(one)
        clock.now += LEASE_SECONDS - 0.1
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE open_turns IN ACCESS EXCLUSIVE MODE")
            confirmed = asyncio.ensure_future(one.confirm(lease))
            async with asyncio.timeout(10):
                while not waits_for_a_lock(connection):
                    await asyncio.wait({confirmed}, timeout=0.02)
            clock.now += LEASE_SECONDS + 1
            connection.rollback()
        await confirmed
        assert await nothing_to_do(other)


def waits_for_a_lock(connection: psycopg.Connection) -> bool:
    found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None and found[0] > 0


async def test_what_a_dead_one_had_is_looked_for_the_moment_that_its_lease_is_over(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "POLL", 3600.0)
    dead, other = [await SqlStore.open(url, lease_seconds=2.0) for _ in range(2)]
    await dead.accept(arrival(1))
    lease = await turn(dead)
    waiting = asyncio.ensure_future(other.lease_turns("main", 1))
    async with asyncio.timeout(30):
        while not waiting.done():  # as often as a process does: one that heard nothing for long takes nothing over
            await other.renew()
            await asyncio.wait({waiting}, timeout=2.0 / 3)
    assert [taken.seq for taken in await waiting] == [lease.seq]
    await dead.close()
    await other.close()
