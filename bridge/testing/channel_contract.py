"""What every channel promises, as tests. Subclass `ChannelContract`, give the fixtures, run pytest.

    class TestMyChannel(ChannelContract):
        @pytest.fixture
        async def platform(self) -> AsyncIterator[Platform]:
            ...

        @pytest.fixture
        async def channel(self, platform: Platform) -> AsyncIterator[Channel]:
            ...

The fixture `channel` is a channel over the platform's simulator that listens not yet, and is closed afterwards. Needs
pytest-asyncio.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import ClassVar, Protocol

import pytest

from bridge.abilities import CanFindSent
from bridge.channel import Accept, Channel, Delivery, Facts, MessageRef, Payload
from bridge.envelope import Envelope
from bridge.errors import ChannelError, ConfigError, OutcomeUnknown, RateLimited
from bridge.testing.simulator import Said, Simulator

PATIENCE = 20.0
"""Seconds that anything may take: an acknowledgement, a redelivery, an answer of the platform."""


class Platform(Protocol):
    """A simulated platform, and what a contract has to see and to break that `Simulator` does not offer."""

    simulator: Simulator
    acknowledges: bool
    """Whether the platform waits for acknowledgements, and delivers an event again, within `PATIENCE`, without one."""
    max_chars: int
    """The most that the platform takes in one message, as `size` counts."""

    def impostors(self) -> list[Channel]:
        """Channels that differ from `channel` in one secret each, which the platform does not accept."""
        ...

    def size(self, payload: Payload) -> int:
        """How long the platform finds that message."""
        ...

    def text(self, payload: Payload) -> str:
        """What a person reads of that message."""
        ...

    def message(self, ref: MessageRef) -> Said | None:
        """The message that people see under that name, or None."""
        ...

    def acknowledged(self) -> int:
        """How many events about what people said were acknowledged so far, where it waits for that."""
        ...

    async def settled(self) -> None:
        """Returns once no event waits for an acknowledgement; where it waits for none, once all were received."""
        ...

    def lose_next_answer(self) -> None:
        """The next post appears, but the connection ends before the platform answers."""
        ...

    def limit_next_post(self, seconds: int) -> None:
        """The next post is not made; the platform asks to wait so long (longer than any channel waits by itself)."""
        ...

    def cut_off(self) -> None:
        """From now on the platform cannot be reached."""
        ...


class Inbox:
    """An `accept` that keeps what it is given, and can be told to hold or to refuse."""

    def __init__(self) -> None:
        self.taken: list[tuple[Envelope, Facts]] = []
        self.offered = 0
        self.refusals = 0
        """So many of the next events are refused."""
        self.open = asyncio.Event()
        self.open.set()
        self._changed = asyncio.Condition()

    async def accept(self, envelope: Envelope, facts: Facts) -> None:
        """The channel's `accept`."""
        async with self._changed:
            self.offered += 1
            self._changed.notify_all()
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("the store refuses")
        await self.open.wait()
        async with self._changed:
            self.taken.append((envelope, facts))
            self._changed.notify_all()

    async def until_offered(self, count: int) -> None:
        """Returns once so many events were given to `accept`."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.offered >= count)

    async def until_said(self, *texts: str) -> list[tuple[Envelope, Facts]]:
        """What was accepted, once all of these are among it."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: {one.text for one, _ in self.taken} >= set(texts))
        return self.taken

    async def until_taken(self, count: int) -> list[tuple[Envelope, Facts]]:
        """What was accepted, once that is so many."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= count)
        return self.taken


@contextlib.asynccontextmanager
async def listening(channel: Channel, platform: Platform, accept: Accept) -> AsyncGenerator[None]:
    """The channel listens, and the platform would give it an event."""
    task = asyncio.create_task(channel.listen(accept))
    try:
        async with asyncio.timeout(PATIENCE):
            await platform.simulator.connected()
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def delivery(to: Envelope, payload: Payload, name: str) -> Delivery:
    """One message into the conversation of an envelope."""
    return Delivery(
        id=name, session="contract", conversation=to.conversation, payload=payload, created_at=time.time()
    )  # fmt: skip


async def heard(platform: Platform, inbox: Inbox) -> tuple[Said, Envelope]:
    """A message of a person, and its envelope."""
    root = await platform.simulator.say("Ada", "hello")
    return root, (await inbox.until_taken(1))[0][0]


@pytest.mark.asyncio
class ChannelContract:
    """The promises of `Channel`, and of `CanFindSent` where the channel has it."""

    texts: ClassVar[tuple[str, ...]] = (
        "hello",
        "two words\nand a line",
        "a < b && b > c; <!channel> @here @everyone &amp; <@U1>",
        "日本語 und Ümläute 🦞👩‍👩‍👧‍👦",
        "A paragraph of the agent, neither short nor long.\n\n" * 400,
        "&" * 30_000,
        "🦞" * 9_000,
        "no break anywhere " * 2_000,
    )

    async def test_rendering_never_gives_nothing(self, channel: Channel) -> None:
        """An empty answer is shown as such."""
        for text in ("", " ", "\n\n\n", *self.texts):
            assert channel.render(text)

    async def test_every_message_is_within_the_limits_of_the_platform(
        self, channel: Channel, platform: Platform
    ) -> None:
        """After rendering, as the platform counts."""
        for text in self.texts:
            sizes = [platform.size(payload) for payload in channel.render(text)]
            assert max(sizes) <= platform.max_chars
            assert min(sizes) > 0

    async def test_what_people_read_of_all_messages_is_the_whole_text(
        self, channel: Channel, platform: Platform
    ) -> None:
        """But for white space where it was split."""
        for text in self.texts:
            read = "".join(platform.text(payload) for payload in channel.render(text))
            assert "".join(read.split()) == "".join(text.split())

    async def test_the_right_secrets_are_verified(self, channel: Channel) -> None:
        """It returns."""
        async with asyncio.timeout(PATIENCE):
            await channel.verify()

    async def test_a_wrong_secret_is_refused_with_the_key_that_holds_it(self, platform: Platform) -> None:
        """One ConfigError, one problem, without the secret."""
        for impostor in platform.impostors():
            try:
                with pytest.raises(ConfigError) as refused:
                    await impostor.verify()
            finally:
                await impostor.close()
            assert len(refused.value.problems) == 1
            assert refused.value.problems[0].startswith(f"channels.{impostor.name}.")

    async def test_a_platform_that_cannot_be_reached_does_not_condemn_the_secrets(
        self, channel: Channel, platform: Platform
    ) -> None:
        """A start during an outage is a start."""
        platform.cut_off()
        async with asyncio.timeout(PATIENCE):
            await channel.verify()

    async def test_it_is_connected_while_it_listens(self, channel: Channel, platform: Platform) -> None:
        """And neither before nor after."""
        assert not channel.connected()
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            await heard(platform, inbox)
            assert channel.connected()
        assert not channel.connected()

    async def test_a_message_becomes_an_envelope_with_its_facts(self, channel: Channel, platform: Platform) -> None:
        """What the core relies on in every envelope."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            await platform.simulator.say("Ada", "hello there")
            envelope, facts = (await inbox.until_taken(1))[0]
        assert (envelope.source, envelope.kind, envelope.actor.type) == (channel.source, "message", "human")
        assert envelope.conversation.source == channel.source
        assert envelope.actor.id == f"{channel.source}:{facts.author}"
        assert envelope.text == "hello there"
        assert envelope.raw
        assert abs(envelope.ts.timestamp() - time.time()) < PATIENCE
        assert (facts.addressed, facts.direct, facts.in_thread, facts.author_is_bot) == (True, False, False, False)
        assert facts.workspace
        assert facts.room
        assert facts.thread

    async def test_messages_of_one_thread_share_its_name_and_conversation(
        self, channel: Channel, platform: Platform
    ) -> None:
        """And those of another thread do not."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            root = await platform.simulator.say("Ada", "one")
            await platform.simulator.say("Bo", "two", thread=root.thread)
            await platform.simulator.say("Ada", "another thread")
            await inbox.until_said("one", "two", "another thread")
        by_text = {envelope.text: (envelope, facts) for envelope, facts in inbox.taken}
        (first, first_facts), (second, second_facts) = by_text["one"], by_text["two"]
        (other, other_facts) = by_text["another thread"]
        assert first_facts.thread == second_facts.thread != other_facts.thread
        assert first.conversation == second.conversation != other.conversation
        assert (first_facts.in_thread, second_facts.in_thread) == (False, True)
        assert len({first.id, second.id, other.id}) == 3

    async def test_an_event_is_acknowledged_only_after_accept_returned(
        self, channel: Channel, platform: Platform
    ) -> None:
        """Promise 1."""
        if not platform.acknowledges:
            pytest.skip("this platform waits for no acknowledgement")
        inbox = Inbox()
        inbox.open.clear()
        async with listening(channel, platform, inbox.accept):
            await platform.simulator.say("Ada", "hello")
            await inbox.until_offered(1)
            assert platform.acknowledged() == 0
            inbox.open.set()
            async with asyncio.timeout(PATIENCE):
                await platform.settled()
        assert platform.acknowledged() > 0

    async def test_an_event_that_accept_refused_is_given_to_it_again_under_the_same_id(
        self, channel: Channel, platform: Platform
    ) -> None:
        """A full disk loses nothing, whether the platform redelivers or the channel has to keep it."""
        inbox = Inbox()
        inbox.refusals = 2
        async with listening(channel, platform, inbox.accept):
            await platform.simulator.say("Ada", "hello")
            await inbox.until_offered(2)
            await inbox.until_taken(1)
            async with asyncio.timeout(PATIENCE):
                await platform.settled()
        assert {envelope.text for envelope, _ in inbox.taken} == {"hello"}
        assert len({envelope.id for envelope, _ in inbox.taken}) == 1

    async def test_a_redelivered_event_has_the_same_id(self, channel: Channel, platform: Platform) -> None:
        """So that it falls out in the store."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            await platform.simulator.say("Ada", "hello")
            before = len(await inbox.until_taken(1))
            await platform.simulator.redeliver()
            await inbox.until_taken(before + 1)
        assert len({envelope.id for envelope, _ in inbox.taken}) == 1

    async def test_what_is_sent_is_in_the_conversation_under_its_ref(
        self, channel: Channel, platform: Platform
    ) -> None:
        """Every part of it, in the order of sending, and it does not come back as a message."""
        inbox = Inbox()
        text = "<!channel> one & two\n\n" * 500
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            payloads = channel.render(text)
            refs = [await channel.send(delivery(envelope, each, f"d{n}")) for n, each in enumerate(payloads)]
            await platform.simulator.say("Ada", "the last word", thread=root.thread)
            await inbox.until_said("the last word")
            async with asyncio.timeout(PATIENCE):
                await platform.settled()
        posted = [said for said in platform.simulator.read(root.thread) if said.by_bot]
        assert [platform.message(ref) for ref in refs] == posted
        assert "".join("".join(said.text.split()) for said in posted) == "".join(text.split())
        assert {one.text for one, _ in inbox.taken} == {envelope.text, "the last word"}

    async def test_a_post_whose_answer_was_lost_is_not_known_to_have_failed(
        self, channel: Channel, platform: Platform
    ) -> None:
        """It is found, or posting it again posts nothing more."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            await channel.send(delivery(envelope, channel.render("first")[0], "dfirst"))
            lost = delivery(envelope, channel.render("was it posted?")[0], "dlost")
            platform.lose_next_answer()
            with pytest.raises(OutcomeUnknown):
                await channel.send(lost)
            posted = [said for said in platform.simulator.read(root.thread) if said.by_bot]
            assert [said.text for said in posted] == ["first", "was it posted?"]
            again = await channel.find_sent(lost) if isinstance(channel, CanFindSent) else [await channel.send(lost)]
            assert [platform.message(ref) for ref in again] == posted[1:]
            assert [said for said in platform.simulator.read(root.thread) if said.by_bot] == posted

    async def test_what_was_never_posted_is_not_found(self, channel: Channel, platform: Platform) -> None:
        """Neither where other words were posted nor where nothing was."""
        if not isinstance(channel, CanFindSent):
            pytest.skip("this channel cannot look for what it sent")
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            _, envelope = await heard(platform, inbox)
            payload = channel.render("never posted")[0]
            assert list(await channel.find_sent(delivery(envelope, payload, "d0"))) == []
            await channel.send(delivery(envelope, channel.render("posted")[0], "d1"))
            assert list(await channel.find_sent(delivery(envelope, payload, "d2"))) == []

    async def test_of_the_same_words_each_delivery_finds_its_own_or_all_in_their_order(
        self, channel: Channel, platform: Platform
    ) -> None:
        """So that one of them that has no message yet can be told from those that have."""
        if not isinstance(channel, CanFindSent):
            pytest.skip("this channel cannot look for what it sent")
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            _, envelope = await heard(platform, inbox)
            same = [delivery(envelope, channel.render("the same words")[0], f"d{number}") for number in range(3)]
            sent = [await channel.send(one) for one in same[:2]]
            found = [list(await channel.find_sent(one)) for one in same]
        assert found in ([[sent[0]], [sent[1]], []], [sent, sent, sent])

    async def test_a_rate_limit_says_how_long_to_wait_and_posts_nothing(
        self, channel: Channel, platform: Platform
    ) -> None:
        """In seconds, as the platform asks."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            platform.limit_next_post(90)
            with pytest.raises(RateLimited) as limited:
                await channel.send(delivery(envelope, channel.render("later")[0], "d1"))
        assert limited.value.retry_after == pytest.approx(90, abs=1)
        assert not [said for said in platform.simulator.read(root.thread) if said.by_bot]

    async def test_a_post_that_the_platform_refuses_is_a_channel_error(
        self, channel: Channel, platform: Platform
    ) -> None:
        """Whatever the library raises."""
        inbox = Inbox()
        async with listening(channel, platform, inbox.accept):
            root, envelope = await heard(platform, inbox)
            platform.simulator.refuse_posts(True)
            with pytest.raises(ChannelError):
                await channel.send(delivery(envelope, channel.render("no")[0], "d1"))
        assert not [said for said in platform.simulator.read(root.thread) if said.by_bot]
