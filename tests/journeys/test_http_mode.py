"""`mode = "http"`: signed events through the bridge's own HTTP server; and its pages about health."""

import io
import json
import time

import aiohttp
import pytest

from adapters.slack.simulator.events_api import signed_headers
from tests.journeys.program import eventually, in_time


@pytest.fixture
async def world(make_world):
    """Slack posts events to an address that is set once the bridge listens."""
    return await make_world(events_url="http://127.0.0.1:9/not-yet", ack_timeout=1.0)


async def started(world, channel="slack"):
    """Starts the bridge and enters its address at Slack; returns the address."""
    await world.start(channel=channel, bridge={"http": "127.0.0.1:0"})
    address = (await world.program.logged("bridge.started"))[0]["http"]
    world.slack.events_api.url = f"{address}/{channel}/events"
    return world.slack.events_api.url


async def post(url, body, headers):
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("channel", ["slack", "support-desk"])
async def test_signed_events_are_answered_at_the_address_of_their_channel(world, channel):
    await started(world, channel)
    assert await in_time("the handshake", world.slack.events_api.verify_url("token"))
    said, answer = await world.ask("hello")
    assert answer == "You said: hello"
    await world.ask("and?", said)
    await world.settled()
    assert list(world.sessions()) == [world.session_of(said)]
    assert {one["channel"] for one in world.sessions().values()} == {channel}


async def test_an_event_is_answered_once_however_often_it_is_posted(world):
    await started(world)
    world.slack.faults.duplicate_events(None)
    said, _ = await world.ask("hello")
    await world.slack.redeliver(new_event_id=True)
    await world.settled()
    await world.end()
    assert len(world.answers(said)) == 1


async def test_what_is_not_signed_by_slack_is_refused_and_changes_nothing(world):
    url = await started(world)
    said, _ = await world.ask("hello")
    event = json.loads(world.slack.publisher.newest.payload)
    event["event"] |= {"type": "message", "user": world.slack.person("Ada").id, "ts": "1.000001", "text": "forged"}
    event["event"].pop("bot_id", None)
    event["event"].pop("thread_ts", None)
    body, now, secret = json.dumps(event).encode(), int(time.time()), world.slack.signing_secret
    forged = [
        (body, signed_headers("another secret", body, now)),
        (body, signed_headers(secret, body, now - 3600)),
        (body, signed_headers(secret, b"another body", now)),
        (body, {"Content-Type": "application/json"}),
        (b"[]", {"Content-Type": "application/json"}),
        (b"rubbish", {"Content-Type": "application/json"}),
        (b"", {}),
        (b'{"type": "url_verification", "challenge": "abc"}', {"Content-Type": "application/json"}),
    ]
    statuses = {number: (await post(url, *one))[0] for number, one in enumerate(forged)}
    assert statuses == dict.fromkeys(range(len(forged)), 401)
    await world.end()
    assert world.inputs() == ["[Ada] hello"]
    assert list(world.sessions()) == [world.session_of(said)]


async def test_signed_rubbish_is_no_server_error(world):
    url = await started(world)
    now, secret = int(time.time()), world.slack.signing_secret
    bodies = [
        b"{}",
        b"[]",
        b"null",
        b'{"type": "event_callback"}',
        b'{"type": "event_callback", "event": {"type": []}}',
    ]
    answers = {body: (await post(url, body, signed_headers(secret, body, now)))[0] for body in bodies}
    assert {body: status for body, status in answers.items() if status >= 500} == {}


async def test_an_address_that_no_channel_has_and_one_too_large_are_refused(world):
    url = await started(world)
    assert (await post(url.replace("/slack/", "/nobody/"), b"{}", {}))[0] == 404
    assert (await post(url, io.BytesIO(b" " * 2_000_000), {}))[0] == 413


async def test_a_socket_channel_takes_no_events_over_http(make_world):
    world = await make_world()
    await world.start(bridge={"http": "127.0.0.1:0"})
    address = (await world.program.logged("bridge.started"))[0]["http"]
    body = b'{"type": "event_callback"}'
    headers = signed_headers(world.slack.signing_secret, body, int(time.time()))
    assert (await post(f"{address}/slack/events", body, headers))[0] == 503


async def test_health_and_readiness_name_the_store_and_each_channel(world):
    await started(world)
    assert await world.get("/healthz") == (200, {"alive": True})
    status, body = await world.get("/readyz")
    assert status == 200
    assert body["ready"] is True
    assert body["store"]["writable"] is True
    assert body["channels"]["slack"]["connected"] is True
    assert "main" in body["instances"]


async def test_without_slack_the_bridge_starts_and_is_ready_when_slack_comes(make_world):
    world = await make_world()
    world.may_break = True
    world.slack.faults.blackout = True
    world.configure(bridge={"http": "127.0.0.1:0"})
    await world.program.start()
    await world.program.logged("bridge.started")
    assert (await world.get("/healthz"))[0] == 200
    status, body = await world.get("/readyz")
    assert (status, body["ready"], body["channels"]["slack"]["connected"]) == (503, False, False)
    world.slack.faults.blackout = False

    async def ready() -> bool | None:
        return True if (await world.get("/readyz"))[0] == 200 else None

    await eventually("readiness", ready)
    assert (await world.ask("hello"))[1] == "You said: hello"
