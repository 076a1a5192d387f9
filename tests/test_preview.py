"""What is shown of an answer while it is written, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge import notices, preview
from bridge.channel import Delivery, MessageRef, Payload
from bridge.deliveries import Deliveries
from bridge.errors import ChannelError, NotSent, OutcomeUnknown, RateLimited, Rejected, TurnInterrupted
from bridge.instance import Ending, InstanceSettings, Progress, Turn
from bridge.rules import Rule
from bridge.store.protocol import NewDelivery
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, delivery, result, turn
from bridge.turns import Shows, Turns
from tests.scripted import Item, ScriptedChannel, ScriptedInstance, reply

MESSAGE = arrival(1).envelope


class EditingChannel(ScriptedChannel):
    """A scripted channel whose messages can be edited; `shown` is what stands there now."""

    edit_seconds = 0.0
    previews_at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, str] = {}
        self.edits: list[str] = []
        self.edit_errors: list[ChannelError] = []

    async def send(self, delivery: Delivery) -> MessageRef:
        ref = await super().send(delivery)
        self.shown[ref] = delivery.payload["text"]
        return ref

    async def edit(self, ref: MessageRef, payload: Payload) -> None:
        if self.edit_errors:
            raise self.edit_errors.pop(0)
        if ref not in self.shown:
            raise Rejected("it was deleted")
        self.shown[ref] = payload["text"]
        self.edits.append(payload["text"])
        async with self.changed:
            self.changed.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(true), 5)


class Story:
    """One turn that grows step by step as the test says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.channel = EditingChannel()
        self.steps: asyncio.Queue[Item | None] = asyncio.Queue()
        self.instance = _Told(self.steps)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SqlStore]:
        store = await SqlStore.open(self.url)
        settings = InstanceSettings.model_validate({"type": "scripted"})
        shows = {"c": Shows.of(self.channel, store)}
        rules = [Rule(channel="c", instance="main")]
        turns = Turns(self.instance, settings, store, {"c": self.channel}, rules, shows=shows).crew()
        posts = Deliveries(self.channel, store).crew()
        loops = [asyncio.create_task(crew.claim_for_ever()) for crew in (turns, posts)]
        yield store
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await turns.finish(5)
        await posts.finish(5)
        await store.close()

    def says(self, *items: Item) -> None:
        for item in items:
            self.steps.put_nowait(item)

    def ends(self, text: str) -> None:
        self.says(reply(MESSAGE, text), Ending())


class _Told(ScriptedInstance):
    def __init__(self, steps: "asyncio.Queue[Item | None]") -> None:
        super().__init__()
        self._steps = steps

    async def run(self, turn: Turn):  # type: ignore[no-untyped-def,override]
        self.asked.append(turn)
        while True:
            item = await self._steps.get()
            if isinstance(item, Exception):
                raise item
            yield item
            if isinstance(item, Ending):
                return


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    monkeypatch.setattr(preview, "QUICK", 0.0)
    monkeypatch.setattr(preview, "EVERY", 0.0)
    return Story(f"sqlite:///{tmp_path / 'store.db'}")


async def test_an_answer_is_shown_as_it_grows_and_in_the_end_stands_there_once(story: Story) -> None:
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        assert await story.channel.texts(1) == ["one …"]
        story.says(Progress("one two"))
        await story.channel.until(lambda: story.channel.edits == ["one two …"])
        story.ends("one two three")
        await story.channel.until(lambda: story.channel.shown == {"m1": "one two three"})
    assert len(story.channel.posted) == 1


async def test_further_parts_follow_the_message_that_was_shown(story: Story) -> None:
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await story.channel.texts(1)
        story.ends("one|two")
        await story.channel.until(lambda: story.channel.shown == {"m1": "one", "m2": "two"})


async def test_a_quick_answer_is_not_shown_before(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "QUICK", 60.0)
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        story.ends("one two")
        assert await story.channel.texts(1) == ["one two"]


