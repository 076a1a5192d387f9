"""Direct messages of people who have to be approved, from the first one to an answer."""

import json
import re

import pytest

from tests.journeys.program import eventually

RULE = {"rooms": ["dm"], "dm_policy": "pairing"}


@pytest.fixture(params=["slack", "discord"])
async def either(request, make_world, make_discord_world):
    """A world on each of the platforms."""
    return await (make_world if request.param == "slack" else make_discord_world)()


def direct(world, person, text):
    return world.platform.say_direct(person, text)


async def code_sent(world, said, count=1):
    """The code in the bot's newest answer."""
    sentence = (await world.until_answers(said, count))[-1]
    return re.search(r"[A-Z]{4}-[A-Z]{4}", sentence)[0]


async def test_from_the_first_direct_message_to_an_answer(either):
    world = either
    await world.start(RULE, bridge={"http": "127.0.0.1:0"})
    said = direct(world, "Eve", "a secret of mine")
    code = await code_sent(world, said)
    for number in range(3):
        direct(world, "Eve", f"please {number}")
    await world.settled()
    (waits,) = json.loads(await world.command("pair", "list", "--json"))
    assert (waits["code"], waits["state"], waits["actor"]) == (
        code, "pending", f"{world.platform.source}:{world.platform.person('Eve').id}",
    )  # fmt: skip
    assert "is approved" in await world.command("pair", "approve", code.lower())
    answered = direct(world, "Eve", "and now?")
    before = 1 if answered.thread == said.thread else 0
    assert (await world.until_answers(answered, before + 1))[-1] == "You said: and now?"
    assert world.inputs() == ["and now?"]
    assert len(world.answers(said)) == (2 if before else 1)
    (session,) = world.sessions().values()
    assert (session["turns"], session["instance"]) == (1, "main")
    assert b"a secret of mine" not in world.store.read_bytes()
    assert [one["outcome"] for one in json.loads(await world.command("audit", "--json"))] == ["asked", "approved"]
    await world.command("pair", "revoke", waits["actor"])
    refused = direct(world, "Eve", "still there?")
    await code_sent(world, refused, len(world.answers(refused)) + 1 if before else 1)
    assert world.inputs() == ["and now?"]
    await world.end()


async def test_a_code_outlives_a_restart_and_what_was_said_before_the_approval_is_not_answered(either):
    world = either
    await world.start(RULE)
    said = direct(world, "Eve", "one")
    code = await code_sent(world, said)
    direct(world, "Eve", "two")
    await world.settled()
    await world.program.logged("delivery.sent")
    await world.program.kill()
    await world.command("pair", "approve", code)
    await world.restart()
    await world.program.logged("channel.connected")
    answered = direct(world, "Eve", "three")
    await world.until_answers(answered, 2 if answered.thread == said.thread else 1)
    assert world.inputs() == ["three"]
    assert len(world.answers(said)) == (2 if answered.thread == said.thread else 1)
    await world.end()


async def test_a_retry_of_a_stranger_finds_nothing_and_rooms_need_no_code(either):
    world = either
    await world.start({"rooms": ["*", "dm"], "dm_policy": "pairing", "users": ["*"]})
    said = direct(world, "Eve", "!retry")
    await code_sent(world, said)
    await world.ask("hello", person="Eve")
    assert world.inputs() == ["[Eve] hello"]
    await world.end()


@pytest.mark.parametrize(("policy", "answered"), [("allowlist", ["Ada"]), ("off", [])])
async def test_who_is_answered_directly_without_pairing(either, policy, answered):
    world = either
    ada = world.platform.person("Ada").id
    await world.start({"rooms": ["dm"], "dm_policy": policy, "users": ["*", ada]}, {"rooms": ["*"]})
    for person in ("Eve", "Ada"):
        direct(world, person, f"{person} here")
    await world.ask("hello", person="Eve")
    await world.settled()

    async def noted():
        lines = json.loads(await world.command("audit", "--json"))
        return lines if len(lines) == 2 - len(answered) else None

    lines = await eventually("the lines of the audit", noted)
    assert {line["outcome"] for line in lines} == {"refused"}
    assert sorted(world.inputs()) == sorted([f"{person} here" for person in answered] + ["[Eve] hello"])
    await world.end()
