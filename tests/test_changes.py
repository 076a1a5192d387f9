from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.actions import Change
from bridge.changes import Changes
from bridge.channel import Facts
from bridge.envelope import Actor, Envelope
from bridge.errors import StoreError
from bridge.intake import Intake
from bridge.rules import Rule, Rules
from bridge.store.protocol import TurnLease
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, nothing_to_do, result, turn
from tests.scripted import orders

SAID = arrival(1).envelope
NOW = SAID.model_copy(update={"text": "what was meant"})
FACTS = Facts("T", "C", "u", ("T", "C", "1"), direct=False, addressed=True, in_thread=False, author_is_bot=False)
RULES = [Rule(channel="c", instance="main", users=("u",))]
DELETED = Change(SAID.id, None)


class Door:
    """A message that waits, and what people do with it."""

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.signs: list[Envelope] = []
        self.intake = Intake(store, Rules(RULES), "c", orders(store))
        self.changes = Changes(store, Rules(RULES), self.intake, "c", self.signs.append)

    async def edit(self, envelope: Envelope = NOW, facts: Facts = FACTS) -> None:
        await self.changes.take(Change(envelope.id, (envelope, facts)))

    async def lease(self) -> TurnLease:
        self.clock.now += 61
        return await turn(self.store)

    async def asked(self) -> str:
        return (await self.lease()).envelope.text


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    clock = Clock()
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}", clock=clock, steady=clock)
    door = Door(store, clock)
    await door.intake.accept(SAID, FACTS)
    await store.retry_turn(await turn(store), 60, "away")
    yield door
    await store.close()


async def test_an_edit_of_what_waits_is_what_the_agent_gets_without_a_sign(door: Door) -> None:
    await door.edit()
    await door.edit()
    assert (await door.asked(), door.signs) == ("what was meant", [])


async def test_a_deletion_of_what_waits_leaves_nothing_for_the_agent(door: Door) -> None:
    await door.changes.take(DELETED)
    await door.changes.take(DELETED)
    door.clock.now += 61
    assert await nothing_to_do(door.store)


async def test_an_edit_that_comes_too_late_is_told_to_whoever_made_it(door: Door) -> None:
    await door.store.finish_turn(await door.lease(), result("one"))
    await door.edit()
    assert door.signs == [NOW]


async def test_a_deletion_that_comes_too_late_is_told_to_nobody(door: Door) -> None:
    await door.asked()
    await door.changes.take(DELETED)
    assert door.signs == []


async def test_another_bot_is_told_nothing(door: Door) -> None:
    await door.asked()
    bot = Actor(id=SAID.actor.id, display="CI", type="agent")
    await door.edit(NOW.model_copy(update={"actor": bot}))
    assert door.signs == []


@pytest.mark.parametrize("facts", [replace(FACTS, author="eve"), replace(FACTS, author_is_bot=True)])
async def test_whom_no_rule_admits_changes_nothing(door: Door, facts: Facts) -> None:
    await door.edit(facts=facts)
    assert await door.asked() == "message 1"


async def test_a_message_does_not_become_a_command(door: Door) -> None:
    now = NOW.model_copy(update={"text": "!retry"})
    await door.edit(now)
    assert await door.asked() == "message 1"
    assert [one.id for one in door.signs] == [now.id]


@pytest.mark.parametrize("change", [Change("p:2", (arrival(2).envelope, FACTS)), Change("p:2", None)])
async def test_a_change_of_what_was_never_taken_makes_no_turn_and_no_sign(door: Door, change: Change) -> None:
    await door.changes.take(change)
    assert (await door.asked(), door.signs) == ("message 1", [])
    assert await nothing_to_do(door.store)


async def test_a_change_that_overtakes_its_message_is_to_come_again(tmp_path: Path) -> None:
    path = f"sqlite:///{tmp_path / 'store.db'}"
    closed = await SqlStore.open(path)
    await closed.close()
    refusing = Intake(closed, Rules(RULES), "c", orders(closed))
    with pytest.raises(StoreError):
        await refusing.accept(SAID, FACTS)
    store = await SqlStore.open(path)
    changes = Changes(store, Rules(RULES), refusing, "c")
    with pytest.raises(StoreError, match="not stored yet"):
        await changes.take(Change(NOW.id, (NOW, FACTS)))
    await store.close()


async def test_a_change_that_cannot_be_committed_is_not_acknowledged(door: Door) -> None:
    await door.store.close()
    with pytest.raises(StoreError):
        await door.edit()


async def test_a_change_of_a_message_that_can_never_be_stored_is_passed_over(door: Door) -> None:
    broken = arrival(2).envelope.model_copy(update={"text": "\ud800"})
    with pytest.raises(StoreError):
        await door.intake.accept(broken, FACTS)
    await door.edit(arrival(2).envelope)
    assert (await door.asked(), door.signs) == ("message 1", [])
