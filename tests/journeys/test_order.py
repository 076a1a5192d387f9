"""One turn at a time and in order within a session; sessions do not wait for each other."""

import asyncio


async def test_a_threads_messages_are_answered_in_order_and_one_at_a_time(world):
    await world.start()
    said, _ = await world.ask("0")
    for number in range(1, 6):
        await world.say(f"{number} [[sleep:0.02]]", said, person="Ada" if number % 2 else "Bo")
    answers = await world.until_answers(said, 6)
    assert [int(answer.split()[2]) for answer in answers] == list(range(6))
    assert [request.input.split()[1] for request in world.agent.requests] == ["0", "1", "2", "3", "4", "5"]
    assert world.agent.overlaps == 0


async def test_messages_that_come_while_the_bot_is_away_are_answered_in_their_order(world):
    await world.start()
    said, _ = await world.ask("0")
    await world.program.kill()
    for number in range(1, 5):
        await world.say(str(number), said)
    await world.restart()
    answers = await world.until_answers(said, 5)
    assert [answer.split()[2] for answer in answers] == ["0", "1", "2", "3", "4"]


async def test_a_second_message_waits_while_the_first_is_running(world):
    await world.start()
    world.agent.hold()
    said = await world.say("first")
    await world.agent.wait_for_requests(1)
    await world.say("second", said)
    await world.settled()
    assert world.agent.received == 1
    world.agent.release()
    assert [answer.split(" (")[0] for answer in await world.until_answers(said, 2)] == [
        "You said: first",
        "You said: second",
    ]


async def test_a_thread_whose_agent_hangs_does_not_hold_up_another_one(world):
    await world.start(bridge={"drain": 0})
    stuck = await world.say("[[hang]]")
    await world.agent.wait_for_requests(1)
    _, answer = await world.ask("anybody there?")
    assert answer == "You said: anybody there?"
    assert world.answers(stuck) == []


async def test_not_more_turns_run_at_once_than_the_instance_takes(world):
    await world.start(instance={"concurrency": 2})
    world.agent.hold()
    threads = [await world.say(f"thread {number}") for number in range(6)]
    await world.settled()
    await world.agent.wait_for_requests(2)
    assert world.agent.received == 2
    world.agent.release()
    await asyncio.gather(*(world.until_answers(thread, 1) for thread in threads))
    requests = world.agent.requests
    at_once = [sum(other.started <= one.started < (other.finished or 0) for other in requests) for one in requests]
    assert max(at_once) == 2


async def test_many_threads_of_many_people_get_each_its_own_answers(world):
    await world.start()
    threads = [await world.say(f"thread {number}", person=f"Person {number}") for number in range(30)]
    for number, thread in enumerate(threads):
        await world.say(f"again {number}", thread, person=f"Person {number + 1}")
    for number, thread in enumerate(threads):
        assert await world.until_answers(thread, 2) == [
            f"You said: thread {number}",
            f"You said: again {number} (message 2 of this session)",
        ]
    assert world.agent.overlaps == 0
    assert all(one["turns"] == 2 for one in world.sessions().values())
