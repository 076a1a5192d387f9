"""How the real discord.py comes back after its connection failed, and what it gets to hear."""

import asyncio

import aiohttp
import discord
import pytest

from adapters.discord.simulator import DiscordSimulator
from tests.discord_simulator.conftest import Bot, intents


async def test_a_broken_connection_is_resumed_with_nothing_lost(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.drop_connections()
    for number in range(5):
        simulator.say_in("Ada", str(number))
    assert [(await bot.next()).content for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert await bot.next_event() == "resumed"
    assert simulator.gateway.identifies == 1


async def test_a_reconnect_request_is_followed_with_nothing_lost(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.reconnect()
    simulator.say_in("Ada", "still there?")
    assert (await bot.next()).content == "still there?"
    assert await bot.next_event() == "resumed"
    assert simulator.gateway.connections_made == 2


async def test_a_session_that_is_invalid_for_a_moment_is_resumed(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.invalidate(resumable=True)
    assert await bot.next_event() == "resumed"
    assert simulator.gateway.identifies == 1


async def test_an_invalid_session_is_replaced_and_what_came_meanwhile_is_lost(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.invalidate(resumable=False)
    simulator.say_in("Ada", "nobody hears this")
    assert await bot.next_event() == "ready"
    simulator.say_in("Ada", "but this")
    assert (await bot.next()).content == "but this"
    assert simulator.gateway.identifies == 2


async def test_a_forgotten_session_is_replaced_after_the_connection_broke(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.forget_sessions()
    simulator.say_in("Ada", "the connection goes on")
    assert (await bot.next()).content == "the connection goes on"
    simulator.faults.drop_connections()
    simulator.say_in("Ada", "nobody hears this")
    assert await bot.next_event() == "ready"
    assert simulator.gateway.identifies == 2
    assert bot.messages.empty()


@pytest.mark.parametrize("code", [1000, 4000, 4008, 4009])
async def test_a_close_code_to_recover_from_is_recovered_from(simulator, connect, code):
    bot = await connect(simulator)
    simulator.faults.close(code)
    assert await bot.next_event() == "resumed"
    assert simulator.journal.close_codes == [code]


async def test_an_invalid_sequence_costs_the_session(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.close(4007)
    assert await bot.next_event() == "ready"
    assert simulator.gateway.identifies == 2


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013])
async def test_a_close_code_to_give_up_on_ends_the_client(simulator, aim, code):
    aim(simulator)
    simulator.faults.close_next(code)
    async with Bot() as bot:
        with pytest.raises(discord.ConnectionClosed) as closed:
            await bot.start(simulator.token)
    assert closed.value.code == code


async def test_an_intent_that_is_not_enabled_ends_the_client(aim):
    async with DiscordSimulator(message_content=False) as simulator:
        aim(simulator)
        async with Bot() as bot:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await bot.start(simulator.token)


async def test_without_the_message_content_intent_mentions_can_still_be_read(connect):
    async with DiscordSimulator(message_content=False, rate_limits=False) as simulator:
        without = intents()
        without.message_content = False
        bot = await connect(simulator, intents=without)
        simulator.say_in("Ada", "among us")
        await simulator.say("Ada", "for you")
        assert [(await bot.next()).content for _ in range(2)] == ["", f"<@{simulator.bot.id}> for you"]


async def test_a_refused_gateway_is_tried_again(simulator, aim):
    aim(simulator)
    async with Bot() as bot:
        simulator.faults.refuse_gateway()
        with pytest.raises(AttributeError):
            # discord.py asks its missing connection for a session to resume
            await bot.start(simulator.token)
    async with Bot() as bot:
        running = asyncio.create_task(bot.start(simulator.token))
        assert await bot.next_event() == "ready"
        await bot.close()
        await running


async def test_a_malformed_event_ends_the_client(simulator, aim):
    aim(simulator)
    async with Bot() as bot:
        running = asyncio.create_task(bot.start(simulator.token))
        await bot.next_event()
        simulator.faults.malformed_dispatch()
        with pytest.raises(KeyError):
            await running


async def test_rubbish_ends_the_client(simulator, aim):
    aim(simulator)
    async with Bot() as bot:
        running = asyncio.create_task(bot.start(simulator.token))
        await bot.next_event()
        simulator.faults.malformed_dispatch(text="{rubbish")
        with pytest.raises(ValueError, match="Expecting property name"):
            await running


async def test_a_deaf_connection_is_cured_by_a_new_one(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.deaf = True
    simulator.say_in("Ada", "can you hear me?")
    await simulator.settled()
    assert bot.messages.empty()
    simulator.faults.drop_connections()
    assert (await bot.next()).content == "can you hear me?"


async def test_two_thousand_messages_over_two_hundred_threads_arrive_in_order(simulator, connect):
    threads = [simulator.open_thread("Ada", str(number)) for number in range(200)]
    bot = await connect(simulator)
    for number in range(2000):
        simulator.say_in("Ada", str(number), thread=threads[number % 200])
    await simulator.settled()
    assert [(await bot.next()).content for _ in range(2000)] == [str(number) for number in range(2000)]


async def test_a_session_hears_nothing_of_what_was_dropped(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.drop_events()
    lost = simulator.say_in("Ada", "lost")
    simulator.say_in("Ada", "heard")
    assert (await bot.next()).content == "heard"
    assert simulator.journal.dropped == [lost.id]
    room = bot.get_channel(int(simulator.room("general").id))
    assert [message.content async for message in room.history()] == ["heard", "lost"]


async def test_a_duplicated_event_arrives_twice(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.duplicate_events()
    simulator.say_in("Ada", "twice")
    simulator.say_in("Ada", "once")
    assert [(await bot.next()).content for _ in range(3)] == ["twice", "twice", "once"]


async def test_a_blackout_ends_and_nothing_is_lost(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.blackout = True
    assert simulator.gateway.ready() == []
    simulator.say_in("Ada", "in the dark")
    room = bot.get_channel(int(simulator.room("general").id))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await room.send("anyone?")
    simulator.faults.blackout = False
    assert (await bot.next()).content == "in the dark"
