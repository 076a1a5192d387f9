"""What Slack says of a room."""

import pytest

from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import ChannelError
from bridge.room import Room


def said_in(room, team="T1"):
    return Envelope(
        id="slack:T1:C1:1.1",
        source="slack",
        actor=Actor(id="slack:U1", display="Ada", type="human"),
        conversation=Conversation(source="slack", ref=f"{team}/{room.id}/1.1"),
        text="hello",
        ts="2026-01-01T00:00:00Z",
    )


async def test_a_room_is_asked_for_once_in_some_minutes(channel, simulator):
    room = simulator.add_room("release")
    simulator.set_topic("Ada", "2.0 & <https://example.com/plan|the plan>", room="release")
    found = [await channel.describe_room(said_in(room)) for _ in range(2)]
    assert found == [Room("release", "2.0 & the plan (https://example.com/plan)")] * 2
    assert len([call for call in simulator.calls if call.method == "conversations.info"]) == 1


async def test_a_room_without_a_topic_has_none(channel, simulator):
    assert await channel.describe_room(said_in(simulator.add_room("random"))) == Room("random")


@pytest.mark.parametrize("code", ["missing_scope", "channel_not_found", "ratelimited", "internal_error"])
async def test_what_slack_does_not_tell_is_raised(channel, simulator, code):
    simulator.faults.refuse("conversations.info", error=code)
    with pytest.raises(ChannelError):
        await channel.describe_room(said_in(simulator.add_room("random")))
