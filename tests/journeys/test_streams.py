"""The answer as Slack's own streams show it, bit by bit."""

import pytest

from tests.journeys.program import in_time
from tests.journeys.test_preview import SLOW, until_shown, whole


def calls(world, *methods):
    """How often the bridge called these."""
    return [sum(call.method == method for call in world.platform.calls) for method in methods]


async def until_whole(world, said):
    await in_time("the whole answer", world.platform.until(lambda: world.answers(said) == [whole(60)]))


@pytest.mark.parametrize("place", ["channel", "direct"])
async def test_a_slow_answer_is_written_bit_by_bit_and_ends_as_one_message_with_the_exact_text(world, place):
    seen = []
    await world.start()
    world.platform.watch(lambda said: seen.append(said) if said.by_bot else None)
    said = await world.say(SLOW) if place == "channel" else world.slack.say_direct("Ada", SLOW)
    await until_whole(world, said)
    await world.end()
    assert world.answers(said) == [whole(60)]
    texts = [one.text for one in seen]
    assert len(texts) >= 4
    assert all(whole(60).startswith(text) for text in texts)
    assert texts == sorted(texts, key=len)
    assert calls(world, "chat.startStream", "chat.stopStream", "chat.update", "chat.postMessage") == [1, 1, 1, 0]
    assert calls(world, "chat.appendStream")[0] >= 2


async def test_a_stream_that_slack_ends_goes_on_by_edits_and_the_exact_text_stands_there_once(world):
    await world.start()
    said = await world.say(SLOW)
    await until_shown(world, said)
    world.slack.end_streams()
    grown = world.platform.until(lambda: any(text.endswith(" …") for text in world.answers(said)))
    await in_time("an edit", grown)
    await until_whole(world, said)
    await world.end()
    assert world.answers(said) == [whole(60)]
    assert calls(world, "chat.startStream", "chat.postMessage") == [1, 0]


async def test_a_stream_that_slack_ends_unseen_is_replaced_by_the_exact_text(world):
    await world.start()
    said = await world.say(SLOW)
    await until_shown(world, said)
    world.platform.faults.refuse("chat.appendStream", "message_not_in_streaming_state", times=None)
    world.platform.faults.refuse("chat.stopStream", "message_not_in_streaming_state", times=None)
    world.slack.end_streams()
    await until_whole(world, said)
    await world.end()
    assert world.answers(said) == [whole(60)]


@pytest.mark.parametrize("error", ["unknown_method", "missing_scope", "channel_type_not_supported"])
async def test_where_slack_refuses_streams_the_answer_is_posted_and_edited(world, error):
    await world.start()
    world.platform.faults.refuse("chat.startStream", error, times=None)
    said = await world.say(SLOW)
    await until_whole(world, said)
    assert calls(world, "chat.postMessage", "chat.startStream") == [1, 1]
    assert calls(world, "chat.update")[0] >= 2
    await world.end()


async def test_a_stream_that_was_open_when_the_process_died_is_ended_and_replaced(world):
    await world.start()
    said = await world.say(SLOW)
    await until_shown(world, said)
    await world.program.kill()
    await world.restart()
    await world.program.logged("delivery.sent")
    await world.end()
    (answer,) = world.answers(said)
    assert "nobody knows whether it finished" in answer
    assert calls(world, "chat.stopStream", "chat.postMessage") == [1, 0]


@pytest.mark.parametrize("trouble", ["killed", "unanswered"])
async def test_a_stream_of_which_nobody_was_told_is_found_and_replaced(world, trouble):
    await world.start()
    if trouble == "killed":
        world.platform.faults.delay("chat.startStream", 60)
    else:
        world.platform.faults.lose_answer("chat.startStream")
    said = await world.say(SLOW)
    await until_shown(world, said)
    if trouble == "killed":
        await world.program.kill()
        await world.restart()
        gone = world.platform.until(lambda: any("nobody knows" in text for text in world.answers(said)))
        await in_time("the notice", gone)
    else:
        await until_whole(world, said)
    await world.end()
    assert len(world.answers(said)) == 1


async def test_while_the_agent_works_the_thread_shows_that_and_afterwards_no_more(world):
    await world.start()
    said = await world.say("[[sleep:1]] hello")
    place = tuple(said.thread.split("/"))
    shown = world.platform.until(lambda: place in world.slack.workspace.statuses)
    await in_time("the status", shown)
    await world.until_answers(said, 1)
    await in_time("the end of the status", world.platform.until(lambda: not world.slack.workspace.statuses))
    await world.end()
    assert world.answers(said) == ["You said: [[sleep:1]] hello"]


async def test_what_the_agent_is_doing_is_a_status_and_no_message(world):
    await world.start()
    said = await world.say("[[tool:get_weather]] [[sleep:1]] hello")
    statuses = world.slack.workspace.statuses
    shown = world.platform.until(lambda: any("using get_weather" in status for status in statuses.values()))
    await in_time("the status", shown)
    await world.until_answers(said, 1)
    await world.end()
    assert world.answers(said) == ["You said: [[tool:get_weather]] [[sleep:1]] hello"]


async def test_a_message_that_is_taken_gets_a_sign(world):
    await world.start()
    said = await world.say("[[sleep:1]] hello")
    reacted = world.platform.until(lambda: "eyes" in world.slack.message(said).reactions)
    await in_time("the reaction", reacted)
    await world.end()


async def test_without_the_right_to_react_everything_else_goes_on(make_world):
    world = await make_world(scopes=["chat:write", "channels:history", "users:read"])
    await world.start()
    _, answer = await world.ask("[[sleep:1]] hello")
    assert answer == "You said: [[sleep:1]] hello"
    await world.end()
