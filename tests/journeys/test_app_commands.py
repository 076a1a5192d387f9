"""The platforms' own commands: Discord's behind a `/`, and Slack's one, which it refuses inside threads."""

import asyncio
import contextlib
import json
import sqlite3
import time
from urllib.parse import urlencode

import aiohttp
import pytest

from adapters.discord.simulator.interaction import ANSWER_WITHIN
from adapters.slack.simulator.events_api import signed_headers
from adapters.slack.simulator.interactions import commanded
from bridge import faultpoints, notices
from tests.journeys.program import eventually, in_time
from tests.journeys.test_commands import works_on
from tests.journeys.test_feedback import whispers

NAMES = ["help", "new", "stop", "status", "retry", "link", "unlink"]
WHOLE_ROOM = {"session": "room"}
"""With this rule a command that is used in a room means the session of the room, on both platforms."""


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


async def invoke(world, person, words, **where):
    """Uses a command, and whether the platform was answered in time."""
    if world.platform.source == "slack":
        return await world.platform.invoke(person, words, **where)
    registered = world.platform.until(lambda: len(world.platform.registered()) == len(NAMES))
    await in_time("the registration of the commands", registered)
    made = world.platform.invoke(person, words, **where)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_WITHIN):
            await world.platform.until(lambda: bool(made.response))
    return bool(made.response)


async def told(world, words, *, person="Ada", **where):
    """What that person alone is told for a command."""
    before = len(world.platform.whispers(person))
    assert await invoke(world, person, words, **where), world.program.text()
    return (await whispers(world, person, before + 1))[-1]


async def test_help_is_the_same_everywhere_and_asks_nobody(either):
    await either.start({"rooms": ["*", "dm"]})
    for where in ({}, {"direct": True}):
        for word in ("!stop", "!link ABC-123", "main"):
            assert word in await told(either, "help", **where)
    await either.end()
    assert (either.inputs(), either.sessions()) == ([], {})


async def test_status_and_stop_while_the_agent_works(either):
    await either.start(WHOLE_ROOM)
    said = await works_on(either, "[[drip:500:0.2]] a long story")
    await either.until_answers(said, 1)
    status = await told(either, "status", person="Bo")
    assert status.startswith("The agent has been working on a message for ")
    assert "-room-" in status
    assert await told(either, "stop", person="Bo") == notices.WILL_STOP
    answers = await either.until_answers(said, 2)
    assert answers[1] == notices.STOPPED
    assert (await told(either, "status")).startswith(notices.IDLE)
    assert await told(either, "stop") == notices.NOTHING_RUNS
    await either.end()
    assert len(either.answers(said)) == 2, "what only one person was told stands nowhere else"


async def test_new_begins_afresh_where_it_was_used(either):
    await either.start(WHOLE_ROOM)
    said, _ = await either.ask("the word is apple")
    assert await told(either, "new") == notices.BEGUN_ANEW
    assert (await either.ask("recall", said))[1] == "You have not said anything before."
    await either.end()
    first, second = sorted(either.sessions())
    assert second == f"{first}-2"


async def test_what_could_not_be_answered_is_asked_again_in_its_thread(either):
    await either.start(WHOLE_ROOM)
    said, notice = await either.ask("[[fail]] the question")
    assert "could not answer" in notice
    received = either.agent.received
    assert await told(either, "retry") == notices.ASKED_AGAIN
    await in_time("the second asking", either.agent.until(lambda agent: agent.received > received))
    await either.until_answers(said, 2)
    await either.end()


async def test_beside_threads_it_says_where_the_word_is_to_be_written(either):
    await either.start()
    said = await works_on(either, "[[hang]] forever")
    assert await told(either, "stop") == notices.in_its_thread("!stop", button=True)
    assert await told(either, "link ABC-123") == notices.in_its_thread("!link", button=False)
    assert either.answers(said) == []
    await either.ask("!stop", said)
    await either.end()


async def test_where_nothing_was_asked_and_what_is_no_command(either):
    await either.start(WHOLE_ROOM)
    for word in ("stop", "new", "status"):
        assert await told(either, word) == notices.NOTHING_YET
    await either.end()
    assert either.sessions() == {}


async def test_whom_no_rule_admits_there_changes_and_learns_nothing(either):
    await either.start({"users": [either.platform.person("Ada").id], **WHOLE_ROOM})
    said = await works_on(either, "[[hang]] forever")
    for words in ("stop", "new", "status", "help", "retry", "link ABC-1", "unlink"):
        assert await told(either, words, person="Bo") == notices.NOT_FOR_YOU
    assert await told(either, "stop") == notices.WILL_STOP
    await either.until_answers(said, 1)
    await either.end()


