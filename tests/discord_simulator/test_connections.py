"""Several gateway sessions of one bot at once, without shards: each is told everything.

https://docs.discord.com/developers/events/gateway#sharding: "You can establish multiple sessions with the same
`[shard_id, num_shards]`".
"""

import asyncio

import discord
from discord import app_commands

from adapters.discord.simulator import DiscordSimulator
from tests.discord_simulator.conftest import Bot, error


async def test_two_processes_are_both_told_what_was_said_and_each_others_posts(simulator, connect):
    first, second = await connect(simulator), await connect(simulator)
    await simulator.connected(count=2)
    said = await simulator.say("Ada", "hello, both of you")
    asked = [await bot.next() for bot in (first, second)]
    assert [str(message.id) for message in asked] == [said.id] * 2
    answer = await asked[0].reply("hello")
    assert [(await bot.next()).id for bot in (first, second)] == [answer.id] * 2
    assert simulator.gateway.identifies == 2
    assert simulator.gateway.session_starts_left == 998


async def test_both_are_given_an_interaction_and_only_one_can_answer_it(simulator, connect):
    refused: asyncio.Queue[discord.HTTPException] = asyncio.Queue()
    bots = [await connect(simulator), await connect(simulator)]
    for bot in bots:
        tree = app_commands.CommandTree(bot)

        @tree.command(description="asks")
        async def ask(interaction: discord.Interaction) -> None:
            try:
                await interaction.response.send_message("here you are")
            except discord.HTTPException as failed:
                await refused.put(failed)

    used = simulator.interact("Ada", "ask")
    failed = await asyncio.wait_for(refused.get(), 10)
    assert (failed.status, failed.code) == (400, 40060)
    assert len(used.response) == 1
    assert [said.text for said in simulator.read_room("general")] == ["here you are"]


async def test_an_answer_of_one_is_edited_by_the_other_that_knows_its_token(simulator, wire, rest):
    first, second = await wire(simulator), await wire(simulator)
    simulator.interact("Ada", "ask")
    used = await first.event("INTERACTION_CREATE")
    assert used == await second.event("INTERACTION_CREATE")
    path = f"/interactions/{used['id']}/{used['token']}/callback"
    assert (await rest("POST", path, {"type": 5}))[0] == 204
    assert await error(rest, "POST", path, {"type": 5}) == (400, 40060)
    original = f"/webhooks/{used['application_id']}/{used['token']}/messages/@original"
    assert (await rest("PATCH", original, {"content": "here you are"}))[0] == 200


async def test_the_second_of_two_that_start_at_once_comes_in_five_seconds_later(aim):
    async with DiscordSimulator(rate_limits=False, max_concurrency=1) as simulator:
        aim(simulator)
        bots = [AsTheLibraryDoes(), AsTheLibraryDoes()]
        running = [asyncio.create_task(bot.start(simulator.token)) for bot in bots]
        await asyncio.wait_for(simulator.connected(count=2), 15)
        assert simulator.gateway.identifies == 2
        assert simulator.gateway.connections_made == 3
        said = await simulator.say("Ada", "hello, both of you")
        assert [str((await bot.next()).id) for bot in bots] == [said.id] * 2
        for bot in bots:
            await bot.close()
        await asyncio.gather(*running)


class AsTheLibraryDoes(Bot):
    """Waits before it identifies again, which discord.py does by itself."""

    before_identify_hook = discord.Client.before_identify_hook


async def test_one_that_sends_no_heartbeats_is_closed_and_the_other_goes_on(wire):
    async with DiscordSimulator(rate_limits=False, heartbeat_interval=0.3) as simulator:
        stopped, awake = await wire(simulator), await wire(simulator)
        beating = asyncio.create_task(beat(awake))
        assert await stopped.closed() == 4009
        said = await simulator.say("Ada", "still there?")
        assert (await awake.event("MESSAGE_CREATE"))["id"] == said.id
        again = await wire(simulator, None)
        await again.resume(stopped.ready["session_id"], stopped.seq)
        assert (await again.event("MESSAGE_CREATE"))["id"] == said.id
        beating.cancel()


async def beat(wire):
    while True:
        await wire.send(1, wire.seq)
        await asyncio.sleep(0.1)


async def test_a_session_stays_with_its_process_when_that_loses_its_connection(simulator, wire):
    lost, kept = await wire(simulator), await wire(simulator)
    simulator.faults.drop_connections(only=0)
    said = await simulator.say("Ada", "who heard this?")
    assert (await kept.event("MESSAGE_CREATE"))["id"] == said.id
    again = await wire(simulator, None)
    await again.resume(lost.ready["session_id"], lost.seq)
    assert await again.names("RESUMED") == ["MESSAGE_CREATE", "RESUMED"]
    await kept.quiet()


async def test_what_happens_to_one_connection_does_not_happen_to_the_other(simulator, wire):
    one, kept = await wire(simulator), await wire(simulator)
    simulator.faults.reconnect(only=0)
    assert await one.take() == {"op": 7, "d": None}
    simulator.faults.invalidate(False, only=0)
    assert await one.take() == {"op": 9, "d": False}
    simulator.faults.close(4000, only=0)
    assert await one.closed() == 4000
    await kept.quiet()
    await simulator.connected(count=1)
    assert len(simulator.gateway.sessions.by_id) == 1


async def test_many_sessions_are_waited_for(simulator, wire):
    waiting = asyncio.create_task(simulator.connected(count=2))
    wires = [await wire(simulator)]
    await simulator.connected()
    assert not waiting.done()
    wires.append(await wire(simulator))
    await asyncio.wait_for(waiting, 5)
