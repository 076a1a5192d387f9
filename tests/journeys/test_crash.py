"""SIGKILL at every stage: what was said is answered, what was answered is posted, nothing twice."""

import pytest

from tests.journeys.program import in_time


async def killed_while_its_turn_ran(world, on_unknown):
    """The thread of a turn in the middle of which the bridge was killed; the bridge runs again."""
    await world.start(instance={"on_unknown": on_unknown})
    said, _ = await world.ask("hello")
    world.agent.hold()
    await world.say("dangerous work", said)
    await world.agent.wait_for_requests(2)
    await world.program.kill()
    world.agent.release()
    await world.restart()
    return said


async def test_a_turn_cut_off_by_a_crash_is_not_run_again_but_its_thread_is_told(world):
    said = await killed_while_its_turn_ran(world, "ask")
    notice = (await world.until_answers(said, 2))[1]
    assert "nobody knows whether it finished" in notice
    assert "write `!retry`" in notice
    assert world.agent.received == 2
    _, answer = await world.ask("then again", said)
    assert answer.startswith("You said: then again")
    await world.end()
    assert len(world.answers(said)) == 3


async def test_a_turn_cut_off_by_a_crash_can_be_run_again(world):
    said = await killed_while_its_turn_ran(world, "retry")
    answer = (await world.until_answers(said, 2))[1]
    assert answer.startswith("You said: dangerous work")
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] dangerous work", "[Ada] dangerous work"]
    assert len(world.answers(said)) == 2


async def test_a_turn_cut_off_by_a_crash_can_be_dropped_and_its_thread_is_told(world):
    said = await killed_while_its_turn_ran(world, "drop")
    notice = (await world.until_answers(said, 2))[1]
    assert "dropped" in notice
    assert world.agent.received == 2


async def test_what_waited_behind_a_turn_cut_off_by_a_crash_is_answered(world):
    await world.start()
    world.agent.hold()
    said = await world.say("dangerous work")
    await world.agent.wait_for_requests(1)
    await world.say("and then this", said)
    await world.settled()
    await world.program.kill()
    world.agent.release()
    await world.restart()
    notice, answer = await world.until_answers(said, 2)
    assert "nobody knows whether it finished" in notice
    assert answer.startswith("You said: and then this")


async def test_an_answer_that_was_not_posted_before_a_crash_is_posted_after_it(world):
    await world.start()
    world.slack.refuse_posts(True)
    said = await world.say("hello")
    await world.until_posts(1)
    assert world.answers(said) == []
    await world.program.kill()
    world.slack.refuse_posts(False)
    await world.restart()
    assert await world.until_answers(said, 1) == ["You said: hello"]
    await world.end()
    assert world.agent.received == 1
    assert len(world.answers(said)) == 1


async def test_an_answer_that_was_posted_right_before_a_crash_is_found_and_not_posted_again(world):
    await world.start()
    world.slack.faults.delay("chat.postMessage", 60)
    said = await world.say("hello")
    await world.until_answers(said, 1)
    await world.program.kill()
    await world.restart()
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.ask("and?", said)
    await world.end()
    assert len(world.answers(said)) == 2
    assert [call.method for call in world.slack.calls].count("chat.postMessage") <= 2


@pytest.mark.parametrize("status", [None, 500], ids=["connection_closed", "http_500"])
async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(world, status):
    await world.start()
    world.slack.faults.lose_answer("chat.postMessage", status=status)
    said = await world.say("hello")
    assert (await world.program.logged("delivery.sent"))[0]["found"] is True
    await world.ask("and?", said)
    await world.end()
    assert len(world.answers(said)) == 2
    assert len(world.posts()) == 2


async def test_a_long_answer_cut_off_between_its_parts_goes_on_where_it_stopped(world):
    await world.start()
    whole = "All work and no play makes Jack a dull boy.\n" * 220
    world.slack.on_post(lambda _: world.slack.faults.delay("chat.postMessage", 60, times=None))
    said = await world.say(f"[[big:{len(whole)}]]")
    await world.until_answers(said, 2)
    await world.program.kill()
    world.slack.publisher.post_watchers.clear()
    world.slack.faults.clear()
    await world.restart()
    await world.until_answers(said, 3)
    await world.program.logged("delivery.sent", 2)
    await world.end()
    assert "".join(world.answers(said)) == whole
    assert world.agent.received == 1


async def test_what_was_said_while_the_bridge_was_down_is_answered_once(world):
    await world.start()
    said, _ = await world.ask("hello")
    direct = world.slack.say_direct("Bo", "hello")
    await world.until_answers(direct, 1)
    await world.program.kill()
    await world.say("are you there?", said)
    another = await world.say("and in a new thread?")
    world.slack.say_direct("Bo", "and here?", thread_ts=direct.id)
    await world.restart()
    await in_time("every answer", world.slack.until(lambda: len(world.bot_posts()) >= 5))
    await world.settled()
    await world.end()
    assert [len(world.answers(thread)) for thread in (said, another, direct)] == [2, 1, 2]
    assert world.agent.received == 5


async def test_after_many_crashes_everything_is_answered_exactly_once(world):
    await world.start(instance={"on_unknown": "retry"})
    threads = [await world.say(f"thread {number}") for number in range(8)]
    for number in range(3):
        await world.program.kill()
        for thread in threads:
            await world.say(f"after crash {number} [[sleep:0.01]]", thread)
        await world.restart()
        await world.until_answers(threads[number], 1)
    for thread in threads:
        await world.until_answers(thread, 4)
    await world.settled()
    await world.end()
    for number, thread in enumerate(threads):
        texts = [answer.removeprefix("You said: ").split(" (")[0] for answer in world.answers(thread)]
        assert texts == [f"thread {number}", *(f"after crash {crash} [[sleep:0.01]]" for crash in range(3))]
