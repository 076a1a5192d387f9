import asyncio
import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bridge.channel import MessageRef
from bridge.errors import StoreError, Unstorable
from bridge.store import database, reading
from bridge.store.protocol import Accepted
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, delivery, nothing_to_do, result, turn
from tests.store.conftest import ON_SQLITE


@ON_SQLITE
async def test_a_second_process_is_refused(url: str) -> None:
    store = await SqlStore.open(url)
    with pytest.raises(StoreError, match=r"is in use by another threadbridge: stop that one first"):
        await SqlStore.open(url)
    await store.close()
    await (await SqlStore.open(url)).close()


@ON_SQLITE
async def test_a_restart_takes_over_at_once_without_waiting_for_leases(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    await store.begin_turn(await turn(store))
    await store.close()
    again = await SqlStore.open(url)
    lease = await turn(again)
    assert (lease.attempt, lease.in_doubt) == (2, True)
    await again.close()


async def test_a_turn_that_was_only_claimed_when_the_process_died_is_not_in_doubt(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    await turn(store)
    await store.close()
    again = await SqlStore.open(url)
    lease = await turn(again)
    assert (lease.attempt, lease.in_doubt) == (2, False)
    await again.close()


async def test_history_keeps_message_reply_and_platforms_payload(url: str) -> None:
    store = await SqlStore.open(url)
    message = arrival(1)
    await store.accept(message)
    await store.finish_turn(await turn(store), result("answer", replies=[message.envelope]))
    await store.close()
    with database.transaction(url, read_only=True) as connection:
        asked = text("SELECT raw, status, (SELECT count(*) FROM open_turns) FROM turns")
        raw, status, open_turns = connection.execute(asked).one()
    assert json.loads(raw) == {"payload": {"untouched": ["ü", None, 1.5]}}
    assert (status, open_turns) == ("answered", 0)


@ON_SQLITE
async def test_what_cannot_be_committed_is_not_accepted_and_works_again_afterwards(url: str, tmp_path: Path) -> None:
    database.migrate_at(url)
    store = SqlStore(database.open_engine(url, patience=0.05))
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        StoreError, match=r"store\.db cannot be used: database is locked; another program keeps it locked"
    ):
        await store.accept(arrival(1))
    other.execute("ROLLBACK")
    other.close()
    assert await store.accept(arrival(1)) is Accepted.TURN
    await store.close()


async def test_one_bad_call_does_not_take_the_others_of_its_transaction_with_it(url: str) -> None:
    store = await SqlStore.open(url)
    bad: Any = arrival(2, channel=None)
    outcomes = await asyncio.gather(
        store.accept(arrival(1)), store.accept(bad), store.accept(arrival(3)), return_exceptions=True
    )
    assert [outcomes[0], type(outcomes[1]), outcomes[2]] == [Accepted.TURN, StoreError, Accepted.TURN]
    await store.close()


async def test_a_closed_store_takes_nothing(url: str) -> None:
    store = await SqlStore.open(url)
    await store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.accept(arrival(1))


async def test_deliveries_of_another_channel_are_left_to_it(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1, "t", channel="other"))
    await store.accept(arrival(2, "u"))
    for lease in await store.lease_turns("main", 2):
        await store.finish_turn(lease, result(lease.channel))
    assert (await delivery(store)).payload == {"text": "c"}
    await store.close()


async def test_a_row_that_this_version_cannot_read_holds_up_nobody(url: str) -> None:
    store = await SqlStore.open(url)
    for number in (1, 2):
        await store.accept(arrival(number, "t"))
    await store.accept(arrival(3, "u"))
    await store.close()
    with database.transaction(url) as connection:
        connection.exec_driver_sql('UPDATE turns SET envelope = \'{"of": "the future"}\' WHERE seq = 1')
    again = await SqlStore.open(url)
    leased = [lease.envelope.id for lease in await again.lease_turns("main", 9)]
    leased += [lease.envelope.id for lease in await again.lease_turns("main", 9)] if len(leased) < 2 else []
    assert sorted(leased) == ["p:2", "p:3"]
    await again.close()


async def test_a_claim_that_breaks_leaves_the_others_alone(url: str) -> None:
    store = await SqlStore.open(url)
    bad: Any = "many"
    broken = asyncio.ensure_future(store.lease_turns("main", bad))
    await store.accept(arrival(1))
    assert (await turn(store)).envelope.id == "p:1"
    broken.cancel()
    await asyncio.wait([broken])
    await store.close()


async def test_many_waits_that_end_together_cost_one_look(url: str) -> None:
    store = await SqlStore.open(url)
    for number in range(50):
        await store.accept(arrival(number, f"t{number}"))
    for lease in await store.lease_turns("main", 50):
        await store.retry_turn(lease, 0.001, "refused")
    again: list[int] = []
    while len(again) < 50:
        again += [lease.seq for lease in await asyncio.wait_for(store.lease_turns("main", 50), 5)]
    assert len(set(again)) == 50
    await store.close()


async def test_two_names_of_one_database_are_one_lock(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "store.db")
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(StoreError, match="is in use by another threadbridge"):
        await SqlStore.open(f"sqlite:///{tmp_path / 'link.db'}")
    await store.close()


