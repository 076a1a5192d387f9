"""Many at once: new threads, messages in one new thread, and more turns than the gateway runs at once."""

import asyncio

import pytest

from tests.openclaw.gateway import AT_ONCE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]


async def test_new_threads_at_once_get_each_its_own_answer(world):
    await world.start()
    threads = [await world.say(f"thread {number}", person=f"Person {number}") for number in range(8)]
    for number, thread in enumerate(threads):
        assert await world.until_answers(thread, 1) == [f"You said: thread {number}"]
    await world.end()
    assert len(world.agent.requests) == 8


async def test_messages_at_once_in_one_new_thread_are_all_answered_in_order(world):
    await world.start()
    first = await world.say("0")
    for number in range(1, 6):
        await world.say(str(number), first, person="Ada" if number % 2 else "Bo")
    answers = await world.until_answers(first, 6)
    assert [answer.split()[2] for answer in answers] == ["0", "1", "2", "3", "4", "5"]
    _, answer = await world.ask("what did I say?", first)
    await world.end()
    assert answer == "Before this you said:\n1. 0\n2. 1\n3. 2\n4. 3\n5. 4\n6. 5"
    assert len(world.agent.requests) == 7


async def test_more_turns_than_the_gateway_runs_at_once_are_all_answered(world):
    await world.start(instance={"concurrency": 3 * AT_ONCE})
    world.model.hold()
    threads = [await world.say(f"thread {number}") for number in range(2 * AT_ONCE)]
    await world.settled()
    await asyncio.wait_for(world.model.until(lambda model: model.running == AT_ONCE), world.patience)
    world.model.release()
    for number, thread in enumerate(threads):
        assert await world.until_answers(thread, 1) == [f"You said: thread {number}"]
    await world.end()
    assert world.model.most == AT_ONCE
    assert len(world.agent.requests) == 2 * AT_ONCE
