"""What was said while nobody listened, read from the history."""

import time

from bridge.envelope import Conversation


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


async def test_an_old_thread_is_looked_at_where_it_is_known(channel, simulator):
    root = await simulator.say("Ada", "old")
    ((envelope, _),) = await channel.missed(time.time() - 60, [], everywhere=True)
    since = time.time()
    await simulator.say("Bo", "new", thread=root.thread)
    assert texts(await channel.missed(since, [], everywhere=True)) == []
    assert texts(await channel.missed(since, [envelope.conversation], everywhere=False)) == ["new"]


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
    gone = Conversation(
        source="slack", ref=envelope.conversation.ref.replace(envelope.conversation.ref.split("/")[1], "C404")
    )
    assert texts(await channel.missed(time.time() - 60, [gone], everywhere=True)) == []
