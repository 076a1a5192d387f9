"""The way in from Discord, whatever happens to it: outages, close codes, rubbish, a missing intent."""

import asyncio

import pytest

from tests.journeys.program import eventually, in_time


async def ready(world, expected):
    """Waits until /readyz says so, and returns it."""

    async def look():
        status, body = await world.get("/readyz")
        return body if (status == 200) is expected else None

    return await eventually(f"readyz {expected}", look)


async def test_a_start_during_an_outage_connects_when_it_is_over(discord_world):
    world = discord_world
    world.discord.faults.rest_down = True
    world.configure(bridge={"http": "127.0.0.1:0"})
    await world.program.start()
    await world.program.logged("channel.away")
    assert not (await ready(world, False))["channels"]["discord"]["connected"]
    world.discord.faults.rest_down = False
    await world.program.logged("channel.connected")
    assert (await ready(world, True))["channels"]["discord"]["connected"]
    await world.ask("hello")


async def test_refused_first_connections_are_tried_again(discord_world):
    world = discord_world
    world.discord.faults.refuse_gateway(3)
    world.configure()
    await world.program.start()
    await world.program.logged("channel.away", 3)
    await world.program.logged("channel.connected")
    await world.ask("hello")


@pytest.mark.parametrize("way", ["drop_connections", "reconnect", "close 4000", "close 4008", "invalidate"])
async def test_nothing_is_missed_where_the_session_goes_on(discord_world, way):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    if way == "invalidate":
        world.discord.faults.invalidate(resumable=True)
    elif way.startswith("close"):
        world.discord.faults.close(int(way.split()[1]))
    else:
        getattr(world.discord.faults, way)()
    await world.say("meanwhile", said)
    await world.ask("a second one")
    assert len(await world.until_answers(said, 2)) == 2
    assert (await world.program.logged("channel.connected", 2))[1]["resumed"] is True


