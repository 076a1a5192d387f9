"""What the gateway tells of rooms and threads."""

import asyncio
import contextlib

import pytest

from bridge.envelope import Actor, Conversation, Envelope
from bridge.errors import NotSent
from bridge.room import Room


def said_in(ref):
    return Envelope(
        id="discord:1",
        source="discord",
        actor=Actor(id="discord:2", display="Ada", type="human"),
        conversation=Conversation(source="discord", ref=ref),
        text="hello",
        ts="2026-01-01T00:00:00Z",
    )


@pytest.fixture
async def heard(channel, simulator):
    """What the channel hears, listening."""
    taken = asyncio.Queue()

    async def take(envelope, _):
        await taken.put(envelope)

    task = asyncio.create_task(channel.listen(take))
    await asyncio.wait_for(simulator.connected(), 10)
    yield taken
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def described(channel, heard):
    return await channel.describe_room(await asyncio.wait_for(heard.get(), 10))


async def test_a_room_and_its_threads_are_known_without_a_call(channel, simulator, heard):
    simulator.set_topic(f"what goes out, see <#{simulator.room('general').id}>")
    simulator.say_in("Ada", "hello", mention=True)
    room = Room("general", "what goes out, see #general")
    assert await described(channel, heard) == room
    thread = simulator.open_thread("Ada", "plans for 2.0")
    simulator.say_in("Ada", "hello", thread=thread)
    assert await described(channel, heard) == Room(room.name, room.topic, "plans for 2.0")
    assert [call for call in simulator.calls if "/channels/" in getattr(call, "path", "")] == []


async def test_a_forum_post_has_the_forums_guidelines_and_its_own_title(channel, simulator, heard):
    simulator.add_room("questions", kind="forum", topic="one question each")
    simulator.post_in_forum("Ada", "How do I?", "well?", forum="questions", mention=True)
    assert await described(channel, heard) == Room("questions", "one question each", "How do I?")


async def test_a_thread_that_is_not_opened_yet_has_no_title(channel, simulator, heard):
    room = simulator.room("general").id
    await simulator.say("Ada", "hello")
    await heard.get()
    assert await channel.describe_room(said_in(f"{simulator.guild.id}/{room}/1")) == Room("general")


async def test_where_the_gateway_has_not_told_nothing_is_told(channel, simulator):
    with pytest.raises(NotSent):
        await channel.describe_room(said_in(f"{simulator.guild.id}/{simulator.room('general').id}"))
