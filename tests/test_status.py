"""Showing that an answer is being worked on."""

import asyncio

import pytest

from bridge.errors import NotSent, RateLimited
from bridge.status import shown
from bridge.testing.store_examples import arrival
from tests.scripted import ScriptedChannel

MESSAGE = arrival(1).envelope


class ShowingChannel(ScriptedChannel):
    status_seconds = 0.0

    def __init__(self, *outcomes):
        super().__init__()
        self.outcomes = list(outcomes)
        self.shown = []
        self.enough = asyncio.Event()
        self.often = 3

    async def show_status(self, envelope):
        self.shown.append(envelope)
        if len(self.shown) >= self.often:
            self.enough.set()
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome


async def test_it_is_shown_again_and_again_until_the_work_ends():
    channel = ShowingChannel()
    async with shown(channel, MESSAGE):
        await asyncio.wait_for(channel.enough.wait(), 5)
    before = len(channel.shown)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(channel.shown) == before
    assert set(map(id, channel.shown)) == {id(MESSAGE)}


@pytest.mark.parametrize("failure", [NotSent("away"), RuntimeError("broken"), RateLimited("wait", retry_after=0.0)])
async def test_a_failure_of_it_matters_to_nobody(failure):
    channel = ShowingChannel(failure, failure)
    async with shown(channel, MESSAGE):
        await asyncio.wait_for(channel.enough.wait(), 5)


async def test_what_the_work_raises_is_what_comes_out():
    with pytest.raises(ValueError, match="the work itself"):
        async with shown(ShowingChannel(), MESSAGE):
            raise ValueError("the work itself")


async def test_a_channel_that_cannot_show_it_does_not():
    async with shown(ScriptedChannel(), MESSAGE):
        pass
