"""Several sockets of one app at once: who is given what, and what becomes of it where a client does not answer."""

import asyncio
import random

import aiohttp

from adapters.slack.simulator import SlackSimulator
from tests.slack_simulator.test_socket_mode import open_socket, take


async def test_a_mentions_two_events_go_to_two_processes(simulator, connect):
    first = await connect(simulator)
    second = await connect(simulator)
    await simulator.connected(count=2)
    said = simulator.say_in("Ada", "hello", mention=True)
    events = [await first.next(), await second.next()]
    assert sorted(event["type"] for event in events) == ["app_mention", "message"]
    assert {event["ts"] for event in events} == {said.id}
    await simulator.settled()


async def test_what_one_process_does_not_acknowledge_in_time_is_given_to_another_as_a_retry(impatient, session):
    silent, awake = await open_socket(impatient, session), await open_socket(impatient, session)
    said = [impatient.say_in("Ada", text) for text in ("one", "two")]
    received = [await take(awake), await take(awake)]
    await impatient.settled()
    assert sorted(each["payload"]["event"]["ts"] for each in received) == [each.id for each in said]
    assert sorted(each["retry_attempt"] for each in received) == [0, 1]
    missed = await take(silent, ack=False)
    assert missed["payload"] in [each["payload"] for each in received]
    assert not silent.closed


async def test_an_acknowledgement_after_the_retry_changes_nothing(impatient, session):
    late, awake = await open_socket(impatient, session), await open_socket(impatient, session)
    for text in ("one", "two"):
        impatient.say_in("Ada", text)
    await take(awake)
    await take(awake)
    await impatient.settled()
    await take(late)
    impatient.say_in("Ada", "three")
    impatient.say_in("Ada", "four")
    await take(late)
    await take(awake)
    await impatient.settled()
    assert (impatient.journal.acked, impatient.journal.dropped) == (4, [])


async def test_a_client_that_reads_nothing_at_all_holds_up_nobody_else(session):
    simulator = SlackSimulator(rate_limits=False)
    simulator.sockets.ping_interval = 0.01
    async with simulator:
        silent = await open_socket(simulator, session)
        awake = await open_socket(simulator, session, autoping=False)
        for _ in range(400):
            simulator.say_in("Ada", "x" * 30_000)
        events = pings = 0
        while events < 200 or pings < 50:
            message = await awake.receive(timeout=5)
            events += message.type is aiohttp.WSMsgType.TEXT
            pings += message.type is aiohttp.WSMsgType.PING and events >= 200
        assert not silent.closed


async def test_by_chance_a_retry_may_go_where_nobody_answered_before(session):
    chance = random.Random(3)
    async with SlackSimulator(ack_timeout=0.05, retry_schedule=(0.0,) * 3, chance=chance) as simulator:
        silent, awake = await open_socket(simulator, session), await open_socket(simulator, session)
        for number in range(10):
            simulator.say_in("Ada", str(number))
        missed = []
        reading = [asyncio.create_task(_acknowledge_all(awake)), asyncio.create_task(_read_all(silent, missed))]
        await simulator.until(lambda: simulator.transport.unacked() == 0)
        for each in reading:
            each.cancel()
    attempts = [each["payload"]["event_id"] for each in missed]
    assert len(attempts) > len(set(attempts))
    assert simulator.journal.acked + len(simulator.journal.dropped) == 10


async def _acknowledge_all(socket):
    while True:
        await take(socket)


async def _read_all(socket, into):
    while True:
        into.append(await take(socket, ack=False))


async def test_a_press_is_given_to_one_process_and_to_no_other_when_that_does_not_answer(impatient, session):
    silent, awake = await open_socket(impatient, session), await open_socket(impatient, session)
    reading = asyncio.create_task(_acknowledge_all(awake))
    answered = [await impatient.sockets.interact("{}") for _ in range(2)]
    reading.cancel()
    assert sorted(answered) == [False, True]
    assert (await take(silent, ack=False))["type"] == "interactive"


async def test_one_of_two_connections_breaks_or_is_asked_to_go_and_the_other_goes_on(simulator, session):
    first, second, third = [await open_socket(simulator, session) for _ in range(3)]
    simulator.faults.close_sockets(only=0)
    await first.receive(timeout=5)
    assert first.closed
    simulator.sockets.disconnect(only=1)
    assert (await third.receive_json(timeout=5))["reason"] == "refresh_requested"
    said = [simulator.say_in("Ada", text) for text in ("one", "two")]
    received = [await take(second), await take(second)]
    assert [each["payload"]["event"]["ts"] for each in received] == [each.id for each in said]
    await simulator.settled()


async def test_many_connections_are_waited_for(simulator, session):
    waiting = asyncio.create_task(simulator.connected(count=2))
    sockets = [await open_socket(simulator, session)]
    await simulator.connected()
    assert not waiting.done()
    sockets.append(await open_socket(simulator, session))
    await asyncio.wait_for(waiting, 5)
