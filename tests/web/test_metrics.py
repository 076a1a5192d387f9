import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.channel import Hearing, MessageRef
from bridge.feedback import Vote
from bridge.store.protocol import NewDelivery
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival, delivery, result, turn
from bridge.web import routes as pages
from bridge.web.routes import routes

HEARING = {
    "c": Hearing(connected=True, hears=True, problem=None),
    "deaf": Hearing(connected=True, hears=False, problem="it brings nothing"),
    "away": Hearing(connected=False, hears=False, problem="it is not connected yet"),
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def client(store: SqlStore) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(routes(store, lambda: HEARING, {}, {"main": None}))
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as opened:
        yield opened


async def read(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """(name, values of the labels) -> value, as Prometheus' own parser reads the page."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name.removeprefix("threadbridge_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_happens_is_counted_once_it_is_committed(client: httpx.AsyncClient, store: SqlStore) -> None:
    before = await read(client)
    for number, thread in enumerate("tuv"):
        await store.accept(arrival(number, thread))
        await store.accept(arrival(number, thread))
    preview = NewDelivery(arrival(0).envelope.conversation, {"text": "o …"}, "preview")
    first = await turn(store)
    shown = await store.open_preview(first, preview)
    assert shown is not None
    await store.delivered(shown, MessageRef("m0"))
    await store.finish_turn(first, result("one", "two", previewed=True))
    await store.delivered(await delivery(store), MessageRef("m0"))
    await store.bury(await delivery(store), "the room is gone")
    await store.finish_turn(await turn(store), result(status="failed"))
    after = await read(client)
    counted = [name for name in after if name[0].endswith("_total") and not name[0].startswith("process")]
    assert {name: after[name] - before[name] for name in counted if after[name] != before[name]} == {
        ("messages_accepted_total", "c"): 3,
        ("turns_ended_total", "main", "answered"): 1,
        ("turns_ended_total", "main", "failed"): 1,
        ("deliveries_posted_total", "c"): 1,
        ("deliveries_dead_total", "c"): 1,
    }
    assert ("turns_ended_total", "main", "dropped") in counted
    assert {name: after[name] for name in after if name[0] in {"turns_open", "deliveries_open", "dead_letters"}} == {
        ("turns_open", "main"): 1, ("deliveries_open", "c"): 0, ("deliveries_open", "deaf"): 0,
        ("deliveries_open", "away"): 0, ("dead_letters", "turn"): 1, ("dead_letters", "delivery"): 1,
    }  # fmt: skip


async def test_votes_are_those_of_the_store_also_after_a_restart(
    client: httpx.AsyncClient, store: SqlStore, tmp_path: Path
) -> None:
    await store.accept(arrival(1))
    asked = await turn(store)
    await store.finish_turn(asked, result("one"))
    await store.delivered(await delivery(store), MessageRef("m1"))
    await store.vote(Vote(asked.seq, "good", "p:ada", "c", MessageRef("m1")))
    assert (await read(client))["feedback_total", "good"] == 1
    await store.close()
    again = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    assert (await again.counts()).votes == {"good": 1, "bad": 0}
    await again.close()


async def test_channels_are_shown_as_readyz_shows_them(client: httpx.AsyncClient, store: SqlStore) -> None:
    found = await read(client)
    assert [found["channel_connected", name] for name in HEARING] == [1, 1, 0]
    assert [found["channel_admitting", name] for name in HEARING] == [1, 0, 0]
    assert found["store_writable",] == 1
    await store.close()
    found = await read(client)
    assert ([found["channel_admitting", name] for name in HEARING], found["store_writable",]) == ([0, 0, 0], 0)


async def test_it_answers_while_the_store_is_busy(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(pages, "STORE_SECONDS", 0.5)
    found = await read(client)
    assert (found["store_writable",], found["dead_letters", "turn"]) == (0, 0)
    other.execute("ROLLBACK")
    other.close()


async def test_it_answers_without_a_store(client: httpx.AsyncClient, store: SqlStore, tmp_path: Path) -> None:
    await store.close()
    for path in tmp_path.glob("store.db*"):
        path.unlink()
    found = await read(client)
    assert found["store_writable",] == 0
    assert ("dead_letters", "turn") not in found
    assert ("messages_accepted_total", "c") in found
