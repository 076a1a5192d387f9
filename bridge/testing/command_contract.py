"""What every channel with commands of its platform's own promises, as tests: subclass `CommandContract`.

The fixture `platform` is a `CommandPlatform`.
"""

import asyncio
from typing import Protocol

import pytest

from bridge.actions import CanTakeCommands, Invocation
from bridge.channel import Channel
from bridge.testing.channel_contract import PATIENCE, Inbox, Platform, listening


class CommandPlatform(Platform, Protocol):
    """A simulated platform where people may use the bot's commands."""

    async def invoke(self, person: str, words: str, *, direct: bool = False) -> bool:
        """Uses one, as in "link ABC-123", where `simulator.say` begins threads, or in the direct conversation.

        False if the person was shown that it failed.
        """
        ...

    def whispers(self, person: str) -> list[str]:
        """What was shown to nobody but that person."""
        ...

    async def until_whispered(self, person: str, text: str) -> None:
        """Returns once that person was shown this."""
        ...


class Invoked:
    """A `TakeCommand` that keeps what it is given and answers with its number, or refuses."""

    def __init__(self) -> None:
        self.taken: list[Invocation] = []
        self.refuses = False

    async def take(self, invocation: Invocation) -> str:
        """The channel's `TakeCommand`."""
        if self.refuses:
            raise RuntimeError("the store refuses")
        self.taken.append(invocation)
        return f"command {len(self.taken)} is <done> & *said*"


ANSWER = "command 1 is <done> & *said*"


@pytest.mark.asyncio
class CommandContract:
    """The promises of `CanTakeCommands`."""

    async def test_a_command_tells_its_words_and_who_and_where(
        self, channel: Channel, platform: CommandPlatform
    ) -> None:
        """As a message of that person at that place would, and that it is beside threads."""
        assert isinstance(channel, CanTakeCommands)
        invoked, inbox = Invoked(), Inbox()
        channel.on_command(invoked.take)
        async with listening(channel, platform, inbox.accept):
            await platform.simulator.say("Ada", "hello")
            async with asyncio.timeout(PATIENCE):
                message, facts = (await inbox.until_taken(1))[0]
            assert await platform.invoke("Ada", "link ABC-123")
        (invocation,) = invoked.taken
        envelope, of_command = invocation.envelope, invocation.facts
        assert (envelope.text, envelope.source) == ("link ABC-123", channel.source)
        assert (envelope.actor.id, envelope.actor.type) == (message.actor.id, "human")
        for name in ("workspace", "room", "author", "direct", "author_is_bot"):
            assert getattr(of_command, name) == getattr(facts, name), name
        assert (of_command.addressed, of_command.in_thread, invocation.beside_threads) == (True, False, True)
        assert of_command.thread != facts.thread

    async def test_in_the_direct_conversation_it_says_so(self, channel: Channel, platform: CommandPlatform) -> None:
        """The conversation is the direct one, whoever else has one."""
        assert isinstance(channel, CanTakeCommands)
        invoked = Invoked()
        channel.on_command(invoked.take)
        async with listening(channel, platform, Inbox().accept):
            for person in ("Ada", "Bo"):
                assert await platform.invoke(person, "status", direct=True)
        ada, bo = invoked.taken
        assert ada.facts.direct
        assert bo.facts.direct
        assert ada.envelope.conversation != bo.envelope.conversation

    async def test_every_use_is_one_of_its_own(self, channel: Channel, platform: CommandPlatform) -> None:
        """Also of the same words by the same person."""
        assert isinstance(channel, CanTakeCommands)
        invoked = Invoked()
        channel.on_command(invoked.take)
        async with listening(channel, platform, Inbox().accept):
            for _ in range(3):
                assert await platform.invoke("Ada", "stop")
        assert [one.envelope.text for one in invoked.taken] == ["stop"] * 3
        assert len({one.envelope.id for one in invoked.taken}) == 3
        assert len({(one.envelope.conversation.ref, one.facts.thread) for one in invoked.taken}) == 1

    async def test_what_is_answered_is_shown_to_nobody_else(self, channel: Channel, platform: CommandPlatform) -> None:
        """Neither in the room nor to another person, and as it was written."""
        assert isinstance(channel, CanTakeCommands)
        invoked = Invoked()
        channel.on_command(invoked.take)
        async with listening(channel, platform, Inbox().accept):
            root = await platform.simulator.say("Bo", "hello")
            before = platform.simulator.read(root.thread)
            assert await platform.invoke("Ada", "status")
            await platform.until_whispered("Ada", platform.text(channel.render(ANSWER)[0]))
            assert platform.simulator.read(root.thread) == before
            assert platform.whispers("Bo") == []

    async def test_a_command_that_was_not_taken_is_not_acknowledged_and_the_next_one_is(
        self, channel: Channel, platform: CommandPlatform
    ) -> None:
        """The person sees that it failed, and may use it again."""
        assert isinstance(channel, CanTakeCommands)
        invoked = Invoked()
        channel.on_command(invoked.take)
        async with listening(channel, platform, Inbox().accept):
            invoked.refuses = True
            assert not await platform.invoke("Ada", "stop")
            invoked.refuses = False
            assert await platform.invoke("Ada", "stop")
            await platform.until_whispered("Ada", platform.text(channel.render(ANSWER)[0]))
        assert len(invoked.taken) == 1
