"""What arrives on Discord: all of it, once, in order, within its limits, where people can see it, pinging nobody."""

import asyncio

import pytest

from tests.journeys.program import in_time

OPENING = "threads.from_message"
POSTING = "messages.create"


def room_texts(world, room="general"):
    """What the bot wrote at the top of a room."""
    return [said.text for said in world.discord.read_room(room) if said.by_bot]


async def test_an_answer_pings_nobody_and_unfolds_no_links(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask(f"@everyone @here <@{world.discord.person('Bo').id}> <@&1> https://example.com/")
    stored = world.discord.message(world.discord.read(said.thread)[-1])
    assert "@everyone @here" in stored.content
    assert stored.pinged == []
    assert stored.flags & 4


async def test_a_long_answer_arrives_whole_in_parts_that_discord_takes(discord_world):
    world = discord_world
    await world.start()
    said = await world.say("[[big:21000]]")
    await world.until_answers(said, 11)
    await world.end()
    line = "All work and no play makes Jack a dull boy.\n"
    answers = world.answers(said)
    assert max(map(len, answers)) <= 2000
    assert "".join("".join(answers).split()) == "".join((line * 478)[:21000].split())


async def test_discords_own_pace_loses_and_doubles_nothing(make_discord_world):
    world = await make_discord_world(rate_limits=True)
    await world.start()
    said = await world.say("[[big:15000]]")
    await world.until_answers(said, 8)
    await world.end()
    assert len(world.answers(said)) == 8
    assert {call.status for call in world.posts()} <= {200, 404}


@pytest.mark.parametrize("seconds", [1, 40])
async def test_a_rate_limit_is_waited_out_and_the_post_is_made_once(discord_world, seconds):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.rate_limit(POSTING, retry_after=seconds)
    await world.say("and?", said)
    before = len(world.posts())
    await world.until_posts(before + 1)
    elsewhere = await world.say("meanwhile")
    await world.until_answers(elsewhere, 1)
    if seconds > 30:  # longer than discord.py waits by itself
        assert (await world.program.logged("delivery.waits"))[0]["wait"] == pytest.approx(seconds, abs=1)
        return
    assert await world.until_answers(said, 2) == ["You said: hello", "You said: and? (message 2 of this session)"]


@pytest.mark.parametrize("fault", ["lose_answer", "fail"])
async def test_a_post_that_failed_oddly_is_shown_once(discord_world, fault):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    getattr(world.discord.faults, fault)(POSTING)
    await world.ask("two", said)
    await world.ask("three", said)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == [
        "You said: hello", "You said: two", "You said: three",
    ]  # fmt: skip


async def test_a_kill_between_the_thread_and_its_first_answer_goes_on_in_that_thread(discord_world):
    world = discord_world
    await world.start()
    world.agent.hold()
    said = await world.say("hello")
    await in_time("the thread", world.discord.until(lambda: said.id in world.discord.guild.threads))
    world.discord.refuse_posts(True)
    world.agent.release()
    await world.until_posts(1)
    await world.program.kill()
    world.discord.refuse_posts(False)
    await world.restart()
    assert await world.until_answers(said, 1) == ["You said: hello"]
    await world.end()
    assert len(world.discord.guild.threads) == 1


async def test_typing_is_shown_in_the_thread_while_the_agent_works(discord_world):
    world = discord_world
    await world.start()
    world.agent.hold()
    said = await world.say("hello")
    await in_time("typing", world.discord.until(lambda: bool(world.discord.typing(said.thread))))
    assert world.answers(said) == []
    world.agent.release()
    await world.until_answers(said, 1)


async def test_a_person_who_opened_the_thread_first_is_answered_there(discord_world):
    world = discord_world
    world.agent.hold()
    await world.start()
    said = await world.say("hello")
    await world.say("I opened it myself", said)
    world.agent.release()
    await world.until_answers(said, 2)
    assert {call.code for call in world.discord.calls if call.name == OPENING} <= {0, 160004}
    assert room_texts(world) == []


async def test_without_the_right_to_open_threads_it_says_why_and_replies_in_the_channel(discord_world):
    world = discord_world
    world.discord.deny("general", "create_public_threads")
    await world.start()
    said = await world.say("hello")
    await in_time("the reply", world.discord.until(lambda: len(room_texts(world)) == 2))
    why, answer = room_texts(world)
    assert "may not open threads" in why
    assert answer == "You said: hello"
    posted = [one for one in world.discord.read_room("general") if one.by_bot]
    assert {world.discord.message(one).message_reference["message_id"] for one in posted} == {said.id}
    world.discord.say_in("Bo", "what did I say?", reply_to=posted[1])
    await in_time("the next reply", world.discord.until(lambda: len(room_texts(world)) == 3))
    assert room_texts(world)[2] == "Before this you said:\n1. hello"
    assert {request.session for request in world.agent.requests} == {world.session_of(said)}
    assert len(await world.program.logged("thread.not_opened")) == 1


async def test_a_conversation_outside_of_threads_goes_on_after_a_restart(discord_world):
    world = discord_world
    world.discord.deny("general", "create_public_threads")
    await world.start()
    said = await world.say("hello")
    await in_time("the reply", world.discord.until(lambda: len(room_texts(world)) == 2))
    assert await world.program.terminate() == 0
    await world.restart()
    answer = next(one for one in world.discord.read_room("general") if one.text == "You said: hello")
    world.discord.say_in("Ada", "what did I say?", reply_to=answer)
    recalled = "Before this you said:\n1. hello"
    await in_time("the next reply", world.discord.until(lambda: recalled in room_texts(world)))
    assert {request.session for request in world.agent.requests} == {world.session_of(said)}


async def test_a_voice_channel_has_no_threads_and_is_answered_right_there(discord_world):
    world = discord_world
    world.discord.add_room("stage", kind="voice")
    await world.start()
    world.discord.say_in("Ada", "hello", room="stage", mention=True)
    await in_time("the reply", world.discord.until(lambda: len(room_texts(world, "stage")) == 2))
    assert room_texts(world, "stage") == [
        "This channel has no threads, so I answer right here. Reply to a message of mine to go on.",
        "You said: hello",
    ]


async def test_without_the_right_to_write_in_threads_it_replies_in_the_channel(discord_world):
    world = discord_world
    world.discord.deny("general", "send_messages_in_threads")
    await world.start()
    await world.say("hello")
    await in_time("the reply", world.discord.until(lambda: len(room_texts(world)) == 2))
    assert "may not write in threads" in room_texts(world)[0]
    assert room_texts(world)[1] == "You said: hello"


async def test_an_answer_for_a_locked_thread_is_kept_and_the_channel_is_told_once(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.agent.hold()
    await world.say("[[big:5000]]", said)
    await in_time("the turn", world.agent.wait_for_requests(2))
    world.discord.archive(said.thread, locked=True)
    world.agent.release()
    await world.program.logged("delivery.dead", 3)
    await world.ask("and elsewhere?")
    await world.end()
    assert len(room_texts(world)) == 1
    assert "I have an answer for" in room_texts(world)[0]
    assert world.sessions()[world.session_of(said)]["dead"] == 3


async def test_an_answer_for_a_deleted_thread_is_kept_and_the_channel_is_told_once(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.agent.hold()
    await world.say("[[big:5000]]", said)
    await in_time("the turn", world.agent.wait_for_requests(2))
    world.discord.delete_thread(said.thread)
    world.agent.release()
    await world.program.logged("delivery.dead", 3)
    await world.ask("and elsewhere?")
    await world.end()
    assert len(room_texts(world)) == 1
    assert "was deleted" in room_texts(world)[0]


async def test_a_question_deleted_before_its_answer_is_told_about_in_the_channel(discord_world):
    world = discord_world
    world.discord.faults.fail(OPENING, status=503, times=None)
    world.agent.hold()
    await world.start()
    said = await world.say("hello")
    await in_time("the turn", world.agent.wait_for_requests(1))
    assert said.id not in world.discord.guild.threads
    world.discord.delete(said)
    world.discord.faults.clear()
    world.agent.release()
    await world.program.logged("delivery.dead")
    assert "was deleted" in room_texts(world)[0]


async def test_a_deleted_channel_ends_its_answers_and_nothing_else(discord_world):
    world = discord_world
    world.discord.add_room("brief")
    await world.start()
    world.agent.hold()
    world.discord.say_in("Ada", "hello", room="brief", mention=True)
    await in_time("the turn", world.agent.wait_for_requests(1))
    world.discord.delete_room("brief")
    world.agent.release()
    dead = await world.program.logged("delivery.dead")
    assert "deleted" in dead[0]["reason"]
    await world.ask("still there?")


async def test_a_kick_ends_nothing_and_an_invitation_brings_it_back(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    direct = world.discord.say_direct("Bo", "[[sleep:1]] hello")
    world.discord.kick()
    await world.program.logged("guild.left")
    await world.until_answers(direct, 1)
    world.discord.invite_again()
    await world.ask("still there?", said)


async def test_many_threads_at_once_are_each_answered_in_their_own(discord_world):
    world = discord_world
    await world.start()
    threads = await asyncio.gather(*(world.say(f"thread {number}") for number in range(20)))
    for number, thread in enumerate(threads):
        assert await world.until_answers(thread, 1) == [f"You said: thread {number}"]
    for number, thread in enumerate(threads):
        await world.say(f"more {number}", thread)
    for number, thread in enumerate(threads):
        assert (await world.until_answers(thread, 2))[1] == f"You said: more {number} (message 2 of this session)"
    assert len({request.session for request in world.agent.requests}) == 20


async def test_a_message_that_is_taken_gets_a_sign_wherever_it_stands(discord_world):
    world = discord_world
    await world.start()
    asked = await world.say("[[sleep:1]] hello")
    await world.until_answers(asked, 1)
    told = await world.say("[[sleep:1]] more", asked)

    def signed(said):
        return world.discord.message(said).reactions.get("👀") == [world.discord.guild.bot.id]

    await in_time("both signs", world.platform.until(lambda: signed(asked) and signed(told)))
    await world.end()
