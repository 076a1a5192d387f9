"""A ticket is one conversation with the agent, wherever it is talked about, and each is answered where it asked."""

import json
from collections.abc import AsyncIterator

import pytest

from adapters.discord.simulator import DiscordSimulator
from bridge import notices
from tests.journeys.program import eventually, in_time, toml

TICKETS = {"session": "ticket", "ticket": "[A-Z]{2,10}-[0-9]+"}
ASKED = "Before this you said:\n1. ABC-123 the printer burns"


@pytest.fixture
async def discord() -> AsyncIterator[DiscordSimulator]:
    async with DiscordSimulator(rate_limits=False) as simulator:
        yield simulator


async def on_both(world, discord, *, instance="main", **rule):
    """One bridge on both platforms."""
    world.program.environment |= discord.secrets()
    world.configure(TICKETS)
    beside = {"channels.discord": discord.settings(), "instances.theirs": world.agent_section()}
    config = world.folder / "config.toml"
    rules = [{"channel": "discord", "instance": instance, **TICKETS, **rule}]
    config.write_text(config.read_text() + "\n" + toml(beside, rules), encoding="utf-8")
    await world.restart()
    await in_time("the bridge's connection to the other platform", discord.connected())


async def answered(discord, thread, count):
    """What the bot wrote there, once that is so much."""

    async def enough():
        said = [one.text for one in discord.read(thread) if one.by_bot]
        return said if len(said) >= count else None

    return await eventually(f"answer {count}", enough)


async def test_a_ticket_in_a_thread_and_in_a_forum_post_of_that_title_is_one_session(world, discord):
    await on_both(world, discord)
    thread, _ = await world.ask("ABC-123 the printer burns")
    post = discord.post_in_forum("Bo", "ABC-123: printer", "what did I say?", mention=True)
    assert await answered(discord, post.thread, 1) == [ASKED]
    assert (await world.ask("it still burns", thread))[1].startswith("You said: it still burns")
    exported = [json.loads(line) for line in (await world.command("sessions", "export", "ticket-abc-123")).splitlines()]
    await world.end()
    assert set(world.sessions()) == {"ticket-abc-123"}
    assert [(one["actor"]["type"], one["source"]) for one in exported] == [
        ("human", "slack"), ("agent", "chowder"), ("human", "discord"), ("agent", "chowder"),
        ("human", "slack"), ("agent", "chowder"),
    ]  # fmt: skip
    assert exported[0]["raw"]["event"]["text"].endswith("ABC-123 the printer burns")


async def test_a_thread_is_linked_on_one_platform_and_the_other_goes_on(world, discord):
    await on_both(world, discord, session="thread")
    await world.ask("ABC-123 the printer burns")
    said = await discord.say("Bo", "hello")
    await answered(discord, said.thread, 1)
    await discord.say("Bo", "!link ABC-123", thread=said.thread)
    await answered(discord, said.thread, 2)
    await discord.say("Bo", "what did I say?", thread=said.thread)
    assert (await answered(discord, said.thread, 3))[2] == ASKED
    await world.end()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ABC-123 and what did I say?", "You have not said anything before."),
        ("!link ABC-123", notices.OTHER_TEAMS_TICKET),
    ],
)
async def test_another_teams_ticket_of_the_same_name_is_not_joined(world, discord, words, said):
    await on_both(world, discord, instance="theirs")
    await world.ask("ABC-123 the printer burns")
    asked = await discord.say("Bo", words)
    assert await answered(discord, asked.thread, 1) == [said]
    await world.ask("what did I say? ABC-123")
    await world.end()
    assert world.sessions()["ticket-abc-123"]["instance"] == "main"


async def test_what_links_point_at_is_in_the_envelope(world):
    await world.start()
    await world.ask("see https://github.com/acme/api/pull/7 and https://acme.atlassian.net/browse/ABC-1, please")
    [session] = world.sessions()
    said = json.loads((await world.command("sessions", "export", session)).splitlines()[0])
    assert said["refs"] == {"repo": "acme/api", "pr": "7", "issue": "ABC-1"}
    await world.end()


async def test_a_session_that_does_not_exist_cannot_be_exported(world):
    await world.start()
    with pytest.raises(AssertionError, match='there is no session "nothing"'):
        await world.command("sessions", "export", "nothing")
    await world.end()
