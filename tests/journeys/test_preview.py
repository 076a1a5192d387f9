"""The answer as it grows, as people see it in the thread."""

import pytest

from tests.journeys.program import in_time

SLOW = "[[drip:60:0.1]]"  # a word every tenth of a second, for six seconds
POST, EDIT = (
    {"slack": "chat.postMessage", "discord": "messages.create"},
    {"slack": "chat.update", "discord": "message.edit"},
)


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms, where what grows is edited."""
    if request.param == "discord":
        return await make_discord_world()
    world = await make_world()
    world.channel_options = {"streaming": "edits"}
    return world


def whole(words):
    return f"You said: {SLOW}" + "".join(f" w{number}" for number in range(words))


async def until_shown(world, said):
    """What is on screen of the answer, once there is something."""
    return (await world.until_answers(said, 1))[-1]


async def test_a_slow_answer_grows_in_the_thread_and_ends_as_one_message_with_the_exact_text(either):
    world, seen = either, []
    await world.start()
    world.platform.watch(lambda said: seen.append(said.text) if said.by_bot else None)
    said = await world.say(SLOW)
    await in_time("the whole answer", world.platform.until(lambda: world.answers(said) == [whole(60)]))
    await world.end()
    assert world.answers(said) == [whole(60)]
    growing = [text for text in seen[:-1] if text.endswith(" …")]
    assert len(growing) >= 2
    assert all(whole(60).startswith(text.removesuffix(" …")) for text in growing)
    assert [len(text) for text in growing] == sorted({len(text) for text in growing})


async def test_a_preview_that_was_on_screen_when_the_process_died_is_replaced(either):
    world = either
    await world.start()
    said = await world.say(SLOW)
    assert (await until_shown(world, said)).endswith(" …")
    await world.program.kill()
    await world.restart()
    (line,) = await world.program.logged("delivery.sent")
    assert line["found"] is True
    await world.end()
    (answer,) = world.answers(said)
    assert "nobody knows whether it finished" in answer


async def test_a_preview_whose_post_was_cut_off_by_a_crash_is_replaced(either):
    world = either
    source = world.platform.source
    await world.start()
    world.platform.faults.delay(POST[source], 60)
    said = await world.say(SLOW)
    await until_shown(world, said)
    await world.program.kill()
    await world.restart()
    await in_time(
        "the notice", world.platform.until(lambda: any("nobody knows" in text for text in world.answers(said)))
    )
    await world.end()
    assert len(world.answers(said)) == 1


async def test_an_answer_whose_edits_are_refused_arrives_all_the_same(either):
    world = either
    await world.start()
    world.platform.faults.fail(EDIT[world.platform.source], status=500, times=3)
    world.platform.faults.rate_limit(EDIT[world.platform.source], retry_after=1)
    said = await world.say(SLOW)
    await in_time("the whole answer", world.platform.until(lambda: world.answers(said) == [whole(60)]))
    await world.end()
    assert world.answers(said) == [whole(60)]


async def test_an_answer_whose_preview_somebody_deleted_is_posted_anew(discord_world):
    world = discord_world
    await world.start()
    said = await world.say(SLOW)
    await until_shown(world, said)
    (shown,) = [one for one in world.platform.read(said.thread) if one.by_bot]
    world.discord.delete(shown)
    await in_time("the whole answer", world.platform.until(lambda: world.answers(said) == [whole(60)]))
    await world.end()


async def test_a_quick_answer_is_posted_once_and_not_edited(either):
    world = either
    await world.start()
    _, answer = await world.ask("hello")
    await world.end()
    assert answer == "You said: hello"
    assert [
        call for call in world.platform.calls if EDIT[world.platform.source] in (call.method, getattr(call, "name", ""))
    ] == []
