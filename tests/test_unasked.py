"""What an agent says by itself: by webhook and by stream, over a real store, posted once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bridge.deliveries import Deliveries
from bridge.demo.opencomputer_server import DemoOpenComputerServer
from bridge.demo.opencomputer_session import DemoSession
from bridge.demo.opencomputer_webhooks import signed
from bridge.instances.opencomputer import OpenComputerInstance, OpenComputerSettings
from bridge.rules import Rules
from bridge.store import database, reading
from bridge.store.protocol import Accepted
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import arrival
from bridge.turns import Shows, Turns
from bridge.web.routes import MAX_BODY_BYTES, routes
from tests.scripted import ScriptedChannel

SECRET = "whsec_c2VjcmV0IGJ5dGVz"


class Bridge:
    """The steps behind intake between a scripted channel and the demo's OpenComputer."""

    def __init__(self, url: str, server: DemoOpenComputerServer, **keys: Any) -> None:
        values = {"base_url": server.base_url, "agent": server.agent_id, "api_key": SecretStr(server.api_key)}
        self.settings = OpenComputerSettings(**(values | {"webhook_secret": SecretStr(SECRET)} | keys))
        self.url, self.server, self.channel = url, server, ScriptedChannel()
        self.store: SqlStore
        self.client: httpx.AsyncClient

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.store = await SqlStore.open(self.url)
        instance = OpenComputerInstance.create("main", self.settings)
        shows = {"c": Shows.of(self.channel, self.store)}
        turns = Turns(instance, self.settings, self.store, {"c": self.channel}, Rules(), shows=shows).crew()
        posts = Deliveries(self.channel, self.store).crew()
        loops = [asyncio.create_task(crew.claim_for_ever()) for crew in (turns, posts)]
        pages = routes(self.store, dict, {}, {}, {"main": instance})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(pages), base_url="http://bridge") as self.client:
            yield
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await turns.finish(5)
        await posts.finish(5)
        await instance.close()
        await self.store.close()

    async def ask(self, number: int, answers: int) -> list[str]:
        """A message in the thread, and what is posted by then."""
        await self.store.accept(arrival(number))
        return await self.channel.texts(answers)

    async def told(self, event: Mapping[str, Any], session: DemoSession, **headers: str) -> int:
        """The status that a webhook with this event gets."""
        wrapped = {"type": event["type"], "sessionId": session.id, "eventId": event["id"], "metadata": session.metadata}
        return await self.sent(json.dumps({**wrapped, "event": event}), event["id"], **headers)

    async def sent(self, body: str, identifier: str = "evt_1", **headers: str) -> int:
        sign = signed(SECRET, identifier, body, time.time())
        answer = await self.client.post("/instances/main/webhook", content=body, headers={**sign, **headers})
        return answer.status_code

    async def idle(self) -> None:
        """Nothing is open any more."""
        while (counts := await self.store.counts()).open_turns or counts.open_deliveries:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)

    def turns(self) -> list[tuple[str, str]]:
        """The kind and the status of each turn."""
        engine = database.open_engine(self.url, read_only=True)
        with engine.connect() as connection:
            records = reading.turn_records(connection, "s-t")
        engine.dispose()
        return [(record.envelope.kind, record.status) for record in records]


@pytest.fixture
async def server() -> AsyncIterator[DemoOpenComputerServer]:
    async with DemoOpenComputerServer() as server:
        yield server


@pytest.fixture
def bridge(tmp_path: Path, server: DemoOpenComputerServer) -> Bridge:
    return Bridge(f"sqlite:///{tmp_path / 'store.db'}", server)


