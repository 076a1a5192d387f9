from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge import feedback, notices
from bridge.actions import Press
from bridge.channel import Facts, MessageRef
from bridge.errors import StoreError
from bridge.presses import Presses
from bridge.rules import Rule, Rules
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, delivery, result, turn
from tests.scripted import orders

RULES = [Rule(channel="c", instance="main", users=("ada",))]
FACTS = Facts("T", "C", "ada", ("T", "C", "1"), direct=False, addressed=False, in_thread=True, author_is_bot=False)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """A store in which the message `m1` answers turn 1."""
    opened = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    await opened.accept(arrival(1))
    await opened.finish_turn(await turn(opened), result("one"))
    await opened.delivered(await delivery(opened), MessageRef("m1"))
    yield opened
    await opened.close()


def press(value: str = "good", turn: int = 1, **changes: object) -> Press:
    (button,) = [one for one in feedback.buttons(turn) if one.says == value]
    return replace(Press(button.id, MessageRef("m1"), "p:ada", FACTS), **changes)  # type: ignore[arg-type]


async def votes(store: SqlStore) -> tuple[int, int]:
    found = (await store.counts()).votes
    return found["good"], found["bad"]


async def test_a_vote_is_kept_and_the_person_is_told(store: SqlStore) -> None:
    presses = Presses(store, Rules(RULES), "c", orders(store), rated=True)
    assert await presses.take(press("good")) == notices.VOTED_GOOD
    assert await votes(store) == (1, 0)
    assert await presses.take(press("bad")) == notices.VOTED_BAD
    assert await votes(store) == (0, 1)


@pytest.mark.parametrize(
    "facts", [replace(FACTS, author="eve"), replace(FACTS, direct=True), replace(FACTS, author_is_bot=True)]
)
async def test_whom_no_rule_admits_there_changes_nothing(store: SqlStore, facts: Facts) -> None:
    said = await Presses(store, Rules(RULES), "c", orders(store), rated=True).take(press(facts=facts))
    assert (said, await votes(store)) == (notices.BUTTON_IS_NOT_FOR_YOU, (0, 0))


@pytest.mark.parametrize(
    "forged", [press(button="rubbish"), press(button=""), press(turn=2), press(message=MessageRef("m2"))]
)  # fmt: skip
async def test_a_button_that_is_not_ours_or_of_another_time_does_nothing(store: SqlStore, forged: Press) -> None:
    said = await Presses(store, Rules(RULES), "c", orders(store), rated=True).take(forged)
    assert (said, await votes(store)) == (notices.BUTTON_DOES_NOTHING, (0, 0))


async def test_when_feedback_was_switched_off_the_old_buttons_do_nothing(store: SqlStore) -> None:
    said = await Presses(store, Rules(RULES), "c", orders(store), rated=False).take(press())
    assert (said, await votes(store)) == (notices.BUTTON_DOES_NOTHING, (0, 0))


async def test_a_vote_that_cannot_be_kept_is_not_acknowledged(store: SqlStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await Presses(store, Rules(RULES), "c", orders(store), rated=True).take(press())
