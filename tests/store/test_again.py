"""Asking again, in the store: one turn is closed and another is opened, together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.envelope import Conversation
from bridge.errors import LeaseLost, StoreError
from bridge.route import Route
from bridge.store import database, dead, reading
from bridge.store.protocol import Accepted, Arrival, NewDelivery, TurnLease, TurnResult, TurnStatus
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, delivery, nothing_to_do, result, turn
from tests.journeys.test_acknowledgement import refusing
from tests.store.conftest import ON_POSTGRESQL, ON_SQLITE, somebody_waits

NOTHING = [NewDelivery(Conversation(source="p", ref="t"), {"text": "nothing"}, kind="notice")]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url, clock=clock)
    yield opened
    await opened.close()


def command(number: int, thread: str = "t", **changes: Any) -> Arrival:
    """A message to the bridge itself."""
    return of_kind("command", arrival(number, thread, joins=False, **changes))


def of_kind(kind: str, message: Arrival) -> Arrival:
    return replace(message, envelope=message.envelope.model_copy(update={"kind": kind}))


async def ended(store: SqlStore, message: Arrival, status: TurnStatus) -> None:
    await store.accept(message)
    await store.finish_turn(await turn(store), TurnResult(status, error="why"))


async def ask_again(store: SqlStore, message: Arrival) -> int | None:
    await store.accept(message)
    return await store.ask_again(await turn(store), NOTHING)


def statuses(url: str, session: str = "s-t") -> Sequence[str]:
    with database.transaction(url, read_only=True) as connection:
        return [one.status for one in reading.turn_records(connection, session)]


@pytest.mark.parametrize("status", ["failed", "unknown", "dropped"])
async def test_what_was_given_up_is_opened_again_and_the_command_is_answered(
    store: SqlStore, url: str, status: TurnStatus
) -> None:
    await ended(store, arrival(1), status)
    assert await ask_again(store, command(2)) == 1
    assert statuses(url) == ["open", "answered"]
    again = await turn(store)
    assert (again.envelope, again.attempt, again.in_doubt) == (arrival(1).envelope, 1, False)
    await store.finish_turn(again, result())
    assert await nothing_to_do(store)


async def test_what_is_asked_again_is_asked_of_the_instance_in_the_same_way(store: SqlStore) -> None:
    route = Route("opus", {"temperature": 0.5})
    await ended(store, arrival(1, route=route), "failed")
    assert await ask_again(store, command(2, route=Route("another"))) == 1
    assert (await turn(store)).route == route


async def test_what_was_found_too_late_can_be_asked_again(store: SqlStore) -> None:
    await store.accept(arrival(1, too_old="it was found 30 hours later"))
    assert await ask_again(store, command(2)) == 1


async def test_the_newest_is_meant_and_then_the_one_before(store: SqlStore, url: str) -> None:
    await ended(store, arrival(1), "failed")
    await ended(store, arrival(2), "unknown")
    await ended(store, arrival(3), "answered")
    assert await ask_again(store, command(4)) == 2
    await store.finish_turn(await turn(store), result())
    assert await ask_again(store, command(5)) == 1
    await store.finish_turn(await turn(store), result())
    assert statuses(url) == ["answered"] * 5


async def test_if_what_was_meant_is_answered_meanwhile_nothing_older_is_asked(store: SqlStore, clock: Clock) -> None:
    await ended(store, arrival(1), "failed")
    clock.now += 10
    await store.accept(arrival(2))
    running = await turn(store)
    clock.now += 10
    await store.accept(command(3))
    clock.now += 1
    await store.finish_turn(running, result())
    assert await store.ask_again(await turn(store), NOTHING) is None


async def test_if_nothing_was_given_up_that_is_said(store: SqlStore, url: str) -> None:
    await ended(store, arrival(1), "answered")
    assert await ask_again(store, command(2)) is None
    assert (await delivery(store)).payload == {"text": "nothing"}
    assert statuses(url) == ["answered", "answered"]


async def test_what_comes_after_the_command_is_not_meant(store: SqlStore) -> None:
    await store.accept(command(1))
    lease = await turn(store)
    await store.accept(arrival(2, too_old="it was found 30 hours later"))
    assert await store.ask_again(lease, NOTHING) is None


async def test_commands_and_what_could_not_be_read_are_never_asked_again(store: SqlStore) -> None:
    await ended(store, arrival(1), "failed")
    await ended(store, command(2), "failed")
    await store.accept(command(3, too_old="it was found 30 hours later"))
    await ended(store, of_kind("unreadable", arrival(4)), "failed")
    assert await ask_again(store, command(5)) == 1


async def test_only_what_was_written_in_the_same_place_for_the_same_session_is_meant(store: SqlStore) -> None:
    shared: dict[str, Any] = {"session": "shared", "binds_thread": False}
    await ended(store, arrival(1, "t", **shared), "failed")
    await ended(store, arrival(2, "u", **shared), "failed")
    await ended(store, arrival(3, "t", session="of-bo", binds_thread=False), "failed")
    assert await ask_again(store, command(4, "v", **shared)) is None
    assert await ask_again(store, command(5, "t", channel="other", **shared)) is None
    assert await ask_again(store, command(6, "t", **shared)) == 1


async def test_it_goes_before_what_waits_in_its_session(store: SqlStore) -> None:
    await ended(store, arrival(1), "failed")
    await store.accept(command(2))
    await store.accept(arrival(3))
    await store.ask_again(await turn(store), NOTHING)
    order: list[int] = []
    for _ in range(2):
        lease = await turn(store)
        order.append(lease.seq)
        await store.finish_turn(lease, result())
    assert order == [1, 3]


async def test_commands_of_many_sessions_at_the_same_time_each_mean_their_own(store: SqlStore) -> None:
    for number, thread in enumerate("tuvw", 1):
        await store.accept(arrival(number, thread, too_old="late" if thread != "v" else None))
    await store.finish_turn(await turn(store), result())
    for number, thread in enumerate("tuvw", 11):
        await store.accept(command(number, thread))
    leases = await store.lease_turns("main", 9)
    assert await asyncio.gather(*(store.ask_again(lease, NOTHING) for lease in leases)) == [1, 2, None, 4]


async def test_who_lost_the_lease_opens_nothing(store: SqlStore, url: str) -> None:
    await ended(store, arrival(1), "failed")
    await store.accept(command(2))
    lease = await turn(store)
    assert await store.ask_again(lease, NOTHING) == 1
    await store.finish_turn(await turn(store), TurnResult("failed"))
    with pytest.raises(LeaseLost):
        await store.ask_again(lease, NOTHING)
    assert statuses(url) == ["failed", "answered"]
    assert await nothing_to_do(store)


@ON_SQLITE
async def test_a_call_that_cannot_be_written_changes_nothing_and_can_be_repeated(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    await ended(store, arrival(1), "failed")
    await store.accept(command(2))
    lease = await turn(store)
    with refusing(tmp_path / "store.db", "DELETE ON open_turns"), pytest.raises(StoreError):
        await store.ask_again(lease, NOTHING)
    assert statuses(url) == ["failed", "open"]
    assert await store.ask_again(lease, NOTHING) == 1


async def test_a_command_makes_the_bot_take_part_in_no_thread(store: SqlStore) -> None:
    await store.accept(command(1, wants_context=True))
    await store.ask_again(await turn(store), NOTHING)
    assert await store.accept(arrival(2, only_if_known=True)) is Accepted.NOT_TAKING_PART
    await store.accept(arrival(3, wants_context=True, session="ticket-1"))
    lease: TurnLease = await turn(store)
    assert (lease.session, lease.wants_context) == ("ticket-1", True)


@ON_SQLITE
async def test_looking_for_what_is_meant_looks_only_at_what_was_given_up_in_the_session(
    store: SqlStore, url: str
) -> None:
    await store.accept(command(1))
    lease = await turn(store)
    looked: list[str] = []
    with database.transaction(url, read_only=True) as connection:
        sqlite: Any = connection.connection.driver_connection
        sqlite.set_trace_callback(looked.append)
        assert dead.given_up_last(connection, lease) is None
        sqlite.set_trace_callback(None)
        (statement,) = (one for one in looked if one.startswith("SELECT"))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert any("USING INDEX dead_turns (session_id=?" in step for step in plan), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


@ON_POSTGRESQL
async def test_what_another_process_opens_again_at_the_same_time_was_not_opened_by_this(
    store: SqlStore, url: str
) -> None:
    await ended(store, arrival(1), "failed")
    await store.accept(command(2))
    lease = await turn(store)
    with database.transaction(url) as connection:
        assert dead.retry(connection, dead.named(connection, ["t1"])[0])
        asked = asyncio.ensure_future(store.ask_again(lease, NOTHING))
        await somebody_waits(url)
    assert await asked is None
    assert (await delivery(store)).payload == {"text": "nothing"}


async def test_it_stands_in_the_audit(store: SqlStore, url: str) -> None:
    await ask_again(store, command(3, thread="u"))
    await ended(store, arrival(1), "failed")
    await ask_again(store, command(2))
    with database.transaction(url, read_only=True) as connection:
        found = connection.exec_driver_sql("SELECT actor, action, target, outcome, channel FROM audit").all()
    assert [tuple(row) for row in found] == [
        ("p:u", "retry", "s-u", "nothing to do", "c"), ("p:u", "retry", "s-t", "done", "c"),
    ]  # fmt: skip
