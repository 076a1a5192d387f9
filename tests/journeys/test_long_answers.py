"""A long answer with everything in it arrives as it was written, in as many messages as it needs."""

import html

import pytest

from adapters.discord import limits as discord_limits
from adapters.discord.render import render as for_discord
from adapters.discord.render import units
from adapters.slack import limits as slack_limits
from bridge.demo.document import document
from tests.journeys.program import in_time
from tests.journeys.whole import numbers, troubles

LENGTH = 45_000
ANSWER = document(LENGTH)
LAST = f"({numbers(ANSWER)[-1]})"


def on_slack(world, said):
    """What stands in the thread: of each message the text, and then of each that has one its block, as people read them."""
    there = [world.slack.message(one) for one in world.slack.read(said.thread) if one.by_bot]
    return [html.unescape(message.text) for message in there], [
        html.unescape(block["text"]) if (block := next(iter(message.blocks), None)) else html.unescape(message.text)
        for message in there
    ]


def on_discord(world, said):
    return [world.discord.message(one).content for one in world.discord.read(said.thread) if one.by_bot]


async def until_the_end(world, said):
    last = world.platform.until(lambda: any(LAST in text for text in world.answers(said)))
    await in_time("the last message", last)


async def test_a_long_answer_arrives_complete_on_slack(world):
    await world.start()
    said = await world.say(f"[[document:{LENGTH}]]")
    await until_the_end(world, said)
    await world.end()
    assert len(ANSWER) >= LENGTH
    texts, shown = on_slack(world, said)
    assert len(texts) > 10
    assert troubles(ANSWER, texts, slack_limits.TEXT_CHARS) == []
    assert troubles(ANSWER, shown, slack_limits.MARKDOWN_CHARS) == []
    assert sum(one != other for one, other in zip(texts, shown, strict=True)) > 10
    assert {call.status for call in world.posts()} == {200}


async def test_a_long_answer_arrives_complete_on_discord(discord_world):
    world = discord_world
    await world.start()
    said = await world.say(f"[[document:{LENGTH}]]")
    await until_the_end(world, said)
    await world.end()
    texts = on_discord(world, said)
    assert len(texts) > 20
    assert troubles(ANSWER, texts, discord_limits.MESSAGE_CHARS, units) == []


async def test_a_kill_in_the_middle_of_a_long_answer_loses_and_doubles_nothing(discord_world):
    world = discord_world
    await world.start()
    said = await world.say(f"[[document:{LENGTH}]]")
    await world.until_answers(said, 7)
    await world.program.kill()
    assert len(world.answers(said)) < len(for_discord(ANSWER))
    await world.restart()
    await until_the_end(world, said)
    await world.end()
    assert troubles(ANSWER, on_discord(world, said), discord_limits.MESSAGE_CHARS, units) == []


def a_table_without_its_header(parts):
    """The second of two parts of the same table loses the lines with its header."""
    at = next(at for at, part in enumerate(parts) if part.startswith("```\ntable "))
    return [*parts[:at], "```\n" + parts[at].split("\n", 3)[3], *parts[at + 1 :]]


@pytest.mark.parametrize(
    ("spoilt", "trouble"),
    [
        (lambda parts: parts[:4] + parts[5:], "is missing"),
        (lambda parts: [*parts[:4], parts[3], *parts[4:]], "is doubled"),
        (lambda parts: [*parts[:3], parts[4], parts[3], *parts[5:]], "stands before"),
        (lambda parts: [*parts[:3], parts[3] + parts[4], *parts[5:]], "characters"),
        (lambda parts: [part.replace("\n```", "", 1) for part in parts], "leaves code open"),
        (lambda parts: [part.replace("a < b", "a &lt; b") for part in parts], "nowhere in code"),
        (a_table_without_its_header, "without its header"),
    ],
)
def test_these_tests_would_notice(spoilt, trouble):
    parts = [payload["content"] for payload in for_discord(ANSWER)]
    assert troubles(ANSWER, parts, discord_limits.MESSAGE_CHARS, units) == []
    assert any(trouble in one for one in troubles(ANSWER, spoilt(parts), discord_limits.MESSAGE_CHARS, units))
