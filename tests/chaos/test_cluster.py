"""A short run of three processes on one PostgreSQL keeps every promise, and notices when nobody checks whose work it is."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.cluster import DECK, ClusterChaos
from tests.chaos.faults import GONE, KILLED, REPLACED, STOPPED_AT_WORK
from tests.chaos.outcome import Outcome, Size
from tests.postgresql import NotInstalled

pytestmark = pytest.mark.timeout(240)


async def stopped_at_work(folder: Path, module: Sequence[str]) -> Outcome:
    """Three times a process sleeps for longer than a lease while its agent works, and wakes."""
    size = Size(messages=36, faults=3, repeatable=False)
    return await chaos(folder, size, kinds=[STOPPED_AT_WORK], away=None, armed=0.0, module=module)


async def chaos(folder: Path, size: Size, **how: object) -> Outcome:
    try:
        run = ClusterChaos(folder, size, **how)  # type: ignore[arg-type]
    except NotInstalled as error:
        pytest.skip(str(error))
    return await run.run()


async def test_in_every_kind_of_trouble_they_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    kinds = sorted({*DECK})
    size = Size(messages=100, faults=len(kinds) + 1)
    outcome = await chaos(tmp_path, size, kinds=kinds, away=3.0, step=0.15)
    assert outcome.verdict.kept, outcome.verdict.details
    assert outcome.broke == []
    assert (outcome.verdict.said, outcome.verdict.accepted) == (100, 100)
    assert outcome.verdict.answered > outcome.verdict.unknown
    assert sum(outcome.killed_at.values()) > 0
    assert {*kinds, GONE} - {KILLED, REPLACED} <= {*outcome.faults}  # who is to end may die at a named place first


async def test_who_sleeps_for_longer_than_a_lease_does_nothing_to_what_others_have_by_then(tmp_path: Path) -> None:
    outcome = await stopped_at_work(tmp_path, ("bridge",))
    assert outcome.clean, [*outcome.verdict.details, *outcome.broke]
    assert outcome.faults[STOPPED_AT_WORK] == 3


@pytest.mark.parametrize("way", ["take_down_the_fence", "write_without_checking_the_owner"])
async def test_a_turn_that_is_closed_by_whoever_had_it_before_is_noticed(tmp_path: Path, way: str) -> None:
    """Either way: the look before a post does not keep what is not its own out of the store."""
    outcome = await stopped_at_work(tmp_path, ("tests.chaos.broken", way))
    assert outcome.verdict.twice > 0
    assert not outcome.verdict.kept
