"""Which messages deliveries were closed with."""

import pytest

from bridge.channel import MessageRef
from bridge.errors import LeaseLost
from bridge.store import database
from bridge.store.dead import letters, retry
from bridge.store.protocol import PREVIEW, NewDelivery
from bridge.store.records import DeadFilters
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, delivery, result, turn


async def test_a_message_is_accounted_for_whatever_channel_or_session_has_it(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1, "elsewhere", channel="other"))
    await store.finish_turn(await turn(store), result("one"))
    (lease,) = await store.lease_deliveries("other", 1)
    await store.delivered(lease, MessageRef("m1"))
    assert await store.unaccounted_for([MessageRef("m1")]) == []
    await store.close()


async def test_a_dead_letter_has_no_message_until_it_is_posted_after_all(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    await store.finish_turn(await turn(store), result("one"))
    await store.bury(await delivery(store), "locked", in_doubt=True)
    assert await store.unaccounted_for([MessageRef("m1")]) == ["m1"]
    engine = database.open_engine(url)
    with engine.begin() as connection:
        retry(connection, letters(connection, DeadFilters()))
    engine.dispose()
    await store.delivered(await delivery(store), MessageRef("m1"))
    assert await store.unaccounted_for([MessageRef("m1")]) == []
    await store.close()


async def test_no_end_of_messages_is_too_many_to_ask_for(url: str) -> None:
    store = await SqlStore.open(url)
    refs = [MessageRef(f"m{number}") for number in range(40_000)]
    assert await store.unaccounted_for(refs) == refs
    assert await store.unaccounted_for([]) == []
    await store.close()


async def test_an_answer_that_is_somebody_elses_by_now_is_not_shown_while_it_grows(url: str) -> None:
    store = await SqlStore.open(url)
    await store.accept(arrival(1))
    lease = await turn(store)
    await store.finish_turn(lease, result())
    preview = NewDelivery(lease.envelope.conversation, {"text": "half …"}, PREVIEW)
    with pytest.raises(LeaseLost):
        await store.open_preview(lease, preview)
    await store.close()
