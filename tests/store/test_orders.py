"""Commands in the store: each takes effect once, together with what is answered to it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.commands import KIND, Command
from bridge.envelope import Conversation
from bridge.store import database, reading
from bridge.store.orders import Order, Outcome, Standing
from bridge.store.protocol import Accepted, Arrival, NewDelivery, TurnResult
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, delivery, nothing_to_do, result, turn

PLACE = Conversation(source="p", ref="t")
ANSWERS = {one: [NewDelivery(PLACE, {"text": one.value}, kind="notice")] for one in Outcome}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url, clock=clock, steady=clock)
    yield opened
    await opened.close()


def order(command: Command, number: int = 100, *, ticket: str | None = None, **changes: Any) -> Order:
    """Somebody's command in the thread `t`, whose own session is named like it."""
    return Order(as_command(said(number, **changes)), command, ANSWERS, ticket)


def as_command(message: Arrival) -> Arrival:
    return replace(message, envelope=message.envelope.model_copy(update={"kind": KIND}), joins=False)


def said(number: int, **changes: Any) -> Arrival:
    return arrival(number, **{"session": "t", **changes})


async def session_of(store: SqlStore, message: Arrival) -> str:
    """The session in which a new message is answered."""
    assert await store.accept(message) is Accepted.TURN
    lease = await turn(store)
    await store.finish_turn(lease, TurnResult("answered"))
    return lease.session


async def posted(store: SqlStore) -> Any:
    return (await delivery(store)).payload["text"]


async def test_a_ticket_whose_first_messages_of_two_teams_come_together_is_one_teams(store: SqlStore) -> None:
    written = threading.Event()
    messages = [
        arrival(number, f"t{number}", session="ticket-abc-1", instances=(instance,))
        for number, instance in enumerate(("main", "other"))
    ]
    calls = [
        store._commit.write(lambda _, calls: [written.wait() for _ in calls], None),
        *(store.accept(message) for message in messages),
    ]
    results = asyncio.gather(*calls)
    await asyncio.sleep(0)  # so that both messages wait for that write, and are in one transaction after it
    written.set()
    assert await results == [True, Accepted.TURN, Accepted.TURN]
    first, second = await turn(store), (await asyncio.wait_for(store.lease_turns("other", 1), 5))[0]
    assert (first.session, second.session) == ("ticket-abc-1", "t1")


@pytest.mark.parametrize("command", list(Command))
async def test_a_command_is_obeyed_and_answered_once(store: SqlStore, command: Command) -> None:
    await session_of(store, said(1))
    outcome = await store.obey(order(command, ticket="ticket-abc-1"))
    assert await posted(store) == outcome.value
    assert await store.obey(order(command, ticket="ticket-abc-1")) is Outcome.DUPLICATE
    assert await nothing_to_do(store)


@pytest.mark.parametrize("command", list(Command))
async def test_a_command_without_a_mention_counts_only_where_the_bot_takes_part(
    store: SqlStore, command: Command
) -> None:
    assert await store.obey(order(command, only_if_known=True)) is Outcome.NOT_TAKING_PART
    assert await nothing_to_do(store)


async def test_new_numbers_the_sessions_of_a_thread(store: SqlStore) -> None:
    sessions: list[str] = []
    for number in range(1, 4):
        sessions.append(await session_of(store, said(number)))
        await store.obey(order(Command.NEW, 100 + number))
    assert sessions == ["t", "t-2", "t-3"]


async def test_new_without_a_message_since_the_last_one_changes_nothing(store: SqlStore) -> None:
    await session_of(store, said(1))
    for number in range(3):
        assert await store.obey(order(Command.NEW, 100 + number)) is Outcome.DONE
    assert await session_of(store, said(2)) == "t-2"


async def test_what_was_taken_before_a_new_session_is_not_taken_again_in_it(store: SqlStore) -> None:
    await session_of(store, said(1))
    await store.obey(order(Command.NEW))
    assert await store.accept(said(1)) is Accepted.DUPLICATE


async def test_what_waits_is_still_answered_in_the_session_that_it_was_said_in(store: SqlStore) -> None:
    await store.accept(said(1))
    await store.obey(order(Command.NEW))
    await store.accept(said(2))
    assert {(await turn(store)).session, (await turn(store)).session} == {"t", "t-2"}


@pytest.mark.parametrize("session", ["p-w-user-u", "p-w-room-r"])
async def test_new_holds_where_no_thread_keeps_the_session(store: SqlStore, session: str) -> None:
    loose = {"binds_thread": False, "session": session}
    assert await session_of(store, said(1, **loose)) == session
    await store.obey(order(Command.NEW, **loose))
    assert await session_of(store, said(2, thread="another", **loose)) == f"{session}-2"
    assert await session_of(store, said(3, thread="third", binds_thread=True, session="third")) == "third"


