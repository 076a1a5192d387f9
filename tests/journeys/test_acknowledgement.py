"""An event is acknowledged only after it is committed."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.program import in_time


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Nobody else can write to the store."""
    connection = sqlite3.connect(store, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def refusing(store: Path, what: str) -> Iterator[None]:
    """The store refuses such writes, as one on a full disk does."""
    connection = sqlite3.connect(store, isolation_level=None, timeout=10)
    connection.execute(f"CREATE TRIGGER refusing BEFORE {what} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    try:
        yield
    finally:
        connection.execute("DROP TRIGGER refusing")
        connection.close()


@pytest.fixture
async def impatient(make_world):
    """Slack waits half a second for an acknowledgement."""
    return await make_world(ack_timeout=0.5, retry_schedule=(0.0, 0.5, 1.0, 1.0, 2.0, 5.0))


async def test_while_the_store_is_locked_nothing_is_acknowledged_and_afterwards_it_is_answered_once(impatient):
    world = impatient
    await world.start({"rooms": ["dm"]})
    with locked(world.store):
        said = world.slack.say_direct("Ada", "hello")
        await in_time("a redelivery", world.slack.until(lambda: world.slack.journal.deliveries >= 2))
        assert world.slack.journal.acked == 0
    await world.until_answers(said, 1)
    await world.settled()
    await world.end()
    assert world.inputs() == ["hello"]
    assert len(world.answers(said)) == 1


async def test_what_the_store_refuses_is_not_acknowledged_and_is_answered_once_it_takes_it(impatient):
    world = impatient
    await world.start({"rooms": ["dm"]})
    with refusing(world.store, "INSERT ON turns"):
        said = world.slack.say_direct("Ada", "hello")
        await in_time("a redelivery", world.slack.until(lambda: world.slack.journal.deliveries >= 2))
        assert world.slack.journal.acked == 0
        assert world.answers(said) == []
    await world.until_answers(said, 1)
    await world.settled()
    await world.end()
    assert world.inputs() == ["hello"]
    assert len(world.answers(said)) == 1


async def test_an_answer_that_cannot_be_stored_is_kept_and_posted_when_it_can(world):
    await world.start()
    await world.ask("hello")
    with refusing(world.store, "INSERT ON deliveries"):
        said = await world.say("what if the disk is full?")
        await world.program.logged("store.refused")
        assert world.answers(said) == []
    assert await world.until_answers(said, 1) == ["You said: what if the disk is full?"]
    assert len(world.agent.requests) == 2


async def test_a_post_that_cannot_be_written_down_is_not_posted_again(world):
    await world.start()
    with refusing(world.store, "UPDATE OF status ON deliveries WHEN NEW.status = 'delivered'"):
        said, _ = await world.ask("hello")
        await world.program.logged("store.refused")
    await world.program.logged("delivery.sent")
    await world.end()
    assert world.answers(said) == ["You said: hello"]
    assert len(world.posts()) == 1


async def test_on_a_full_disk_nothing_is_acknowledged_and_when_there_is_room_it_is_answered_once(impatient):
    world = impatient
    await world.start({"rooms": ["dm"]})
    world.program.fill_disk(True)
    said = world.slack.say_direct("Ada", "hello")
    await in_time("a redelivery", world.slack.until(lambda: world.slack.journal.deliveries >= 2))
    assert world.slack.journal.acked == 0
    world.program.fill_disk(False)
    await world.until_answers(said, 1)
    await world.settled()
    await world.end()
    assert world.inputs() == ["hello"]
    assert len(world.answers(said)) == 1


async def test_on_a_full_disk_the_bridge_is_alive_and_not_ready_until_there_is_room(world):
    await world.start(bridge={"http": "127.0.0.1:0"})
    assert (await world.get("/readyz"))[0] == 200
    world.program.fill_disk(True)
    assert (await world.get("/healthz"))[0] == 200
    status, body = await world.get("/readyz")
    assert (status, body["store"]["writable"]) == (503, False)
    world.program.fill_disk(False)
    assert (await world.get("/readyz"))[0] == 200
