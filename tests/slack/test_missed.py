"""What was said while nobody listened, read from the history."""

import time

import pytest

from adapters.slack.missed import ROOTS_BACK
from adapters.slack.simulator import SlackSimulator
from bridge.envelope import Conversation
from bridge.errors import ChannelError, NotSent, RateLimited
from bridge.testing.store_examples import Clock
from tests.slack.conftest import channel_for, closing


def texts(found):
    return [envelope.text for envelope, _ in found]


async def test_everything_that_was_said_since_is_found_oldest_first(channel, simulator):
    before = simulator.say_in("Ada", "before")
    since = time.time()
    root = await simulator.say("Ada", "one")
    simulator.say_direct("Bo", "two")
    await simulator.say("Bo", "three", thread=root.thread)
    simulator.say_in("Ada", "four", room="#other")
    found = await channel.missed(since, [], everywhere=True)
    assert texts(found) == ["one", "two", "three", "four"]
    assert [facts.in_thread for _, facts in found] == [False, False, True, False]
    assert len({envelope.id for envelope, _ in found}) == 4
    assert before.text == "before"


@pytest.fixture
async def aged():
    """(a clock, the simulator that goes by it, a channel there)."""
    clock = Clock()
    async with SlackSimulator(rate_limits=False, clock=clock) as simulator, closing(channel_for(simulator)) as channel:
        yield clock, simulator, channel


@pytest.mark.parametrize(("age", "found"), [(60, ["new"]), (ROOTS_BACK - 60, ["new"]), (ROOTS_BACK + 60, [])])
async def test_a_mention_in_a_thread_that_nobody_knows_is_found_if_the_thread_is_not_too_old(aged, age, found):
    clock, simulator, channel = aged
    root = simulator.say_in("Ada", "not for the bot")
    simulator.say_in("Ada", "a thread without news")
    await simulator.say("Bo", "nor this", thread=root.thread)
    clock.now += age
    since = clock.now
    clock.now += 1
    await simulator.say("Bo", "new", thread=root.thread)
    missed = await channel.missed(since, [], everywhere=True)
    assert texts(missed) == found
    assert all(facts.in_thread for _, facts in missed)
    replies = [call for call in simulator.calls if call.method == "conversations.replies"]
    assert len(replies) == len(found)


async def test_an_old_thread_is_looked_at_where_it_is_known(aged):
    clock, simulator, channel = aged
    root = await simulator.say("Ada", "old")
    ((envelope, _),) = await channel.missed(clock.now - 60, [], everywhere=True)
    clock.now += 2 * ROOTS_BACK
    since = clock.now
    await simulator.say("Bo", "new", thread=root.thread)
    assert texts(await channel.missed(since, [], everywhere=False)) == []
    for everywhere in (True, False):
        assert texts(await channel.missed(since, [envelope.conversation], everywhere=everywhere)) == ["new"]


async def test_a_limit_in_the_middle_is_waited_out(channel, simulator):
    simulator.say_in("Ada", "one")
    simulator.say_in("Ada", "two", room="#other")
    simulator.faults.rate_limit("conversations.history", retry_after=1)
    assert texts(await channel.missed(time.time() - 60, [], everywhere=True)) == ["one", "two"]
    assert len([call for call in simulator.calls if call.method == "users.conversations"]) == 1


async def test_without_the_right_to_list_rooms_the_known_ones_are_read(channel, simulator):
    simulator.say_in("Ada", "one")
    ((envelope, _),) = await channel.missed(time.time() - 60, [], everywhere=True)
    simulator.faults.refuse("users.conversations", "missing_scope", times=None)
    assert texts(await channel.missed(time.time() - 60, [envelope.conversation], everywhere=True)) == ["one"]
    simulator.faults.clear()
    gone = Conversation(
        source="slack", ref=envelope.conversation.ref.replace(envelope.conversation.ref.split("/")[1], "C404")
    )
    assert texts(await channel.missed(time.time() - 60, [gone], everywhere=False)) == []


@pytest.mark.parametrize(
    "break_down",
    [
        lambda faults: faults.fail("users.conversations", status=503),
        lambda faults: faults.garbage("users.conversations"),
        lambda faults: faults.refuse("users.conversations", "token_revoked"),
        lambda faults: faults.refuse("users.conversations", "channel_not_found"),
    ],
)
async def test_a_list_of_rooms_that_cannot_be_had_is_not_taken_for_an_empty_one(channel, simulator, break_down):
    simulator.say_in("Ada", "one")
    await channel.missed(time.time() - 60, [], everywhere=True)
    break_down(simulator.faults)
    with pytest.raises(ChannelError):
        await channel.missed(time.time() - 60, [], everywhere=True)
    assert texts(await channel.missed(time.time() - 60, [], everywhere=True)) == ["one"]


async def test_a_list_of_rooms_that_is_limited_says_how_long_to_wait(channel, simulator):
    simulator.faults.rate_limit("users.conversations", retry_after=1)
    with pytest.raises(RateLimited):
        await channel.missed(time.time() - 60, [], everywhere=True)


async def test_a_platform_that_is_away_is_told_before_any_room_is_passed_over(channel, simulator):
    await channel.missed(time.time() - 60, [], everywhere=True)
    await simulator.stop()
    with pytest.raises(ChannelError):
        await channel.missed(time.time() - 60, [], everywhere=True)
    with pytest.raises(NotSent, match="cannot be reached"):
        await channel.missed(time.time() - 60, [], everywhere=True)
