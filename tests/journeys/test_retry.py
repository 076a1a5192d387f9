"""`!retry` in a conversation: what was given up there is asked again, once; and everything else with `!` is said on."""

import pytest

from tests.journeys.program import in_time
from tests.journeys.test_acknowledgement import refusing
from tests.journeys.test_crash import killed_while_its_turn_ran

NOTHING = "There is nothing to try again here."


@pytest.fixture(params=["world", "discord_world"], ids=["slack", "discord"])
def each(request):
    """The world of each platform."""
    return request.getfixturevalue(request.param)


async def broke(world, **tables):
    """A thread whose second message was refused by the agent's instance, which is well again."""
    await world.start(**tables)
    said, _ = await world.ask("hello")
    known, world.agent.instance_id = world.agent.instance_id, "another"
    _, notice = await world.ask("what is new?", said)
    assert "`!retry`" in notice
    world.agent.instance_id = known
    return said


async def test_a_question_whose_fate_is_unknown_is_asked_once_more_and_answered_once(each):
    world = each
    said = await killed_while_its_turn_ran(world, "ask")
    assert "write `!retry` to ask it again" in (await world.until_answers(said, 2))[1]
    assert world.agent.received == 2
    _, answer = await world.ask("!retry", said)
    assert answer.startswith("You said: dangerous work")
    await world.ask("and now?", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] dangerous work", "[Ada] dangerous work", "[Ada] and now?"]
    assert len(world.answers(said)) == 4


async def test_a_question_that_was_dropped_is_asked_again(each):
    world = each
    said = await killed_while_its_turn_ran(world, "drop")
    assert "Write `!retry` to ask it again" in (await world.until_answers(said, 2))[1]
    _, answer = await world.ask("!Retry", said, person="Bo")
    assert answer.startswith("You said: dangerous work")
    assert world.inputs()[-1] == "[Ada] dangerous work"


async def test_a_refused_key_is_put_right_and_the_question_asked_again(each):
    world = each
    world.program.environment["AGENT_KEY"] = "chd_org_wrong"
    await world.start()
    said, notice = await world.ask("hello")
    assert "check api_key, then `!retry` asks again" in notice
    _, still = await world.ask("!retry", said)
    assert still == notice
    await world.end()
    world.program.environment["AGENT_KEY"] = world.agent.api_key
    await world.restart()
    _, answer = await world.ask("!retry", said)
    assert answer == "You said: hello"
    await world.end()
    assert world.inputs() == ["[Ada] hello"]
    assert len(world.answers(said)) == 3


async def test_without_anything_to_ask_again_that_is_said_and_the_agent_hears_nothing_of_it(each):
    world = each
    await world.start()
    said, _ = await world.ask("hello")
    _, answer = await world.ask("!retry", said)
    assert answer == NOTHING
    _, answer = await world.ask("what did I say?", said)
    assert answer == "Before this you said:\n1. hello"
    opened, answer = await world.ask("!retry")
    assert answer == NOTHING
    await world.end()
    assert world.agent.received == 2
    assert len(world.answers(said)) == 3
    assert len(world.answers(opened)) == 1


async def test_a_command_that_is_delivered_several_times_is_done_once(each):
    world = each
    said = await broke(world)
    world.agent.hold()
    await world.say("!retry", said)
    await world.platform.redeliver()
    await in_time("the question", world.agent.wait_for_requests(2))
    await world.platform.redeliver()
    world.agent.release()
    assert (await world.until_answers(said, 3))[2].startswith("You said: what is new?")
    await world.platform.redeliver()
    await world.settled()
    await world.ask("and now?", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] what is new?", "[Ada] and now?"]
    assert len(world.answers(said)) == 4


async def test_a_command_right_before_a_crash_is_done_once(each):
    world = each
    said = await broke(world, instance={"on_unknown": "retry"})
    world.agent.status = "stopped"
    await world.say("!retry", said)
    await world.program.logged("turn.accepted", 3)
    await world.program.kill()
    world.agent.status = "running"
    await world.restart()
    await world.say("and now?", said)
    await in_time("both questions", world.agent.wait_for_requests(3))
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] what is new?", "[Ada] and now?"]
    questions = [answer for answer in world.answers(said) if answer.startswith("You said: what is new?")]
    assert len(questions) == 1


