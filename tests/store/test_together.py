"""Several processes on one PostgreSQL: what one does, the others leave alone, and what it leaves, they take."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import psycopg
import pytest

from bridge.channel import MessageRef
from bridge.envelope import Conversation
from bridge.errors import LeaseLost
from bridge.peers import Company
from bridge.store import claims, commit, database, postgresql, processes, reading
from bridge.store.peers import About
from bridge.store.protocol import Accepted, NewDelivery, TurnLease
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import LEASE_SECONDS, Clock, arrival, delivery, nothing_to_do, result, turn
from tests.proxy import Proxy
from tests.store.conftest import ON_POSTGRESQL, somebody_waits

pytestmark = ON_POSTGRESQL


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def two(url: str, clock: Clock) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    async with AsyncExitStack() as stack:
        stores: list[SqlStore] = []
        for _ in range(2):
            store = await SqlStore.open(url, lease_seconds=LEASE_SECONDS, clock=clock, steady=clock)
            stack.push_async_callback(store.close)
            stores.append(store)
        await stores[0].renew()
        yield stores[0], stores[1]


async def test_what_two_receive_at_the_same_time_is_one_turn(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        outcomes = await asyncio.gather(*(store.accept(arrival(n)) for n in range(20) for store in (one, other)))
        assert outcomes.count(Accepted.TURN) == 20
        assert outcomes.count(Accepted.DUPLICATE) == 20


@pytest.mark.parametrize(
    ("thread", "session", "binds_thread"), [("t{}", "ticket-1", True), ("t", "s", True), ("t{}", "user-1", False)]
)
async def test_the_first_messages_of_a_session_in_two_channels_go_to_one_instance(
    url: str, clock: Clock, thread: str, session: str, binds_thread: bool
) -> None:
    orders = (("main", "second"), ("second", "main"))
    async with two(url, clock) as stores:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE turns IN SHARE MODE")
            accepting: list[asyncio.Future[Accepted]] = []
            for number, (store, instances) in enumerate(zip(stores, orders, strict=True), 1):
                values = {"channel": f"c{number}", "instances": instances, "session": session}
                said = arrival(number, thread.format(number), binds_thread=binds_thread, **values)
                accepting.append(asyncio.ensure_future(store.accept(said)))
                await somebody_waits(url, how_many=number)
            connection.rollback()
        assert await asyncio.gather(*accepting) == [Accepted.TURN, Accepted.TURN]
    with database.transaction(url, read_only=True) as connection:
        assert [one.instance for one in reading.turn_records(connection, session)] == ["main", "main"]


async def test_what_one_works_on_the_other_leaves_alone_and_its_thread_too(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.accept(arrival(1))
        await other.accept(arrival(2))
        await turn(one)
        assert await nothing_to_do(other)


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


async def test_an_instances_concurrency_is_that_of_all_together_and_shared_evenly(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        for number in range(12):
            await one.accept(arrival(number, f"t{number}"))
        first = await one.lease_turns("main", 6, most=6)
        second = await other.lease_turns("main", 6, most=6)
        assert (len(first), len(second)) == (3, 3)
        waiting = [asyncio.ensure_future(store.lease_turns("main", 3, most=6)) for store in (one, other)]
        for store in (one, other, one, other):
            await store.renew()
        assert [claim.done() for claim in waiting] == [False, False]
        await other.finish_turn(second[0], result())
        assert len(await waiting[1]) == 1
        waiting[0].cancel()


async def test_one_that_posts_only_takes_no_share(url: str, clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        stores: list[SqlStore] = []
        for works in (True, False):
            about = About(works=works)
            store = await SqlStore.open(url, lease_seconds=LEASE_SECONDS, clock=clock, steady=clock, about=about)
            stack.push_async_callback(store.close)
            stores.append(store)
        await stores[0].renew()
        for number in range(6):
            await stores[1].accept(arrival(number, f"t{number}"))
        assert len(await stores[0].lease_turns("main", 6, most=6)) == 6


async def test_what_another_process_accepts_is_told_at_once(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "POLL", 3600.0)
    async with two(url, clock) as (one, other):
        await other.renew()
        waiting = asyncio.ensure_future(other.lease_turns("main", 1))
        await other.heard_until("c")
        told = 0
        while not waiting.done():  # until it listens, nothing of it is heard
            told += 1
            await one.accept(arrival(told))
            await asyncio.wait({waiting}, timeout=0.2)
        assert len(await waiting) == 1


async def test_what_nobody_told_is_found_all_the_same(url: str, clock: Clock) -> None:
    async with two(url, clock) as (_, other):
        waiting = asyncio.ensure_future(other.lease_turns("main", 1))
        await other.heard_until("c")
        silent = SqlStore(database.open_engine(url), clock=clock, steady=clock)
        await silent.accept(arrival(1))
        assert len(await asyncio.wait_for(waiting, 10)) == 1
        await silent.close()


async def test_they_know_each_other_and_who_ended_without_a_word(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await other.renew()
        assert len(one.peers.alive) == len(other.peers.alive) == 1
        clock.now += LEASE_SECONDS + 1
        (known,) = one.peers.alive
        await one.renew()
        assert (one.peers.alive, one.peers.silent) == ([], [known])
        await other.close()
        await one.renew()
        assert (one.peers.alive, one.peers.silent) == ([], [])


async def test_nobody_waits_for_the_answer_of_one_that_is_gone_to_a_reload(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, _):
        clock.now += LEASE_SECONDS + 1
        await one.renew()
        with database.transaction(url, read_only=True) as connection:
            (running,) = processes.running(connection, clock())
        (silent,) = one.peers.silent
        assert running != silent.id


async def test_whoever_ends_without_a_word_is_noticed_although_an_answer_was_lost(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, _):
        gone = asyncio.Event()
        company = Company(About(), gone.set)
        company.met(one.peers)
        clock.now += LEASE_SECONDS + 1
        await one.renew()
        await one.renew()
        company.met(one.peers)
        assert gone.is_set()


async def test_only_one_reads_a_channels_history(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        assert await one.lease_history("c")
        assert not await other.lease_history("c")
        assert await other.lease_history("another")
        clock.now += LEASE_SECONDS - 0.1
        await one.renew()
        clock.now += LEASE_SECONDS - 0.1
        assert not await other.lease_history("c")
        await one.set_heard_until("c", clock.now)
        assert await other.lease_history("c")
        clock.now += LEASE_SECONDS + 0.1
        assert await one.lease_history("c")
        await other.set_heard_until("c", 1.0)
        assert (await one.heard_until("c"))[0] > 1.0


async def test_only_one_looks_at_a_time(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        await one.heard_until("c")
        assert await one.may_look("c", 10)
        clock.now += 9
        assert not await other.may_look("c", 10)
        clock.now += 1
        assert await other.may_look("c", 10)


async def test_where_a_platform_asked_one_to_wait_the_other_knows(url: str, clock: Clock) -> None:
    async with two(url, clock) as (one, other):
        for number in (1, 2):
            await one.accept(arrival(number, f"t{number}"))
            lease = await turn(one)
            place = Conversation(source="p", ref=f"t{number}")
            await one.finish_turn(lease, replace(result(), deliveries=[NewDelivery(place, {"text": "x"})]))
        refused = await delivery(one)
        await one.retry_delivery(refused, 30, "wait", in_doubt=False, counted=False, holds="room")
        clock.now += 10
        assert (await delivery(other)).held == {"room": 20}


@pytest.mark.timeout(90)
async def test_a_database_that_does_not_answer_is_given_up_and_used_again_once_it_does(url: str) -> None:
    port = int(url.rpartition(":")[2].partition("/")[0])
    async with Proxy(port) as proxy:
        store = await SqlStore.open(url.replace(f":{port}/", f":{proxy.port}/"))
        await store.accept(arrival(1))
        proxy.freeze()
        refused = asyncio.ensure_future(store.accept(arrival(2)))
        done, _ = await asyncio.wait({refused}, timeout=30)
        assert done
        assert "cannot be used" in str(refused.exception())
        await proxy.mend()
        async with asyncio.timeout(30):
            while (await asyncio.gather(store.accept(arrival(3)), return_exceptions=True)) != [Accepted.TURN]:
                pass
        await store.close()


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