async def test_what_can_never_be_stored_is_told_apart_from_what_cannot_be_stored_now(url: str) -> None:
    store = await SqlStore.open(url)
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    await store.accept(arrival(1))
    lease = await turn(store)
    reply = lease.envelope.model_copy(update={"raw": {"deep": deep}})
    with pytest.raises(Unstorable):
        await store.finish_turn(lease, result("answer", replies=[reply]))
    await store.finish_turn(lease, result("something else"))
    assert (await delivery(store)).payload == {"text": "something else"}
    await store.close()


async def test_history_keeps_the_names_that_were_found_and_the_payload_as_it_came(url: str) -> None:
    store = await SqlStore.open(url)
    message = arrival(1).envelope
    await store.accept(arrival(1))
    named = message.model_copy(update={"text": "hello @Bo", "raw": {}})
    await store.finish_turn(await turn(store), result("answer", envelope=named))
    await store.close()
    engine = database.open_engine(url, read_only=True)
    with engine.connect() as connection:
        (record,) = reading.turn_records(connection, "s-t")
    engine.dispose()
    assert record.envelope == named.model_copy(update={"raw": message.raw})


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_jumps_neither_shortens_a_lease_nor_lengthens_a_wait(url: str, hours: int) -> None:
    clock, steady = Clock(), Clock()
    database.migrate_at(url)
    store = SqlStore(database.open_engine(url), clock=clock, steady=steady)
    other = SqlStore(database.open_engine(url), clock=clock, steady=steady)
    for number in (1, 2):
        await store.accept(arrival(number, f"t{number}"))
    held, waits = await store.lease_turns("main", 2)
    await store.retry_turn(waits, 60, "unreachable")
    await store.finish_turn(held, result("one"))
    posted = await delivery(store)
    await store.retry_delivery(posted, 60, "refused", in_doubt=False)
    await store.accept(arrival(3, "t3"))
    held = await turn(store)
    clock.now += hours * 3600
    assert await nothing_to_do(store)
    assert await nothing_to_do(other)
    steady.now += 61
    await store.renew()
    assert (await turn(store)).envelope.id == "p:2"
    assert (await delivery(store)).id == posted.id
    assert await nothing_to_do(other)
    await store.finish_turn(held, result())
    await other.close()
    await store.close()


async def test_history_is_dated_by_the_clock_that_people_read(url: str) -> None:
    clock, steady = Clock(), Clock()
    store = await SqlStore.open(url, clock=clock, steady=steady)
    clock.now += 3600
    await store.accept(arrival(1))
    lease = await turn(store)
    clock.now += 60
    await store.finish_turn(lease, result("answer"))
    posting = await delivery(store)
    await store.delivered(posting, MessageRef("m"))
    await store.close()
    with database.transaction(url, read_only=True) as connection:
        (record,) = reading.turn_records(connection, "s-t")
    assert (record.accepted_at, record.started_at) == (clock.now - 60, clock.now - 60)
    assert (record.finished_at, posting.created_at, record.deliveries[0].delivered_at) == (clock.now,) * 3


@ON_SQLITE
async def test_damage_is_never_taken_for_something_that_can_never_be_stored(url: str, tmp_path: Path) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    lease = await turn(store)
    waiting = asyncio.ensure_future(store.lease_deliveries("c", 1))
    with sqlite3.connect(tmp_path / "store.db", isolation_level=None) as other:
        other.execute("INSERT INTO heartbeat VALUES (1, 0)")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with (tmp_path / "store.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"U" * ((tmp_path / "store.db").stat().st_size - 4096))
    for write in (store.accept(arrival(2)), store.finish_turn(lease, result("answer")), store.writable()):
        with pytest.raises(StoreError, match=r"malformed; it is damaged") as refused:
            await write
        assert type(refused.value) is StoreError
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.wait_for(store.close(), 5)


@ON_SQLITE
async def test_a_database_that_cannot_be_opened_now_is_opened_when_it_can(url: str, tmp_path: Path) -> None:
    store = SqlStore(database.open_engine(url))
    (tmp_path / "store.db").mkdir()
    with pytest.raises(StoreError, match="unable to open database file; check that it is a file"):
        await store.accept(arrival(1))
    (tmp_path / "store.db").rmdir()
    database.migrate_at(url)
    assert await store.accept(arrival(1)) is Accepted.TURN
    await store.close()


async def test_a_turn_whose_beginning_nobody_waits_for_any_more_has_not_begun(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    lease = await turn(store)
    busy, go_on = threading.Event(), threading.Event()

    def hold_up(_: object, calls: Sequence[None]) -> list[None]:
        busy.set()
        go_on.wait(5)
        return [None] * len(calls)

    first = asyncio.ensure_future(store._commit.write(hold_up, None))
    await asyncio.to_thread(busy.wait, 5)
    beginning = asyncio.ensure_future(store.begin_turn(lease))
    await asyncio.sleep(0)
    beginning.cancel()
    await asyncio.wait([beginning])
    go_on.set()
    await first
    await store.close()
    again = await SqlStore.open(url)
    assert not (await turn(again)).in_doubt
    await again.close()
