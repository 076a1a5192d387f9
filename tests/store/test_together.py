"""Several processes on one PostgreSQL: what each does once for all, and what each knows of the others."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import psycopg
import pytest

from bridge.envelope import Conversation
from bridge.peers import Company
from bridge.store import commit, database, processes, reading
from bridge.store.peers import About
from bridge.store.protocol import Accepted, NewDelivery
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import LEASE_SECONDS, Clock, arrival, delivery, nothing_to_do, result, turn
from tests.proxy import Proxy
from tests.store.conftest import ON_POSTGRESQL, somebody_waits, two

pytestmark = ON_POSTGRESQL


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
