"""Discord's own commands: the contract, how they are registered, and what is Discord's own about them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from adapters.discord import commands, parse, registering
from adapters.discord.channel import DiscordChannel
from adapters.discord.client import DiscordClient
from adapters.discord.simulator import DiscordSimulator
from adapters.discord.simulator.interaction import ANSWER_WITHIN
from bridge.testing.channel_contract import Inbox
from bridge.testing.command_contract import CommandContract, Invoked
from tests.discord.conftest import channel_for, closing
from tests.discord.test_contract import DiscordPlatform

NAMES = ["help", "new", "stop", "status", "retry", "link", "unlink"]


async def until_registered(simulator: DiscordSimulator) -> None:
    async with asyncio.timeout(20):
        await simulator.until(lambda: len(simulator.registered()) == len(NAMES))


class DiscordCommandPlatform(DiscordPlatform):
    async def invoke(self, person: str, words: str, *, direct: bool = False) -> bool:
        await until_registered(self.simulator)
        made = self.simulator.invoke(person, words, direct=direct)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                await self.simulator.until(lambda: bool(made.response))
        return bool(made.response)

    def whispers(self, person: str) -> list[str]:
        return self.simulator.whispers(person)

    async def until_whispered(self, person: str, text: str) -> None:
        async with asyncio.timeout(20):
            await self.simulator.until(lambda: text in self.whispers(person))


class TestDiscordCommands(CommandContract):
    @pytest.fixture
    def platform(self, simulator: DiscordSimulator) -> DiscordCommandPlatform:
        return DiscordCommandPlatform(simulator)


def calls(simulator, method):
    return [call for call in simulator.calls if call.name == "commands" and call.method == method]


async def test_they_are_registered_once_and_shown_in_servers_and_the_bots_direct_conversations(simulator, client):
    await registering.register("discord", client)
    assert [each["name"] for each in simulator.registered()] == NAMES
    assert {(*each["contexts"], *each["integration_types"]) for each in simulator.registered()} == {(0, 1, 0)}
    await registering.register("discord", client)
    assert (len(calls(simulator, "GET")), len(calls(simulator, "PUT"))) == (2, 1)


@pytest.mark.parametrize(
    "before",
    [
        [],
        [{"name": "ask", "description": "asks", "type": 1}],
        [*commands.COMMANDS, {"name": "ask", "description": "asks", "type": 1}],
        [{**each, "contexts": [0]} for each in commands.COMMANDS],
        [{**each, "description": "else"} for each in commands.COMMANDS],
        [{**each, "options": []} for each in commands.COMMANDS],
        commands.COMMANDS[:-1],
    ],
)
async def test_whatever_else_is_registered_is_replaced(simulator, client, before):
    await client.call("PUT", "/applications/{id}/commands", json=before, id=simulator.application_id)
    await registering.register("discord", client)
    assert commands.are_registered(simulator.registered())
    assert len(calls(simulator, "PUT")) == 2


async def test_what_discord_adds_or_leaves_out_is_no_difference():
    as_discord_has_them = [
        {key: value for key, value in each.items() if value != []}
        | {"id": "1", "version": "2", "nsfw": False, "contexts": [1, 0], "name_localizations": None}
        for each in reversed(commands.COMMANDS)
    ]
    assert commands.are_registered(as_discord_has_them)
    assert not commands.are_registered([None, {}, "x", *as_discord_has_them[3:]])


async def test_where_discord_refuses_them_the_channel_listens_all_the_same(simulator, channel):
    simulator.faults.refuse("commands", 50001, 403, "Missing Access")
    async with listening(channel, simulator) as (_, inbox):
        await simulator.say("Ada", "hello")
        assert (await inbox.until_taken(1))[0][0].text == "hello"
    assert list(simulator.registered()) == []


async def test_while_discord_is_away_it_is_tried_again(simulator, client, monkeypatch):
    monkeypatch.setattr(registering, "FIRST_PAUSE", 0.01)
    simulator.faults.refuse("commands", 40006, 403, "This feature has been disabled", times=2)
    await registering.register("discord", client)
    assert commands.are_registered(simulator.registered())


async def test_nothing_is_registered_where_that_is_switched_off(simulator):
    simulator_settings = simulator.settings
    simulator.settings = lambda: {**simulator_settings(), "commands": False}
    async with closing(channel_for(simulator)) as channel, listening(channel, simulator):
        pass
    assert calls(simulator, "GET") == []


@contextlib.asynccontextmanager
async def listening(channel: DiscordChannel, simulator: DiscordSimulator) -> AsyncIterator[tuple[Invoked, Inbox]]:
    """What is used and said while the channel listens."""
    invoked, inbox = Invoked(), Inbox()
    channel.on_command(invoked.take)
    task = asyncio.create_task(channel.listen(inbox.accept))
    await simulator.connected()
    try:
        yield invoked, inbox
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def answered(simulator, made):
    async with asyncio.timeout(20):
        await simulator.until(lambda: bool(made.response))
    return made.response


async def test_in_a_thread_and_a_forum_post_it_is_of_that_conversation(simulator, channel):
    async with listening(channel, simulator) as (invoked, inbox):
        await until_registered(simulator)
        post = simulator.post_in_forum("Ada", "Help", "hello", mention=True)
        thread = simulator.open_thread("Ada", "plans")
        said = simulator.say_in("Ada", "there", thread=thread, mention=True)
        messages = await inbox.until_taken(2)
        for place in (post, said):
            await answered(simulator, simulator.invoke("Ada", "stop", thread=place.thread))
    for (message, facts), invocation in zip(messages, invoked.taken, strict=True):
        assert invocation.envelope.conversation == message.conversation
        assert (invocation.facts.thread, invocation.facts.room) == (facts.thread, facts.room)
        assert (invocation.facts.in_thread, invocation.beside_threads) == (True, False)


async def test_the_direct_conversation_is_the_one_that_messages_are_in(simulator, channel):
    async with listening(channel, simulator) as (invoked, inbox):
        await until_registered(simulator)
        simulator.say_direct("Ada", "hello")
        message, facts = (await inbox.until_taken(1))[0]
        await answered(simulator, simulator.invoke("Ada", "stop", direct=True))
    (invocation,) = invoked.taken
    assert invocation.envelope.conversation == message.conversation
    assert (invocation.facts.thread, invocation.facts.workspace) == (facts.thread, facts.workspace)
    assert not invocation.beside_threads


async def test_the_answer_is_ephemeral_and_notifies_nobody_and_no_token_is_kept(simulator, channel):
    async with listening(channel, simulator) as (invoked, _):
        await until_registered(simulator)
        made = simulator.invoke("Ada", "link ABC-1")
        (response,) = await answered(simulator, made)
    assert (response["type"], response["data"]["flags"]) == (4, 64)
    assert response["data"]["allowed_mentions"] == {"parse": []}
    assert made.token not in str(invoked.taken[0].envelope.raw)


COMMAND = {
    "type": 2, "id": "9", "token": "t", "guild_id": "1", "data": {"name": "stop", "type": 1, "id": "8"},
    "channel": {"id": "3", "type": 11, "parent_id": "2"}, "member": {"user": {"id": "5", "username": "ada"}},
}  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None}, {"id": "x"}, {"data": None}, {"data": {"name": ""}}, {"member": {}}, {"member": []},
        {"member": {"user": {"id": "x"}}}, {"channel": None}, {"channel": {"id": "3", "type": 11}},
        {"channel": {"id": "/"}}, {"guild_id": "guild"},
    ],
)  # fmt: skip
def test_a_command_that_is_not_what_discord_promises_is_malformed(broken):
    with pytest.raises(parse.Malformed):
        parse.invocation(COMMAND | broken)


@pytest.mark.parametrize("options", [None, "x", [None, 7, {"name": "ticket"}, {"value": 7}]])
def test_options_that_are_none_are_left_out(options):
    found = parse.invocation(COMMAND | {"data": {"name": "link", "options": options}})
    assert (found.envelope.text, found.envelope.actor.display) == ("link", "ada")


def test_what_was_used_is_named_by_the_interaction():
    found = parse.invocation(COMMAND)
    assert (found.envelope.id, found.envelope.conversation.ref) == ("discord:command:9", "1/2/3")


async def test_a_client_that_may_not_ask_registers_nothing_and_raises_nothing(simulator):
    other = DiscordClient("discord", simulator.token, simulator.api_base)
    simulator.faults.refuse("application", 50001, 403, "Missing Access")
    await registering.register("discord", other)
    await other.close()
    assert list(simulator.registered()) == []