async def test_a_command_that_cannot_be_committed_is_not_acknowledged(either):
    await either.start(WHOLE_ROOM)
    await either.ask("the word is apple")
    await either.program.logged("delivery.sent")
    other = sqlite3.connect(either.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not await invoke(either, "Ada", "new")
    other.execute("ROLLBACK")
    other.close()

    async def again():
        return True if await invoke(either, "Ada", "status") else None

    await eventually("the next command", again)
    await either.end()


async def test_what_was_committed_when_the_bridge_died_holds_although_nobody_was_told(either):
    events = {"slack": 3, "discord": 2}[either.platform.source]  # a mention in Slack's channels is two of them
    either.program.environment[faultpoints.VARIABLE] = f"event.stored:{events}"
    await either.start(WHOLE_ROOM)
    said, _ = await either.ask("the word is apple")
    assert not await invoke(either, "Ada", "new")
    await in_time("the end of the program", either.program.ended())
    del either.program.environment[faultpoints.VARIABLE]
    await either.restart()
    assert (await either.ask("recall", said))[1] == "You have not said anything before."
    await either.end()


async def test_on_discord_a_command_in_a_thread_is_of_that_thread(discord_world):
    world = discord_world
    await world.start()
    first, _ = await world.ask("the word is apple")
    second, _ = await world.ask("something else")
    assert "own again" not in await told(world, "link ABC-123", thread=first.thread)
    assert await told(world, "link ABC-123", thread=second.thread) == notices.linked("ticket-abc-123")
    await world.ask("the word is pear", first)
    assert (await world.ask("recall", second))[1] == "Before this you said:\n1. the word is pear"
    assert await told(world, "unlink", thread=second.thread) == notices.UNLINKED
    await works_on(world, "[[hang]] forever", second)
    assert await told(world, "stop", thread=first.thread) == notices.NOTHING_RUNS
    assert await told(world, "stop", thread=second.thread) == notices.WILL_STOP
    assert (await world.until_answers(second, 3))[2] == notices.STOPPED
    assert await told(world, "new", thread=second.thread) == notices.BEGUN_ANEW
    assert (await world.ask("recall", second))[1] == "You have not said anything before."
    assert f"session `{world.session_of(second)}-2`" in await told(world, "status", thread=second.thread)
    await world.end()


async def test_on_discord_a_forum_post_can_be_linked_before_anything_was_asked(discord_world):
    world = discord_world
    await world.start()
    post = world.discord.post_in_forum("Ada", "Broken", "who knows this?")
    assert await told(world, "new", thread=post.thread) == notices.NOTHING_YET
    assert await told(world, "link ABC-1", thread=post.thread) == notices.linked("ticket-abc-1")
    await world.ask("hello", post)
    await world.end()
    assert set(world.sessions()) == {"ticket-abc-1"}


async def test_on_discord_the_direct_conversation_is_one(discord_world):
    world = discord_world
    await world.start()
    said = world.discord.say_direct("Ada", "[[hang]] forever")
    await in_time("the agent's work", world.agent.until(lambda agent: agent.received > 0))
    assert await told(world, "stop", direct=True) == notices.WILL_STOP
    assert (await world.until_answers(said, 1))[0] == notices.STOPPED
    assert await told(world, "stop", person="Bo", direct=True) == notices.NOTHING_YET
    await world.end()


async def test_discord_is_told_of_the_commands_once(discord_world):
    world = discord_world
    await world.start()
    await world.program.logged("commands.registered")
    await world.end()
    await world.start()
    await told(world, "help")
    await world.end()
    assert world.program.events("commands.registered") == []
    assert [one["name"] for one in world.discord.registered()] == NAMES


async def test_where_discord_refuses_the_commands_the_bridge_says_so_and_goes_on(discord_world):
    world = discord_world
    world.discord.faults.refuse("commands", 50001, 403, "Missing Access")
    await world.start()
    (said,) = await world.program.logged("commands.not_registered")
    assert "!help" in said["remedy"]
    assert (await world.ask("hello"))[1] == "You said: hello"
    await world.end()


async def test_on_slack_a_direct_conversation_that_is_one_session_takes_them(world):
    await world.start({"rooms": ["dm"], "dm_session": "channel"})
    asked = world.slack.say_direct("Ada", "[[hang]] forever")
    await in_time("the agent's work", world.agent.until(lambda agent: agent.received > 0))
    assert (await told(world, "status", direct=True)).startswith("The agent has been working on a message for ")
    assert await told(world, "stop", direct=True) == notices.WILL_STOP

    async def stopped():
        room = world.slack.workspace.rooms[asked.thread.partition("/")[0]]
        return next((one for one in room.messages.values() if one.text == notices.STOPPED), None)

    await eventually("the sentence that it was stopped", stopped)
    assert await told(world, "stop") == notices.NOT_FOR_YOU, "no rule is for rooms"
    await world.end()


async def test_on_slack_inside_a_thread_the_word_is_what_works(world):
    await world.start()
    said = await works_on(world, "[[hang]] forever")
    assert not await world.slack.invoke("Ada", "stop", thread=said.thread)
    assert (await world.ask("!stop", said))[1] == notices.STOPPED
    await world.end()


async def test_over_slacks_http_door_a_signed_command_is_taken_and_a_forged_one_is_not(make_world):
    world = await make_world(events_url="http://127.0.0.1:9/not-yet")
    await world.start(WHOLE_ROOM, bridge={"http": "127.0.0.1:0"})
    url = (await world.program.logged("bridge.started"))[0]["http"] + "/slack/events"
    world.slack.events_api.url = url
    said = await works_on(world, "[[hang]] forever")
    workspace = world.slack.workspace
    room = workspace.find_room("#general")
    fields = commanded(workspace, world.slack.person("Ada"), room, "/threadbridge", "stop")
    body = urlencode(fields).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for headers in (
        form,
        signed_headers("another secret", body, int(time.time())) | form,
        signed_headers(world.slack.signing_secret, body, int(time.time()) - 3600) | form,
        signed_headers(world.slack.signing_secret, b"text=help", int(time.time())) | form,
    ):
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 401
    assert (await told(world, "status")).startswith("The agent has been working on a message for ")
    assert await told(world, "stop") == notices.WILL_STOP
    assert await world.until_answers(said, 1) == [notices.STOPPED]
    await world.end()
    assert fields["response_url"] not in json.dumps(world.program.log)
