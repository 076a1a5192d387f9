import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge import files
from bridge.channel import Delivery, MessageRef
from bridge.deliveries import PATIENCE, Deliveries
from bridge.envelope import Conversation
from bridge.errors import FileRefused, NotSent, OutcomeUnknown, RateLimited, Rejected, StoreError
from bridge.files import File
from bridge.guard import still_ours
from bridge.retry import ENOUGH
from bridge.store import database, reading
from bridge.store.protocol import NewDelivery, TurnResult
from bridge.store.records import DeliveryRecord
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, delivery, result, turn
from tests.scripted import ScriptedChannel


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


class Calls(ScriptedChannel):
    """Looks before its first call, as a channel does; `sends` say what becomes of those after it."""

    async def send(self, delivery: Delivery) -> MessageRef:
        await still_ours()
        return await super().send(delivery)


@asynccontextmanager
async def posting(url: str, channel: ScriptedChannel, *texts: str) -> AsyncIterator[SqlStore]:
    store = await SqlStore.open(url)
    if texts:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result(*texts))
    crew = Deliveries(channel, store).crew()
    loop = asyncio.create_task(crew.claim_for_ever())
    yield store
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    await crew.finish(5)
    await store.close()


def records(url: str) -> list[DeliveryRecord]:
    engine = database.open_engine(url, read_only=True)
    with engine.connect() as connection:
        found = [one for record in reading.turn_records(connection, "s-t") for one in record.deliveries]
    engine.dispose()
    return found


async def test_parts_are_posted_in_order(url: str) -> None:
    channel = ScriptedChannel()
    async with posting(url, channel, "one", "two", "three"):
        assert await channel.texts(3) == ["one", "two", "three"]
    assert [one.status for one in records(url)] == ["delivered"] * 3


