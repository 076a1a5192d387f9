"""Events in: acknowledged after `accept`, whatever Slack or somebody else sends."""

import asyncio
import contextlib
import json
import time
from contextlib import asynccontextmanager

import pytest

from adapters.slack.channel import SlackChannel, SlackSettings
from adapters.slack.simulator import SlackSimulator
from adapters.slack.simulator.events_api import signed_headers
from bridge.abilities import WebhookRequest
from bridge.testing.channel_contract import Inbox
from tests.journeys.program import eventually
from tests.slack.conftest import channel_for, closing

JSON = {"content-type": "application/json"}


@pytest.fixture
async def over_http():
    """A channel in `mode = "http"` that listens, its simulator, and what it accepted."""
    async with SlackSimulator(events_url="http://127.0.0.1:9/") as simulator:
        secrets = simulator.secrets()
        context = {"resolve": lambda reference: secrets[reference.removeprefix("env:")]}
        channel = SlackChannel("slack", SlackSettings.model_validate(simulator.settings(), context=context))
        inbox = Inbox()
        listening = asyncio.create_task(channel.listen(inbox.accept))

        async def listens() -> bool | None:
            return True if channel.connected() else None

        await eventually("listening", listens)
        yield channel, simulator, inbox
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await channel.close()


def signed(simulator, body, *, seconds_ago=0, secret=None):
    headers = signed_headers(secret or simulator.signing_secret, body, int(time.time()) - seconds_ago)
    return WebhookRequest(body, {name.lower(): value for name, value in headers.items()})


def event(**fields):
    said = {"type": "message", "user": "U1", "text": "hello", "ts": "1700000000.000100", "channel": "C1", **fields}
    return json.dumps({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": said}).encode()


async def test_a_signed_event_is_accepted_and_acknowledged(over_http):
    channel, simulator, inbox = over_http
    assert (await channel.receive(signed(simulator, event()))).status == 200
    assert [envelope.text for envelope, _ in inbox.taken] == ["hello"]


async def test_the_challenge_of_the_handshake_comes_back(over_http):
    channel, simulator, _ = over_http
    answer = await channel.receive(signed(simulator, b'{"type": "url_verification", "challenge": "3eZbrw1a"}'))
    assert (answer.status, b"3eZbrw1a" in answer.body) == (200, True)


async def test_an_event_that_cannot_be_committed_is_not_acknowledged(over_http):
    channel, simulator, inbox = over_http
    inbox.refusals = 1
    assert (await channel.receive(signed(simulator, event()))).status == 500
    assert (await channel.receive(signed(simulator, event()))).status == 200
    assert len(inbox.taken) == 1


@pytest.mark.parametrize("seconds_ago", [-3600, 3600], ids=["from_the_future", "from_the_past"])
async def test_an_old_signature_is_refused(over_http, seconds_ago):
    channel, simulator, inbox = over_http
    assert (await channel.receive(signed(simulator, event(), seconds_ago=seconds_ago))).status == 401
    assert not inbox.taken


@pytest.mark.parametrize(
    "body", [event(), b"{}", b"", b"[]", b"null", b"rubbish", b"\xff\xfe", b"payload=%7B%7D", b'{"ssl_check": 1}']
)
@pytest.mark.parametrize("headers", [{}, JSON], ids=["no_headers", "json"])
async def test_what_is_not_signed_is_refused(over_http, headers, body):
    channel, _, inbox = over_http
    answer = await channel.receive(WebhookRequest(body, headers))
    assert answer.status == 401
    assert not inbox.taken


async def test_a_signature_by_another_secret_is_refused(over_http):
    channel, simulator, inbox = over_http
    assert (await channel.receive(signed(simulator, event(), secret="another"))).status == 401
    assert not inbox.taken


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "event_callback"}',
        b'{"type": "event_callback", "event": null}',
        event(user=None),
        event(ts="soon"),
        event(type=[]),
        event(subtype={}),
        event(text=7),
    ],
)
async def test_an_event_that_nobody_can_read_is_acknowledged_so_that_it_does_not_come_again(over_http, body):
    channel, simulator, inbox = over_http
    assert (await channel.receive(signed(simulator, body))).status == 200
    assert not inbox.taken


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7"])
async def test_signed_json_that_is_no_object_is_no_server_error(over_http, body):
    channel, simulator, _ = over_http
    assert (await channel.receive(signed(simulator, body))).status < 500


async def test_edits_and_joins_are_acknowledged_and_are_nobodys_turn(over_http):
    channel, simulator, inbox = over_http
    for subtype in ("message_changed", "message_deleted", "channel_join"):
        assert (await channel.receive(signed(simulator, event(subtype=subtype)))).status == 200
    assert not inbox.taken


@asynccontextmanager
async def listening(channel, simulator):
    """What the channel accepts over its socket."""
    inbox = Inbox()
    task = asyncio.create_task(channel.listen(inbox.accept))
    try:
        async with asyncio.timeout(20):
            await simulator.connected()
            yield inbox
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_malformed_event_over_a_socket_is_acknowledged_and_the_next_one_is_heard(simulator, channel):
    async with listening(channel, simulator) as inbox:
        message = simulator.message(simulator.say_in("Ada", "first"))
        await inbox.until_taken(1)
        broken = {"type": "message", "channel": message.room, "event_ts": "1.1", "ts": "1.1"}
        simulator.publisher._emit(broken, "1.1")
        await simulator.settled()
        assert not simulator.journal.dropped
        simulator.say_in("Ada", "second")
        assert [envelope.text for envelope, _ in await inbox.until_taken(2)] == ["first", "second"]


async def test_a_warm_connection_gives_messages_in_their_order(simulator, channel):
    async with listening(channel, simulator) as inbox:
        for number in range(50):
            simulator.say_in("Ada", str(number))
        taken = await inbox.until_taken(50)
        assert [envelope.text for envelope, _ in taken] == [str(number) for number in range(50)]


async def test_slack_may_close_the_socket_and_nothing_is_lost():
    async with (
        SlackSimulator(rate_limits=False) as simulator,
        closing(channel_for(simulator)) as channel,
        listening(channel, simulator) as inbox,
    ):
        simulator.say_in("Ada", "before")
        await inbox.until_taken(1)
        simulator.sockets.disconnect("refresh_requested")
        simulator.say_in("Ada", "during")
        taken = await inbox.until_taken(2)
        assert [envelope.text for envelope, _ in taken] == ["before", "during"]
