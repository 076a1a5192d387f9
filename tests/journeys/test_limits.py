"""Bots that answer each other, and budgets that are used up."""

import json

import pytest

from bridge import notices
from tests.journeys.program import eventually, in_time

SIGNS = {"slack": "hourglass", "discord": "⌛"}
BOTS = {"rooms": ["*"], "bots": True}


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


async def silence(world, said, count, echoes):
    """Once the bot wrote so much there and everything that the other one said to it is taken."""
    await world.until_answers(said, count)
    heard = world.platform.until(lambda: len(echoed(world, said)) >= echoes)
    await in_time("the other bot's last word", heard)
    await world.program.logged("message.over_limit", 2)
    await world.settled()


def echoed(world, said):
    return [one for one in world.platform.read(said.thread) if one.author == "Echo"]


async def test_two_bots_that_answer_each_other_end_and_people_are_still_answered(either):
    world = either
    world.platform.add_echo_bot()
    await world.start(BOTS)
    said = await world.say("hello")
    await silence(world, said, 8, echoes=8)
    answers = world.answers(said)
    assert len(answers) == 8  # to the person, six to the bot, and why there is no more
    assert [answer for answer in answers if not answer.startswith("You said: ")] == [notices.bot_silenced(6, 300)]
    assert answers[-1] == notices.bot_silenced(6, 300)
    await world.say("are you there?", said)
    await world.until_answers(said, 9)
    await world.program.logged("message.over_limit", 3)
    await world.program.kill()
    await world.restart()
    await world.say("and after a crash?", said)
    await world.until_answers(said, 10)
    await world.program.logged("message.over_limit", 1)
    await world.end()
    assert len(world.answers(said)) == 10
    assert len(world.inputs()) == 9
    assert json.loads(await world.command("dead", "list", "--json")) == []


async def test_other_bots_are_not_answered_where_no_rule_says_so(either):
    world = either
    world.platform.add_echo_bot()
    await world.start()
    said, _ = await world.ask("hello")
    await world.ask("again", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] again"]


async def test_what_fails_is_not_said_to_another_bot(either):
    world = either
    await world.start(BOTS)
    said, _ = await world.ask("hello")
    place = {"thread": said.thread} if world.platform.source == "discord" else {"thread_ts": said.id}
    world.platform.other_bot_says("CI", "[[fail]]", **place)
    world.platform.other_bot_says("CI", "green", **place)
    await world.until_answers(said, 2)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == ["You said: hello", "You said: green"]
    assert [one["status"] for one in json.loads(await world.command("dead", "list", "--json"))] == ["failed"]


async def test_old_chatter_of_bots_that_is_found_afterwards_is_not_answered_beyond_the_limit(either):
    world = either
    await world.start(BOTS, bridge={"bot_turns": 2})
    said, _ = await world.ask("hello")
    await world.program.kill()
    world.platform.faults.drop_events(None)
    place = {"thread": said.thread} if world.platform.source == "discord" else {"thread_ts": said.id}
    for number in range(6):
        world.platform.other_bot_says("CI", f"number {number}", **place)
    world.platform.faults.drop_events(0)
    await world.restart()
    await world.program.logged("message.over_limit", 4)
    await world.ask("and me?", said)
    await world.until_answers(said, 5)
    await world.end()
    assert len(world.inputs()) == 4
    assert world.answers(said).count(notices.bot_silenced(2, 300)) == 1


async def test_a_budget_of_turns_is_said_once_and_others_are_answered(either):
    world = either
    await world.start(budgets={"user": {"turns_per_minute": 2}})
    said, _ = await world.ask("one")
    await world.ask("two", said)
    third, sentence = await world.ask("three", said)
    if sentence.startswith("You said"):
        pytest.skip("a new minute began in between")
    assert sentence == notices.over_budget("user", "turns", 2)
    fourth = await world.say("four", said)
    for one in (third, fourth):
        sign = SIGNS[world.platform.source]
        seen = world.platform.until(lambda one=one, sign=sign: sign in world.platform.message(one).reactions)
        await in_time("the sign", seen)
    _, answer = await world.ask("and I?", said, person="Bo")
    assert answer.startswith("You said: and I?")
    await world.end()
    assert len(world.inputs()) == 3
    assert len(world.answers(said)) == 4
    listed = json.loads(await world.command("dead", "list", "--json"))
    assert [one["status"] for one in listed] == ["failed"] * 2


async def test_a_budget_of_tokens_holds_after_a_restart_and_the_operator_can_ask_again(either):
    world = either
    await world.start(budgets={"instance": {"tokens_per_day": 1}}, bridge={"http": "127.0.0.1:0"})
    said, _ = await world.ask("one")
    await world.end()
    await world.restart()
    _, sentence = await world.ask("two", said)
    assert sentence == notices.over_budget("instance", "tokens", 1)
    (listed,) = json.loads(await world.command("dead", "list", "--json"))
    await world.command("dead", "retry", listed["id"])

    async def answered():
        return True if len(world.answers(said)) == 3 else None

    await eventually("the answer", answered)
    await world.end()
    assert world.answers(said)[-1].startswith("You said: two")