async def test_a_post_that_did_not_arrive_is_repeated_without_looking(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [NotSent("unreachable")]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(2) == ["one", "two"]
    assert channel.looked_for == []
    assert [one.attempts for one in records(url)] == [2, 1]


async def test_a_post_before_whose_first_call_nobody_knew_whose_it_is_is_repeated_without_looking(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [StoreError("the store does not answer")]
    async with posting(url, channel, "one"):
        assert await channel.texts(1) == ["one"]
    assert channel.looked_for == []


async def test_a_post_after_whose_first_call_nobody_knew_whose_it_is_is_looked_for_and_not_repeated(url: str) -> None:
    channel = Calls()
    channel.sends = [StoreError("the store does not answer")]
    channel.found = [[MessageRef("there")]]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(1) == ["two"]
    first = records(url)[0]
    assert (first.status, first.message_ref, channel.looked_for) == ("delivered", "there", [first.id])


async def test_a_post_that_may_have_arrived_is_looked_for_and_not_repeated(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [OutcomeUnknown("no answer")]
    channel.found = [[MessageRef("there")]]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(1) == ["two"]
    first = records(url)[0]
    assert (first.status, first.message_ref, channel.looked_for) == ("delivered", "there", [first.id])


async def test_what_looks_like_it_but_is_another_deliverys_is_left_to_that_one(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [None, OutcomeUnknown("no answer")]
    channel.found = [[MessageRef("m1"), MessageRef("there"), MessageRef("later")]]
    async with posting(url, channel, "OK", "OK", "last"):
        assert await channel.texts(2) == ["OK", "last"]
    assert [one.message_ref for one in records(url)] == ["m1", "there", "m2"]


async def test_a_post_is_repeated_if_all_that_looks_like_it_is_other_deliveries(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [None, OutcomeUnknown("no answer")]
    channel.found = [[MessageRef("m1")]]
    async with posting(url, channel, "OK", "OK"):
        assert await channel.texts(2) == ["OK", "OK"]
    assert [one.message_ref for one in records(url)] == ["m1", "m2"]


async def test_a_post_that_is_not_found_is_repeated(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [OutcomeUnknown("no answer")]
    async with posting(url, channel, "one"):
        assert await channel.texts(1) == ["one"]
    assert len(channel.looked_for) == 1


async def test_nothing_is_repeated_while_nobody_can_look(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [OutcomeUnknown("no answer")]
    channel.found = [RateLimited("wait", retry_after=0), NotSent("unreachable"), [MessageRef("there")]]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(1) == ["two"]
    assert len(channel.looked_for) == 3


async def test_a_wait_is_no_attempt(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [RateLimited("wait", retry_after=0), RateLimited("wait", retry_after=0)]
    async with posting(url, channel, "one"):
        assert await channel.texts(1) == ["one"]
    assert (records(url)[0].attempts, channel.looked_for) == (1, [])


async def test_what_the_platform_will_never_take_is_a_dead_letter_and_the_session_goes_on(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [Rejected("the room is gone")]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(1) == ["two"]
    dead = records(url)[0]
    assert (dead.status, dead.error) == ("dead_letter", "the room is gone")


@pytest.mark.parametrize(
    ("kind", "instead"),
    [
        ("reply", ["the whole", "text"]),
        ("file", ["The file `answer.md` could not be posted here. It is kept: whoever runs this bot finds it in the store."]),
    ],
)  # fmt: skip
async def test_a_file_that_the_platform_does_not_take_is_said_in_words_and_kept(
    url: str, kind: str, instead: list[str]
) -> None:
    channel = ScriptedChannel()
    channel.sends = [FileRefused("no right to attach files"), None, None, FileRefused("still not")]
    file = NewDelivery(
        Conversation(source="p", ref="t"),
        files.payload(File("answer.md", "text/markdown", b"the whole|text")),
        kind,
    )
    async with posting(url, channel) as store:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), TurnResult("answered", [file]))
        assert await channel.texts(len(instead)) == instead
    dead = records(url)[0]
    assert (dead.status, dead.error, files.read(dead.payload) is not None) == (
        "dead_letter", "no right to attach files", True,
    )  # fmt: skip
    assert {one.status for one in records(url)[1:]} == {"delivered"}


async def test_after_a_crash_in_the_middle_of_a_post_it_is_looked_for_first(url: str) -> None:
    before = await SqlStore.open(url)
    await before.accept(arrival(1))
    await before.finish_turn(await turn(before), result("one"))
    posting_then = await delivery(before)
    await before.close()
    channel = ScriptedChannel()
    async with posting(url, channel):
        assert await channel.texts(1) == ["one"]
    assert channel.looked_for == [posting_then.id]


async def test_a_bug_in_a_channel_repeats_the_post_only_after_looking(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [RuntimeError("a bug")]
    async with posting(url, channel, "one"):
        assert await channel.texts(1) == ["one"]
    assert len(channel.looked_for) == 1


async def test_a_post_that_was_looked_for_and_refused_is_known_not_to_be_there(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [OutcomeUnknown("no answer"), Rejected("the room is gone")]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(1) == ["two"]
    dead = records(url)[0]
    assert (dead.status, dead.in_doubt, channel.looked_for) == ("dead_letter", False, [dead.id])


async def test_a_post_that_nobody_could_look_for_stays_in_doubt_as_a_dead_letter(url: str) -> None:
    channel = ScriptedChannel()
    channel.sends = [OutcomeUnknown("no answer")]
    channel.found = [Rejected("not in the room any more")]
    async with posting(url, channel, "one", "two"):
        assert await channel.texts(1) == ["two"]
    dead = records(url)[0]
    assert (dead.status, dead.in_doubt) == ("dead_letter", True)


async def test_a_day_in_which_the_bridge_was_away_itself_gives_up_nothing(url: str) -> None:
    yesterday = await SqlStore.open(url, clock=lambda: time.time() - PATIENCE - 60)
    await yesterday.accept(arrival(1))
    await yesterday.finish_turn(await turn(yesterday), result("one"))
    await yesterday.retry_delivery(await delivery(yesterday), 0, "unreachable", in_doubt=False)
    await yesterday.close()
    channel = ScriptedChannel()
    channel.sends = [RateLimited("wait", retry_after=0), NotSent("no network yet")]
    async with posting(url, channel):
        assert await channel.texts(1) == ["one"]


@pytest.mark.parametrize(("error", "in_doubt"), [(NotSent("unreachable"), False), (OutcomeUnknown("no answer"), True)])
async def test_a_day_of_failures_ends_as_a_dead_letter_that_knows_how_the_last_one_ended(
    url: str, error: Exception, in_doubt: bool
) -> None:
    yesterday = await SqlStore.open(url, clock=lambda: time.time() - PATIENCE - 60)
    await yesterday.accept(arrival(1))
    await yesterday.finish_turn(await turn(yesterday), result("one"))
    for _ in range(ENOUGH):
        await yesterday.retry_delivery(await delivery(yesterday), 0, "unreachable", in_doubt=False)
    await yesterday.close()
    channel = ScriptedChannel()
    channel.sends = [error]
    async with posting(url, channel) as store:
        await store.accept(arrival(2))
        await store.finish_turn(await turn(store), result("two"))
        assert await channel.texts(1) == ["two"]
    dead = records(url)[0]
    assert (dead.status, dead.in_doubt, dead.error) == ("dead_letter", in_doubt, str(error))
