"""Buttons on Discord: the contract, and what is Discord's own about them."""

import asyncio
import contextlib

import pytest

from adapters.discord import parse
from adapters.discord.render import render, render_with_buttons
from adapters.discord.simulator import DiscordSimulator
from adapters.discord.simulator.interaction import ANSWER_WITHIN
from bridge.channel import MessageRef
from bridge.testing.button_contract import BAD, GOOD, ButtonContract, Pressed
from bridge.testing.channel_contract import Inbox, delivery
from bridge.testing.simulator import Said
from tests.discord.test_contract import DiscordPlatform

ROW = {
    "type": 1,
    "components": [
        {"type": 2, "style": 2, "label": "Good answer", "custom_id": "good/1"},
        {"type": 2, "style": 2, "label": "Bad answer", "custom_id": "bad/1"},
    ],
}


class DiscordButtonPlatform(DiscordPlatform):
    def buttons(self, said: Said) -> list[str]:
        return self.simulator.buttons(said)

    async def press(self, person: str, said: Said, label: str) -> bool:
        made = self.simulator.press(person, said, label)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                await self.simulator.until(lambda: bool(made.response))
        return bool(made.response)

    def whispers(self, person: str) -> list[str]:
        return self.simulator.whispers(person)

    async def until_whispers(self, person: str, count: int) -> list[str]:
        async with asyncio.timeout(20):
            await self.simulator.until(lambda: len(self.whispers(person)) >= count)
        return self.whispers(person)


class TestDiscordButtons(ButtonContract):
    @pytest.fixture
    def platform(self, simulator: DiscordSimulator) -> DiscordButtonPlatform:
        return DiscordButtonPlatform(simulator)


def test_the_row_is_under_the_last_message_only() -> None:
    text = "word " * 1_000
    *before, last = render_with_buttons(text, (GOOD, BAD))
    assert [*before, {"content": last["content"]}] == list(render(text))
    assert last["components"] == [ROW]


@pytest.fixture
async def listening(channel, simulator):
    """What is pressed and said while the channel listens."""
    pressed, inbox = Pressed(), Inbox()
    channel.on_press(pressed.take)
    task = asyncio.create_task(channel.listen(inbox.accept))
    await simulator.connected()
    yield pressed, inbox
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def answered(channel, inbox):
    """The envelope and facts of the only message, which is answered with buttons."""
    envelope, facts = (await inbox.until_taken(1))[0]
    await channel.send(delivery(envelope, channel.render_with_buttons("the answer", (GOOD, BAD))[0], "d1"))
    return envelope, facts


async def press(simulator, thread, label):
    (answer,) = [said for said in simulator.read(thread) if said.by_bot and simulator.buttons(said)]
    made = simulator.press("Ada", answer, label)
    async with asyncio.timeout(20):
        await simulator.until(lambda: bool(made.response))
    return answer, made


async def test_a_press_in_a_direct_conversation_says_so(simulator, channel, listening):
    pressed, inbox = listening
    asked = simulator.say_direct("Ada", "hello")
    _, facts = await answered(channel, inbox)
    await press(simulator, asked.thread, "Bad answer")
    (found,) = pressed.taken
    assert (found.facts.direct, found.facts.workspace, found.facts.thread) == (True, facts.workspace, facts.thread)


async def test_where_answers_are_replies_the_conversation_is_that_of_the_beginning(simulator, channel, listening):
    pressed, inbox = listening
    simulator.deny("general", "create_public_threads")
    asked = await simulator.say("Ada", "hello")
    _, facts = await answered(channel, inbox)
    (answer,) = [said for said in simulator.read_room("general") if said.by_bot and simulator.buttons(said)]
    made = simulator.press("Ada", answer, "Good answer")
    await simulator.until(lambda: bool(made.response))
    (found,) = pressed.taken
    room = simulator.room("general").id
    assert (found.facts.thread, found.facts.in_thread) == (facts.thread, True)
    assert found.message == MessageRef(f"{room}/{answer.id}")
    assert asked.id in found.facts.thread


async def test_what_is_answered_notifies_nobody_and_is_ephemeral(simulator, channel, listening):
    _, inbox = listening
    asked = await simulator.say("Ada", "hello")
    await answered(channel, inbox)
    _, made = await press(simulator, asked.thread, "Good answer")
    assert made.response == [
        {"type": 4, "data": {"content": "press 1", "flags": 64, "allowed_mentions": {"parse": []}}}
    ]


async def test_a_press_that_is_rubbish_or_a_command_disturbs_nobody(simulator, channel, listening):
    pressed, inbox = listening
    asked = await simulator.say("Ada", "hello")
    await answered(channel, inbox)
    simulator.interact("Ada", "ask")
    simulator.publisher.interaction({"type": 3, "id": "1", "token": "t", "data": {"custom_id": 7}})
    simulator.publisher.interaction({"type": 3})
    await press(simulator, asked.thread, "Good answer")
    assert [one.button for one in pressed.taken] == ["good/1"]


async def test_an_answer_that_comes_too_late_for_discord_leaves_the_channel_as_it_was(simulator, channel, listening):
    pressed, inbox = listening
    asked = await simulator.say("Ada", "hello")
    await answered(channel, inbox)
    simulator.faults.refuse("interaction", 10062, 404, "Unknown interaction")
    (answer,) = [said for said in simulator.read(asked.thread) if said.by_bot]
    simulator.press("Ada", answer, "Good answer")
    await press(simulator, asked.thread, "Bad answer")
    assert [one.button for one in pressed.taken] == ["good/1", "bad/1"]


PRESS = {
    "type": 3, "id": "9", "token": "t", "guild_id": "1", "data": {"custom_id": "good/1", "component_type": 2},
    "channel": {"id": "3", "type": 11, "parent_id": "2"}, "member": {"user": {"id": "5"}}, "message": {"id": "4"},
}  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        {"data": None}, {"data": {"custom_id": ""}}, {"member": {}}, {"member": {"user": {"id": "x"}}}, {"message": []},
        {"message": {"id": "a/b"}}, {"channel": None}, {"channel": {"id": "3", "type": 11}}, {"channel": {"id": "/"}},
        {"guild_id": "guild"},
    ],
)  # fmt: skip
def test_a_press_that_is_not_what_discord_promises_is_malformed(broken):
    with pytest.raises(parse.Malformed):
        parse.press(PRESS | broken)


def test_a_press_in_a_thread_names_thread_and_parent():
    found = parse.press(PRESS)
    assert (found.facts.room, found.facts.thread, found.message) == ("2", ("1", "3"), MessageRef("3/4"))
    assert (found.actor, found.facts.author) == ("discord:5", "5")
