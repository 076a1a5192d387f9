"""Messages, answers and a clock for the tests of stores and of what works on them."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bridge.envelope import Actor, Conversation, Envelope
from bridge.store.protocol import Arrival, DeliveryLease, NewDelivery, Store, TurnLease, TurnResult


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


Stores = Callable[[Clock], AbstractAsyncContextManager[Store]]
"""Opens the same database again and again, also while it is open: each opening is a process of its own."""

LEASE_SECONDS = 5.0
"""How long a lease lasts in the stores under test."""


def arrival(number: int = 1, thread: str = "t", **changes: Any) -> Arrival:
    """A message of a thread; equal numbers are the same message."""
    envelope = Envelope(
        id=f"p:{number}",
        source="p",
        actor=Actor(id="p:u", display="Ada", type="human"),
        conversation=Conversation(source="p", ref=thread),
        text=f"message {number}",
        ts=datetime(2026, 1, 1, tzinfo=UTC),
        raw={"payload": {"untouched": ["ü", None, 1.5]}},
    )
    values: dict[str, Any] = {
        "channel": "c", "instances": ("main",), "binds_thread": True, "thread": thread, "session": f"s-{thread}",
        "envelope": envelope, "direct": False, "only_if_known": False, "wants_context": False,
    }  # fmt: skip
    return Arrival(**(values | changes))


def result(*texts: str, **changes: Any) -> TurnResult:
    """An answer in so many parts."""
    place = Conversation(source="p", ref="t")
    parts = [NewDelivery(place, {"text": text}, part=part) for part, text in enumerate(texts)]
    return replace(TurnResult("answered", parts), **changes)


async def turn(store: Store) -> TurnLease:
    """The next turn there is."""
    return (await asyncio.wait_for(store.lease_turns("main", 1), 5))[0]


async def delivery(store: Store) -> DeliveryLease:
    """The next delivery there is."""
    return (await asyncio.wait_for(store.lease_deliveries("c", 1), 5))[0]


async def nothing_to_do(store: Store) -> bool:
    """Whether neither a turn nor a delivery can be leased now: asked in one transaction after all that went before."""
    claims = [
        asyncio.ensure_future(store.lease_turns("main", 9)),
        asyncio.ensure_future(store.lease_deliveries("c", 9)),
    ]
    await store.renew()
    await store.renew()
    idle = not any(claim.done() for claim in claims)
    for claim in claims:
        claim.cancel()
    await asyncio.wait(claims)
    return idle
