"""People edit and delete what they said, while it waits and afterwards."""

import json

import pytest

from tests.journeys.program import eventually, in_time

SIGNS = {"slack": "hourglass", "discord": "⌛"}


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms, whose agent is away."""
    world = await (make_world if request.param == "slack" else make_discord_world)()
    world.agent.status = "stopped"
    return world


def signs(world, said):
    """What the bot put on a message."""
    return set(world.platform.message(said).reactions)


async def signed(world, said):
    sign = SIGNS[world.platform.source]
    await in_time("the sign", world.platform.until(lambda: sign in signs(world, said)))


def mention(world, text):
    bot = world.platform.workspace.bot if world.platform.source == "slack" else world.platform.bot
    return f"<@{bot.id}> {text}"


async def test_a_message_that_waits_is_replaced_and_the_agent_gets_the_new_words_only(either):
    world = either
    await world.start()
    said, _ = await world.ask("sevn times six?")
    follow_up = await world.say("and helf of it?", said)
    await world.settled()
    world.platform.edit(said, mention(world, "seven times six?"))
    world.platform.edit(follow_up, "and half of it?")
    await world.program.logged("message.edited", 2)
    world.agent.status = "running"
    answers = await world.until_answers(said, 3)
    assert [answer.split(" (")[0] for answer in answers[1:]] == [
        "You said: seven times six?", "You said: and half of it?",
    ]  # fmt: skip
    traced = json.loads(await world.command("trace", "--json", world.program.events("message.edited")[0]["envelope"]))
    assert "edited" in [stage["stage"] for stage in traced["turns"][0]["stages"]]
    await world.end()
    assert world.inputs() == ["[Ada] seven times six?", "[Ada] and half of it?"]


async def test_a_message_that_waits_and_is_deleted_never_reaches_the_agent(either):
    world = either
    await world.start()
    said, _ = await world.ask("hello")
    gone = await world.say("a secret by mistake", said)
    last = await world.say("anything else?", said)
    await world.settled()
    world.platform.delete(gone)
    (dropped,) = await world.program.logged("message.deleted")
    world.agent.status = "running"
    await world.until_answers(last, 3)
    traced = json.loads(await world.command("trace", "--json", dropped["envelope"]))
    assert (traced["turns"][0]["status"], traced["turns"][0]["error"]) == ("skipped", "its message was deleted")
    assert json.loads(await world.command("dead", "list", "--dropped", "--json")) == []
    await world.ask("!retry", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] anything else?"]


async def test_an_edit_of_an_answered_message_gets_a_sign_and_nothing_else(either):
    world = either
    world.agent.status = "running"
    await world.start()
    said, _ = await world.ask("helo")
    reply, _ = await world.ask("and now?", said)
    for _ in range(2):
        world.platform.edit(reply, "and then?")
        await signed(world, reply)
    world.platform.edit(said, mention(world, "hello"))
    await signed(world, said)
    world.platform.delete(reply)
    await world.ask("still there?", said)
    await world.end()
    assert world.inputs() == ["[Ada] helo", "[Ada] and now?", "[Ada] still there?"]
    assert len(world.answers(said)) == 3


async def test_what_was_edited_while_the_bridge_was_down_is_read_before_it_is_asked(either):
    world = either
    await world.start()
    said, _ = await world.ask("helo")
    await world.end()
    world.platform.faults.drop_events(None)
    world.platform.edit(said, mention(world, "hello"))
    world.platform.faults.drop_events(0)
    await world.restart()
    path = ("trace", "--json", world.session_of(said))

    async def replaced():
        stages = json.loads(await world.command(*path))["turns"][0]["stages"]
        return any(stage["stage"] == "edited" for stage in stages) or None

    await eventually("the edit", replaced)
    world.agent.status = "running"
    await world.until_answers(said, 2)
    await world.end()
    assert world.inputs() == ["[Ada] hello"]


async def test_an_edit_by_which_nobody_asked_makes_no_turn_and_one_that_comes_twice_does_no_harm(either):
    world = either
    await world.start()
    unasked = world.platform.say_in("Bo", "lunch?")
    said, _ = await world.ask("helo")
    world.platform.edit(unasked, "lunch at noon?")
    world.platform.edit(said, mention(world, "hello"))
    await world.platform.redeliver()
    await world.program.logged("message.edited")
    await world.settled()
    world.agent.status = "running"
    await world.until_answers(said, 2)
    await world.end()
    assert world.inputs() == ["[Ada] hello"]


async def test_a_mention_that_an_edit_adds_is_answered_where_the_platform_tells_of_it_as_a_mention(either):
    world = either
    world.agent.status = "running"
    await world.start()
    said = world.platform.say_in("Ada", "what is the time?")
    world.platform.edit(said, mention(world, "what is the time?"))
    await world.ask("hello")
    if world.platform.source == "slack":
        await world.until_answers(said, 1)
    await world.end()
    expected = ["[Ada] hello", *["[Ada] what is the time?"] * (world.platform.source == "slack")]
    assert sorted(world.inputs()) == expected
