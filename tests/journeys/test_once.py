"""However often an event comes, and under whatever id: one turn, one answer."""

import pytest


@pytest.mark.parametrize("mention_first", [False, True], ids=["message_first", "app_mention_first"])
async def test_the_two_events_about_one_mention_are_one_turn(world, mention_first):
    await world.start()
    said = world.slack.say_in("Ada", "hello", mention=True, mention_first=mention_first)
    await world.until_answers(said, 1)
    in_thread = world.slack.say_in(
        "Ada", "again", thread_ts=said.id, mention=True, mention_first=mention_first
    )  # fmt: skip
    await world.until_answers(in_thread, 2)
    await world.settled()
    await world.end()
    assert world.slack.journal.acked == 6  # two for each mention, one for each answer
    assert world.inputs() == ["[Ada] hello", "[Ada] again"]
    assert len(world.answers(said)) == 2


@pytest.mark.parametrize("new_event_id", [False, True], ids=["same_event_id", "new_event_id"])
async def test_a_redelivered_event_is_answered_once(world, new_event_id):
    await world.start()
    world.agent.hold()
    said = await world.say("hello")
    await world.agent.wait_for_requests(1)
    await world.slack.redeliver(new_event_id=new_event_id)  # while the turn runs
    await world.settled()
    world.agent.release()
    await world.until_answers(said, 1)
    await world.slack.redeliver(new_event_id=new_event_id)  # its own answer comes as an event, too
    reply = await world.say("and?", said)
    await world.slack.redeliver(new_event_id=new_event_id)  # before it is answered, or after
    await world.until_answers(reply, 2)
    await world.settled()
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] and?"]
    assert len(world.answers(said)) == 2


async def test_a_message_that_is_redelivered_around_a_restart_is_answered_once(world):
    await world.start({"rooms": ["dm"]})
    world.agent.hold()
    said = world.slack.say_direct("Ada", "hello")
    await world.settled()
    await world.slack.redeliver()
    await world.settled()
    await world.agent.wait_for_requests(1)
    world.agent.release()
    await world.until_answers(said, 1)
    await world.settled()
    await world.end()
    later = world.slack.say_direct("Ada", "one more")
    await world.slack.redeliver()
    await world.slack.redeliver(new_event_id=True)
    await world.restart()
    await world.until_answers(later, 1)
    await world.settled()
    await world.end()
    assert world.inputs() == ["hello", "one more"]
    assert (len(world.answers(said)), len(world.answers(later))) == (1, 1)


async def test_when_every_event_comes_twice_every_message_is_answered_once(world):
    await world.start()
    world.slack.faults.duplicate_events(None)
    first, _ = await world.ask("one")
    second, _ = await world.ask("two")
    await world.ask("three", first)
    await world.ask("four", second)
    await world.settled()
    await world.end()
    assert sorted(world.inputs()) == ["[Ada] four", "[Ada] one", "[Ada] three", "[Ada] two"]
    assert (len(world.answers(first)), len(world.answers(second))) == (2, 2)
    assert all(one["turns"] == 2 for one in world.sessions().values())
