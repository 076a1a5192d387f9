"""Dead letters in the store, beside a bridge that runs on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.dialects import sqlite

from bridge.channel import MessageRef
from bridge.envelope import Conversation
from bridge.errors import StoreError
from bridge.store import database, dead, reading
from bridge.store.names import turn_id, turn_seq
from bridge.store.protocol import NewDelivery, TurnResult
from bridge.store.records import DeadFilters, DeadLetter, SessionSummary
from bridge.store.schema import deliveries, of_dead_letters, of_dead_turns, turns
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, delivery, nothing_to_do, result, turn
from tests.store.conftest import ON_POSTGRESQL, ON_SQLITE, somebody_waits

NOTICE = NewDelivery(Conversation(source="p", ref="t"), {"text": "that failed"}, kind="notice")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url, clock=clock, steady=clock)
    yield opened
    await opened.close()


async def bury(store: SqlStore, number: int, thread: str = "t", *, why: str = "locked", **changes: Any) -> str:
    """A message whose answer is a dead letter; its id."""
    await store.accept(arrival(number, thread))
    await store.finish_turn(await turn(store), result(f"answer {number}"))
    lease = await delivery(store)
    await store.bury(lease, why, **changes)
    return lease.id


async def fail(store: SqlStore, number: int, thread: str = "t", **changes: Any) -> str:
    """A message that was not answered, which nobody was told yet; its id."""
    await store.accept(arrival(number, thread))
    lease = await turn(store)
    await store.finish_turn(lease, TurnResult("failed", **({"error": "it broke"} | changes)))
    return turn_id(lease.seq)


def listed(url: str, **filters: Any) -> list[DeadLetter]:
    with database.transaction(url, read_only=True) as connection:
        return dead.letters(connection, DeadFilters(**filters))


def ids(url: str, **filters: Any) -> list[str]:
    return [one.id for one in listed(url, **filters)]


def retry(url: str, *chosen: str) -> None:
    with database.transaction(url) as connection:
        found, problems = dead.named(connection, chosen)
        assert problems == []
        dead.retry(connection, found)


def drop(url: str, *chosen: str) -> None:
    with database.transaction(url) as connection:
        dead.drop(connection, dead.named(connection, chosen)[0])


def problems(url: str, *chosen: str) -> list[str]:
    with database.transaction(url, read_only=True) as connection:
        return dead.named(connection, chosen)[1]


def summary(url: str) -> SessionSummary:
    with database.transaction(url, read_only=True) as connection:
        return reading.session_summaries(connection, 9)[0]


def test_a_turns_id_is_its_number_and_comes_back() -> None:
    assert (turn_id(7), turn_seq("t7")) == ("t7", 7)
    assert [turn_seq(text) for text in ("", "t", "7", "t-7", "t7 ", "d7", "t٧", "t" + "9" * 19)] == [None] * 8


async def test_what_was_given_up_is_listed_with_the_reason_and_the_newest_first(
    store: SqlStore, url: str, clock: Clock
) -> None:
    posted = await bury(store, 1)
    clock.now += 10
    asked = await fail(store, 2)
    clock.now += 10
    lost = await fail(store, 3, "u", error="cut off")
    found = listed(url)
    assert [(one.id, one.kind, one.status, one.session, one.channel, one.why) for one in found] == [
        (lost, "turn", "failed", "s-u", "c", "cut off"),
        (asked, "turn", "failed", "s-t", "c", "it broke"),
        (posted, "reply", "dead_letter", "s-t", "c", "locked"),
    ]
    assert [one.at for one in found] == [clock.now, clock.now - 10, clock.now - 20]


async def test_what_went_well_or_still_waits_is_not_listed(store: SqlStore, url: str) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("one", "two"))
    await store.delivered(await delivery(store), MessageRef("m1"))
    await store.accept(arrival(2))
    assert listed(url) == []


async def test_a_turn_whose_fate_nobody_knows_is_listed(store: SqlStore, url: str) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), TurnResult("unknown", error="cut off"))
    assert [(one.id, one.status) for one in listed(url)] == [("t1", "unknown")]


async def test_filters_leave_what_fits_all_of_them(store: SqlStore, url: str, clock: Clock) -> None:
    early = await bury(store, 1, "t")
    clock.now += 3600
    late, asked = await bury(store, 2, "u"), await fail(store, 3, "u")
    assert ids(url, session="s-u") == [asked, late]
    assert ids(url, since=clock.now) == [asked, late]
    assert ids(url, session="s-t", since=clock.now) == []
    assert ids(url, session="s-t", since=clock.now - 3600) == [early]
    assert len(ids(url, channel="c")) == 3
    assert ids(url, channel="other") == []


async def test_when_it_died_counts_and_not_when_it_was_made(store: SqlStore, url: str, clock: Clock) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("one"))
    clock.now += 24 * 3600
    lease = await delivery(store)
    await store.bury(lease, "a day of failures")
    assert ids(url, since=clock.now - 60) == [lease.id]


async def test_a_delivery_that_is_opened_again_is_as_if_nobody_had_tried(
    store: SqlStore, url: str, clock: Clock
) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("one"))
    await store.retry_delivery(await delivery(store), 1, "refused", in_doubt=False)
    clock.now += 2
    lease = await delivery(store)
    await store.bury(lease, "locked")
    retry(url, lease.id)
    assert listed(url) == []
    again = await delivery(store)
    assert (again.id, again.payload) == (lease.id, {"text": "one"})
    assert (again.attempt, again.in_doubt, again.failing_for) == (1, False, None)
    await store.delivered(again, MessageRef("m1"))
    assert await nothing_to_do(store)


async def test_a_delivery_that_may_have_been_posted_is_opened_in_doubt(store: SqlStore, url: str) -> None:
    lease = await bury(store, 1, in_doubt=True)
    assert [one.in_doubt for one in listed(url)] == [True]
    retry(url, lease)
    assert (await delivery(store)).in_doubt


async def test_a_turn_that_is_opened_again_is_as_if_nobody_had_tried(store: SqlStore, url: str, clock: Clock) -> None:
    await store.accept(arrival(1))
    await store.retry_turn(await turn(store), 1, "stopped")
    clock.now += 2
    lease = await turn(store)
    await store.finish_turn(lease, TurnResult("unknown", error="cut off"))
    retry(url, "t1")
    assert listed(url) == []
    again = await turn(store)
    assert (again.envelope, again.wants_context) == (lease.envelope, lease.wants_context)
    assert (again.attempt, again.in_doubt, again.failing_for) == (1, False, None)


async def test_what_a_turn_said_before_stays_and_hides_nothing_of_what_it_says_now(store: SqlStore, url: str) -> None:
    partly = [*result("half an answer", "and more").deliveries, NOTICE]
    await fail(store, 1, deliveries=partly)
    for _ in range(2):
        retry(url, "t1")
        await store.finish_turn(await turn(store), TurnResult("failed", partly, error="again"))
    retry(url, "t1")
    await store.finish_turn(await turn(store), result("the answer"))
    posted: list[str] = []
    for number in range(10):
        lease = await delivery(store)
        posted.append(lease.payload["text"])
        await store.delivered(lease, MessageRef(f"m{number}"))
    assert posted == ["half an answer", "and more", "that failed"] * 3 + ["the answer"]
    with database.transaction(url, read_only=True) as connection:
        kept = reading.turn_record(connection, 1).deliveries
    assert [one.run for one in kept] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 0]


async def test_a_turn_goes_to_the_instance_that_its_session_has_now(store: SqlStore, url: str) -> None:
    await fail(store, 1)
    await store.accept(arrival(2, instances=("other",)))
    (moved,) = await store.lease_turns("other", 1)
    await store.finish_turn(moved, result(continuation="others"))
    retry(url, "t1")
    (again,) = await store.lease_turns("other", 1)
    assert (again.seq, again.instance, again.continuation) == (1, "other", "others")


async def test_one_turn_at_a_time_also_when_an_earlier_one_comes_back(store: SqlStore, url: str) -> None:
    first = await fail(store, 1)
    await store.accept(arrival(2))
    await store.accept(arrival(3))
    second = await turn(store)
    retry(url, first)
    assert await nothing_to_do(store)
    await store.finish_turn(second, result())
    assert turn_id((await turn(store)).seq) == first


async def test_one_post_at_a_time_also_when_an_earlier_one_comes_back(store: SqlStore, url: str, clock: Clock) -> None:
    first = await bury(store, 1)
    await store.accept(arrival(2))
    await store.finish_turn(await turn(store), result("two"))
    second = await delivery(store)
    retry(url, first)
    assert await nothing_to_do(store)
    store.let_go(second)
    clock.now += 600
    assert (await delivery(store)).id == first


async def test_many_that_come_back_to_one_session_keep_their_order(store: SqlStore, url: str) -> None:
    for number in (1, 2, 3):
        await fail(store, number)
    retry(url, "t3", "t1", "t2")
    done: list[int] = []
    for _ in range(3):
        lease = await turn(store)
        done.append(lease.seq)
        await store.finish_turn(lease, result())
    assert done == [1, 2, 3]


async def test_a_running_bridge_finds_what_was_opened_again_while_it_waits(store: SqlStore, url: str) -> None:
    asked, posted = await fail(store, 1, "t"), await bury(store, 2, "u")
    turns = asyncio.ensure_future(store.lease_turns("main", 9))
    posts = asyncio.ensure_future(store.lease_deliveries("c", 9))
    await store.renew()
    await asyncio.to_thread(retry, url, asked, posted)
    found = await asyncio.wait_for(asyncio.gather(turns, posts), 3)  # POLL is one second
    assert [turn_id(found[0][0].seq), found[1][0].id] == [asked, posted]


async def test_what_was_opened_again_outlives_a_restart(url: str) -> None:
    before = await SqlStore.open(url)
    posted = await bury(before, 1, in_doubt=True)
    await before.close()
    retry(url, posted)
    after = await SqlStore.open(url)
    lease = await delivery(after)
    assert (lease.id, lease.in_doubt) == (posted, True)
    await after.close()


async def test_what_is_dropped_is_listed_only_on_request_and_can_be_opened_again(store: SqlStore, url: str) -> None:
    posted, asked = await bury(store, 1), await fail(store, 2)
    drop(url, posted, asked)
    assert listed(url) == []
    assert [(one.id, one.status) for one in listed(url, dropped=True)] == [(asked, "dropped"), (posted, "dropped")]
    retry(url, posted, asked)
    assert (await delivery(store)).id == posted
    assert turn_id((await turn(store)).seq) == asked


async def test_sessions_count_what_is_dead_now(store: SqlStore, url: str) -> None:
    posted, asked = await bury(store, 1), await fail(store, 2)
    assert (summary(url).dead, summary(url).waiting, summary(url).unposted) == (2, 0, 0)
    drop(url, posted)
    assert summary(url).dead == 1
    retry(url, posted, asked)
    assert (summary(url).dead, summary(url).waiting, summary(url).unposted) == (0, 1, 1)


async def test_ids_that_are_no_dead_letters_are_said_each(store: SqlStore, url: str) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("one"))
    lease = await delivery(store)
    assert problems(url, "t9", "nonsense", "t1", lease.id, "t1") == [
        'there is no delivery or turn "t9": `threadbridge dead list` shows what there is',
        'there is no delivery or turn "nonsense": `threadbridge dead list` shows what there is',
        "t1 is no dead letter: it is answered",
        f"{lease.id} is no dead letter: it is pending",
    ]


@pytest.mark.parametrize("change", [dead.retry, dead.drop])
async def test_what_is_no_dead_letter_any_more_by_then_is_left_alone(store: SqlStore, url: str, change: Any) -> None:
    posted, asked, given_up = await bury(store, 1), await fail(store, 2), await fail(store, 3)
    with database.transaction(url, read_only=True) as connection:
        found = dead.named(connection, [posted, asked, given_up])[0]
    retry(url, posted, asked)
    await store.finish_turn(await turn(store), result("the answer"))
    await store.delivered(await delivery(store), MessageRef("m1"))
    with database.transaction(url) as connection:
        assert [one.id for one in change(connection, found)] == [given_up]
    assert problems(url, posted, asked) == [
        f"{posted} is no dead letter: it is delivered", f"{asked} is no dead letter: it is answered",
    ]  # fmt: skip
    with database.transaction(url, read_only=True) as connection:
        assert [one.run for one in reading.turn_record(connection, 2).deliveries] == [0]


@ON_POSTGRESQL
async def test_what_another_process_opens_again_at_the_same_time_is_no_dead_letter(store: SqlStore, url: str) -> None:
    asked = await fail(store, 1)
    posted = await bury(store, 2, "u")

    def retry_both() -> Sequence[DeadLetter]:
        with database.transaction(url) as connection:
            return dead.retry(connection, dead.named(connection, [posted, asked])[0])

    with database.transaction(url) as connection:
        assert len(dead.retry(connection, dead.named(connection, [posted, asked])[0])) == 2
        other = asyncio.ensure_future(asyncio.to_thread(retry_both))
        await somebody_waits(url)
    assert await other == []


async def test_a_call_that_breaks_off_changes_nothing(store: SqlStore, url: str) -> None:
    posted, asked = await bury(store, 1), await fail(store, 2)

    def break_off() -> None:
        with database.transaction(url) as connection:
            dead.retry(connection, dead.named(connection, [posted, asked])[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert ids(url) == [asked, posted]
    assert await nothing_to_do(store)


@ON_SQLITE
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (select(turns).where(of_dead_turns, turns.c.status != "dropped"), "dead_turns"),
        (select(deliveries).where(of_dead_letters, deliveries.c.status != "dropped"), "dead_letters"),
    ],
    ids=["turns", "deliveries"],
)
def test_looking_for_dead_letters_looks_at_nothing_else(url: str, rows: Select[Any], index: str) -> None:
    database.migrate_at(url)
    asked = rows.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with database.transaction(url, read_only=True) as connection:
        (plan,) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
    assert plan[3].endswith(f"USING INDEX {index}")


@ON_SQLITE
def test_a_store_that_is_not_there_is_not_made(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"), database.transaction(url):
        pass
    assert list(tmp_path.iterdir()) == []
