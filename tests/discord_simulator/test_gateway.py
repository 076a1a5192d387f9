"""The gateway's protocol on the bare wire."""

import asyncio
import json
import zlib

import aiohttp
import pytest

from adapters.discord.simulator import DiscordSimulator
from tests.discord_simulator.conftest import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, INTENTS, MESSAGE_CONTENT, Rest


async def test_hello_comes_first_with_the_interval_in_milliseconds(simulator, session):
    async with session.ws_connect(f"{simulator.gateway.url}?v=10&encoding=json") as socket:
        hello = await socket.receive_json(timeout=5)
    assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, 41250)


async def test_ready_is_followed_by_the_guild_and_numbered_from_one(simulator, wire):
    app = await wire(simulator, None)
    await app.identify()
    ready, guild = await app.take(), await app.take()
    assert (ready["t"], ready["s"], guild["t"], guild["s"]) == ("READY", 1, "GUILD_CREATE", 2)
    assert ready["d"]["guilds"] == [{"id": simulator.guild.id, "unavailable": True}]
    assert ready["d"]["resume_gateway_url"] == simulator.gateway.url
    assert guild["d"]["unavailable"] is False


async def test_heartbeats_are_acknowledged(simulator, wire):
    app = await wire(simulator)
    await app.send(1, app.seq)
    assert await app.take() == {"op": 11, "d": None}
    assert len(simulator.heartbeats()[0]) == 1


async def test_a_heartbeat_can_be_asked_for_and_does_not_count_as_the_apps_own(simulator, wire):
    app = await wire(simulator)
    simulator.gateway.request_heartbeats()
    assert (await app.take())["op"] == 1
    await app.send(1, app.seq)
    assert (await app.take())["op"] == 11
    assert simulator.gateway.connections[0].sequence == 2
    assert simulator.heartbeats() == [[]]


async def test_an_app_without_heartbeats_is_disconnected_and_its_delay_is_known(wire):
    async with DiscordSimulator(heartbeat_interval=0.05) as simulator:
        app = await wire(simulator)
        assert await app.closed() == 4009
        await simulator.until(lambda: simulator.gateway.connections == [])
        assert 0.02 <= simulator.worst_heartbeat_delay() < 5


async def test_a_punctual_app_has_no_delay(simulator, wire):
    app = await wire(simulator)
    await app.quiet()
    assert simulator.worst_heartbeat_delay() == 0


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("no json", 4002),
        ("[]", 4002),
        ('{"op": 2, "d": null}', 4002),
        ('{"op": 2, "d": {"token": "wrong"}}', 4004),
        ('{"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 1}}', 4004),
        ('{"op": 3, "d": {}}', 4003),
        ('{"op": 99, "d": {}}', 4001),
        ('{"op": [], "d": {}}', 4001),
        (json.dumps({"op": 1, "d": "x" * 4096}), 4002),
    ],
)
async def test_what_an_app_must_not_send_closes_its_connection(simulator, wire, sent, code):
    app = await wire(simulator, None)
    await app.socket.send_str(sent)
    assert await app.closed() == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"intents": 1 << 30}, 4013),
        ({"intents": INTENTS | 1 << 1}, 4014),
        ({"intents": INTENTS | 1 << 8}, 4014),
        ({"shard": [1, 1]}, 4010),
        ({"properties": None}, 4002),
    ],
)
async def test_what_an_identify_must_not_ask_for(simulator, wire, fields, code):
    app = await wire(simulator, None)
    await app.identify(**fields)
    assert await app.closed() == code


async def test_message_content_must_be_enabled_for_the_app(wire):
    async with DiscordSimulator(message_content=False) as simulator:
        app = await wire(simulator, None)
        await app.identify(INTENTS)
        assert await app.closed() == 4014
        await wire(simulator, INTENTS & ~MESSAGE_CONTENT)


async def test_an_app_identifies_once_for_each_connection(simulator, wire):
    app = await wire(simulator)
    await app.identify()
    assert await app.closed() == 4005


async def test_an_old_version_is_refused(simulator, session):
    async with session.ws_connect(f"{simulator.gateway.url}?v=6") as socket:
        await socket.receive(timeout=5)
        assert socket.close_code == 4012


async def test_too_many_payloads_close_the_connection(simulator, wire):
    app = await wire(simulator)
    for _ in range(120):
        await app.send(3, {})
    assert await app.closed() == 4008