async def test_a_thread_in_which_only_commands_were_written_is_given_its_context_once(store: SqlStore) -> None:
    await store.obey(order(Command.LINK, ticket="ticket-abc-1"))
    await store.accept(said(1, wants_context=True, only_if_known=True))
    first = await turn(store)
    await store.finish_turn(first, TurnResult("answered"))
    await store.accept(said(2, wants_context=True))
    assert (first.wants_context, (await turn(store)).wants_context) == (True, False)


async def test_threads_of_a_ticket_share_its_session_until_they_are_unlinked(store: SqlStore) -> None:
    assert await session_of(store, said(1)) == "t"
    assert await store.obey(order(Command.LINK, 101, ticket="ticket-abc-1")) is Outcome.DONE
    assert await store.obey(order(Command.LINK, 102, ticket="ticket-abc-1")) is Outcome.NOTHING
    elsewhere = {"thread": "u", "session": "u", "channel": "d"}
    assert await store.obey(order(Command.LINK, 103, ticket="ticket-abc-1", **elsewhere)) is Outcome.DONE
    assert await session_of(store, said(2)) == await session_of(store, said(3, **elsewhere)) == "ticket-abc-1"
    assert await store.obey(order(Command.UNLINK, 104)) is Outcome.DONE
    assert await store.obey(order(Command.UNLINK, 105)) is Outcome.NOTHING
    assert (await session_of(store, said(4)), await session_of(store, said(5, **elsewhere))) == ("t", "ticket-abc-1")


async def test_the_ticket_of_another_team_cannot_be_joined(store: SqlStore) -> None:
    theirs = {"thread": "u", "session": "u", "instances": ("theirs",)}
    await store.obey(order(Command.LINK, 101, ticket="ticket-abc-1", **theirs))
    assert await store.obey(order(Command.LINK, 102, ticket="ticket-abc-1")) is Outcome.REFUSED
    assert await session_of(store, said(1)) == "t"


async def test_a_turn_that_waits_is_dropped_by_stop_and_can_be_asked_again(store: SqlStore) -> None:
    await store.accept(said(1))
    await store.retry_turn(await turn(store), 60, "away")
    assert await store.obey(order(Command.STOP)) is Outcome.DONE
    assert await posted(store) == "done"
    assert await nothing_to_do(store)
    await store.accept(as_command(said(2)))
    assert await store.ask_again(await turn(store), ()) == 1


async def test_a_turn_that_runs_is_told_to_whoever_runs_it(store: SqlStore) -> None:
    await store.accept(said(1))
    running = await turn(store)
    assert await store.renew() == []
    assert await store.obey(order(Command.STOP)) is Outcome.BEGUN
    assert await store.renew() == [running.seq]
    await store.finish_turn(running, result("as far as it came"))
    assert await store.renew() == []


async def test_a_turn_that_was_to_be_stopped_is_known_as_one_after_a_crash(url: str, clock: Clock) -> None:
    store = await SqlStore.open(url, clock=clock, steady=clock)
    await store.accept(said(1))
    await store.begin_turn(await turn(store))
    await store.obey(order(Command.STOP))
    await store.close()
    again = await SqlStore.open(url, clock=clock, steady=clock)
    assert (await turn(again)).stop
    await again.close()


async def test_only_the_oldest_message_is_stopped_and_never_a_command(store: SqlStore) -> None:
    await store.accept(as_command(said(1)))
    await store.accept(said(2))
    await store.accept(said(3))
    await store.obey(order(Command.STOP))
    left = [await turn(store)]
    await store.finish_turn(left[0], TurnResult("answered"))
    left.append(await turn(store))
    assert [one.envelope.id for one in left] == ["p:1", "p:3"]


async def test_stop_where_nothing_is_open_says_so(store: SqlStore) -> None:
    await session_of(store, said(1))
    assert await store.obey(order(Command.STOP)) is Outcome.NOTHING


async def test_how_things_are_is_told(store: SqlStore, clock: Clock) -> None:
    assert await store.standing(said(1)) is None
    await session_of(store, said(1))
    assert await store.standing(said(9)) == Standing("t", "main", None, runs=False, attempts=0, waiting=0)
    began = clock.now
    for number in (2, 3, 4):
        await store.accept(said(number))
        clock.now += 1
    assert await store.standing(said(9)) == Standing("t", "main", began, runs=False, attempts=0, waiting=2)
    await turn(store)
    assert await store.standing(said(9)) == Standing("t", "main", began, runs=True, attempts=1, waiting=2)


async def test_a_command_stands_in_history(store: SqlStore, url: str) -> None:
    await session_of(store, said(1))
    await store.obey(order(Command.STATUS))
    with database.transaction(url, read_only=True) as connection:
        [found] = reading.turns_of_envelope(connection, "p:100")
    assert (found.status, found.session) == ("answered", "t")