async def test_a_crash_in_the_middle_of_a_command_leaves_nothing_in_doubt(each):
    world = each
    said = await broke(world)
    with refusing(world.store, "UPDATE OF status ON turns"):
        await world.say("!retry", said)
        await world.program.logged("store.refused")
        await world.program.kill()
    assert world.agent.received == 1
    await world.restart()
    assert (await world.until_answers(said, 3))[2].startswith("You said: what is new?")
    await world.end()
    assert world.agent.received == 2
    assert len(world.answers(said)) == 3


@pytest.mark.parametrize("mention", [True, False], ids=["with_a_mention", "without_one"])
async def test_it_works_also_where_every_message_needs_a_mention(each, mention):
    world = each
    await world.start({"trigger": "mention-only"})
    known, world.agent.instance_id = world.agent.instance_id, "another"
    said, _ = await world.ask("hello")
    world.agent.instance_id = known
    _, answer = await world.ask(f"<@{bot(world)}>  !RETRY " if mention else "!retry", said)
    assert answer == "You said: hello"
    await world.end()
    assert len(world.answers(said)) == 2


async def test_it_works_in_a_direct_conversation_of_slack_in_threads_and_without(world):
    known = world.agent.instance_id
    for dm_session, top in (("thread", False), ("channel", True)):
        await world.start({"rooms": ["dm"], "dm_session": dm_session})
        world.agent.instance_id = "another"
        said = world.slack.say_direct("Ada", f"hello {dm_session}")
        await world.program.logged("delivery.sent")
        world.agent.instance_id = known
        world.slack.say_direct("Ada", "!retry", thread_ts=None if top else said.id)
        await world.program.logged("delivery.sent", 2)
        await world.end()
        assert world.bot_posts()[-1] == f"You said: hello {dm_session}"
    assert world.inputs() == ["hello thread", "hello channel"]
    assert len(world.bot_posts()) == 4


async def test_it_works_in_a_direct_conversation_of_discord(discord_world):
    world = discord_world
    await world.start({"rooms": ["dm"]})
    known, world.agent.instance_id = world.agent.instance_id, "another"
    said = world.discord.say_direct("Ada", "hello")
    await world.until_answers(said, 1)
    world.agent.instance_id = known
    world.discord.say_direct("Ada", "!retry")
    assert (await world.until_answers(said, 2))[1] == "You said: hello"
    await world.end()
    assert len(world.answers(said)) == 2


async def test_in_a_session_that_threads_share_it_means_its_own_thread(each):
    world = each
    await world.start({"session": "room"})
    known, world.agent.instance_id = world.agent.instance_id, "another"
    first, _ = await world.ask("first")
    second, _ = await world.ask("second")
    world.agent.instance_id = known
    _, answer = await world.ask("!retry", first)
    assert answer == "You said: first"
    _, answer = await world.ask("!retry", first)
    assert answer == NOTHING
    assert len(world.answers(second)) == 1
    _, answer = await world.ask("!retry", second)
    assert answer.startswith("You said: second")
    assert world.inputs() == ["[Ada] first", "[Ada] second"]


async def test_more_words_and_other_words_are_for_the_agent(each):
    world = each
    said = await broke(world)
    for text in ("!retry please", "!frobnicate", "please !retry"):
        _, answer = await world.ask(text, said)
        assert answer.startswith(f"You said: {text}")
    assert world.inputs() == ["[Ada] hello", "[Ada] !retry please", "[Ada] !frobnicate", "[Ada] please !retry"]


async def test_whom_no_rule_admits_has_nothing_asked_again(each):
    world = each
    await world.start({"users": [world.platform.person("Ada").id]})
    known, world.agent.instance_id = world.agent.instance_id, "another"
    said, _ = await world.ask("hello")
    world.agent.instance_id = known
    await world.say("!retry", said, person="Mallory")
    await world.settled()
    _, answer = await world.ask("what did I say?", said)
    assert answer == "You have not said anything before."
    await world.end()
    assert len(world.answers(said)) == 2


async def test_a_thread_joined_midway_by_a_command_is_still_told_what_was_said_before(each):
    world = each
    await world.start()
    root = world.platform.say_in("Ada", "the build is red")
    _, answer = await world.ask(f"<@{bot(world)}> !retry", root)
    assert answer == NOTHING
    await world.ask(f"<@{bot(world)}> why?", root)
    (asked,) = world.inputs()
    assert "[Ada] the build is red\n[End of" in asked


def bot(world):
    """The bot's id, by which people mention it."""
    return world.slack.workspace.bot.id if hasattr(world, "slack") else world.discord.bot.id