async def test_what_is_said_about_a_cut_off_answer_takes_its_place(story: Story) -> None:
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await story.channel.texts(1)
        story.says(TurnInterrupted("cut"))
        await story.channel.until(lambda: story.channel.shown == {"m1": notices.UNKNOWN})
    assert len(story.channel.posted) == 1


async def test_a_preview_of_a_process_that_is_gone_is_taken_over(story: Story) -> None:
    before = await SqlStore.open(story.url)
    await before.accept(arrival(1))
    lease = await turn(before)
    await before.begin_turn(lease)
    shown = await before.open_preview(lease, NewDelivery(MESSAGE.conversation, {"text": "half …"}, "preview"))
    assert shown is not None
    await before.close()
    story.channel.found = [[await story.channel.send(Delivery(shown.id, "", shown.conversation, shown.payload, 0))]]
    async with story.running():
        await story.channel.until(lambda: story.channel.shown == {"m1": notices.UNKNOWN})
    assert len(story.channel.posted) == 1


async def test_a_preview_that_a_process_did_not_come_to_post_is_not_posted_any_more(story: Story) -> None:
    before = await SqlStore.open(story.url)
    await before.accept(arrival(1))
    lease = await turn(before)
    await before.begin_turn(lease)
    await before.open_preview(lease, NewDelivery(MESSAGE.conversation, {"text": "half …"}, "preview"))
    await before.close()
    async with story.running():
        assert await story.channel.texts(1) == [notices.UNKNOWN]
    assert story.channel.looked_for != []


async def test_an_answer_whose_preview_was_deleted_is_posted(story: Story) -> None:
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await story.channel.texts(1)
        story.channel.shown.clear()
        story.ends("one two")
        assert await story.channel.texts(2) == ["one …", "one two"]


@pytest.mark.parametrize("error", [NotSent("away"), RateLimited("wait", retry_after=60.0), Rejected("no")])
async def test_a_preview_that_cannot_be_posted_is_left(story: Story, error: ChannelError) -> None:
    story.channel.sends = [error]
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await _eventually(lambda: story.channel.sends == [])
        story.ends("one two")
        assert await story.channel.texts(1) == ["one two"]


async def test_a_preview_that_may_have_been_posted_is_found_and_taken_over(story: Story) -> None:
    story.channel.sends = [OutcomeUnknown("no answer")]
    story.channel.shown["m0"] = "one …"
    story.channel.found = [[MessageRef("m0")]]
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await _eventually(lambda: story.channel.looked_for != [])
        story.ends("one two")
        await story.channel.until(lambda: story.channel.shown == {"m0": "one two"})
    assert story.channel.posted == []


async def test_a_final_text_whose_edit_failed_is_edited_again(story: Story) -> None:
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await story.channel.texts(1)
        story.channel.edit_errors = [OutcomeUnknown("no answer"), RateLimited("wait", retry_after=0.1)]
        story.ends("one two")
        await story.channel.until(lambda: story.channel.shown == {"m1": "one two"})
    assert len(story.channel.posted) == 1


async def test_not_more_answers_are_shown_at_once_than_the_channel_takes(story: Story) -> None:
    async with story.running() as store:
        await store.accept(arrival(1, "t"))
        await store.accept(arrival(2, "u"))
        story.says(Progress("one"))
        await story.channel.texts(1)
        story.says(Progress("another"))
        story.says(reply(MESSAGE, "x"), reply(MESSAGE, "x"), Ending(), Ending())
        await story.channel.texts(2)
    assert len(story.channel.posted) == 2


async def test_while_something_else_waits_in_the_conversation_nothing_is_shown(tmp_path: Path) -> None:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("first"))
    await store.accept(arrival(2))
    lease = await turn(store)
    shown = NewDelivery(MESSAGE.conversation, {"text": "half"}, "preview")
    assert await store.open_preview(lease, shown) is None
    await store.delivered(await delivery(store), MessageRef("m1"))
    opened = await store.open_preview(lease, shown)
    assert opened is not None
    assert await store.open_preview(lease, shown) is None
    await store.withdraw(opened)
    assert await store.open_preview(lease, shown) is not None
    await store.close()


async def _eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.01)