async def test_binary_payloads_close_the_connection(simulator, wire):
    app = await wire(simulator)
    await app.socket.send_bytes(b"etf")
    assert await app.closed() == 4002


async def test_only_events_of_the_intents_come(simulator, wire):
    guild_only = await wire(simulator, GUILDS)
    messages_only = await wire(simulator, GUILD_MESSAGES | MESSAGE_CONTENT)
    direct_only = await wire(simulator, DIRECT_MESSAGES)
    simulator.open_thread("Ada", "plans")
    simulator.say_direct("Ada", "psst")
    assert (await guild_only.take())["t"] == "THREAD_CREATE"
    await guild_only.quiet()
    assert (await messages_only.take())["d"]["content"] == "plans"
    await messages_only.quiet()
    assert (await direct_only.take())["d"]["content"] == "psst"
    await direct_only.quiet()


async def test_without_the_intent_content_is_empty_but_where_it_concerns_the_bot(simulator, wire, rest):
    app = await wire(simulator, INTENTS & ~MESSAGE_CONTENT)
    simulator.say_in("Ada", "among us")
    simulator.say_in("Ada", "for you", mention=True)
    simulator.say_direct("Ada", "in private")
    await rest("POST", f"/channels/{simulator.room('general').id}/messages", {"content": "my own"})
    contents = [(await app.event("MESSAGE_CREATE"))["content"] for _ in range(4)]
    assert contents == ["", f"<@{simulator.bot.id}> for you", "in private", "my own"]


async def test_without_the_intent_the_history_is_empty_too(session):
    async with DiscordSimulator(message_content=False) as simulator:
        simulator.say_in("Ada", "among us")
        simulator.say_in("Ada", "for you", mention=True)
        status, listed = await Rest(simulator, session)("GET", f"/channels/{simulator.room('general').id}/messages")
        assert (status, [each["content"] for each in listed]) == (200, [f"<@{simulator.bot.id}> for you", ""])


async def test_a_resume_brings_what_was_missed_and_says_when_it_is_done(simulator, wire):
    app = await wire(simulator)
    simulator.say_in("Ada", "heard")
    await app.event("MESSAGE_CREATE")
    simulator.faults.drop_connections()
    simulator.say_in("Ada", "missed one")
    simulator.say_in("Ada", "missed two")
    again = await wire(simulator, None)
    await again.resume(app.ready["session_id"], app.seq)
    missed = [await again.take() for _ in range(3)]
    assert [(each["t"], each["s"]) for each in missed] == [
        ("MESSAGE_CREATE", 4),
        ("MESSAGE_CREATE", 5),
        ("RESUMED", 6),
    ]
    simulator.say_in("Ada", "new")
    assert (await again.take())["d"]["content"] == "new"
    assert simulator.journal.deliveries == 4


async def test_a_session_that_is_not_known_cannot_be_resumed(simulator, wire):
    app = await wire(simulator, None)
    await app.resume("unheard-of", 7)
    assert await app.take() == {"op": 9, "d": False}
    await app.identify()
    assert (await app.take())["t"] == "READY"


async def test_a_number_from_the_future_is_refused_and_the_session_is_gone(simulator, wire):
    app = await wire(simulator)
    simulator.faults.drop_connections()
    again = await wire(simulator, None)
    await again.resume(app.ready["session_id"], 99)
    assert await again.closed() == 4007
    third = await wire(simulator, None)
    await third.resume(app.ready["session_id"], app.seq)
    assert await third.take() == {"op": 9, "d": False}


async def test_a_session_that_missed_too_much_cannot_be_resumed(wire):
    async with DiscordSimulator(session_events=3) as simulator:
        app = await wire(simulator)
        simulator.faults.drop_connections()
        for number in range(4):
            simulator.say_in("Ada", str(number))
        again = await wire(simulator, None)
        await again.resume(app.ready["session_id"], app.seq)
        assert await again.take() == {"op": 9, "d": False}


async def test_a_session_waits_only_so_long(wire):
    async with DiscordSimulator(session_seconds=0.01) as simulator:
        app = await wire(simulator)
        simulator.faults.drop_connections()
        await simulator.until(lambda: not simulator.gateway.sessions.by_id)
        again = await wire(simulator, None)
        await again.resume(app.ready["session_id"], app.seq)
        assert await again.take() == {"op": 9, "d": False}


