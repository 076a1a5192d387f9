"""Showing that an answer is being worked on."""

import asyncio

import pytest

from bridge import status
from bridge.errors import NotSent, RateLimited
from bridge.status import Statuses
from bridge.testing.store_examples import arrival
from tests.scripted import ScriptedChannel

MESSAGE = arrival(1).envelope


class ShowingChannel(ScriptedChannel):
    status_after = 0.0
    status_seconds = 0.0

    def __init__(self, *outcomes):
        super().__init__()
        self.outcomes = list(outcomes)
        self.shown = []
        self.enough = asyncio.Event()
        self.often = 3
        self.doing = []
        self.ended = asyncio.Event()

    async def end_status(self, envelope):
        assert envelope is MESSAGE
        self.ended.set()

    async def show_status(self, envelope, doing):
        self.shown.append(envelope)
        self.doing.append(doing)
        if len(self.shown) >= self.often:
            self.enough.set()
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(status, "EVERY", 0.0)


async def test_it_is_shown_again_and_again_until_the_work_ends():
    channel = ShowingChannel()
    async with Statuses(channel).shown(MESSAGE):
        await asyncio.wait_for(channel.enough.wait(), 5)
    before = len(channel.shown)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(channel.shown) == before
    assert set(map(id, channel.shown)) == {id(MESSAGE)}


@pytest.mark.parametrize("failure", [NotSent("away"), RuntimeError("broken"), RateLimited("wait", retry_after=0.0)])
async def test_a_failure_of_it_matters_to_nobody(failure):
    channel = ShowingChannel(failure, failure)
    async with Statuses(channel).shown(MESSAGE):
        await asyncio.wait_for(channel.enough.wait(), 5)


async def test_what_the_work_raises_is_what_comes_out():
    with pytest.raises(ValueError, match="the work itself"):
        async with Statuses(ShowingChannel()).shown(MESSAGE):
            raise ValueError("the work itself")


async def test_a_channel_that_cannot_show_it_does_not():
    async with Statuses(ScriptedChannel()).shown(MESSAGE):
        pass


async def test_what_is_being_done_is_shown_in_words_as_soon_as_it_changes():
    channel = ShowingChannel()
    channel.status_seconds, channel.often = 60.0, 1
    async with Statuses(channel).shown(MESSAGE) as shown:
        for number, what in enumerate(["reading", "reading", "writing"]):
            await asyncio.wait_for(channel.enough.wait(), 5)
            channel.often = len(channel.shown) + (number != 1)
            if number != 1:
                channel.enough.clear()
            shown.does(what)
        await asyncio.wait_for(channel.enough.wait(), 5)
    assert channel.doing == [None, "reading", "writing"]


async def test_when_the_work_ends_it_is_taken_away():
    channel = ShowingChannel()
    async with Statuses(channel).shown(MESSAGE):
        await asyncio.wait_for(channel.enough.wait(), 5)
        assert not channel.ended.is_set()
    await asyncio.wait_for(channel.ended.wait(), 5)


async def test_work_that_is_done_at_once_is_not_shown_at_all():
    channel = ShowingChannel()
    channel.status_after = 60.0
    async with Statuses(channel).shown(MESSAGE):
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    assert channel.shown == []
    assert not channel.ended.is_set()
