"""Buttons by which people stop a turn or have it asked again, under what is shown of it."""

import pytest

from bridge import notices
from tests.journeys.program import eventually, in_time
from tests.journeys.test_commands import works_on
from tests.journeys.test_feedback import press, whispers

STOPPED = "The agent was stopped here. Write on, or `!retry` to ask it again."


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms, whose answers grow by edits."""
    world = await (make_world if request.param == "slack" else make_discord_world)()
    if request.param == "slack":
        world.channel_options["streaming"] = "edits"
    return world


async def with_button(world, thread, label):
    """The bot's message in the thread that has this button."""

    async def found():
        said = [one for one in world.platform.read(thread.thread) if one.by_bot]
        return next((one for one in said if label in world.platform.buttons(one)), None)

    return await eventually(f'a button "{label}"', found)


async def test_what_grows_is_stopped_by_its_button_and_asked_again_by_the_next(either):
    world = either
    await world.start()
    thread = await works_on(world, "[[drip:400:0.2]] a long story")
    growing = await with_button(world, thread, "Stop")
    await press(world, "Ada", growing, "Stop")
    assert await whispers(world, "Ada", 1) == [notices.WILL_STOP]
    written, notice = await world.until_answers(thread, 2)
    assert written.startswith("You said: [[drip:400:0.2]] a long story")
    assert notice == STOPPED
    again = await with_button(world, thread, "Ask again")
    received = world.agent.received
    await press(world, "Ada", again, "Ask again")
    assert (await whispers(world, "Ada", 2))[1] == notices.ASKED_AGAIN
    await in_time("the second asking", world.agent.until(lambda agent: agent.received > received))
    await press(world, "Ada", again, "Ask again")
    assert (await whispers(world, "Ada", 3))[2] == notices.NOTHING_TO_RETRY
    await world.ask("!stop", thread)
    await world.end()
    said = [one for one in world.platform.read(thread.thread) if one.by_bot]
    assert world.platform.buttons(said[0]) == [], "what was said to its end cannot be stopped"


async def test_a_message_that_waits_for_an_agent_that_is_away_is_dropped_by_its_button(either):
    world = either
    world.agent.reachable = False
    await world.start()
    thread, notice = await world.ask("hello")
    assert "your message waits and is answered when it is back" in notice
    await world.say("I wait, too", thread, person="Bo")
    waiting = await with_button(world, thread, "Stop")
    await press(world, "Bo", waiting, "Stop")
    assert await whispers(world, "Bo", 1) == [notices.DROPPED]
    world.agent.reachable = True
    answers = await world.until_answers(thread, 2)
    assert answers[1].startswith("You said: I wait, too")
    await world.end()
    assert len(world.answers(thread)) == 2


async def test_nobody_whom_no_rule_admits_pulls_a_handle(either):
    world = either
    await world.start({"users": [world.platform.person("Ada").id]})
    await world.say("hello everybody", person="Bo")
    thread = await works_on(world, "[[drip:100:0.1]] a story")
    growing = await with_button(world, thread, "Stop")
    await press(world, "Bo", growing, "Stop")
    assert await whispers(world, "Bo", 1) == [notices.BUTTON_IS_NOT_FOR_YOU]
    await world.end()
    (answer,) = world.answers(thread)
    assert answer.endswith("99")
