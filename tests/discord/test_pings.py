"""Nobody on Discord is notified by what an agent writes, and it still reads naturally."""

import pytest
from hypothesis import given

from adapters.discord.client import DiscordClient
from adapters.discord.render import render
from adapters.discord.simulator import DiscordSimulator
from tests.pings import ANSWERS, AT_THE_END_OF_A_PART, HOSTILE_TEXT, MENTIONS, split_in_two


async def posted(simulator: DiscordSimulator, client: DiscordClient, texts):
    """What was stored of all their messages."""
    room = simulator.room("general").id
    payloads = [payload for text in texts for payload in render(text)]
    for number, payload in enumerate(payloads):
        await client.post(room, payload, f"n{number}")
    return [simulator.message(said) for said in simulator.read_room("general")]


async def test_no_place_of_an_answer_notifies(simulator, client):
    messages = await posted(simulator, client, ANSWERS)
    assert len(messages) >= len(ANSWERS)
    assert [message.content for message in messages if message.pinged] == []


@pytest.mark.parametrize("mention", MENTIONS)
async def test_a_mention_across_two_messages_notifies_nobody(simulator, client, mention):
    messages = await posted(simulator, client, split_in_two(mention, 2_000))
    assert len(messages) > len(mention)
    assert not [message for message in messages if message.pinged]


@given(HOSTILE_TEXT | AT_THE_END_OF_A_PART)
def test_no_answer_says_itself_whom_it_notifies(text):
    assert all(payload.keys() == {"content"} for payload in render(text))


def test_what_was_meant_for_people_reads_as_it_was_written():
    text = "ask <@1> or @everyone in <#5>, <@&2> too"
    assert render(text) == [{"content": text}]
