"""Rules that are read again while the bridge runs."""

import json
import signal

import pytest

from tests.journeys.program import eventually


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def only(world, *people):
    return {"users": [world.platform.person(name).id for name in people]}


async def reload(world):
    """(exit code, what it printed)."""
    code, out, err = await world.try_command("reload")
    return code, out + err


async def registered(world):
    """Once the process can be asked."""

    async def looked():
        return True if (await reload(world))[0] == 0 else None

    await eventually("the first reload", looked)


async def test_new_rules_count_while_a_turn_runs_and_the_connection_stays(either):
    world = either
    world.agent.hold()
    await world.start(only(world, "Ada"))
    running = await world.say("hello", person="Ada")
    await world.agent.until(lambda agent: len(agent.requests) == 1)
    await registered(world)
    world.configure(only(world, "Bo"))
    code, said = await reload(world)
    assert (code, ": rules in force: 1\n" in said) == (0, True), said
    refused = await world.say("and I?", person="Ada")
    new = await world.say("hello", person="Bo")
    world.agent.release()
    await world.until_answers(running, 1)
    await world.until_answers(new, 1)
    assert world.inputs() == ["[Ada] hello", "[Bo] hello"]
    assert world.answers(refused) == []
    assert len(world.program.events("channel.connected")) == 1
    lines = json.loads(await world.command("audit", "--json"))
    assert [one["outcome"] for one in lines if one["action"] == "reload"][-1] == "done"
    assert [one["target"] for one in lines if one["action"] == "access"] != []
    await world.end()


async def test_a_signal_has_them_read_and_a_broken_file_keeps_the_old_ones(world):
    await world.start(only(world, "Ada"))
    await world.ask("hello", person="Ada")
    good = (world.folder / "config.toml").read_text()
    (world.folder / "config.toml").write_text(good.replace('"main"', '"mein"') + "\n[nonsense]\n")
    world.program.signal(signal.SIGHUP)
    (line,) = await world.program.logged("rules.kept")
    assert len(line["problems"]) == 2
    code, said = await reload(world)
    assert (code, "[instances.mein]" in said, "nonsense" in said, "nothing was changed" in said) == (
        1,
        True,
        True,
        True,
    )
    await world.ask("still", person="Ada")
    (world.folder / "config.toml").write_text(
        good.replace(only(world, "Ada")["users"][0], only(world, "Bo")["users"][0])
    )
    world.program.signal(signal.SIGHUP)
    await world.program.logged("rules.reloaded")
    await world.ask("and I", person="Bo")
    assert world.inputs() == ["[Ada] hello", "[Ada] still", "[Bo] and I"]
    await world.end()


async def test_what_was_refused_before_is_not_found_to_be_missed_afterwards(world):
    await world.start(only(world, "Ada"))
    said, _ = await world.ask("hello", person="Ada")
    await world.say("let me in", said, person="Eve")
    await world.settled()
    await registered(world)
    world.configure({"trigger": "always"})
    assert (await reload(world))[0] == 0
    await world.program.logged("rules.reloaded", 2)
    await world.ask("and now", said, person="Eve")
    await world.end()
    assert world.inputs() == ["[Ada] hello", "[Eve] and now"]
    assert world.program.events("channel.deaf") == []


async def test_a_rule_for_something_that_does_not_run_is_an_error_and_other_sections_need_a_restart(world):
    await world.start()
    await registered(world)
    world.configure(bridge={"mention": True})
    code, said = await reload(world)
    assert (code, "[bridge]: what is different there needs a restart" in said) == (0, True)
    text = (world.folder / "config.toml").read_text()
    added = '[instances.new]\ntype = "echo"\n[[rules]]\nchannel = "slack"\ninstance = "new"\n'
    (world.folder / "config.toml").write_text(text + added)
    code, said = await reload(world)
    assert (code, "the rules stay as they were" in said, "[instances.new] does not run yet" in said) == (
        1,
        True,
        True,
    )
    await world.ask("hello")
    await world.end()
    code, said = await reload(world)
    assert (code, "no threadbridge runs on this store" in said) == (1, True)
