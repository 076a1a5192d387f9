"""What was said while nobody listened, read from the history."""

import asyncio
import contextlib
import time

import pytest


def texts(found):
    return [envelope.text for envelope, _ in found]


async def ignore(envelope, facts):
    """An `accept` that takes everything."""


@pytest.fixture
async def connected(channel, simulator):
    """The channel, listening: then it knows its servers."""
    task = asyncio.create_task(channel.listen(ignore))
    await asyncio.wait_for(simulator.connected(), 10)
    yield channel
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_everything_that_was_said_since_is_found_oldest_first(connected, simulator):
    root = await simulator.say("Ada", "one")
    await simulator.say("Bo", "two", thread=root.thread)
    simulator.post_in_forum("Ada", "Title", "three")
    found = await connected.missed(time.time() - 60, [], everywhere=True)
    assert texts(found) == ["one", "two", "three"]
    assert [facts.in_thread for _, facts in found] == [False, True, False]
    assert texts(await connected.missed(time.time() + 60, [], everywhere=True)) == []


async def test_direct_conversations_are_read_where_they_are_known(connected, simulator):
    room = await simulator.say("Ada", "in a room")
    simulator.say_direct("Bo", "psst")
    known = [
        envelope.conversation.model_copy(update={"ref": f"dm/{direct.id}"})
        for envelope, _ in await connected.missed(time.time() - 60, [], everywhere=True)
        for direct in simulator.guild.rooms.values()
        if direct.person is not None
    ]
    found = await connected.missed(time.time() - 60, known, everywhere=False)
    assert [(envelope.text, facts.direct) for envelope, facts in found] == [("psst", True)]
    assert room.text.endswith("in a room")


async def test_more_than_a_page_is_read(connected, simulator):
    for number in range(230):
        simulator.say_in("Ada", f"{number}")
    found = await connected.missed(time.time() - 60, [], everywhere=True)
    assert texts(found) == [str(number) for number in range(230)]


async def test_what_is_gone_is_passed_over(connected, simulator):
    said = await simulator.say("Ada", "one")
    await simulator.say("Ada", "two", thread=said.thread)
    known = [envelope.conversation for envelope, _ in await connected.missed(time.time() - 60, [], everywhere=True)]
    simulator.delete_thread(said.thread)
    assert texts(await connected.missed(time.time() - 60, known, everywhere=False)) == ["one"]


@pytest.mark.parametrize("locked", [False, True])
async def test_a_known_thread_is_read_although_it_is_archived(connected, simulator, locked):
    root = await simulator.say("Ada", "one")
    await simulator.say("Ada", "two", thread=root.thread)
    known = [envelope.conversation for envelope, _ in await connected.missed(time.time() - 60, [], everywhere=True)]
    await simulator.say("Bo", "three", thread=root.thread)
    simulator.archive(root.thread, locked=locked)
    assert texts(await connected.missed(time.time() - 60, [], everywhere=True)) == ["one"]
    found = await connected.missed(time.time() - 60, known, everywhere=True)
    assert texts(found) == ["one", "two", "three"]
    assert [facts.in_thread for _, facts in found] == [False, True, True]


async def test_known_places_in_which_nothing_was_said_are_not_read(connected, simulator):
    root = await simulator.say("Ada", "one")
    await simulator.say("Ada", "two", thread=root.thread)
    known = [envelope.conversation for envelope, _ in await connected.missed(time.time() - 60, [], everywhere=True)]
    simulator.calls.clear()
    assert texts(await connected.missed(time.time() + 60, known, everywhere=True)) == []
    assert [call for call in simulator.calls if call.name == "messages.list"] == []


async def test_a_known_thread_that_is_gone_or_closed_to_the_bot_is_passed_over(connected, simulator):
    root = await simulator.say("Ada", "one")
    await simulator.say("Ada", "two", thread=root.thread)
    known = [envelope.conversation for envelope, _ in await connected.missed(time.time() - 60, [], everywhere=True)]
    simulator.delete_thread(root.thread)
    assert texts(await connected.missed(time.time() - 60, known, everywhere=True)) == ["one"]
