"""Rules that name groups of people: Slack's user groups, Discord's roles."""

import asyncio

import pytest

from bridge import notices
from tests.journeys.program import eventually, in_time

PAGES = {"http": "127.0.0.1:0"}


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def group(world, *people):
    """The id of a group of these people, and of nobody else."""
    if world.platform.source == "slack":
        world.slack.group("S0SUPPORT", *people)
        return "S0SUPPORT"
    return world.discord.role("support", *people)


def direct(world, person, text):
    return world.platform.say_direct(person, text)


async def test_who_belongs_to_the_group_is_answered_and_nobody_else_reaches_the_agent(either):
    world = either
    await world.start({"groups": [group(world, "Ada", "Bo")], "rooms": ["*", "dm"]}, bridge=PAGES | {"feedback": True})
    refused = await world.say("let me in", person="Eve")
    opened = await world.say("we need help", person="Eve")
    said, answer = await world.ask("hello", person="Ada")
    await world.say("I am Eve", said, person="Eve")
    await world.ask("and me", said, person="Bo")
    direct(world, "Eve", "psst")
    private = direct(world, "Ada", "psst from Ada")
    await world.until_answers(private, 1)
    await world.settled()
    assert (answer, world.answers(refused), world.answers(opened)) == ("You said: hello", [], [])
    assert world.inputs() == ["[Ada] hello", "[Bo] and me", "psst from Ada"]
    await world.end()


async def test_whoever_is_not_in_the_group_may_not_press_a_button(either):
    world = either
    members = group(world, "Ada", "Bo")
    await world.start({"groups": [members]}, bridge=PAGES | {"feedback": True})
    said, _ = await world.ask("hello")
    for person in ("Eve", "Bo"):
        await world.say("let me see", said, person=person)
    await world.until_answers(said, 2)
    await world.program.logged("delivery.sent", 2)
    (answer, _) = [one for one in world.platform.read(said.thread) if one.by_bot]
    for person, told in (("Eve", notices.BUTTON_IS_NOT_FOR_YOU), ("Bo", notices.VOTED_GOOD)):
        pressed = world.platform.press(person, answer, "Good answer")
        if asyncio.iscoroutine(pressed):
            assert await pressed
        seen = world.platform.until(lambda person=person: bool(world.platform.whispers(person)))
        await in_time("the answer to the press", seen)
        assert world.platform.whispers(person) == [told]
    await world.end()


async def test_what_was_said_while_the_bridge_was_down_is_answered_to_members_only(either):
    world = either
    await world.start({"groups": [group(world, "Ada")]})
    await world.ask("before", person="Ada")
    await world.end()
    await world.say("from Eve", person="Eve")
    missed = await world.say("from Ada", person="Ada")
    await world.restart()
    await world.until_answers(missed, 1)
    assert world.inputs() == ["[Ada] before", "[Ada] from Ada"]
    await world.end()


async def test_a_thread_joined_midway_tells_the_agent_what_members_said_before_and_nothing_else(either):
    world = either
    await world.start({"groups": [group(world, "Ada", "Bo")]})
    if world.platform.source == "slack":
        opened = world.slack.say_in("Eve", "we need help")
        thread, bot = opened.thread, world.slack.workspace.bot.id
    else:
        thread, bot = world.discord.open_thread("Eve", "help"), world.discord.bot.id
    for person in ("Ada", "Eve"):
        await world.say(f"{person} says this", thread, person=person)
    await world.say(f"<@{bot}> what now?", thread, person="Bo")
    await world.until_answers(thread, 1)
    (asked,) = world.inputs()
    assert ("Ada says this" in asked, "Eve" in asked) == (True, False)
    await world.end()


async def test_somebody_who_comes_into_the_group_is_answered_from_the_next_message_on(discord_world):
    world = discord_world
    members = group(world, "Ada")
    await world.start({"groups": [members]})
    await world.ask("hello", person="Ada")
    refused = await world.say("and me?", person="Bo")
    await world.settled()
    assert group(world, "Ada", "Bo") == members
    await world.ask("now me", person="Bo")
    group(world, "Ada")
    late = await world.say("and again", person="Bo")
    await world.ask("the last", person="Ada")
    assert world.inputs() == ["[Ada] hello", "[Bo] now me", "[Ada] the last"]
    assert (world.answers(refused), world.answers(late)) == ([], [])
    await world.end()


async def test_rules_without_groups_ask_for_none(either):
    world = either
    await world.start()
    await world.ask("hello")
    asked = [
        call
        for call in world.platform.calls
        if {"usergroups.users.list", "member"} & {call.method, getattr(call, "name", "")}
    ]
    assert asked == []
    await world.end()


async def test_a_message_waits_at_the_platform_while_nothing_is_known_of_the_group(make_world):
    world = await make_world(ack_timeout=0.5, retry_schedule=(0.2,) * 40)
    members = group(world, "Ada")
    world.slack.faults.refuse("usergroups.users.list", "internal_error", times=None)
    await world.start({"groups": [members]})
    said = await world.say("hello", person="Ada")
    await world.slack.until(lambda: world.slack.journal.deliveries >= 3)
    assert (world.inputs(), world.slack.transport.unacked() > 0) == ([], True)
    world.slack.faults.clear()
    assert await world.until_answers(said, 1) == ["You said: hello"]
    await world.settled()
    assert world.inputs() == ["[Ada] hello"]
    await world.end()


async def test_a_missing_scope_is_named_and_nobody_is_admitted_by_groups(make_world):
    world = await make_world(scopes=["chat:write", "channels:history", "channels:read", "im:read", "users:read"])
    members = group(world, "Ada")
    bo = world.slack.person("Bo").id
    await world.start({"groups": [members], "users": [bo]}, bridge=PAGES)
    (line,) = await world.program.logged("groups.unknown")
    assert "usergroups:read" in line["problem"]
    await world.say("hello", person="Ada")
    await world.ask("hello", person="Bo")
    assert world.inputs() == ["[Bo] hello"]

    async def shown():
        status, page = await world.get("/readyz")
        problem = page["channels"]["slack"]["problem"]
        return (status, problem) if problem else None

    status, problem = await eventually("the problem at /readyz", shown)
    assert (status, problem) == (200, line["problem"])
    await world.end()
