"""Two real bridges on one PostgreSQL: what they know of each other."""

import pytest

pytestmark = pytest.mark.parametrize("cluster", ["slack"], indirect=True)


async def test_whoever_is_set_up_otherwise_is_named(cluster):
    cluster.configure()
    cluster.worlds[1].configure({"rooms": ["*"], "trigger": "always"}, bridge={"store": cluster.url, "mention": True})
    for number in range(2):
        await cluster.restart(number)
    for world in cluster.worlds:
        (line,) = await world.program.logged("process.differs")
        assert line["differs"] == ["[bridge]", "[[rules]]"]


async def test_what_nobody_stored_is_found_by_the_other_once_one_is_killed(cluster):
    await cluster.start()
    for world in cluster.worlds:
        await world.program.logged("process.joined")
    cluster.platform.faults.drop_events(None)
    thread = await cluster.say("hello")
    await cluster.kill(0)
    await cluster.worlds[1].program.logged("process.gone")
    assert (await cluster.until_shown(thread, 1))[0].startswith("You said: hello")
