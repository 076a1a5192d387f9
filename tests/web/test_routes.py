import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bridge.abilities import WebhookRequest, WebhookResponse
from bridge.channel import Hearing
from bridge.store.sqlstore import SqlStore
from bridge.web import routes as pages
from bridge.web.routes import MAX_BODY_BYTES, routes
from tests.scripted import ScriptedChannel


class ReceivingChannel(ScriptedChannel):
    received: WebhookRequest | None = None

    async def receive(self, request: WebhookRequest) -> WebhookResponse:
        self.received = request
        return WebhookResponse(200, b"challenge", "text/plain")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def channel() -> ReceivingChannel:
    return ReceivingChannel("front")


@pytest.fixture
async def client(store: SqlStore, channel: ReceivingChannel) -> AsyncIterator[httpx.AsyncClient]:
    channels = {"front": channel, "other": ScriptedChannel("other")}

    def hearing() -> dict[str, Hearing]:
        return {
            name: Hearing(one.is_connected, one.is_connected, None if one.is_connected else "it is not connected yet")
            for name, one in channels.items()
        }

    transport = httpx.ASGITransport(routes(store, hearing, channels, {"main": "It is stopped."}))
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as opened:
        yield opened


async def test_a_living_process_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


HEARS = {"connected": True, "admitting": True, "problem": None}


async def test_ready_means_every_channel_admitting_and_a_writable_store(
    client: httpx.AsyncClient, channel: ReceivingChannel
) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "ready": True,
            "store": {"writable": True, "problem": None},
            "channels": {"front": HEARS, "other": HEARS},
            "instances": {"main": {"problem": "It is stopped."}},
        },
    )
    channel.is_connected = False
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["channels"] == {
        "front": {"connected": False, "admitting": False, "problem": "it is not connected yet"},
        "other": HEARS,
    }


async def test_a_deaf_channel_is_not_ready_and_one_with_a_problem_that_hears_is(store: SqlStore) -> None:
    said = {"front": Hearing(connected=True, hears=False, problem="it brings nothing")}
    transport = httpx.ASGITransport(routes(store, lambda: said, {}, {}))
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
        answer = await client.get("/readyz")
        shown = {"connected": True, "admitting": False, "problem": "it brings nothing"}
        assert (answer.status_code, answer.json()["channels"]) == (503, {"front": shown})
        said["front"] = Hearing(connected=True, hears=True, problem="its history cannot be read")
        answer = await client.get("/readyz")
        shown = {"connected": True, "admitting": True, "problem": "its history cannot be read"}
        assert (answer.status_code, answer.json()["channels"]) == (200, {"front": shown})


async def test_a_store_that_cannot_be_written_is_not_ready(client: httpx.AsyncClient, store: SqlStore) -> None:
    await store.close()
    answer = await client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["store"]) == (503, {"writable": False, "problem": "the store is closed"})
    cannot = {"connected": True, "admitting": False, "problem": "what it hears cannot be stored"}
    assert body["channels"] == {"front": cannot, "other": cannot}


async def test_a_store_that_is_busy_is_not_waited_for(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "STORE_SECONDS", 0.01)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["store"]["problem"].startswith("the store is busy: it took nothing within")
    other.execute("ROLLBACK")
    other.close()
    monkeypatch.undo()
    assert (await client.get("/readyz")).status_code == 200


async def test_an_event_reaches_the_channel_of_that_name_as_it_came(
    client: httpx.AsyncClient, channel: ReceivingChannel
) -> None:
    answer = await client.post("/front/events?a=1", content=b'{"x": 1}', headers={"X-Signature": "v0"})
    assert (answer.status_code, answer.text) == (200, "challenge")
    assert channel.received is not None
    assert (channel.received.body, channel.received.query) == (b'{"x": 1}', "a=1")
    assert channel.received.headers["x-signature"] == "v0"


@pytest.mark.parametrize("path", ["/deaf/events", "/nobody/events"])
async def test_an_event_for_a_channel_that_takes_none_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, content=b"{}")).status_code == 404


async def test_a_body_that_no_platform_would_send_is_refused(
    client: httpx.AsyncClient, channel: ReceivingChannel
) -> None:
    answer = await client.post("/front/events", content=b"x" * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, channel.received) == (413, None)


async def test_events_are_posted_not_fetched(client: httpx.AsyncClient) -> None:
    assert (await client.get("/front/events")).status_code == 405
