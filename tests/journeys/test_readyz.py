"""/readyz says which channel is connected, which is admitting, and why not."""

import asyncio
import sqlite3

import pytest

from tests.journeys.program import eventually

HTTP = {"http": "127.0.0.1:0"}
HEARS = {"connected": True, "admitting": True, "problem": None}


@pytest.fixture(params=["slack", "discord"])
async def any_world(request, make_world, make_discord_world):
    return await (make_world() if request.param == "slack" else make_discord_world())


async def ready(world, expected, *, within=25):
    """What /readyz says of the only channel, once its status is that, which has to be so within so many seconds."""

    async def look():
        status, body = await world.get("/readyz")
        assert body["ready"] is (status == 200)
        return body["channels"][world.platform.source] if (status == 200) is expected else None

    async with asyncio.timeout(within):
        return await eventually(f"readyz {expected}", look)


async def problem(world, words):
    """What /readyz says of the only channel, once its problem has these words."""

    async def look():
        channel = (await world.get("/readyz"))[1]["channels"][world.platform.source]
        return channel if words in (channel["problem"] or "") else None

    return await eventually(f"problem: {words}", look)


async def test_a_channel_that_hears_is_connected_and_admitting(any_world):
    world = any_world
    await world.start(bridge=HTTP)
    assert await ready(world, True) == HEARS


async def test_a_deaf_channel_is_connected_and_not_admitting_until_it_hears_again(any_world):
    world = any_world
    await world.start(bridge=HTTP)
    said, _ = await world.ask("hello")
    world.platform.faults.deaf = True
    await world.ask("can you hear me?", said)  # perhaps the first look after the start still finds this one
    await world.say("and this?", said)
    seen = await ready(world, False, within=20)
    assert seen["admitting"] is False
    assert seen["problem"] in {
        "its connection is open but brings nothing; it is being replaced",
        "its connection was lost; a new one is being made",
    }
    world.platform.faults.deaf = False
    assert await ready(world, True) == HEARS


async def test_the_connection_in_place_of_a_deaf_one_is_admitting_soon_although_the_history_cannot_be_read(any_world):
    world = any_world
    await world.start(bridge=HTTP)
    said, _ = await world.ask("hello")
    world.platform.faults.deaf = True
    await world.ask("can you hear me?", said)  # perhaps the first look after the start still finds this one
    await world.say("and this?", said)
    await world.program.logged("channel.deaf")
    for name in ("users.conversations", "messages.list", "threads.active"):
        world.platform.faults.fail(name, status=503, times=None)
    assert (await ready(world, True))["admitting"]


async def test_a_channel_that_is_away_says_so_and_is_ready_when_it_is_back(any_world):
    world = any_world
    world.may_break = True
    await world.start(bridge=HTTP)
    await ready(world, True)
    world.platform.faults.blackout = True
    away = {"connected": False, "admitting": False, "problem": "its connection was lost; a new one is being made"}
    assert await ready(world, False, within=20) == away
    world.platform.faults.blackout = False
    assert (await ready(world, True))["admitting"]


async def test_a_start_without_the_platform_gives_its_reason(any_world):
    world = any_world
    for name in ("auth.test", "users.me"):
        world.platform.faults.fail(name, status=503, times=None)
    world.configure(bridge=HTTP)
    await world.program.start()
    seen = await problem(world, "503")
    assert (seen["connected"], seen["admitting"]) == (False, False)
    world.platform.faults.clear()
    assert await ready(world, True) == HEARS


async def test_a_token_that_is_revoked_before_it_connects_is_named_without_the_token(world):
    world.slack.faults.fail("auth.test", status=503, times=1)
    world.slack.faults.refuse("auth.test", "token_revoked", times=None)
    world.configure(bridge=HTTP)
    await world.program.start()
    seen = await problem(world, "token_revoked")
    assert seen["problem"].startswith("channels.slack.bot_token: Slack does not accept it (token_revoked)")
    assert world.slack.bot_token not in str(seen)


async def test_a_token_that_the_gateway_refuses_is_named_with_the_remedy(discord_world):
    world = discord_world
    world.discord.faults.close_next(4004)
    world.configure(bridge=HTTP)
    await world.program.start()
    seen = await problem(world, "Discord does not accept the token: reset and copy it")
    assert (seen["connected"], seen["admitting"]) == (False, False)


async def test_a_history_that_is_refused_is_told_while_what_is_heard_is_answered(any_world):
    world = any_world
    await world.start(bridge=HTTP)
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    if world.platform.source == "slack":
        for name in ("conversations.history", "conversations.replies"):
            world.platform.faults.refuse(name, "token_revoked", times=None)
    else:
        world.platform.faults.refuse("messages.list", 0, 401, "401: Unauthorized", times=None)
    seen = await problem(world, "what was missed cannot be read: ")
    assert (seen["connected"], seen["admitting"]) == (True, True)
    assert await ready(world, True) == seen
    assert len((await world.ask("still there?", said))[1]) > 0
    world.platform.faults.clear()

    async def forgotten():
        return True if await ready(world, True) == HEARS else None

    await eventually("no problem", forgotten)


async def test_a_locked_store_is_told_soon_and_not_ready(world):
    await world.start(bridge=HTTP)
    other = sqlite3.connect(world.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(5):
        status, body = await world.get("/readyz")
    assert (status, body["store"]["writable"]) == (503, False)
    assert "the store is busy" in body["store"]["problem"] or "database is locked" in body["store"]["problem"]
    cannot = {"connected": True, "admitting": False, "problem": "what it hears cannot be stored"}
    assert body["channels"]["slack"] == cannot
    other.execute("ROLLBACK")
    other.close()
    assert await ready(world, True) == HEARS
