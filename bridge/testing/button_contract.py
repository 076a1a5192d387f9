"""What every channel with buttons promises, as tests: subclass `ButtonContract` as `ChannelContract`.

The fixture `platform` is a `ButtonPlatform`.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import pytest

from bridge.abilities import CanEdit
from bridge.actions import Button, CanShowButtons, Press
from bridge.channel import Channel, MessageRef, Payload
from bridge.envelope import Envelope
from bridge.testing.channel_contract import PATIENCE, Inbox, Platform, delivery, listening
from bridge.testing.simulator import Said

GOOD, BAD = Button("good/1", "Good answer", says="good"), Button("bad/1", "Bad answer", says="bad")
OTHERS = tuple(Button("x" * 99 + str(number), f"{number}" + "y" * 74) for number in range(3))


class ButtonPlatform(Platform, Protocol):
    """A simulated platform whose messages may have buttons."""

    def buttons(self, said: Said) -> list[str]:
        """What stands on the buttons under a message."""
        ...

    async def press(self, person: str, said: Said, label: str) -> bool:
        """Presses one; False if the person was shown that it failed."""
        ...

    def whispers(self, person: str) -> list[str]:
        """What was shown to nobody but that person."""
        ...

    async def until_whispers(self, person: str, count: int) -> list[str]:
        """The same, once that is so many."""
        ...


class Pressed:
    """A `TakePress` that keeps what it is given and answers with its number, or refuses."""

    def __init__(self) -> None:
        self.taken: list[Press] = []
        self.refuses = False

    async def take(self, press: Press) -> str:
        """The channel's `TakePress`."""
        if self.refuses:
            raise RuntimeError("the store refuses")
        self.taken.append(press)
        return f"press {len(self.taken)}"


@pytest.mark.asyncio
class ButtonContract:
    """The promises of `CanShowButtons`."""

    @pytest.mark.parametrize("buttons", [(GOOD, BAD), OTHERS], ids=["good_and_bad", "others"])
    @pytest.mark.parametrize("text", ["", "hello", "# Head\n\n- a\n- b", "`<@U1> <https://x.y>`", "word " * 5_000])
    async def test_the_buttons_stand_once_under_the_last_message_and_the_text_is_whole(
        self, channel: Channel, platform: ButtonPlatform, text: str, buttons: tuple[Button, ...]
    ) -> None:
        """And the platform takes each of the messages."""
        assert isinstance(channel, CanShowButtons)
        payloads = channel.render_with_buttons(text, buttons)
        plain = channel.render(text)
        assert [platform.text(one) for one in payloads[: len(plain)]] == [platform.text(one) for one in plain]
        assert len(payloads) - len(plain) in (0, 1)
        posted = await self._posted(channel, platform, payloads)
        assert [platform.buttons(said) for said in posted[:-1]] == [[] for _ in posted[:-1]]
        assert platform.buttons(posted[-1]) == [button.label for button in buttons]

    async def test_a_press_tells_the_button_the_message_and_who_and_where(
        self, channel: Channel, platform: ButtonPlatform
    ) -> None:
        """As a message of that person in that place would."""
        assert isinstance(channel, CanShowButtons)
        pressed, inbox = Pressed(), Inbox()
        channel.on_press(pressed.take)
        async with listening(channel, platform, inbox.accept):
            root, envelope = await self._asked(platform, inbox)
            ref = await self._answered(channel, envelope)
            await platform.simulator.say("Bo", "me too", thread=root.thread)
            by_text = {one.text: (one, facts) for one, facts in await inbox.until_said("me too")}
            said = platform.message(ref)
            assert said is not None
            assert await platform.press("Bo", said, GOOD.label)
            assert await platform.until_whispers("Bo", 1) == ["press 1"]
        (press,) = pressed.taken
        same, facts = by_text["me too"]
        assert (press.button, press.message, press.actor) == (GOOD.id, ref, same.actor.id)
        assert press.facts.thread == facts.thread
        for name in ("workspace", "room", "author", "direct", "addressed", "author_is_bot"):
            assert getattr(press.facts, name) == getattr(facts, name), name

    async def test_what_is_answered_is_shown_to_nobody_else(self, channel: Channel, platform: ButtonPlatform) -> None:
        """Neither in the thread nor to another person."""
        assert isinstance(channel, CanShowButtons)
        pressed, inbox = Pressed(), Inbox()
        channel.on_press(pressed.take)
        async with listening(channel, platform, inbox.accept):
            root, envelope = await self._asked(platform, inbox)
            said = platform.message(await self._answered(channel, envelope))
            assert said is not None
            before = platform.simulator.read(root.thread)
            for label in (GOOD.label, BAD.label):
                assert await platform.press("Ada", said, label)
            assert sorted(await platform.until_whispers("Ada", 2)) == ["press 1", "press 2"]
            assert platform.simulator.read(root.thread) == before
            assert platform.whispers("Bo") == []
        assert [press.button for press in pressed.taken] == [GOOD.id, BAD.id]

    async def test_a_press_that_was_not_taken_is_not_acknowledged_and_the_next_one_is(
        self, channel: Channel, platform: ButtonPlatform
    ) -> None:
        """The person sees that it failed, and may press again."""
        assert isinstance(channel, CanShowButtons)
        pressed, inbox = Pressed(), Inbox()
        channel.on_press(pressed.take)
        async with listening(channel, platform, inbox.accept):
            _, envelope = await self._asked(platform, inbox)
            said = platform.message(await self._answered(channel, envelope))
            assert said is not None
            pressed.refuses = True
            assert not await platform.press("Ada", said, GOOD.label)
            pressed.refuses = False
            assert await platform.press("Ada", said, GOOD.label)
            assert await platform.until_whispers("Ada", 1) == ["press 1"]

    async def test_an_edit_brings_the_buttons_and_takes_them_away(
        self, channel: Channel, platform: ButtonPlatform
    ) -> None:
        """As where an answer takes over its preview."""
        if not isinstance(channel, CanEdit):
            pytest.skip("this channel cannot edit")
        assert isinstance(channel, CanShowButtons)
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            _, envelope = await self._asked(platform, inbox)
            ref = await channel.send(delivery(envelope, channel.render("hel …")[0], "d1"))
            await channel.edit(ref, channel.render_with_buttons("hello", (GOOD, BAD))[0])
            said = platform.message(ref)
            assert said is not None
            assert (said.text, platform.buttons(said)) == ("hello", [GOOD.label, BAD.label])
            await channel.edit(ref, channel.render("hello again")[0])
            again = platform.message(ref)
            assert again is not None
            assert (again.text, platform.buttons(again)) == ("hello again", [])

    async def _posted(self, channel: Channel, platform: ButtonPlatform, payloads: Sequence[Payload]) -> list[Said]:
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            _, envelope = await self._asked(platform, inbox)
            refs = [await channel.send(delivery(envelope, each, f"d{n}")) for n, each in enumerate(payloads)]
            found = [platform.message(ref) for ref in refs]
        return [said for said in found if said is not None]

    @staticmethod
    async def _asked(platform: ButtonPlatform, inbox: Inbox) -> tuple[Said, Envelope]:
        root = await platform.simulator.say("Ada", "hello")
        async with asyncio.timeout(PATIENCE):
            return root, (await inbox.until_taken(1))[0][0]

    @staticmethod
    async def _answered(channel: Channel, envelope: Envelope) -> MessageRef:
        assert isinstance(channel, CanShowButtons)
        (payload,) = channel.render_with_buttons("the answer", (GOOD, BAD))
        return await channel.send(delivery(envelope, payload, "d1"))
