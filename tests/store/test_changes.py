"""What becomes of a message that was edited or deleted, by how its turn is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.envelope import Actor, Envelope
from bridge.errors import StoreError
from bridge.store import database, reading
from bridge.store.changed import Changed, MessageChange
from bridge.store.changes import ChangeStatements
from bridge.store.protocol import NewDelivery, TurnResult
from bridge.store.records import TurnRecord
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, nothing_to_do, result, turn
from tests.store.conftest import ON_POSTGRESQL, somebody_waits

NEW = "what was meant"
RAW = {"payload": "as it is now"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url, clock=clock, steady=clock)
    yield opened
    await opened.close()


def edited(number: int = 1, text: str = NEW, edited_at: float | None = None, **changes: object) -> MessageChange:
    now = arrival(number).envelope.model_copy(update={"text": text, "raw": RAW, **changes})
    return MessageChange("c", now.id, now, edited_at)


def deleted(number: int = 1, channel: str = "c") -> MessageChange:
    return MessageChange(channel, f"p:{number}", None)


async def record(store: SqlStore, seq: int = 1) -> TurnRecord:
    def read(connection, calls):
        return [reading.turn_record(connection, seq) for _ in calls]

    return await store._commit.write(read, None)


async def waits(store: SqlStore, _: Clock) -> None:
    """Behind another one of its session."""
    await store.accept(arrival(0))
    await turn(store)
    await store.accept(arrival(1))


async def waits_for_its_next_attempt(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(1))
    await store.retry_turn(await turn(store), 60, "the instance is away")


async def is_leased(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(1))
    await turn(store)


async def runs(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(1))
    await store.begin_turn(await turn(store))


async def was_cut_off_and_is_tried_again(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(1))
    await store.retry_turn(await turn(store), 60, "cut", begun=True)


async def was_cut_off_then_the_instance_was_away(store: SqlStore, clock: Clock) -> None:
    await was_cut_off_and_is_tried_again(store, clock)
    clock.now += 61
    await store.retry_turn(await turn(store), 60, "away")


async def is_in_doubt(store: SqlStore, clock: Clock) -> None:
    lease_seconds = 5
    await runs(store, clock)
    clock.now += lease_seconds + 1


async def was_answered(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("one"))


async def failed(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), TurnResult("failed", error="why"))


async def is_unknown(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(2))


async def is_a_command(store: SqlStore, _: Clock) -> None:
    await store.accept(arrival(0))
    await turn(store)
    said = arrival(1).envelope.model_copy(update={"kind": "command", "text": "!retry"})
    await store.accept(arrival(1, envelope=said))


async def was_deleted(store: SqlStore, clock: Clock) -> None:
    await waits(store, clock)
    await store.change(deleted())


@pytest.mark.parametrize(
    ("before", "edit", "deletion"),
    [
        (waits, Changed.REPLACED, Changed.DROPPED),
        (waits_for_its_next_attempt, Changed.REPLACED, Changed.DROPPED),
        (is_leased, Changed.TOO_LATE, Changed.TOO_LATE),
        (runs, Changed.TOO_LATE, Changed.TOO_LATE),
        (was_cut_off_and_is_tried_again, Changed.TOO_LATE, Changed.TOO_LATE),
        (was_cut_off_then_the_instance_was_away, Changed.TOO_LATE, Changed.TOO_LATE),
        (is_in_doubt, Changed.TOO_LATE, Changed.TOO_LATE),
        (was_answered, Changed.TOO_LATE, Changed.TOO_LATE),
        (failed, Changed.TOO_LATE, Changed.TOO_LATE),
        (is_a_command, Changed.TOO_LATE, Changed.DROPPED),
        (was_deleted, Changed.NOTHING, Changed.NOTHING),
        (is_unknown, Changed.UNKNOWN, Changed.UNKNOWN),
    ],
)
async def test_only_what_waits_is_replaced_or_dropped(store, clock, before, edit, deletion) -> None:
    await before(store, clock)
    assert await store.change(edited()) is edit
    assert await store.change(deleted()) is deletion


async def test_the_agent_gets_what_stands_there_now_in_the_old_place(store: SqlStore, clock: Clock) -> None:
    await waits_for_its_next_attempt(store, clock)
    await store.accept(arrival(2))
    place = arrival(1).envelope.conversation
    moved = place.model_copy(update={"ref": "elsewhere"})
    assert await store.change(edited(conversation=moved)) is Changed.REPLACED
    clock.now += 61
    lease = await turn(store)
    assert (lease.seq, lease.envelope.text, lease.envelope.raw, lease.envelope.conversation) == (1, NEW, RAW, place)
    assert await nothing_to_do(store)


async def test_a_dropped_turn_lets_the_next_one_run_and_is_no_dead_letter(store: SqlStore, clock: Clock) -> None:
    await waits_for_its_next_attempt(store, clock)
    await store.accept(arrival(2))
    assert await store.change(deleted()) is Changed.DROPPED
    lease = await turn(store)
    assert lease.envelope.id == "p:2"
    kept = await record(store)
    assert (kept.status, kept.error, kept.finished_at) == ("skipped", "its message was deleted", clock.now)
    assert (await store.counts()).dead_turns == 0
    command = arrival(3).envelope.model_copy(update={"kind": "command", "text": "!retry"})
    await store.finish_turn(lease, TurnResult("answered"))
    await store.accept(arrival(3, envelope=command))
    nothing = NewDelivery(command.conversation, {"text": "nothing"}, "notice")
    assert await store.ask_again(await turn(store), [nothing]) is None


async def test_what_was_dropped_is_known_when_it_comes_again(store: SqlStore, clock: Clock) -> None:
    await waits(store, clock)
    await store.change(deleted())
    assert (await store.accept(arrival(1))).value == "duplicate"
    assert (await store.accept(arrival(1, missed=True))).value == "duplicate"


@pytest.mark.parametrize(
    "change",
    [
        edited(actor=Actor(id="p:eve", display="Eve", type="human")),
        edited(text="message 1"),
        MessageChange("another", "p:1", edited().envelope),
        deleted(channel="another"),
    ],
    ids=["of_somebody_else", "the_same_words", "in_another_channel", "deleted_in_another_channel"],
)
async def test_what_is_no_change_of_that_message_changes_nothing(store, clock, change) -> None:
    await waits_for_its_next_attempt(store, clock)
    assert await store.change(change) in {Changed.NOTHING, Changed.UNKNOWN}
    clock.now += 61
    assert (await turn(store)).envelope == arrival(1).envelope


@pytest.mark.parametrize("kind", ["command", "unreadable"])
async def test_a_message_that_waits_does_not_become_something_else(store, clock, kind) -> None:
    await waits_for_its_next_attempt(store, clock)
    assert await store.change(edited(kind=kind)) is Changed.TOO_LATE
    clock.now += 61
    assert (await turn(store)).envelope.text == "message 1"


async def test_an_edit_that_comes_twice_or_after_a_newer_one_does_no_harm(store: SqlStore, clock: Clock) -> None:
    await waits_for_its_next_attempt(store, clock)
    steps = [edited(text="one", edited_at=1), edited(text="two", edited_at=2), edited(text="one", edited_at=1)]
    assert [await store.change(one) for one in [*steps, steps[1]]] == [
        Changed.REPLACED, Changed.REPLACED, Changed.NOTHING, Changed.NOTHING,
    ]  # fmt: skip
    assert ((await record(store)).envelope.text, (await record(store)).edited_at) == ("two", 2)


@ON_POSTGRESQL
async def test_an_edit_that_waits_for_a_newer_one_to_be_committed_does_not_undo_it(
    store: SqlStore, url: str, clock: Clock
) -> None:
    await waits_for_its_next_attempt(store, clock)
    with database.transaction(url) as connection:
        ChangeStatements(clock).change(connection, [edited(text="two", edited_at=2)])
        older = asyncio.ensure_future(store.change(edited(text="one", edited_at=1)))
        await somebody_waits(url)
    assert await older is Changed.NOTHING
    assert ((await record(store)).envelope.text, (await record(store)).edited_at) == ("two", 2)


async def test_a_message_and_its_changes_that_come_at_the_same_time_keep_their_order(store: SqlStore) -> None:
    await store.accept(arrival(0))
    await turn(store)
    async with asyncio.TaskGroup() as group:
        taken = [group.create_task(store.accept(arrival(1))), group.create_task(store.change(edited()))]
    assert [one.result().value for one in taken] == ["turn", "replaced"]


async def test_a_new_process_does_not_think_that_what_a_dead_one_worked_on_waits(url: str) -> None:
    before = await SqlStore.open(url)
    for number, thread in ((1, "t"), (2, "u")):
        await before.accept(arrival(number, thread))
    await before.retry_turn((await before.lease_turns("main", 1))[0], 0, "away")
    await before.lease_turns("main", 1)  # asks an agent that may be asked again, of which nothing is noted
    await before.close()
    after = await SqlStore.open(url)
    outcomes = {(await after.change(edited(number))).value for number in (1, 2)}
    await after.close()
    assert outcomes == {"replaced", "too late"}


def missed(text: str, edited_at: float | None, **changes: object) -> Envelope:
    said = arrival(1).envelope.model_copy(update={"text": text, "raw": RAW})
    return arrival(1, envelope=said, missed=True, edited_at=edited_at, **changes)


@pytest.mark.parametrize(
    ("edited_at", "text"), [(5.0, NEW), (None, "message 1")], ids=["edited", "never_edited_as_far_as_is_known"]
)
async def test_an_edit_that_nobody_heard_is_read_from_the_history(store, clock, edited_at, text) -> None:
    await waits_for_its_next_attempt(store, clock)
    assert (await store.accept(missed(NEW, edited_at))).value == "duplicate"
    clock.now += 61
    assert (await turn(store)).envelope.text == text


async def test_a_history_that_was_read_before_the_edit_does_not_undo_it(store: SqlStore, clock: Clock) -> None:
    await waits_for_its_next_attempt(store, clock)
    await store.change(edited(edited_at=9))
    await store.accept(missed("an older one", 5))
    clock.now += 61
    assert (await turn(store)).envelope.text == NEW


async def test_a_change_that_cannot_be_committed_is_none(store: SqlStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await store.change(deleted())
