"""Webhook destinations of the demo's OpenComputer: which events go where, signed, and tried again.

As https://docs.opencomputer.dev/agent-sessions/webhooks says (read 2026-11-22), but for addresses: the real one sends
to https only and to nothing private, this one to wherever it is told.
"""

import asyncio
import base64
import binascii
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from standardwebhooks import Webhook

from bridge.demo.opencomputer_session import LEVELS

MAX_ATTEMPTS = 6
FIRST_WAIT = 0.1
"""Seconds before the second attempt, doubled for each further one."""


def signing_key(secret: str) -> bytes:
    """`whsec_` and base64, otherwise the UTF-8 bytes."""
    bare = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(bare, validate=True) if bare != secret else secret.encode()
    except binascii.Error:
        return secret.encode()


def signed(secret: str | None, identifier: str, body: str, at: float) -> dict[str, str]:
    """The headers of a delivery; without a secret it is not signed."""
    headers = {"Content-Type": "application/json", "webhook-id": identifier, "webhook-timestamp": str(int(at))}
    if secret is not None:
        moment = datetime.fromtimestamp(int(at), UTC)
        headers["webhook-signature"] = Webhook(signing_key(secret)).sign(identifier, moment, body)
    return headers


@dataclass(slots=True)
class Destination:
    """Where a session's events go."""

    url: str
    session: str
    secret: str | None = None
    level: str = "user"
    types: list[str] | None = None
    enabled: bool = True
    include_raw: bool = False
    id: str = field(default_factory=lambda: f"dst_{uuid.uuid4().hex[:12]}")

    def shown(self) -> dict[str, Any]:
        """As the API shows it: never with its secret."""
        return {
            "id": self.id, "session": self.session, "kind": "webhook", "url": self.url, "level": self.level,
            "types": self.types, "enabled": self.enabled, "include_raw": self.include_raw,
            "has_secret": self.secret is not None,
        }  # fmt: skip

    def takes(self, event: dict[str, Any]) -> bool:
        """Whether it is sent that event."""
        typed = self.types is None or any(
            event["type"] == one or (one.endswith(".*") and event["type"].startswith(one[:-1])) for one in self.types
        )
        return self.enabled and typed and LEVELS[event["level"]] <= LEVELS[self.level]


class Deliveries:
    """What is sent, each delivery until it is answered with 2xx or was tried too often."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None

    def send(self, destination: Destination, event: dict[str, Any], metadata: dict[str, Any] | None) -> None:
        """Begins to deliver an event."""
        delivery: dict[str, Any] = {
            "id": f"dlv_{uuid.uuid4().hex[:12]}", "session": destination.session, "destination": destination.id,
            "event_id": event["id"], "event_seq": event["seq"], "status": "pending", "attempts": 0,
        }  # fmt: skip
        self.all.append(delivery)
        sent = event if destination.include_raw else {**event, "body": _without_raw(event["body"])}
        wrapped = {
            "type": event["type"], "sessionId": destination.session, "eventId": event["id"],
            "metadata": metadata, "event": sent,
        }  # fmt: skip
        self._begin(destination, delivery, json.dumps(wrapped))

    def _begin(self, destination: Destination, delivery: dict[str, Any], body: str) -> None:
        delivery["body"] = body
        task = asyncio.create_task(self._deliver(destination, delivery, body))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def redeliver(self, destination: Destination, delivery: dict[str, Any]) -> None:
        """Sends it once more, whatever came of it."""
        self._begin(destination, delivery, delivery["body"])

    async def close(self) -> None:
        """Gives up whatever is under way."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _deliver(self, destination: Destination, delivery: dict[str, Any], body: str) -> None:
        self._client = self._client or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10))
        wait = FIRST_WAIT
        for attempt in range(1, MAX_ATTEMPTS + 1):
            delivery |= {"status": "delivering", "attempts": attempt}
            headers = signed(destination.secret, delivery["event_id"], body, time.time())
            headers |= {"X-OC-Delivery-ID": delivery["id"], "X-OC-Session-ID": destination.session}
            try:
                async with self._client.post(destination.url, data=body, headers=headers) as answer:
                    delivery["response_code"] = answer.status
                    if answer.ok:
                        delivery["status"] = "delivered"
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                delivery["error"] = type(error).__name__
            delivery["status"] = "failed"
            await asyncio.sleep(wait)
            wait *= 2
        delivery["status"] = "dead_letter"


def _without_raw(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "raw"}
