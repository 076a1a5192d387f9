from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bridge.channel import WebhookRequest, WebhookResponse
from bridge.store.sqlstore import SqlStore
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

    def hearing() -> dict[str, bool]:
        return {name: one.connected() for name, one in channels.items()}

    transport = httpx.ASGITransport(routes(store, hearing, channels, {"main": "It is stopped."}))
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as opened:
        yield opened


async def test_a_living_process_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


async def test_ready_means_every_channel_connected_and_a_writable_store(
    client: httpx.AsyncClient, channel: ReceivingChannel
) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "ready": True,
            "store": {"writable": True},
            "channels": {"front": {"connected": True}, "other": {"connected": True}},
            "instances": {"main": {"problem": "It is stopped."}},
        },
    )
    channel.is_connected = False
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["channels"] == {"front": {"connected": False}, "other": {"connected": True}}


async def test_a_store_that_cannot_be_written_is_not_ready(client: httpx.AsyncClient, store: SqlStore) -> None:
    await store.close()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["store"]) == (503, {"writable": False})


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
