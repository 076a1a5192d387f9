"""A short run keeps every promise at every place, and notices each promise that is broken on purpose."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bridge import faultpoints
from tests.chaos.broken import WAYS, store_without_its_index
from tests.chaos.chaos import Chaos
from tests.chaos.outcome import RANDOM, Outcome, Size

pytestmark = pytest.mark.timeout(240)


async def broken(folder: Path, way: Callable[[], None], places: Sequence[str], size: Size) -> Outcome:
    module = ("tests.chaos.broken", way.__name__)
    return await Chaos(folder, size, places=places, module=module).run()


async def test_killed_at_every_place_it_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    places = (*faultpoints.POINTS, RANDOM)
    outcome = await Chaos(tmp_path, Size(messages=120, faults=len(places)), places=places).run()
    assert outcome.verdict.kept, outcome.verdict.details
    assert outcome.broke == []
    assert (outcome.verdict.said, outcome.verdict.accepted) == (120, 120)
    assert outcome.verdict.answered > outcome.verdict.unknown
    assert sum(outcome.killed_at.values()) == len(places)


async def test_an_acknowledgement_before_the_commit_is_noticed(tmp_path: Path) -> None:
    places = ["event.received"]
    outcome = await broken(tmp_path, WAYS["acknowledge_before_the_commit"], places, Size(messages=36, faults=3))
    assert outcome.verdict.acknowledged_early > 0
    assert not outcome.verdict.kept


async def test_a_store_that_takes_a_message_twice_is_noticed(tmp_path: Path) -> None:
    size, places = Size(messages=36, faults=3), ["event.stored"]
    module = ("tests.chaos.broken", "forget_what_was_taken")
    outcome = await Chaos(tmp_path, size, places=places, prepare=store_without_its_index, module=module).run()
    assert outcome.verdict.twice > 0


async def test_a_post_that_is_repeated_without_looking_is_noticed(tmp_path: Path) -> None:
    places = ["delivery.posted"]
    outcome = await broken(tmp_path, WAYS["post_again_without_looking"], places, Size(messages=40, faults=4))
    assert outcome.verdict.twice > 0


async def test_an_agent_that_is_asked_again_without_being_able_to_tell_is_noticed(tmp_path: Path) -> None:
    places = ["turn.answered", "turn.heard"]
    size = Size(messages=36, faults=3, repeatable=False)
    outcome = await broken(tmp_path, WAYS["forget_that_the_agent_was_asked"], places, size)
    assert outcome.verdict.asked_again > 0