async def test_an_outage_does_not_cost_the_session(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.blackout = True
    await world.say("meanwhile", said)
    await world.program.logged("channel.away", 5)
    world.discord.faults.clear()
    assert len(await world.until_answers(said, 2)) == 2
    assert (await world.program.logged("channel.connected", 2))[1]["resumed"] is True


async def test_an_event_that_the_library_cannot_read_costs_nothing(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.malformed_dispatch(event="THREAD_CREATE")
    await world.say("right after it", said)
    assert len(await world.until_answers(said, 2)) == 2
    assert (await world.program.logged("channel.connected", 2))[1]["resumed"] is True


async def test_a_message_that_nobody_can_read_costs_nothing(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.malformed_dispatch()
    await world.program.logged("event.malformed")
    await world.ask("right after it", said)
    assert world.program.events("channel.away") == []


async def test_rubbish_on_the_gateway_costs_nothing(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.malformed_dispatch(text="{]")
    await world.say("right after it", said)
    assert len(await world.until_answers(said, 2)) == 2


async def test_a_forgotten_session_is_begun_anew(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.forget_sessions()
    world.discord.faults.drop_connections()
    assert (await world.program.logged("channel.connected", 2))[1]["resumed"] is False
    await world.ask("and?", said)


async def test_a_platform_that_does_not_answer_holds_up_neither_the_start_nor_the_end(discord_world):
    world = discord_world
    world.discord.faults.delay("users.me", 60, times=None)
    world.configure()
    await world.program.start()
    unanswered = (await world.program.logged("channel.unreachable"))[0]
    assert unanswered["channel"] == "discord"
    await world.program.logged("bridge.started")
    assert await world.program.terminate() == 0


async def test_a_signal_ends_a_start_that_waits_for_a_platform(discord_world):
    world = discord_world
    world.discord.faults.delay("application", 60, times=None)
    world.configure()
    await world.program.start()
    await in_time("the call", world.discord.until(lambda: any(call.name == "users.me" for call in world.discord.calls)))
    assert await world.program.terminate() == 0
    assert world.program.events("channel.unreachable") == []


@pytest.mark.parametrize("code", [4003, 4007, 4009])
async def test_a_close_code_that_ends_the_session_begins_a_new_one(discord_world, code):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.faults.close(code)
    assert (await world.program.logged("channel.connected", 2))[1]["resumed"] is False
    await world.ask("and?", said)


async def test_a_connection_on_which_nothing_comes_is_given_up(discord_world):
    world = discord_world
    await world.start(bridge={"http": "127.0.0.1:0"})
    said, _ = await world.ask("hello")
    world.discord.faults.mute_heartbeats = True
    silent = (await world.program.logged("channel.away"))[0]
    assert silent["reason"] == "Discord is silent"
    world.discord.faults.mute_heartbeats = False
    await world.ask("and?", said)


async def test_a_refused_token_on_the_gateway_is_said_clearly_and_the_bridge_goes_on(discord_world):
    world = discord_world
    world.discord.faults.close_next(4004)
    world.configure(bridge={"http": "127.0.0.1:0"})
    await world.program.start()
    refused = (await world.program.logged("channel.refused"))[0]
    assert (refused["level"], refused["code"]) == ("error", 4004)
    assert "token" in refused["remedy"]
    assert not (await ready(world, False))["channels"]["discord"]["connected"]
    assert world.program.running


async def test_a_wrong_token_is_refused_at_the_start_with_its_key(discord_world):
    world = discord_world
    world.configure()
    world.program.environment["DISCORD_TOKEN"] = "Bot wrong"
    await world.program.start()
    assert await world.program.refused_to_start() == 1
    assert "channels.discord.token: Discord does not accept it" in world.program.text()
    assert "without the word Bot" in world.program.text()


async def test_without_the_message_content_intent_it_answers_mentions_and_says_what_it_cannot_read(make_discord_world):
    world = await make_discord_world(message_content=False)
    await world.start()
    refused = (await world.program.logged("channel.refused"))[0]
    assert (refused["code"], "Message Content" in refused["remedy"]) == (4014, True)
    said, answer = await world.ask("hello")
    assert answer == "You said: hello"
    await world.ask("this cannot be read", said)
    await world.say("nor this", said)
    await world.ask(f"<@{world.discord.bot.id}> and this?", said)
    assert world.answers(said) == [
        "You said: hello",
        (
            "I cannot read messages that do not mention me: this bot's Message Content intent is switched off. "
            "Mention me, or ask whoever runs this bot to switch it on."
        ),
        "You said: and this? (message 2 of this session)",
    ]
    assert world.inputs() == ["[Ada] hello", "[Ada] and this?"]
    direct = world.discord.say_direct("Ada", "no mention needed")
    await world.until_answers(direct, 1)


async def test_a_message_whose_room_cannot_be_asked_for_now_waits_for_it(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.discord.archive(said.thread)
    assert await world.program.terminate() == 0
    await world.restart()
    world.discord.faults.fail("channel", status=503, times=2)
    await world.ask("still there?", said)


async def test_what_the_store_refuses_is_kept_until_it_takes_it(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.program.fill_disk(True)
    await world.say("one", said)
    await world.say("two", said)
    await world.program.logged("message.waits")
    world.program.fill_disk(False)
    assert len(await world.until_answers(said, 3)) == 3
    assert world.inputs() == ["[Ada] hello", "[Ada] one", "[Ada] two"]
    world.may_break = True


async def test_what_came_in_before_the_end_is_stored(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    world.agent.hold()
    for number in range(20):
        await world.say(f"number {number}", said)
    await world.settled()
    world.agent.release()
    assert await world.program.terminate() == 0
    await world.restart()
    await world.until_answers(said, 21)
    assert world.inputs()[1:] == [f"[Ada] number {number}" for number in range(20)]


async def test_a_redelivered_event_is_answered_once(discord_world):
    world = discord_world
    await world.start()
    said, _ = await world.ask("hello")
    await world.discord.redeliver()
    world.discord.faults.duplicate_events(2)
    await world.ask("and?", said)
    await world.ask("done?", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] and?", "[Ada] done?"]
    assert len(world.answers(said)) == 3


async def test_two_platforms_run_in_one_bridge_and_one_that_is_away_does_not_hold_up_the_other(
    discord_world, make_world
):
    world = discord_world
    slack = (await make_world()).slack
    world.configure()
    with (world.folder / "config.toml").open("a", encoding="utf-8") as config:
        table = "\n".join(f'{key} = "{value}"' for key, value in slack.settings().items())
        config.write(f'\n[channels.slack]\n{table}\n\n[[rules]]\nchannel = "slack"\ninstance = "main"\n')
    world.program.environment |= slack.secrets()
    await world.program.start()
    await world.program.logged("channel.connected", 2)
    await asyncio.gather(in_time("Slack", slack.connected()), in_time("Discord", world.discord.connected()))
    world.discord.faults.blackout = True
    said = await slack.say("Ada", "hello")
    await in_time("the answer", slack.until(lambda: len(slack.read(said.thread)) == 2))
    world.discord.faults.clear()
    await world.program.logged("channel.connected", 3)
    await world.ask("hello")
    assert {one["channel"] for one in world.sessions().values()} == {"slack", "discord"}
