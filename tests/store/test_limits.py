"""What is counted when messages are accepted and answered, and what is refused."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bridge import metrics
from bridge.envelope import Actor
from bridge.instance import Usage
from bridge.store import database, reading
from bridge.store.limits import BotLimit, Budget, Limits, Refusal
from bridge.store.protocol import Accepted, Arrival, TurnResult
from bridge.store.records import TurnRecord
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, delivery, nothing_to_do, result, turn

MINUTE, DAY = 60, 86_400


def said(refusal: Refusal) -> list[dict[str, str]]:
    return [{"text": f"no more for this {refusal.scope}"}]


def of_bot(number: int, thread: str = "t", bot: str = "p:ci", **changes: object) -> Arrival:
    envelope = arrival(number, thread).envelope
    envelope = envelope.model_copy(update={"actor": Actor(id=bot, display="CI", type="agent")})
    limits = Limits(said, BotLimit(2, 300))
    return arrival(number, thread, **{"envelope": envelope, "limits": limits, **changes})


def of_person(number: int, *budgets: Budget, thread: str = "t", **changes: object) -> Arrival:
    return arrival(number, thread, limits=Limits(said, None, budgets), **changes)


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now -= clock.now % DAY
    return clock


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url, clock=clock, steady=clock)
    yield opened
    await opened.close()


async def outcomes(store: SqlStore, *arrivals: Arrival) -> list[str]:
    return [(await store.accept(one)).value for one in arrivals]


async def record(store: SqlStore, seq: int) -> TurnRecord:
    def read(connection, calls):
        return [reading.turn_record(connection, seq) for _ in calls]

    return await store._commit.write(read, None)


async def answer(store: SqlStore, tokens: int = 0) -> None:
    await store.finish_turn(await turn(store), replace(result(), usage=Usage(0, tokens, tokens)))


async def test_a_bot_is_answered_so_often_in_a_thread_and_no_more(store: SqlStore) -> None:
    assert await outcomes(store, *map(of_bot, range(5))) == ["turn", "turn", "refused", "refused", "refused"]
    kept = await record(store, 3)
    assert (kept.status, kept.error) == (
        "skipped", "this bot was answered 2 times here already: nothing more until 2027-01-15 00:05:00 UTC",
    )  # fmt: skip
    assert (await store.counts()).dead_turns == 0


async def test_people_are_told_once_and_in_the_thread(store: SqlStore) -> None:
    await outcomes(store, *map(of_bot, range(5)))
    notice = await delivery(store)
    assert (notice.payload, notice.conversation.ref, notice.envelope_id) == (
        {"text": "no more for this bot"},
        "t",
        "p:2",
    )
    await store.delivered(notice, "m")
    for _ in range(2):
        await answer(store)
    assert await nothing_to_do(store)


async def test_other_bots_other_threads_and_people_are_answered(store: SqlStore) -> None:
    await outcomes(store, *map(of_bot, range(3)))
    others = (of_bot(3, bot="p:other"), of_bot(4, "u"), arrival(5), of_bot(6, channel="another"))
    assert await outcomes(store, *others) == ["turn"] * 4


async def test_the_limit_slides_and_people_are_told_again_in_the_next_window(store: SqlStore, clock: Clock) -> None:
    found: list[str] = []
    for number, seconds in enumerate((0, 200, 50, 60, 10, 189, 2)):
        clock.now += seconds
        found += await outcomes(store, of_bot(number))
    # at 0, 200, 250, 310, 320, 509, 511
    assert found == ["turn", "turn", "refused", "turn", "refused", "turn", "refused"]
    told = [(await record(store, seq)).deliveries for seq in (3, 5, 7)]
    assert [len(one) for one in told] == [1, 0, 0]
    clock.now += 60
    await outcomes(store, of_bot(9))
    assert len((await record(store, 8)).deliveries) == 1


async def test_a_redelivery_is_not_counted_and_known_however_it_ended(store: SqlStore) -> None:
    assert await outcomes(store, *[of_bot(1)] * 5, of_bot(2), of_bot(3), of_bot(3), of_bot(1)) == [
        "turn", *["duplicate"] * 4, "turn", "refused", "duplicate", "duplicate",
    ]  # fmt: skip


async def test_what_is_found_in_the_history_counts_when_it_is_found(store: SqlStore, clock: Clock) -> None:
    old = [of_bot(number, missed=True) for number in range(4)]
    assert await outcomes(store, *old) == ["turn", "turn", "refused", "refused"]
    clock.now += 301
    assert await outcomes(store, *old) == ["duplicate"] * 4


async def test_what_is_only_listed_is_not_counted(store: SqlStore) -> None:
    assert await outcomes(store, *[of_bot(n, too_old="long ago") for n in range(3)], of_bot(9)) == ["listed"] * 3 + [
        "turn"
    ]


async def test_what_comes_at_the_same_time_is_counted_one_by_one(store: SqlStore) -> None:
    found = await asyncio.gather(*(store.accept(of_bot(number)) for number in range(6)))
    assert [one.value for one in found] == ["turn", "turn", *["refused"] * 4]


async def test_the_counts_survive_a_restart_and_hold_across_processes(url: str, clock: Clock) -> None:
    budget = Budget("user", "p:u", turns_per_minute=2)
    async with two(url, clock) as (one, other):
        assert await outcomes(one, of_bot(1), of_person(11, budget)) == ["turn"] * 2
        assert await outcomes(other, of_bot(2), of_person(12, budget)) == ["turn"] * 2
        assert await outcomes(one, of_bot(3), of_person(13, budget)) == ["refused"] * 2
        assert await outcomes(other, of_bot(4), of_person(14, budget)) == ["refused"] * 2
    again = await SqlStore.open(url, clock=clock, steady=clock)
    assert await outcomes(again, of_bot(5), of_person(15, budget)) == ["refused"] * 2
    await again.close()


@asynccontextmanager
async def two(url: str, clock: Clock) -> AsyncGenerator[tuple[SqlStore, SqlStore]]:
    """Two processes on one store."""
    one = await SqlStore.open(url, clock=clock, steady=clock)
    other = SqlStore(database.open_engine(url), clock=clock, steady=clock)
    yield one, other
    await one.close()
    await other.close()


async def test_a_clock_that_was_ahead_does_not_silence_for_longer_than_the_window(
    store: SqlStore, clock: Clock
) -> None:
    clock.now += 10 * DAY
    budget = Budget("user", "p:u", turns_per_minute=1)
    await outcomes(store, *map(of_bot, range(3)), of_person(11, budget), of_person(12, budget))
    clock.now -= 10 * DAY
    assert await outcomes(store, of_bot(4), of_person(13, budget)) == ["turn", "turn"]


USER = Budget("user", "p:u", turns_per_minute=2)
SCOPES = [USER, replace(USER, scope="room", key="c T C"), replace(USER, scope="instance", key="")]


@pytest.mark.parametrize("budget", SCOPES, ids=lambda budget: budget.scope)
async def test_a_budget_of_turns_is_refused_told_once_and_begins_anew_with_the_minute(store, clock, budget) -> None:
    before = metrics.BUDGET_REFUSED.labels(budget.scope)._value.get()
    clock.now += 50
    messages = [of_person(number, budget, thread=f"t{number}") for number in range(4)]
    assert await outcomes(store, *messages) == ["turn", "turn", "refused", "refused"]
    assert metrics.BUDGET_REFUSED.labels(budget.scope)._value.get() - before == 2
    records = [await record(store, seq) for seq in (3, 4)]
    assert [len(one.deliveries) for one in records] == [1, 0]
    assert {(one.status, one.error) for one in records} == {
        ("failed", f"the budget of its {budget.scope} was used up (2 turns in a minute) until 2027-01-15 00:01:00 UTC")
    }
    assert (await store.counts()).dead_turns == 2
    clock.now += 10
    assert await outcomes(store, of_person(9, budget)) == ["turn"]


async def test_somebody_else_has_a_budget_of_their_own(store: SqlStore) -> None:
    other = replace(USER, key="p:other")
    assert await outcomes(store, *[of_person(n, USER) for n in range(3)], of_person(9, other)) == ["turn"] * 2 + [
        "refused",
        "turn",
    ]


async def test_an_instances_budget_is_that_of_the_one_that_answers_the_session(store: SqlStore) -> None:
    budget = Budget("instance", "", turns_per_minute=1)
    arrivals = [of_person(1, budget, thread="a"), of_person(2, budget, thread="b", instances=("other",))]
    assert await outcomes(store, *arrivals, of_person(3, budget, thread="c")) == ["turn", "turn", "refused"]


async def test_tokens_count_when_the_answer_is_stored_and_until_midnight_utc(store: SqlStore, clock: Clock) -> None:
    budgets = [replace(one, turns_per_minute=None, tokens_per_day=100) for one in SCOPES]
    assert await outcomes(store, of_person(1, *budgets)) == ["turn"]
    await answer(store, 99)
    assert await outcomes(store, of_person(2, *budgets)) == ["turn"]
    await answer(store, 1)
    assert await outcomes(store, of_person(3, *budgets)) == ["refused"]
    for number, budget in enumerate(budgets):
        assert await outcomes(store, of_person(10 + number, budget)) == ["refused"]
    clock.now += DAY - 1
    assert await outcomes(store, of_person(4, *budgets)) == ["refused"]
    clock.now += 1
    assert await outcomes(store, of_person(5, *budgets)) == ["turn"]


async def test_what_one_budget_refuses_does_not_count_against_another(store: SqlStore) -> None:
    tight, wide = Budget("user", "p:u", turns_per_minute=1), Budget("room", "r", turns_per_minute=3)
    await outcomes(store, *[of_person(number, tight, wide) for number in range(5)])
    assert await outcomes(store, of_person(6, wide), of_person(7, wide), of_person(8, wide)) == [
        "turn",
        "turn",
        "refused",
    ]


async def test_another_bot_has_budgets_too_and_is_told_nothing_of_them(store: SqlStore) -> None:
    limits = Limits(said, BotLimit(9, 300), (USER,))
    assert await outcomes(store, *[of_bot(n, limits=limits) for n in range(3)]) == ["turn", "turn", "refused"]
    assert (await record(store, 3)).deliveries == []
    assert await outcomes(store, of_person(9, USER)) == ["refused"]
    assert len((await record(store, 4)).deliveries) == 1


async def test_a_refused_message_can_be_asked_again_and_what_asks_again_counts(store: SqlStore, clock: Clock) -> None:
    budget = Budget("user", "p:u", turns_per_minute=1)
    await outcomes(store, of_person(1, budget))
    await answer(store)
    assert await outcomes(store, of_person(2, budget)) == ["refused"]
    command = arrival(3).envelope.model_copy(update={"kind": "command", "text": "!retry"})
    limits = Limits(said, None, (budget,), kept=False)
    assert await outcomes(store, arrival(3, envelope=command, limits=limits)) == ["refused"]
    assert (await record(store, 3)).status == "skipped"
    clock.now += MINUTE
    later = command.model_copy(update={"id": "p:4"})
    assert await outcomes(store, arrival(4, envelope=later, limits=limits)) == ["turn"]
    assert await store.ask_again(await turn(store), ()) == 2
    assert (await turn(store)).envelope.id == "p:2"


async def test_who_joins_midway_is_given_what_was_said_before_with_the_first_turn_that_runs(store, clock) -> None:
    await outcomes(store, of_person(0, USER, thread="x"), of_person(1, USER, thread="y"))
    assert await outcomes(store, of_person(2, USER, wants_context=True)) == ["refused"]
    assert await outcomes(store, of_person(2, USER, wants_context=True)) == ["duplicate"]
    clock.now += MINUTE
    follow_ups = [of_person(number, USER, wants_context=True, only_if_known=True) for number in (3, 4)]
    assert await outcomes(store, *follow_ups) == ["turn", "turn"]
    leases = {lease.envelope.id: lease for lease in await store.lease_turns("main", 9)}
    assert leases["p:3"].wants_context
    await store.finish_turn(leases["p:3"], TurnResult("answered"))
    assert not (await turn(store)).wants_context


async def test_what_has_no_limits_is_not_counted_at_all(store: SqlStore) -> None:
    assert await store.accept(arrival(1)) is Accepted.TURN
    await answer(store, 5)

    def tables(connection, calls):
        return [connection.exec_driver_sql("SELECT count(*) FROM counters").scalar() for _ in calls]

    assert await store._commit.write(tables, None) == 0


async def test_old_counts_are_forgotten(store: SqlStore, clock: Clock) -> None:
    for number in range(5):
        await outcomes(store, of_person(number, USER))
        clock.now += 10 * MINUTE

    def windows(connection, calls):
        return [connection.exec_driver_sql("SELECT count(*) FROM counters").scalar() for _ in calls]

    assert await store._commit.write(windows, None) == 1
