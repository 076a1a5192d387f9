"""Who is notified of an answer: whoever asked, if the configuration says so, and nobody else."""

import pytest

from tests.journeys.program import in_time
from tests.journeys.test_preview import SLOW, whole

HOSTILE = "hello @everyone <!channel> <@U0DEMO0BOT>"


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def pinged(world, said):
    """Whom each message of the bot notified."""
    messages = [world.platform.message(one) for one in world.platform.read(said.thread) if one.by_bot]
    return [message.pinged for message in messages]


@pytest.mark.parametrize("mention", [True, False])
async def test_whoever_asked_is_notified_once_if_the_configuration_says_so(either, mention):
    world = either
    await world.start(bridge={"mention": mention})
    said, answer = await world.ask(HOSTILE)
    await world.end()
    assert pinged(world, said) == ([[world.platform.person("Ada").id]] if mention else [[]])
    assert answer.startswith("@Ada\nYou said: hello" if mention else "You said: hello")


async def test_an_answer_that_grows_notifies_when_it_begins_and_keeps_the_name(either):
    world, first = either, []
    await world.start(bridge={"mention": True})
    world.platform.watch(lambda said: first.append((said, pinged(world, said))) if said.by_bot else None)
    said = await world.say(SLOW)
    await in_time("the whole answer", world.platform.until(lambda: world.answers(said) == [f"@Ada\n{whole(60)}"]))
    await world.end()
    assert first[0][1] == [[world.platform.person("Ada").id]]


async def test_a_sentence_of_the_bridge_notifies_nobody(either):
    world = either
    await world.start(bridge={"mention": True})
    said, _ = await world.ask("[[fail]]")
    await world.end()
    assert pinged(world, said) == [[]]
