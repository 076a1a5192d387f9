"""Two buttons under an answer, from the press to the store and the page of metrics."""

import asyncio
import contextlib
import json
import sqlite3

import aiohttp
import pytest

from adapters.discord.simulator.interaction import ANSWER_WITHIN
from bridge import notices
from tests.journeys.program import eventually, in_time

ON = {"feedback": True, "http": "127.0.0.1:0"}
LABELS = ["Good answer", "Bad answer"]


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def answers(world, thread):
    """The bot's messages in the thread."""
    return [said for said in world.platform.read(thread.thread) if said.by_bot]


async def press(world, person, said, label):
    """Presses it, and whether the platform was answered in time."""
    pressed = world.platform.press(person, said, label)
    if world.platform.source == "slack":
        return await pressed
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_WITHIN):
            await world.platform.until(lambda: bool(pressed.response))
    return bool(pressed.response)


async def whispers(world, person, count):
    """What only that person was shown, once it is so much."""
    shown = world.platform.until(lambda: len(world.platform.whispers(person)) >= count)
    await in_time(f"whisper {count}", shown)
    return world.platform.whispers(person)


async def metric(world, value):
    """The votes of that kind, as the page of metrics has them."""
    address = (await world.program.logged("bridge.started"))[0]["http"]
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    (line,) = [line for line in lines if line.startswith(f'threadbridge_feedback_total{{value="{value}"}} ')]
    return float(line.split()[-1])


def votes(world):
    """(actor, value) of every vote in the store."""
    with contextlib.closing(sqlite3.connect(world.store)) as connection:
        return connection.execute("SELECT actor, value FROM feedback ORDER BY actor").fetchall()


def payloads(world):
    """What was committed to be posted, oldest first."""
    with contextlib.closing(sqlite3.connect(world.store)) as connection:
        found = connection.execute("SELECT payload FROM deliveries ORDER BY seq").fetchall()
    return [json.loads(payload) for (payload,) in found]


def actor(world, person):
    return f"{world.platform.source}:{world.platform.person(person).id}"


async def test_an_answer_has_the_buttons_once_and_a_vote_can_be_changed(either):
    world = either
    await world.start(bridge=ON)
    said = await world.say("word " * 1_500)
    await world.until_answers(said, 2)
    await world.program.logged("delivery.sent", len(payloads(world)))
    *before, last = answers(world, said)
    assert [world.platform.buttons(one) for one in before] == [[] for _ in before]
    assert world.platform.buttons(last) == LABELS
    assert await press(world, "Ada", last, "Good answer")
    assert await whispers(world, "Ada", 1) == [notices.VOTED_GOOD]
    assert votes(world) == [(actor(world, "Ada"), "good")]
    assert [await metric(world, value) for value in ("good", "bad")] == [1, 0]
    assert await press(world, "Ada", last, "Bad answer")
    await whispers(world, "Ada", 2)
    assert votes(world) == [(actor(world, "Ada"), "bad")]
    assert [await metric(world, value) for value in ("good", "bad")] == [0, 1]
    assert f'"by": "{actor(world, "Ada")}"' in await world.command("trace", "t1", "--json")
    assert answers(world, said) == [*before, last]
    await world.end()


async def test_anybody_of_the_thread_may_vote_and_whom_no_rule_admits_may_not(either):
    world = either
    admitted = [world.platform.person(name).id for name in ("Ada", "Bo")]
    await world.start({"users": admitted}, bridge=ON)
    said, _ = await world.ask("hello")
    for person in ("Bo", "Eve"):
        await world.say("let me see", said, person=person)
    await world.until_answers(said, 2)
    (first, *_) = answers(world, said)
    assert await press(world, "Eve", first, "Bad answer")
    assert await whispers(world, "Eve", 1) == [notices.BUTTON_IS_NOT_FOR_YOU]
    assert votes(world) == []
    for person in ("Bo", "Ada"):
        assert await press(world, person, first, "Good answer")
        await whispers(world, person, 1)
    assert {value for _, value in votes(world)} == {"good"}
    assert await metric(world, "good") == 2
    assert world.inputs() == ["[Ada] hello", "[Bo] let me see"]
    await world.end()


async def test_by_default_there_are_no_buttons_and_what_is_posted_is_as_ever(either):
    world = either
    await world.start()
    said, _ = await world.ask("hello")
    await world.end()
    (answer,) = answers(world, said)
    assert world.platform.buttons(answer) == []
    key = "text" if world.platform.source == "slack" else "content"
    assert payloads(world) == [{key: "You said: hello"}]


async def test_an_answer_that_was_shown_as_it_grew_has_them_at_its_end(either):
    world = either
    await world.start(bridge=ON)
    said = await world.say("[[drip:40:0.1]]")
    await world.until_answers(said, 1)
    growing = answers(world, said)[0]
    assert not set(world.platform.buttons(growing)) & set(LABELS)
    await in_time(
        "the buttons", world.platform.until(lambda: world.platform.buttons(answers(world, said)[0]) == LABELS)
    )
    await world.program.logged("delivery.sent")
    (answer,) = answers(world, said)
    assert (answer.id, answer.text.split()[-1]) == (growing.id, "w39")
    assert await press(world, "Ada", answer, "Good answer")
    assert votes(world) == [(actor(world, "Ada"), "good")]
    await world.end()


async def test_votes_and_buttons_outlive_the_process(either):
    world = either
    await world.start(bridge=ON)
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    (answer,) = answers(world, said)
    assert await press(world, "Ada", answer, "Good answer")
    await world.program.kill()
    assert votes(world) == [(actor(world, "Ada"), "good")]
    assert not await press(world, "Bo", answer, "Good answer")
    await world.restart()
    assert await press(world, "Bo", answer, "Good answer")
    assert await metric(world, "good") == 2
    await world.end()


async def test_a_press_that_cannot_be_committed_is_not_acknowledged(either):
    world = either
    await world.start(bridge=ON)
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    (answer,) = answers(world, said)
    other = sqlite3.connect(world.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not await press(world, "Ada", answer, "Good answer")
    other.execute("ROLLBACK")
    other.close()

    async def again():
        return True if await press(world, "Ada", answer, "Bad answer") else None

    await eventually("the next press", again)
    assert votes(world) == [(actor(world, "Ada"), "bad")]
    await world.end()


async def test_buttons_of_a_time_when_feedback_was_on_do_nothing_when_it_is_off(either):
    world = either
    await world.start(bridge=ON)
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    await world.end()
    await world.start(bridge=ON | {"feedback": False})
    assert await press(world, "Ada", answers(world, said)[0], "Good answer")
    assert await whispers(world, "Ada", 1) == [notices.BUTTON_DOES_NOTHING]
    assert (votes(world), await metric(world, "good")) == ([], 0)
    await world.end()


async def test_over_slacks_http_door_a_press_is_taken_too(make_world):
    world = await make_world(events_url="http://127.0.0.1:9/not-yet")
    await world.start(bridge=ON)
    address = (await world.program.logged("bridge.started"))[0]["http"]
    world.slack.events_api.url = f"{address}/slack/events"
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    assert await press(world, "Ada", answers(world, said)[0], "Bad answer")
    assert await whispers(world, "Ada", 1) == [notices.VOTED_BAD]
    assert votes(world) == [(actor(world, "Ada"), "bad")]
    await world.end()
