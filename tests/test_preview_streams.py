"""What is shown of an answer bit by bit, where the platform can do that."""

from dataclasses import replace
from pathlib import Path

import pytest

from bridge import preview
from bridge.abilities import StreamLimits
from bridge.channel import Delivery, MessageRef, Payload
from bridge.envelope import Envelope
from bridge.errors import ChannelError, RateLimited, Rejected, TurnInterrupted
from bridge.instance import Ending, Progress
from bridge.testing.store_examples import arrival
from tests.story import MESSAGE, EditingChannel, Story, eventually


class StreamingChannel(EditingChannel):
    """One whose messages can be written bit by bit as well, until `closed`."""

    stream_limits = StreamLimits(at_once=1, between_starts=0.0, between_appends=0.0, idle=60.0, longest=60.0, chars=100)

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.begun: list[str] = []
        self.append_errors: list[ChannelError] = []

    def streamable(self, text: str) -> str:
        return text.removesuffix("<")

    def opening(self, text: str, asked: Envelope, otherwise: Payload, *, mention: bool) -> Payload | None:
        assert (asked.id, mention) == (MESSAGE.id, False)
        return None if text == "refused" else {"text": self.streamable(text), "streamed": True}

    async def send(self, delivery: Delivery) -> MessageRef:
        if delivery.payload.get("streamed"):
            self.begun.append(delivery.payload["text"])
        return await super().send(delivery)

    async def append(self, ref: MessageRef, text: str) -> None:
        if self.append_errors:
            raise self.append_errors.pop(0)
        if self.closed:
            raise Rejected("closed")
        self.shown[ref] += text
        async with self.changed:
            self.changed.notify_all()


@pytest.fixture
def streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    monkeypatch.setattr(preview, "QUICK", 0.0)
    monkeypatch.setattr(preview, "EVERY", 0.0)
    story = Story(f"sqlite:///{tmp_path / 'store.db'}")
    story.channel = StreamingChannel()
    return story


async def stands(story: Story, text: str) -> None:
    await story.channel.until(lambda: story.channel.shown == {"m1": text})


async def test_a_streamed_answer_grows_by_what_is_new_and_ends_with_the_exact_text(streamed: Story) -> None:
    async with streamed.running() as store:
        await store.accept(arrival(1))
        for text, shown in (("one", "one"), ("one <", "one "), ("one <two", "one <two")):
            streamed.says(Progress(text))
            await stands(streamed, shown)
        assert streamed.channel.edits == []
        streamed.ends("one *two*")
        await stands(streamed, "one *two*")
    assert len(streamed.channel.posted) == 1


@pytest.mark.parametrize(
    "then", ["one two three", "another beginning", "one " + "x" * 100], ids=["closed", "not a longer one", "too long"]
)
async def test_what_cannot_be_appended_is_edited(streamed: Story, then: str) -> None:
    channel = streamed.channel
    assert isinstance(channel, StreamingChannel)
    async with streamed.running() as store:
        await store.accept(arrival(1))
        streamed.says(Progress("one"))
        await stands(streamed, "one")
        channel.closed = then == "one two three"
        streamed.says(Progress(then))
        await stands(streamed, f"{then} …")
        streamed.ends("all of it")
        await stands(streamed, "all of it")
    assert len(channel.posted) == 1


@pytest.mark.parametrize("limit", ["idle", "longest"])
async def test_a_stream_is_ended_before_the_platform_does_it(streamed: Story, limit: str) -> None:
    channel = streamed.channel
    assert isinstance(channel, StreamingChannel)
    channel.stream_limits = replace(channel.stream_limits, **{limit: 0.05})
    async with streamed.running() as store:
        await store.accept(arrival(1))
        streamed.says(Progress("one"))
        await stands(streamed, "one …")
        streamed.ends("one two")
        await stands(streamed, "one two")


async def test_an_append_that_has_to_wait_is_made_later(streamed: Story) -> None:
    channel = streamed.channel
    assert isinstance(channel, StreamingChannel)
    channel.append_errors = [RateLimited("wait", retry_after=0.01)]
    async with streamed.running() as store:
        await store.accept(arrival(1))
        streamed.says(Progress("one"))
        await stands(streamed, "one")
        streamed.says(Progress("one two"))
        await eventually(lambda: channel.append_errors == [])
        streamed.says(Progress("one two three"))
        await stands(streamed, "one two three")
        streamed.ends("end")
        await stands(streamed, "end")


async def test_an_answer_that_no_stream_can_show_is_edited(streamed: Story) -> None:
    async with streamed.running() as store:
        await store.accept(arrival(1))
        streamed.says(Progress("refused"))
        await stands(streamed, "refused …")
        streamed.says(Progress("refused, and more"))
        await stands(streamed, "refused, and more …")
        streamed.ends("end")
        await stands(streamed, "end")


async def test_not_more_streams_than_the_platform_takes_are_open_at_once(streamed: Story) -> None:
    channel = streamed.channel
    assert isinstance(channel, StreamingChannel)
    channel.previews_at_once = 2
    async with streamed.running() as store:
        await store.accept(arrival(1, "t"))
        await store.accept(arrival(1, "u"))
        await eventually(lambda: len(streamed.instance.asked) == 2)
        streamed.says(Progress("one"))
        await channel.texts(1)
        streamed.says(Progress("another"))
        assert await channel.texts(2) == ["one", "another …"]
        streamed.says(Ending(), Ending())
    assert channel.begun == ["one"]


async def test_a_stream_whose_answer_broke_off_is_ended_at_once(
    streamed: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed.instance, "repeatable", True)
    async with streamed.running() as store:
        await store.accept(arrival(1))
        streamed.says(Progress("one"))
        await stands(streamed, "one")
        streamed.says(TurnInterrupted("cut"))
        await stands(streamed, "one …")
