"""A post that the bridge does not know the fate of is shown once on Discord, however long the bridge was down."""

import pytest

from tests.journeys.program import in_time
from tests.journeys.test_discord_posting import POSTING, room_texts

PART = "All work and no play makes Jack a dull boy.\n" * 45  # what fits into one message


@pytest.fixture
async def world(make_discord_world):
    """A Discord that refuses no repeated post: so it is some minutes later."""
    return await make_discord_world(nonce_seconds=0.0)


def delay_every_post_after_the_next(world):
    world.discord.on_post(lambda _: world.discord.faults.delay(POSTING, 60, times=None))


async def killed_and_run_again(world):
    await world.program.kill()
    world.discord.publisher.post_watchers.clear()
    world.discord.faults.clear()
    world.discord.refuse_posts(False)
    await world.restart()


async def test_a_kill_between_the_post_and_its_entry_shows_it_once(world):
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.delay(POSTING, 60)
    await world.say("and?", said)
    await world.until_answers(said, 2)
    await killed_and_run_again(world)
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.ask("there?", said)
    await world.end()
    assert [answer.split(" (")[0] for answer in world.answers(said)] == [
        "You said: hello", "You said: and?", "You said: there?",
    ]  # fmt: skip


@pytest.mark.parametrize("posted", [True, False], ids=["posted", "not_posted"])
async def test_two_answers_alike_are_both_shown_whatever_became_of_the_second(world, posted):
    await world.start()
    said, answer = await world.ask("[[big:11]]")
    await world.program.logged("delivery.sent")
    before = len(world.posts())
    if posted:
        world.discord.faults.delay(POSTING, 60)
    else:
        world.discord.refuse_posts(True)
    await world.say("[[big:11]] again", said)
    await (world.until_answers(said, 2) if posted else world.until_posts(before + 1))
    await killed_and_run_again(world)
    assert (await world.program.logged("delivery.sent"))[0]["found"] is posted
    await world.ask("there?", said)
    await world.end()
    assert world.answers(said)[:-1] == [answer, answer]


async def test_the_parts_of_an_answer_that_are_alike_are_each_shown_once(world):
    await world.start()
    said = await world.say(f"[[big:{len(PART) * 4}]]")
    delay_every_post_after_the_next(world)
    await world.until_answers(said, 2)
    await killed_and_run_again(world)
    found = [line["found"] for line in await world.program.logged("delivery.sent", 3)]
    assert found == [True, False, False]
    await world.end()
    assert world.answers(said) == [PART.strip()] * 4


async def test_an_answer_in_the_channel_is_shown_once(world):
    world.discord.deny("general", "create_public_threads")
    await world.start()
    delay_every_post_after_the_next(world)  # the next says why
    await world.say("hello")
    await in_time("the reply", world.discord.until(lambda: "You said: hello" in room_texts(world)))
    await killed_and_run_again(world)
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.end()
    assert room_texts(world).count("You said: hello") == len(room_texts(world)) - 1 == 1


async def test_an_answer_in_a_direct_conversation_is_shown_once(world):
    await world.start()
    world.discord.faults.delay(POSTING, 60)
    said = world.discord.say_direct("Ada", "hello")
    await world.until_answers(said, 1)
    await killed_and_run_again(world)
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.end()
    assert world.answers(said) == ["You said: hello"]


@pytest.mark.parametrize(
    ("fault", "options"), [("fail", {"status": 503}), ("garbage", {})], ids=["http_503", "garbage"]
)
async def test_nothing_is_repeated_while_the_history_cannot_be_read(world, fault, options):
    await world.start()
    world.discord.faults.delay(POSTING, 60)
    said = await world.say("hello")
    await world.until_answers(said, 1)
    await world.program.kill()
    world.discord.faults.clear()
    getattr(world.discord.faults, fault)("messages.list", **options, times=None)
    await world.restart()
    await world.program.logged("delivery.retried")
    world.discord.faults.clear()
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.end()
    assert world.answers(said) == ["You said: hello"]


async def test_a_post_in_doubt_whose_thread_was_deleted_meanwhile_holds_up_nothing(world):
    await world.start()
    world.discord.faults.delay(POSTING, 60)
    said = await world.say("hello")
    await world.until_answers(said, 1)
    await world.program.kill()
    world.discord.delete_thread(said.thread)
    world.discord.delete(said)
    world.discord.faults.clear()
    await world.restart()
    await world.program.logged("delivery.dead")
    assert "was deleted" in room_texts(world)[0]
    await world.ask("and elsewhere?")


async def test_without_the_history_discord_itself_refuses_the_repetition_for_some_minutes(make_discord_world):
    world = await make_discord_world()
    world.discord.deny("general", "read_message_history")
    await world.start()
    world.discord.faults.delay(POSTING, 60)
    said = await world.say("hello")
    await world.until_answers(said, 1)
    await killed_and_run_again(world)
    assert (await world.program.logged("delivery.sent"))[0]["found"] is False
    await world.end()
    assert world.answers(said) == ["You said: hello"]
