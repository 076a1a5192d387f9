"""What becomes of a message for each answer that a vendor documents or was seen to give: the thread, and whether and
when it is asked again. The bodies are those of Chowder's API reference and of OpenClaw 2026.9.6 (seen 2026-11-21).
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bridge import retry
from bridge.instance import Instance
from bridge.instances.chowder import ChowderInstance, ChowderSettings
from bridge.instances.openclaw import OpenClawInstance, OpenClawSettings
from bridge.rules import Rule, Rules
from bridge.store import database, reading
from bridge.store.schema import open_turns
from bridge.store.sqlstore import SqlStore
from bridge.testing.store_examples import Clock, arrival, turn
from bridge.turns import Shows, Turns
from tests.scripted import ScriptedChannel

KEY = SecretStr("chd_sk_1")


@dataclass(frozen=True)
class Row:
    """One answer, and what becomes of the message."""

    status: int
    body: object
    said: str | None
    """In the thread; None: nothing yet."""
    ends: str
    """The turn's status; `open`: it is asked again."""
    wait: float | None = None
    """Seconds until then; None: the first back-off."""


def detail(words: object) -> object:
    return {"detail": words}


def not_running(status: str) -> object:
    return detail(f"Instance is not running (status: {status}).")


def of_the_agent(words: str) -> object:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "failed",
        "output": [],
        "error": {"code": "api_error", "message": words},
    }


def of_the_gateway(words: str, kind: str = "invalid_request_error", **more: str) -> object:
    return {"error": {"message": words, "type": kind, **more}}


def waits(state: str) -> str:
    return f"main {state}; your message waits and is answered when it runs."


AGAIN = "then `!retry` asks again."
UNKNOWN = (
    "The connection to the agent was cut while it worked on this, so nobody knows whether it finished. "
    "If you still need an answer, write `!retry` to ask it again."
)
CHOWDER = [
    Row(400, detail("Bad request."),
        f"Chowder does not understand the request (Bad request): check model and extra of [instances.main], {AGAIN}", "failed"),
    Row(401, detail("Missing or invalid API key."),
        f"Chowder does not accept the key of [instances.main]: check api_key, {AGAIN}", "failed"),
    Row(403, detail("Key lacks 'interact' permission on this instance."),
        "Chowder does not let the key of [instances.main] write to this instance: "
        f"give it the permission interact, or use another api_key, {AGAIN}", "failed"),
    Row(404, detail("Instance not found."),
        "Chowder does not know the instance of [instances.main], or it belongs to another organisation: "
        f"check instance_id and base_url, {AGAIN}", "failed"),
    Row(409, not_running("stopped"), waits("is stopped"), "open", 5),
    Row(409, not_running("provisioning"), waits("is starting"), "open", 5),
    Row(409, not_running("error"), waits("is in an error state, which its owner has to repair"), "open", 5),
    Row(409, not_running("terminated"), "main was terminated: write another instance_id under [instances.main].", "failed"),
    Row(422, {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]},
        f"Chowder does not understand the request (model: Field required): check model and extra of [instances.main], {AGAIN}",
        "failed"),
    Row(500, detail("Internal error."), UNKNOWN, "unknown"),
    Row(502, detail({"error": "Gateway unavailable – the sandbox cannot be reached."}),
        "main cannot be reached at the moment; your message waits and is answered when it is back.", "open", 5),
    Row(502, detail("Bad gateway."), UNKNOWN, "unknown"),
]  # fmt: skip
OPENCLAW = [
    Row(401, of_the_gateway("Unauthorized", "unauthorized"),
        f"The gateway does not accept the key of [instances.main]: check api_key, {AGAIN}", "failed"),
    Row(400, of_the_gateway("Unrecognized key: color"),
        f"The gateway does not understand the request (Unrecognized key: color): check model and extra of [instances.main], {AGAIN}",
        "failed"),
    Row(404, "Not Found",
        "The server does not answer at this address: switch on gateway.http.endpoints.responses of OpenClaw, "
        f"check base_url of [instances.main], {AGAIN}", "failed"),
    Row(429, of_the_gateway("Too many failed attempts"), None, "open"),
    Row(503, of_the_gateway("draining", "api_error", code="gateway_unavailable"), None, "open"),
    Row(500, of_the_gateway("oops", "api_error"), UNKNOWN, "unknown"),
    *(
        Row(status, of_the_agent(words), f"The agent could not answer: {words}. Write `!retry` to ask it again, or ask your operator.",
            "failed")
        for status, words in (
            (400, "400 no such tool"), (401, "401 wrong provider key"), (402, "402 no credit"), (404, "404 no such model"),
            (408, "upstream provider timeout"), (429, "429 slow down"), (500, "internal error"),
            (502, "upstream provider error"), (529, "upstream provider overloaded"),
        )
    ),
]  # fmt: skip


def answering(row: Row) -> httpx.MockTransport:
    body = row.body if isinstance(row.body, str) else json.dumps(row.body)
    kind = "text/plain" if isinstance(row.body, str) else "application/json"
    return httpx.MockTransport(lambda _: httpx.Response(row.status, text=body, headers={"Content-Type": kind}))


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator["Asked"]:
    clock = Clock()
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = await SqlStore.open(url, clock=clock, steady=clock)
    yield Asked(url, store, clock)
    await store.close()


@dataclass
class Asked:
    """A message that an instance was asked once."""

    url: str
    store: SqlStore
    clock: Clock

    async def once(self, instance: Instance, settings: ChowderSettings | OpenClawSettings, row: Row) -> None:
        channel = ScriptedChannel()
        shows = {"c": Shows.of(channel, self.store)}
        rules = Rules([Rule(channel="c", instance="main")])
        turns = Turns(instance, settings, self.store, {"c": channel}, rules, shows=shows)
        await self.store.accept(arrival(1))
        await turns._take(await turn(self.store))
        with database.transaction(self.url, read_only=True) as connection:
            record = reading.turn_record(connection, 1)
            until = connection.execute(open_turns.select()).mappings().first()
        assert [one.payload["text"] for one in record.deliveries] == ([row.said] if row.said else [])
        assert record.status == row.ends
        if until is None:
            assert row.ends != "open"
        elif row.wait is None:
            assert 0 < until["lease_until"] - self.clock.now <= retry.FIRST * 2
        else:
            assert until["lease_until"] - self.clock.now == row.wait
        await instance.close()


def named(row: Row) -> str:
    return f"{row.status}-{json.dumps(row.body)[:60]}"


@pytest.mark.parametrize("row", CHOWDER, ids=named)
async def test_every_answer_of_chowder_that_is_none(asked: Asked, row: Row) -> None:
    settings = ChowderSettings(instance_id="i", api_key=KEY, model="m")
    await asked.once(ChowderInstance.create("main", settings, transport=answering(row)), settings, row)


@pytest.mark.parametrize("row", OPENCLAW, ids=named)
async def test_every_answer_of_openclaw_that_is_none(asked: Asked, row: Row) -> None:
    settings = OpenClawSettings(api_key=KEY)
    await asked.once(OpenClawInstance.create("main", settings, transport=answering(row)), settings, row)
