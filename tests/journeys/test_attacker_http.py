"""Requests that somebody forges to the address where Slack posts events and presses."""

import json
import time
from urllib.parse import urlencode

import pytest

from adapters.slack.simulator import interactions
from adapters.slack.simulator.events_api import signed_headers
from tests.journeys.test_commands import works_on
from tests.journeys.test_handles import with_button
from tests.journeys.test_http_mode import post

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def world(make_world):
    """Slack posts events to an address that is set once the bridge listens."""
    world = await make_world(events_url="http://127.0.0.1:9/not-yet", ack_timeout=5.0)
    world.channel_options["streaming"] = "edits"
    return world


async def started(world, *rules):
    """The address, once Slack knows it."""
    await world.start(*rules, bridge={"http": "127.0.0.1:0", "feedback": True})
    address = (await world.program.logged("bridge.started"))[0]["http"]
    world.slack.events_api.url = f"{address}/slack/events"
    return world.slack.events_api.url


def event(world, text, **changes):
    """A mention in #general as Slack tells of it."""
    room = world.slack.workspace.room("#general").id
    said = {"type": "app_mention", "user": world.slack.person("Ada").id, "channel": room, "ts": "1795000000.000001"}
    said |= {"text": f"<@{world.slack.workspace.bot.id}> {text}", **changes.pop("event", {})}
    whole = {"type": "event_callback", "team_id": world.slack.workspace.team_id, "event_id": "Ev1", "event": said}
    return json.dumps(whole | changes).encode()


async def test_a_captured_request_that_is_sent_again_and_again_is_answered_once(world):
    url = await started(world)
    body, now = event(world, "hello", event={"ts": f"{time.time():.6f}"}), int(time.time())
    headers = signed_headers(world.slack.signing_secret, body, now)
    assert [(await post(url, body, headers))[0] for _ in range(5)] == [200] * 5
    old = signed_headers(world.slack.signing_secret, body, now - 600)
    assert (await post(url, body, old))[0] == 401
    assert (await post(url, body, headers | {"X-Slack-Request-Timestamp": str(now + 1)}))[0] == 401
    await world.ask("and now?")
    await world.end()
    assert world.agent.received == 2


async def test_what_another_teams_workspace_tells_is_refused_by_rules_that_name_ours(world):
    url = await started(world, {"workspaces": [world.slack.workspace.team_id], "rooms": ["*", "dm"]})
    bodies = [
        event(world, "let me in", team_id="T0OTHER001"),
        event(world, "let me in", team_id="T0OTHER001", event={"channel": "D0OTHER001", "channel_type": "im"}),
        event(world, "let me in", team_id="../../T", event={"ts": "1795000000.000002"}),
        event(world, "let me in", team_id=["T0DEMO0001"]),
        event(world, "x", event={"type": "reaction_added", "reaction": "eyes", "item": {"type": "message"}}),
        event(world, "x", event={"ts": "../../etc"}),
        event(world, "x", event={"user": {"id": "U1"}}),
        event(world, "x", event={"type": "message", "subtype": "message_changed", "message": "x"}),
    ]
    for body in bodies:
        headers = signed_headers(world.slack.signing_secret, body, int(time.time()))
        assert (await post(url, body, headers))[0] == 200
    await world.ask("hello")
    await world.end()
    assert world.inputs() == ["[Ada] hello"]
    assert len(world.posts()) == 1


async def test_a_press_that_slack_did_not_sign_stops_nothing(world):
    url = await started(world)
    said = await works_on(world, "[[drip:60:0.1]] a story")
    growing = world.slack.message(await with_button(world, said, "Stop"))
    workspace, room = world.slack.workspace, world.slack.workspace.room("#general")
    payload = interactions.pressed(workspace, world.slack.person("Ada"), room, growing, "Stop")
    body, now = urlencode({"payload": json.dumps(payload)}).encode(), int(time.time())
    for headers in ({}, signed_headers("guessed", body, now), signed_headers("", body, now)):
        assert (await post(url, body, headers | FORM))[0] == 401
    broken = [
        b"payload=",
        b"payload=rubbish",
        b"payload=%5B%5D",
        urlencode({"payload": '{"type":"block_actions"}'}).encode(),
    ]
    for body in broken:
        headers = signed_headers(world.slack.signing_secret, body, now) | FORM
        assert (await post(url, body, headers))[0] < 500
    await world.until_answers(said, 1)
    await world.ask("and now?", said)
    await world.end()
    assert world.answers(said)[0].endswith("59")
