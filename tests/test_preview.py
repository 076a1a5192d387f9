"""What is shown of an answer while it is written, and what becomes of it."""

from pathlib import Path

import pytest

from bridge import notices, preview
from bridge.channel import Delivery, MessageRef
from bridge.envelope import Actor
from bridge.errors import ChannelError, NotSent, OutcomeUnknown, RateLimited, Rejected, TurnInterrupted
from bridge.instance import Ending, Progress
from bridge.store.protocol import NewDelivery
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, delivery, result, turn
from tests.scripted import reply
from tests.story import MESSAGE, Story, eventually


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


async def test_another_bot_is_given_the_whole_answer_only(story: Story) -> None:
    asked = MESSAGE.model_copy(update={"actor": Actor(id="p:b", display="CI", type="agent")})
    async with story.running() as store:
        await store.accept(arrival(1, envelope=asked))
        story.says(Progress("one"))
        story.says(Progress("one two"))
        story.ends("one two three")
        assert await story.channel.texts(1) == ["one two three"]
    assert story.channel.edits == []


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
        await story.channel.until(lambda: story.channel.shown == {"m1": notices.unknown()})
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
        await story.channel.until(lambda: story.channel.shown == {"m1": notices.unknown()})
    assert len(story.channel.posted) == 1


async def test_a_preview_that_a_process_did_not_come_to_post_is_not_posted_any_more(story: Story) -> None:
    before = await SqlStore.open(story.url)
    await before.accept(arrival(1))
    lease = await turn(before)
    await before.begin_turn(lease)
    await before.open_preview(lease, NewDelivery(MESSAGE.conversation, {"text": "half …"}, "preview"))
    await before.close()
    async with story.running():
        assert await story.channel.texts(1) == [notices.unknown()]
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
        await eventually(lambda: story.channel.sends == [])
        story.ends("one two")
        assert await story.channel.texts(1) == ["one two"]


async def test_a_preview_that_may_have_been_posted_is_found_and_taken_over(story: Story) -> None:
    story.channel.sends = [OutcomeUnknown("no answer")]
    story.channel.shown["m0"] = "one …"
    story.channel.found = [[MessageRef("m0")]]
    async with story.running() as store:
        await store.accept(arrival(1))
        story.says(Progress("one"))
        await eventually(lambda: story.channel.looked_for != [])
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