async def test_a_command_stands_in_the_audit_without_its_text(store: SqlStore, url: str) -> None:
    await session_of(store, said(1))
    await store.obey(order(Command.LINK, ticket="ticket-abc-1"))
    await store.obey(order(Command.LINK, ticket="ticket-abc-1"))
    with database.transaction(url, read_only=True) as connection:
        found = connection.exec_driver_sql("SELECT actor, action, target, outcome, channel FROM audit").all()
    assert [tuple(row) for row in found] == [("p:u", "link", "ticket-abc-1", "done", "c")]


def invoked(command: Command, number: int = 200, *, everywhere: bool = False, **changes: Any) -> Order:
    """A command of the platform's own in the thread `t`: nothing is posted for it."""
    return replace(order(command, number, **changes), answers={}, only_if_begun=True, everywhere=everywhere)


async def give_up(store: SqlStore, message: Arrival) -> None:
    await store.accept(message)
    await store.finish_turn(await turn(store), TurnResult("failed", error="no"))


@pytest.mark.parametrize("command", [Command.NEW, Command.STOP, Command.RETRY, Command.UNLINK])
async def test_what_is_invoked_where_nothing_was_asked_leaves_no_trace(store: SqlStore, command: Command) -> None:
    assert await store.obey(invoked(command)) is Outcome.NOT_TAKING_PART
    assert await store.standing(said(1)) is None
    assert await store.accept(said(2, only_if_known=True)) is Accepted.NOT_TAKING_PART


async def test_what_was_given_up_is_asked_again_at_once_and_once(store: SqlStore) -> None:
    for number in (1, 2):
        await give_up(store, said(number))
    assert await store.obey(invoked(Command.RETRY)) is Outcome.DONE
    assert await store.obey(invoked(Command.RETRY)) is Outcome.DUPLICATE
    lease = await turn(store)
    assert lease.envelope.id == "p:2"
    assert await store.obey(invoked(Command.RETRY, 201)) is Outcome.DONE, "the one before that"
    assert await store.obey(invoked(Command.RETRY, 202)) is Outcome.NOTHING


async def test_in_a_session_of_several_threads_it_is_that_threads_unless_it_was_invoked_beside_them(
    store: SqlStore,
) -> None:
    shared = {"session": "room", "binds_thread": False}
    await give_up(store, said(1, thread="t", **shared))
    await give_up(store, said(2, thread="u", **shared))
    assert await store.obey(invoked(Command.RETRY, 201, thread="v", **shared)) is Outcome.NOTHING
    assert await store.obey(invoked(Command.RETRY, 202, thread="t", **shared)) is Outcome.DONE
    assert (await turn(store)).envelope.id == "p:1"
    assert await store.obey(invoked(Command.RETRY, 203, thread="v", everywhere=True, **shared)) is Outcome.DONE


async def test_a_ticket_that_the_rule_reads_in_the_command_itself_is_linked_all_the_same(store: SqlStore) -> None:
    assert await store.obey(order(Command.LINK, ticket="ticket-1", session="ticket-1")) is Outcome.DONE
    assert await session_of(store, said(1)) == "ticket-1"
    assert await store.obey(order(Command.LINK, 101, ticket="ticket-1", session="ticket-1")) is Outcome.NOTHING


def catching_up(number: int, **changes: Any) -> Arrival:
    """A message that has to mention the bot each time; what was said between is not known to the agent."""
    made = said(number, wants_context=True, catches_up=True, **changes)
    written = datetime.fromtimestamp(number, UTC)
    return replace(made, envelope=made.envelope.model_copy(update={"ts": written}))


async def test_the_agent_catches_up_with_what_was_said_since_it_was_asked_last(store: SqlStore) -> None:
    found: list[tuple[bool, float | None]] = []
    for number in (10, 20, 30):
        await store.accept(catching_up(number))
        lease = await turn(store)
        found.append((lease.wants_context, lease.context_since))
        await store.finish_turn(lease, TurnResult("answered"))
    assert found == [(True, None), (True, 10.0), (True, 20.0)]


async def test_what_was_said_before_a_new_session_is_not_caught_up_with(store: SqlStore) -> None:
    await session_of(store, catching_up(10))
    anew = order(Command.NEW)
    envelope = anew.arrival.envelope.model_copy(update={"ts": datetime.fromtimestamp(15, UTC)})
    await store.obey(replace(anew, arrival=replace(anew.arrival, envelope=envelope)))
    await store.accept(catching_up(20))
    lease = await turn(store)
    assert (lease.session, lease.wants_context, lease.context_since) == ("t-2", True, 15.0)
    await store.accept(catching_up(12, missed=True, only_if_known=True))
    await store.finish_turn(lease, TurnResult("answered"))
    assert (await turn(store)).envelope.id == "p:12", "what was missed is not lost by it"
