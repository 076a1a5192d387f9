"""What people write to the bridge itself in a conversation: it is done at once, answered there, and no agent hears it."""

import pytest

from bridge import faultpoints
from tests.journeys.program import in_time

AFRESH = "From here on the conversation begins afresh"


@pytest.fixture(params=["world", "discord_world"], ids=["slack", "discord"])
def each(request):
    """The world of each platform."""
    return request.getfixturevalue(request.param)


async def works_on(world, text, thread=None):
    """A message that the agent works on until it is told otherwise."""
    before = world.agent.received
    said = await world.say(text, thread)
    await in_time("the agent's work", world.agent.until(lambda agent: agent.received > before))
    return said


async def test_help_names_every_word_and_the_agent(each):
    await each.start()
    said, _ = await each.ask("hello")
    _, answer = await each.ask("!help", said)
    for word in ("!stop", "!retry", "!new", "!status", "!link ABC-123", "!unlink", "!help", "main"):
        assert word in answer
    await each.end()
    assert each.inputs() == ["[Ada] hello"]


async def test_help_can_be_the_first_that_is_said(each):
    await each.start()
    _, answer = await each.ask("!help")
    assert "!stop" in answer
    await each.end()
    assert each.inputs() == []


async def test_new_begins_afresh_and_the_thread_goes_on(each):
    await each.start()
    said, _ = await each.ask("the word is apple")
    assert (await each.ask("!new", said))[1].startswith(AFRESH)
    assert (await each.ask("recall", said))[1] == "You have not said anything before."
    assert (await each.ask("recall", said))[1] == "Before this you said:\n1. recall"
    await each.end()
    first = each.session_of(said)
    assert set(each.sessions()) == {first, f"{first}-2"}


async def test_stop_stops_what_the_agent_does_and_keeps_what_it_wrote(each):
    await each.start()
    said, _ = await each.ask("hello")
    await works_on(each, "[[drip:500:0.2]] a long story", said)
    await each.until_answers(said, 2)  # it grows
    await each.say("!stop", said)
    answers = await each.until_answers(said, 3)
    assert answers[2] == "The agent was stopped here. Write on, or `!retry` to ask it again."
    assert "You said: [[drip:500:0.2]] a long story" in answers[1]
    await in_time("its being hung up on", each.agent.until(lambda agent: agent.requests[1].aborted))
    assert (await each.ask("and now?", said))[1].startswith("You said: and now?")
    await each.end()


async def test_stop_where_nothing_runs_says_so(each):
    await each.start()
    said, _ = await each.ask("hello")
    assert (await each.ask("!stop", said))[1] == "Nothing is being worked on here."
    await each.end()


async def test_stop_lets_the_next_message_go_first(each):
    await each.start()
    said, _ = await each.ask("hello")
    await works_on(each, "[[hang]] forever", said)
    await each.say("what is the time?", said)
    await each.say("!stop", said)
    answers = await each.until_answers(said, 3)
    assert answers[1].startswith("The agent was stopped here.")
    assert answers[2].startswith("You said: what is the time?")
    await each.end()


async def test_what_was_to_be_stopped_when_the_bridge_died_is_not_asked_again(each):
    events = {"slack": 4, "discord": 3}[each.platform.source]  # a mention in Slack's channels is two of them
    each.program.environment[faultpoints.VARIABLE] = f"event.stored:{events}"
    await each.start()
    said, _ = await each.ask("hello")
    await works_on(each, "[[hang]] forever", said)
    await each.say("!stop", said)
    await in_time("the end of the program", each.program.ended())
    del each.program.environment[faultpoints.VARIABLE]
    received = each.agent.received
    await each.restart()
    assert (await each.until_answers(said, 2))[1].startswith("The agent was stopped here.")
    await each.end()
    assert each.agent.received == received


async def test_status_says_what_runs_and_what_waits(each):
    await each.start()
    said, _ = await each.ask("hello")
    assert (await each.ask("!status", said))[1].startswith("Nothing is being worked on, and nothing waits.")
    await works_on(each, "[[hang]] forever", said)
    await each.say("and another", said)
    await each.settled()
    answer = (await each.ask("!status", said))[1]
    assert answer.startswith("The agent has been working on a message for ")
    assert "1 more waits." in answer
    assert each.session_of(said) in answer
    await each.ask("!stop", said)


async def test_two_threads_of_a_ticket_are_one_conversation_and_each_is_answered_where_it_asked(each):
    await each.start()
    first, _ = await each.ask("the word is apple")
    second, _ = await each.ask("something else")
    for thread in (first, second):
        assert "ticket-abc-123" in (await each.ask("!link ABC-123", thread))[1]
    await each.ask("the word is pear", first)
    assert (await each.ask("recall", second))[1] == "Before this you said:\n1. the word is pear"
    assert "own again" in (await each.ask("!unlink", second))[1]
    assert (await each.ask("recall", second))[1] == "Before this you said:\n1. something else"
    await each.end()
    assert len(each.answers(first)) == 3


@pytest.mark.parametrize("word", ["!link", "!link ../../etc"])
async def test_link_without_a_ticket_says_how_it_is_written(each, word):
    await each.start()
    said, _ = await each.ask("hello")
    assert "`!link ABC-123`" in (await each.ask(word, said))[1]
    await each.end()


async def test_nobody_whom_no_rule_admits_stops_or_hears_anything(each):
    await each.start({"users": [each.platform.person("Ada").id]})
    said = await works_on(each, "[[hang]] forever")
    for word in ("!stop", "!new", "!status", "!help", "!link ABC-1"):
        await each.say(word, said, person="Bo")
    await each.settled()
    assert each.answers(said) == []
    await each.ask("!stop", said)
    await each.end()
