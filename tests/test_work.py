import asyncio
from collections.abc import Sequence

import pytest

from bridge.errors import LeaseLost, StoreError
from bridge.work import Crew, until_stored


class Jobs:
    """Jobs that end when told to."""

    def __init__(self, count: int) -> None:
        self.waiting = list(range(count))
        self.begun: list[int] = []
        self.let_go: list[int] = []
        self.may_end = asyncio.Event()
        self.changed = asyncio.Event()

    async def claim(self, free: int) -> Sequence[int]:
        if not self.waiting:
            await asyncio.Event().wait()
        taken, self.waiting = self.waiting[:free], self.waiting[free:]
        return taken

    async def do(self, job: int) -> None:
        self.begun.append(job)
        self.changed.set()
        if job == 1:
            raise RuntimeError("a bug")
        await self.may_end.wait()


async def test_no_more_is_begun_than_there_are_hands() -> None:
    jobs = Jobs(5)
    crew = Crew(2, jobs.claim, jobs.do, jobs.let_go.append)
    claiming = asyncio.create_task(crew.claim_for_ever())
    while len(jobs.begun) < 3:  # the second breaks at once and makes room for the third
        jobs.changed.clear()
        await asyncio.wait_for(jobs.changed.wait(), 5)
    assert jobs.begun == [0, 1, 2]
    jobs.may_end.set()
    while len(jobs.begun) < 5:
        jobs.changed.clear()
        await asyncio.wait_for(jobs.changed.wait(), 5)
    claiming.cancel()
    assert await crew.finish(5) == 0
    assert sorted(jobs.let_go) == [0, 1, 2, 3, 4]


async def test_what_does_not_end_in_time_is_cut_off() -> None:
    jobs = Jobs(1)
    crew = Crew(2, jobs.claim, jobs.do, jobs.let_go.append)
    claiming = asyncio.create_task(crew.claim_for_ever())
    await asyncio.wait_for(jobs.changed.wait(), 5)
    claiming.cancel()
    assert await crew.finish(0) == 1
    assert jobs.let_go == [0]


async def test_a_write_is_repeated_until_the_store_takes_it() -> None:
    outcomes: list[Exception | None] = [StoreError("the disk is full"), None]

    async def write() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    await until_stored(write)
    assert outcomes == []


async def test_work_that_belongs_to_somebody_else_is_not_repeated() -> None:
    async def write() -> None:
        raise LeaseLost("somebody else's")

    with pytest.raises(LeaseLost):
        await until_stored(write)