async def test_what_is_said_by_itself_is_posted_where_the_session_was_written_in_last(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        session = server.of_key("s-t")
        event = await session.append("agent.message", "user", {"text": "done"})
        assert [await bridge.told(event, session) for _ in range(3)] == [200] * 3
        assert await bridge.channel.texts(2) == ["You said: message 1", "done"]
        assert await bridge.ask(2, 3) == [
            "You said: message 1",
            "done",
            "You said: message 2 (message 2 of this session)",
        ]
        await bridge.idle()
    assert bridge.channel.posted[1][0] == "t"
    assert bridge.turns() == [("message", "answered"), ("unasked", "answered"), ("message", "answered")]


async def test_webhooks_in_another_order_post_everything_once_and_in_the_agents_order(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        session = server.of_key("s-t")
        events = [await session.append("agent.message", "user", {"text": text}) for text in ("one", "two", "three")]
        for event in (events[1], events[2], events[0]):
            assert await bridge.told(event, session) == 200
        await bridge.channel.texts(2)
        await bridge.idle()
    said = "\n\n".join(text for _, text in bridge.channel.posted[1:])
    assert said.split("\n\n") == ["one", "two", "three"]


async def test_what_the_stream_told_is_not_posted_again_also_after_a_restart(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        await bridge.idle()
        session = server.of_key("s-t")
        for event in session.events:
            assert await bridge.told(event, session) == 200
        await bridge.idle()
    assert bridge.turns() == [("message", "answered")]
    async with bridge.running():
        for event in session.events:
            assert await bridge.told(event, session) == 200
        await bridge.idle()
    assert bridge.turns() == [("message", "answered"), ("unasked", "answered")]
    assert len(bridge.channel.posted) == 1


async def test_the_early_form_names_no_session_of_ours_which_is_found_by_its_key(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        event = await server.of_key("s-t").append("agent.message", "user", {"text": "early"})
        envelope = {"id": event["id"], "source": "agent", "kind": "message", "text": "early"}
        assert await bridge.sent(json.dumps({**event, "body": envelope}), event["id"]) == 200
        assert await bridge.channel.texts(2) == ["You said: message 1", "early"]


async def test_an_agent_that_is_away_is_asked_for_its_log_later(bridge: Bridge, server: DemoOpenComputerServer) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        session = server.of_key("s-t")
        event = await session.append("agent.message", "user", {"text": "done"})
        server.refuse("GET", 503)
        assert await bridge.told(event, session) == 200
        assert await bridge.channel.texts(2) == ["You said: message 1", "done"]


async def test_what_cannot_be_said_any_more_is_a_dead_letter_and_nobody_is_told(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        session = server.of_key("s-t")
        event = await session.append("agent.message", "user", {"text": "done"})
        server.refuse("GET", 404)
        assert await bridge.told(event, session) == 200
        await bridge.idle()
        assert (await bridge.store.counts()).dead_turns == 1
    assert len(bridge.channel.posted) == 1


async def test_what_is_forged_or_stale_or_no_event_is_refused_and_nothing_is_stored(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        session = server.of_key("s-t")
        event = await session.append("agent.message", "user", {"text": "forged"})
        stale = signed(SECRET, event["id"], "x", time.time() - 301)
        for headers in (
            {"webhook-signature": ""}, {"webhook-signature": "v1,AAAA"}, {"webhook-id": "evt_other"}, stale,
        ):  # fmt: skip
            assert await bridge.told(event, session, **headers) == 401
        assert await bridge.sent("{}") == 400
        assert await bridge.sent("x" * (MAX_BODY_BYTES + 1)) == 413
        other = await bridge.client.post("/instances/other/webhook", content="{}")
        assert other.status_code == 404
        await bridge.idle()
    assert bridge.turns() == [("message", "answered")]


async def test_without_a_secret_nothing_is_taken(tmp_path: Path, server: DemoOpenComputerServer) -> None:
    bridge = Bridge(f"sqlite:///{tmp_path / 'store.db'}", server, webhook_secret=None)
    async with bridge.running():
        assert await bridge.sent("{}") == 404


async def test_an_event_that_cannot_be_stored_is_asked_for_again(
    bridge: Bridge, server: DemoOpenComputerServer
) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        await bridge.idle()
        session = server.of_key("s-t")
        event = await session.append("agent.message", "user", {"text": "done"})
        await bridge.store.close()
        assert await bridge.told(event, session) == 503


async def test_a_session_that_another_instance_answers_or_nobody_knows_takes_nothing(bridge: Bridge) -> None:
    async with bridge.running():
        await bridge.ask(1, 1)
        envelope = arrival(9).envelope
        assert await bridge.store.accept_unasked("other", "s-t", envelope) is Accepted.NOT_TAKING_PART
        assert await bridge.store.accept_unasked("main", "s-none", envelope) is Accepted.NOT_TAKING_PART
