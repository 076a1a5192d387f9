"""Socket Mode with the real slack-bolt and slack-sdk."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.simulator import SlackSimulator


async def open_socket(
    simulator: SlackSimulator, session: aiohttp.ClientSession, **options: Any
) -> aiohttp.ClientWebSocketResponse:
    client = AsyncWebClient(base_url=simulator.api_base)
    answer = await client.apps_connections_open(app_token=simulator.app_token)
    socket = await session.ws_connect(answer["url"], **options)
    hello = await socket.receive_json(timeout=5)
    assert hello["type"] == "hello"
    return socket


async def take(socket: aiohttp.ClientWebSocketResponse, *, ack: bool = True) -> dict[str, Any]:
    envelope: dict[str, Any] = await socket.receive_json(timeout=5)
    if ack:
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
    return envelope


async def test_a_mention_is_received_acknowledged_and_answered_in_its_thread(simulator, connect):
    bot = await connect(simulator)
    asked = await simulator.say("Ada", "are you there?")
    received = [await bot.next(), await bot.next()]
    await simulator.until(lambda: len(simulator.read(asked.thread)) == 2)
    await simulator.settled()

    assert sorted(event["type"] for event in received) == ["app_mention", "message"]
    assert {event["ts"] for event in received} == {asked.id}
    assert [(said.author, said.text, said.by_bot) for said in simulator.read(asked.thread)] == [
        ("Ada", "@threadbridge are you there?", False),
        ("threadbridge", "at your service", True),
    ]
    assert simulator.journal.acked == 3
    assert simulator.journal.dropped == []
    assert simulator.journal.emitted_at[asked.id] <= simulator.journal.acked_at[asked.id]


async def test_the_bots_own_post_comes_back_as_a_message_event(simulator, connect):
    bot = await connect(simulator)
    asked = simulator.say_in("Ada", "hello")
    await bot.next()
    await bot.client.chat_postMessage(channel="#general", thread_ts=asked.id, text="hello yourself")
    own = await bot.next()
    assert {name: own[name] for name in ("type", "user", "bot_id", "app_id", "text", "thread_ts", "channel_type")} == {
        "type": "message",
        "user": "U0DEMO0BOT",
        "bot_id": "B0DEMO0001",
        "app_id": "A0DEMO0001",
        "text": "hello yourself",
        "thread_ts": asked.id,
        "channel_type": "channel",
    }


async def test_an_event_that_bolt_did_not_acknowledge_is_delivered_again_as_a_retry(impatient, connect):
    bot = await connect(impatient, process_before_response=True)
    bot.failures = 1
    said = impatient.say_in("Ada", "hello")
    assert (await bot.next())["ts"] == said.id
    await impatient.settled()
    assert bot.headers[0]["x-slack-retry-num"] == ["1"]
    assert bot.headers[0]["x-slack-retry-reason"] == ["timeout"]
    assert impatient.journal.deliveries == 2
    assert impatient.journal.acked == 1


async def test_an_event_is_dropped_after_its_last_retry(impatient, session):
    socket = await open_socket(impatient, session)
    impatient.say_in("Ada", "hello")
    envelopes = [await take(socket, ack=False) for _ in range(4)]
    await impatient.until(lambda: bool(impatient.journal.dropped))
    assert [(each["retry_attempt"], each["retry_reason"]) for each in envelopes] == [
        (0, ""),
        (1, "timeout"),
        (2, "timeout"),
        (3, "timeout"),
    ]
    assert len({each["envelope_id"] for each in envelopes}) == 4
    assert len({each["payload"]["event_id"] for each in envelopes}) == 1
    assert impatient.transport.unacked() == 0


async def test_a_broken_connection_comes_back_and_brings_what_was_not_acknowledged(simulator, connect):
    bot = await connect(simulator)
    simulator.faults.deaf = True
    said = simulator.say_in("Ada", "did you get this?")
    simulator.faults.deaf = False
    simulator.faults.close_sockets()
    await simulator.connected()
    assert (await bot.next())["ts"] == said.id
    await simulator.settled()
    assert simulator.sockets.connections_made == 2
    assert simulator.journal.acked == 1


async def test_events_wait_for_the_first_connection_in_their_order(simulator, connect):
    first, second = simulator.say_in("Ada", "one"), simulator.say_in("Ada", "two")
    bot = await connect(simulator)
    assert {(await bot.next())["ts"], (await bot.next())["ts"]} == {first.id, second.id}
    await simulator.settled()


async def test_without_a_connection_an_event_is_dropped_after_the_last_retry():
    async with SlackSimulator(retry_schedule=(0.0, 0.01)) as simulator:
        simulator.say_in("Ada", "nobody listens")
        await simulator.until(lambda: bool(simulator.journal.dropped))
        assert simulator.transport.unacked() == 0


async def test_two_sockets_share_the_events(simulator, session):
    first, second = await open_socket(simulator, session), await open_socket(simulator, session)
    said = [simulator.say_in("Ada", text) for text in ("one", "two", "three", "four")]
    envelopes = [await take(first), await take(first), await take(second), await take(second)]
    assert sorted(each["payload"]["event"]["ts"] for each in envelopes) == [each.id for each in said]
    await simulator.settled()


async def test_what_a_closed_socket_did_not_acknowledge_goes_to_the_other_one(simulator, session):
    first, second = await open_socket(simulator, session), await open_socket(simulator, session)
    said = [simulator.say_in("Ada", "one"), simulator.say_in("Ada", "two")]
    await take(first, ack=False)
    await first.close()
    received = [await take(second), await take(second)]
    assert [each["payload"]["event"]["ts"] for each in received] in ([said[0].id, said[1].id], [said[1].id, said[0].id])
    assert sorted(each["retry_attempt"] for each in received) == [0, 1]
    await simulator.settled()


async def test_a_ticket_opens_one_connection_only(simulator, session):
    client = AsyncWebClient(base_url=simulator.api_base)
    url = (await client.apps_connections_open(app_token=simulator.app_token))["url"]
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url)
    assert refused.value.status == 401


async def test_hello_says_how_many_connections_there_are(simulator, session):
    first = await open_socket(simulator, session)
    client = AsyncWebClient(base_url=simulator.api_base)
    url = (await client.apps_connections_open(app_token=simulator.app_token))["url"]
    async with session.ws_connect(url) as socket:
        assert await socket.receive_json(timeout=5) == {
            "type": "hello",
            "num_connections": 2,
            "debug_info": {"host": "applink-simulator", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": "A0DEMO0001"},
        }
    assert not first.closed


async def test_the_bot_token_opens_no_connection(simulator):
    client = AsyncWebClient(base_url=simulator.api_base)
    with pytest.raises(SlackApiError) as refused:
        await client.apps_connections_open(app_token=simulator.bot_token)
    assert refused.value.response.data == {"ok": False, "error": "not_allowed_token_type"}


async def test_the_sdk_moves_to_a_new_connection_when_slack_asks_for_it(simulator, connect):
    bot = await connect(simulator)
    simulator.sockets.disconnect("refresh_requested")
    await simulator.until(lambda: simulator.sockets.connections_made == 2)
    said = simulator.say_in("Ada", "still there?")
    assert (await bot.next())["ts"] == said.id
    await simulator.settled()


async def test_a_redelivery_is_the_same_event_in_a_new_envelope(simulator, session):
    socket = await open_socket(simulator, session)
    simulator.say_in("Ada", "hello")
    first = await take(socket)
    await simulator.redeliver()
    second = await take(socket)
    await simulator.redeliver(new_event_id=True)
    third = await take(socket)
    assert second["envelope_id"] != first["envelope_id"]
    assert second["payload"] == first["payload"]
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert third["payload"]["event"] == first["payload"]["event"]
    assert third["payload"]["event_id"] != first["payload"]["event_id"]


@pytest.mark.parametrize("mention_first", [False, True])
async def test_a_mention_gives_a_message_and_an_app_mention_in_the_asked_order(simulator, session, mention_first):
    socket = await open_socket(simulator, session)
    said = simulator.say_in("Ada", "hello", mention=True, mention_first=mention_first)
    events = [(await take(socket))["payload"]["event"] for _ in range(2)]
    kinds = ["app_mention", "message"] if mention_first else ["message", "app_mention"]
    assert [(event["type"], event["ts"]) for event in events] == [(kind, said.id) for kind in kinds]


async def test_a_room_without_the_bot_and_a_mention_in_a_direct_message_give_no_app_mention(simulator, session):
    socket = await open_socket(simulator, session)
    simulator.add_room("secret", kind="group", with_bot=False)
    simulator.say_in("Ada", "psst", room="secret", mention=True)
    said = simulator.say_direct("Ada", "hi <@U0DEMO0BOT>")
    envelope = await take(socket)
    assert envelope["payload"]["event"]["ts"] == said.id
    await simulator.settled()
    assert simulator.journal.deliveries == 1


async def test_the_eleventh_socket_is_sent_away(simulator, session):
    sockets = [await open_socket(simulator, session) for _ in range(10)]
    client = AsyncWebClient(base_url=simulator.api_base)
    url = (await client.apps_connections_open(app_token=simulator.app_token))["url"]
    async with session.ws_connect(url) as socket:
        assert await socket.receive_json(timeout=5) == {
            "type": "disconnect",
            "reason": "too_many_websockets",
            "debug_info": {"host": "applink-simulator"},
        }
    assert [socket.closed for socket in sockets] == [False] * 10


async def test_sockets_are_pinged(session):
    simulator = SlackSimulator()
    simulator.sockets.ping_interval = 0.01
    async with simulator:
        client = AsyncWebClient(base_url=simulator.api_base)
        url = (await client.apps_connections_open(app_token=simulator.app_token))["url"]
        async with session.ws_connect(url, autoping=False) as socket:
            assert (await socket.receive_json(timeout=5))["type"] == "hello"
            ping = await socket.receive(timeout=5)
            assert (ping.type, ping.data) == (aiohttp.WSMsgType.PING, b"Ping from simulator")


async def test_nonsense_on_the_socket_is_ignored(simulator, session):
    socket = await open_socket(simulator, session)
    for nonsense in ("not json", "[]", "{}", json.dumps({"envelope_id": "unknown"})):
        await socket.send_str(nonsense)
    simulator.say_in("Ada", "hello")
    await take(socket)
    await simulator.settled()


async def test_stop_ends_everything_even_with_events_under_way(session):
    simulator = SlackSimulator()
    await simulator.start()
    socket = await open_socket(simulator, session)
    simulator.say_in("Ada", "hello")
    await asyncio.wait_for(simulator.stop(), 5)
    await take(socket, ack=False)
    assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