@pytest.mark.parametrize(("code", "left"), [(1000, 0), (1001, 0), (4000, 1), (3000, 1)])
async def test_an_app_ends_its_session_by_its_close_code(simulator, wire, code, left):
    app = await wire(simulator)
    await app.socket.close(code=code)
    await simulator.until(lambda: simulator.gateway.connections == [])
    assert len(simulator.gateway.sessions.by_id) == left
    assert simulator.journal.close_codes == [code]


async def test_a_session_moves_to_the_newest_connection(simulator, wire):
    app = await wire(simulator)
    again = await wire(simulator, None)
    await again.resume(app.ready["session_id"], app.seq)
    assert (await again.take())["t"] == "RESUMED"
    assert await app.closed() == 4000
    simulator.say_in("Ada", "where are you?")
    assert (await again.take())["d"]["content"] == "where are you?"


async def test_every_session_gets_every_event(simulator, wire):
    first, second = await wire(simulator), await wire(simulator)
    simulator.say_in("Ada", "hello, both of you")
    assert (await first.event("MESSAGE_CREATE")) == (await second.event("MESSAGE_CREATE"))


async def test_what_is_compressed_reads_the_same(simulator, session):
    url = f"{simulator.gateway.url}?v=10&encoding=json&compress=zlib-stream"
    inflate = zlib.decompressobj()
    async with session.ws_connect(url) as socket:
        names = []
        for _ in range(3):
            message = await socket.receive(timeout=5)
            assert message.type is aiohttp.WSMsgType.BINARY
            assert message.data.endswith(b"\x00\x00\xff\xff")
            payload = json.loads(inflate.decompress(message.data))
            names.append(payload["t"])
            if payload["op"] == 10:
                identity = {"token": simulator.token, "intents": INTENTS, "properties": {}}
                await socket.send_json({"op": 2, "d": identity})
    assert names == [None, "READY", "GUILD_CREATE"]


async def test_zstd_compression_is_offered_where_the_package_is(simulator, session):
    # Not among the packages of the tests: where it is, discord.py takes it, and no journey would go through zlib.
    zstandard = pytest.importorskip("zstandard", reason="needs zstandard: pip install zstandard")
    async with session.ws_connect(f"{simulator.gateway.url}?v=10&compress=zstd-stream") as socket:
        inflate = zstandard.ZstdDecompressor().decompressobj()
        hello = json.loads(inflate.decompress((await socket.receive(timeout=5)).data))
    assert hello["op"] == 10


async def test_a_compression_that_is_not_simulated_is_refused(simulator, session):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(f"{simulator.gateway.url}?v=10&compress=brotli")
    assert refused.value.status == 501


async def test_identifies_are_counted(simulator, wire, rest):
    await wire(simulator)
    _, gateway = await rest("GET", "/gateway/bot")
    assert gateway == {
        "url": simulator.gateway.url,
        "shards": 1,
        "session_start_limit": {"total": 1000, "remaining": 999, "reset_after": 86400000, "max_concurrency": 1},
    }


async def test_identifies_that_come_too_fast_are_told_so(wire):
    async with DiscordSimulator(max_concurrency=1) as simulator:
        await wire(simulator)
        second = await wire(simulator, None)
        await second.identify()
        assert await second.take() == {"op": 9, "d": False}


async def test_the_newest_message_of_a_person_is_delivered_again_under_a_new_number(simulator, wire, rest):
    app = await wire(simulator)
    simulator.say_in("Ada", "once")
    await rest("POST", f"/channels/{simulator.room('general').id}/messages", {"content": "my own"})
    await simulator.redeliver()
    first, own, again = await app.take(), await app.take(), await app.take()
    assert own["d"]["content"] == "my own"
    assert first["d"] == again["d"]
    assert (first["s"], again["s"]) == (3, 5)


async def test_settled_means_that_everything_was_taken(simulator, wire):
    app = await wire(simulator)
    simulator.say_in("Ada", "hello")
    settled = asyncio.create_task(simulator.settled())
    assert (await app.take())["d"]["content"] == "hello"
    assert not settled.done()
    reading = asyncio.create_task(app.take())
    await asyncio.wait_for(settled, 5)
    reading.cancel()


async def test_settled_does_not_wait_for_who_is_gone(simulator, wire):
    app = await wire(simulator)
    settled = asyncio.create_task(simulator.settled())
    await app.socket.close()
    await asyncio.wait_for(settled, 5)
