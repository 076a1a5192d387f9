"""What was said while the bridge was down or deaf is found and answered once, oldest first."""

import asyncio

import pytest


@pytest.fixture(params=["slack", "discord"])
async def any_world(request, make_world, make_discord_world):
    """A platform that forgets what nobody heard."""
    if request.param == "discord":
        return await make_discord_world()
    return await make_world()


def forget(world):
    """The platform delivers nothing of what is said from now on, now or later."""
    world.platform.faults.drop_events(None)


def remember(world):
    world.platform.faults.drop_events(0)


async def test_what_was_said_while_the_bridge_was_down_is_answered_once_in_order(any_world):
    world = any_world
    await world.start()
    said, _ = await world.ask("hello")
    await world.program.kill()
    forget(world)
    for number in range(3):
        await world.say(f"number {number}", said, person=["Ada", "Bo"][number % 2])
    elsewhere = await world.say("a new thread", person="Bo")
    await world.say("and more in it", elsewhere)
    direct = world.platform.say_direct("Cy", "psst")
    remember(world)
    await world.restart()
    await world.until_answers(said, 4)
    assert len(await world.until_answers(elsewhere, 2)) == 2
    await world.ask("are you back?", said)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == [
        "You said: hello", "You said: number 0", "You said: number 1", "You said: number 2", "You said: are you back?",
    ]  # fmt: skip
    assert [answer.split(" (")[0] for answer in world.answers(elsewhere)] == [
        "You said: a new thread", "You said: and more in it",
    ]  # fmt: skip
    known_direct = world.platform.source == "slack"  # Discord tells a bot of no direct conversation before its first
    assert len(world.answers(direct)) == int(known_direct)


async def test_a_direct_conversation_that_was_known_is_looked_at(any_world):
    world = any_world
    await world.start()
    direct = world.platform.say_direct("Cy", "one")
    await world.until_answers(direct, 1)
    await world.program.kill()
    forget(world)
    second = world.platform.say_direct("Cy", "two")
    remember(world)
    await world.restart()
    same = direct.thread == second.thread
    await world.until_answers(second, 2 if same else 1)


async def test_a_mention_in_a_thread_that_the_bot_was_not_in_is_answered(any_world):
    world = any_world
    await world.start()
    await world.ask("hello")
    root = world.platform.say_in("Ada", "lunch?")
    if world.platform.source == "discord":
        root = await world.say("lunch?", world.platform.open_thread("Ada", "lunch"))
    await world.program.kill()
    forget(world)
    await world.say("yes", root, person="Bo")
    await world.say(f"<@{bot(world)}> what do you think?", root, person="Bo")
    remember(world)
    await world.restart()
    await world.until_answers(root, 1)


async def test_what_was_said_before_the_very_first_start_is_never_answered(any_world):
    world = any_world
    forget(world)
    before = await world.say("long ago")
    remember(world)
    await world.start()
    await world.ask("hello")
    await world.program.kill()
    await world.restart()
    await world.ask("hello again")
    await world.end()
    assert world.answers(before) == []


async def test_what_was_answered_is_not_answered_again_however_often_it_is_read(any_world):
    world = any_world
    await world.start()
    said, _ = await world.ask("hello")
    reply, _ = await world.ask("and?", said)
    for _ in range(3):
        await world.program.kill()
        await world.restart()
    await world.ask("done", reply)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] and?", "[Ada] done"]
    assert len(world.answers(said)) == 3


async def test_what_was_said_before_the_bot_took_part_is_not_answered_when_it_is_read_again(any_world):
    world = any_world
    await world.start()
    first, _ = await world.ask("hello")
    root = world.platform.say_in("Ada", "not for the bot")
    await world.say("nor this", root)
    await world.say(f"<@{bot(world)}> but this", root)
    await world.until_answers(root, 1)
    await world.program.kill()
    await world.restart()
    await world.ask("again", first)
    await world.end()
    assert len(world.answers(root)) == 1


async def test_what_is_not_for_the_bot_is_not_answered_when_it_is_found(any_world):
    world = any_world
    ada = world.platform.person("Ada").id
    await world.start({"users": [ada]})
    said, _ = await world.ask("hello")
    await world.program.kill()
    forget(world)
    await world.say("let me in", said, person="Mallory")
    await world.say("me too", person="Mallory")
    world.platform.say_in("Ada", "lunch?")
    world.platform.other_bot_says("CI", f"<@{bot(world)}> green")
    await world.say("mine", said)
    remember(world)
    await world.restart()
    await world.until_answers(said, 2)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] mine"]
    assert b"let me in" not in world.store.read_bytes()


async def test_what_is_found_too_late_is_listed_and_not_answered(any_world):
    world = any_world
    await world.start(bridge={"answer_within": 1})
    said, _ = await world.ask("hello")
    await world.program.kill()
    forget(world)
    await world.say("too old when it is found", said)
    remember(world)
    await asyncio.sleep(1.2)  # its age is what is tested
    await world.restart()
    await world.program.logged("message.too_old")
    await world.ask("and now?", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] and now?"]


async def test_a_connection_that_is_open_but_deaf_is_found_out_and_replaced(any_world):
    world = any_world
    await world.start(bridge={"http": "127.0.0.1:0"})
    said, _ = await world.ask("hello")
    world.platform.faults.deaf = True
    await world.ask("can you hear me?", said)  # perhaps the first look after the start still finds this one
    await world.say("and this?", said)
    await world.program.logged("channel.deaf")
    await world.until_answers(said, 3)
    world.platform.faults.deaf = False
    assert (await world.ask("and now?", said))[1].startswith("You said: and now?")


async def test_an_event_that_got_lost_on_a_good_connection_is_answered_all_the_same(any_world):
    world = any_world
    await world.start()
    said, _ = await world.ask("hello")
    world.platform.faults.drop_events(1)
    await world.say("lost on the way", said)
    assert len(await world.until_answers(said, 2)) == 2


async def test_a_failing_history_is_read_later(any_world):
    world = any_world
    await world.start()
    said, _ = await world.ask("hello")
    await world.program.kill()
    forget(world)
    await world.say("while you were away", said)
    remember(world)
    for name in ("conversations.history", "messages.list", "threads.active"):
        world.platform.faults.fail(name, status=503, times=2)
    await world.restart()
    await world.until_answers(said, 2)


def bot(world):
    return world.platform.workspace.bot.id if world.platform.source == "slack" else world.platform.bot.id
