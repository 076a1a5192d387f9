"""Until when a channel was heard, where, and what becomes of messages that were missed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.store.protocol import Accepted, Arrival
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, nothing_to_do, turn


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url, clock=clock)
    yield opened
    await opened.close()


def missed(number: int, *, seconds: float = 0.0, **fields: object) -> Arrival:
    one = arrival(number)
    envelope = one.envelope.model_copy(update={"ts": one.envelope.ts + timedelta(seconds=seconds)})
    return replace(one, envelope=envelope, missed=True, **fields)  # type: ignore[arg-type]


async def test_a_channel_is_heard_from_its_very_first_start_on(store: SqlStore, clock: Clock) -> None:
    assert await store.heard_until("c") == (clock.now, clock.now)
    clock.now += 100
    assert await store.heard_until("c") == (clock.now - 100, clock.now - 100)
    await store.set_heard_until("c", clock.now)
    assert await store.heard_until("c") == (clock.now, clock.now - 100)
    assert await store.heard_until("other") == (clock.now, clock.now)


async def test_recent_conversations_are_named_once_the_newest_first(store: SqlStore) -> None:
    for number in (1, 2, 3, 4):
        one = arrival(number)
        place = one.envelope.conversation.model_copy(update={"ref": ["a", "b"][number % 2]})
        await store.accept(replace(one, envelope=one.envelope.model_copy(update={"conversation": place})))
    assert [one.ref for one in await store.recent_conversations("c", 5)] == ["a", "b"]
    assert [one.ref for one in await store.recent_conversations("c", 1)] == ["a"]
    assert await store.recent_conversations("other", 5) == []


async def test_what_a_session_has_is_not_missed_whatever_session_it_would_be_in_now(store: SqlStore) -> None:
    assert await store.accept(arrival(1)) is Accepted.TURN
    assert await store.accept(missed(1, session="another", thread="another")) is Accepted.DUPLICATE
    assert await store.accept(missed(2)) is Accepted.TURN
    assert await store.accept(arrival(2)) is Accepted.DUPLICATE


async def test_a_missed_follow_up_counts_only_if_the_bot_took_part_before_it_was_written(store: SqlStore) -> None:
    assert await store.accept(missed(1, only_if_known=True)) is Accepted.NOT_TAKING_PART
    assert await store.accept(missed(2, seconds=10)) is Accepted.TURN
    assert await store.accept(missed(3, seconds=5, only_if_known=True)) is Accepted.NOT_TAKING_PART
    assert await store.accept(missed(4, seconds=15, only_if_known=True)) is Accepted.TURN


async def test_what_is_too_old_is_listed_and_opens_nothing(store: SqlStore) -> None:
    assert await store.accept(missed(1, too_old="it was found 30 hours later")) is Accepted.LISTED
    assert await nothing_to_do(store)
    assert await store.accept(missed(2, seconds=5, only_if_known=True)) is Accepted.NOT_TAKING_PART
    assert await store.accept(arrival(3)) is Accepted.TURN
    assert (await turn(store)).envelope.id == arrival(3).envelope.id
