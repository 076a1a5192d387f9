"""A store that is read-only, locked or damaged says so, and nothing is acknowledged that is not stored."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.journeys.program import eventually, in_time
from tests.journeys.test_acknowledgement import locked

PAGE = 4096
NO_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Without these even root has only the rights that a file gives."""


def damage(store: Path) -> None:
    """What a broken disk leaves, and so that whoever has the store open reads it again."""
    connection = sqlite3.connect(store, isolation_level=None, timeout=10)
    connection.execute("DELETE FROM heartbeat")
    connection.execute("INSERT INTO heartbeat VALUES (1, 0)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with store.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"U" * (store.stat().st_size - PAGE))


@pytest.fixture
async def impatient(make_world):
    """Slack waits half a second for an acknowledgement."""
    return await make_world(ack_timeout=0.5, retry_schedule=(0.0, 0.5, 1.0, 2.0, 4.0, 8.0))


@pytest.fixture(params=["slack", "discord"])
async def any_world(request, make_world, make_discord_world):
    return await (make_world() if request.param == "slack" else make_discord_world())


def acked(world):
    """How many events were acknowledged so far, where the platform asks for that."""
    return world.slack.journal.acked if world.platform.source == "slack" else None


async def refused(world):
    """The one sentence with which the program does not start."""
    await world.program.start()
    assert await world.program.refused_to_start() == 1, world.program.text()
    assert len(world.program.log) == 1, world.program.text()
    assert world.program.log[0].startswith(f"threadbridge: the store {world.store} cannot be "), world.program.text()
    return world.program.log[0]


async def test_a_store_that_is_a_directory_is_refused(world):
    world.configure()
    world.store.unlink()
    world.store.mkdir()
    assert "check that it is a file" in await refused(world)


async def test_a_damaged_store_is_refused(world):
    world.configure()
    world.store.write_bytes(world.store.read_bytes()[:-PAGE])
    assert "it is damaged, so nothing is written any more: stop the bridge, put a backup" in await refused(world)


@pytest.mark.parametrize(("folder", "remedy"), [(0o755, "check the rights of the file"), (0o555, "check the folder's")])
async def test_a_store_that_may_not_be_written_is_refused(world, folder, remedy):
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everything, and there is no setpriv to take that away")
        world.program.under = NO_RIGHTS
    world.configure()
    world.store.chmod(0o444)
    world.folder.chmod(folder)
    try:
        assert remedy in await refused(world)
    finally:
        world.folder.chmod(0o755)


async def test_a_store_that_another_program_keeps_locked_is_refused(world):
    world.configure()
    with locked(world.store):
        assert "database is locked; another program keeps it locked: end that one" in await refused(world)
    await world.restart()
    await world.ask("hello")


async def test_what_comes_while_the_store_is_locked_for_long_is_answered_once(any_world):
    world = any_world
    await world.start()
    said, _ = await world.ask("hello")
    with locked(world.store):
        await world.say("and while it is locked?", said)
        (line, *_) = await world.program.logged("turn.not_accepted")
        assert f"{world.store} cannot be used: database is locked" in line["reason"]
        assert len(world.answers(said)) == 1
    await world.until_answers(said, 2)
    await world.ask("done", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] and while it is locked?", "[Ada] done"]
    assert len(world.answers(said)) == 3


async def test_while_the_store_is_locked_for_long_nothing_is_acknowledged(impatient):
    world = impatient
    await world.start({"rooms": ["dm"]})
    with locked(world.store):
        said = world.slack.say_direct("Ada", "hello")
        await world.program.logged("turn.not_accepted")
        assert world.slack.journal.acked == 0
    await world.until_answers(said, 1)
    await world.settled()
    await world.end()
    assert world.inputs() == ["hello"]
    assert len(world.answers(said)) == 1


async def test_damage_while_it_runs_is_said_once_and_what_comes_is_answered_from_the_backup(any_world):
    world = any_world
    await world.start(bridge={"http": "127.0.0.1:0", "drain": 0.2})
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    await world.settled()
    backup = sqlite3.connect(world.folder / "backup.db")
    with sqlite3.connect(world.store) as source:
        source.backup(backup)
    backup.close()
    source.close()
    damage(world.store)
    acknowledged = acked(world)
    await world.say("and now?", said)
    (line,) = await world.program.logged("store.damaged")
    assert f"{world.store} cannot be used: database disk image is malformed; it is damaged" in line["reason"]

    async def refused_again() -> bool | None:
        status, body = await world.get("/readyz")
        return True if (status, body["store"]["writable"]) == (503, False) else None

    await eventually("not ready", refused_again)
    await world.program.logged("store.refused")
    assert world.program.running
    assert acked(world) == acknowledged
    assert len(world.program.events("store.damaged")) == 1
    assert len(world.answers(said)) == 1
    world.program.signal(signal.SIGTERM)
    assert await world.program.ended() == 0
    await refused(world)
    for name in ("", "-wal", "-shm"):
        Path(f"{world.store}{name}").unlink(missing_ok=True)
    shutil.copy(world.folder / "backup.db", world.store)
    await world.restart()
    await world.until_answers(said, 2)
    await world.ask("done", said)
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Ada] and now?", "[Ada] done"]
    assert len(world.answers(said)) == 3


async def test_an_answer_that_came_while_the_store_was_locked_is_posted_once(any_world):
    world = any_world
    await world.start()
    world.agent.hold()
    said = await world.say("hello")
    await in_time("the question", world.agent.wait_for_requests(1))
    with locked(world.store):
        world.agent.release()
        await world.program.logged("store.refused", 2)
        assert world.answers(said) == []
    assert await world.until_answers(said, 1) == ["You said: hello"]
    await world.end()
    assert (len(world.posts()), len(world.agent.requests)) == (1, 1)
