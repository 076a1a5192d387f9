"""The store alone: how many messages a second it takes, and takes all the way."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import prefill
from bench.protocol import Known
from bench.stage import BenchError
from bridge.channel import MessageRef
from bridge.envelope import Actor, Conversation, Envelope
from bridge.store.protocol import Accepted, Arrival, DeliveryLease, NewDelivery, TurnLease, TurnResult
from bridge.store.sqlstore import SqlStore

MESSAGES = 5_000
SESSIONS = 500
REPEATED = 10  # every so many-th message comes twice
AT_ONCE = 64
PATIENCE = 120.0
"""Seconds that one part may take."""
HISTORY = 1_000_000


def run(*, million: bool) -> int:
    """Prints a line for each size of history."""
    for finished in (0, HISTORY) if million else (0,):
        with tempfile.TemporaryDirectory(prefix="threadbridge-bench-") as folder:
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
            if finished:
                print(f"writing {finished} finished turns first …", flush=True)
            began = time.monotonic()
            names = [f"slack-history-{number}" for number in range(SESSIONS if finished else 0)]
            prefill.fill(url, [Known(name, "T0/C0/0.0") for name in names], finished)
            filled_in = time.monotonic() - began
            accepted, whole = asyncio.run(measure(url, MESSAGES))
        print(
            f"history of {finished:>9,}: {accepted:>7,.0f} accepted/s, {whole:>6,.0f} messages/s from accept to "
            f"delivered" + (f" (history written in {filled_in:.0f} s)" if finished else "")
        )
    return 0


async def measure(url: str, messages: int) -> tuple[float, float]:
    """Calls of `accept` per second, duplicates included, and messages per second all the way."""
    store = await SqlStore.open(url)
    try:
        calls = arrivals("alone", repeated(range(messages)))
        began = time.monotonic()
        outcomes = await asyncio.wait_for(_accept(store, calls), PATIENCE)
        accepted = len(calls) / (time.monotonic() - began)
        if Counter(outcomes)[Accepted.TURN] != messages:
            raise BenchError(f"the store took {Counter(outcomes)[Accepted.TURN]} of {messages} messages")
        await asyncio.wait_for(_work_off(store, messages), PATIENCE)
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            group.create_task(_work_off(store, messages))
            group.create_task(_accept(store, arrivals("whole", repeated(range(messages)))))
        return accepted, messages / (time.monotonic() - began)
    except TimeoutError:
        raise BenchError(f"the store did not get through {messages} messages within {PATIENCE:.0f} s") from None
    finally:
        await store.close()


async def _accept(store: SqlStore, arrivals: Sequence[Arrival]) -> list[Accepted]:
    return await asyncio.gather(*(store.accept(arrival) for arrival in arrivals))


async def _work_off(store: SqlStore, messages: int) -> None:
    """Turns and deliveries at the same time, until every message is delivered."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_run_turns(store, messages))
        group.create_task(_post(store, messages))


async def _run_turns(store: SqlStore, messages: int) -> None:
    async def finish(lease: TurnLease) -> None:
        await store.begin_turn(lease)
        said = NewDelivery(lease.envelope.conversation, {"text": lease.envelope.text})
        reply = lease.envelope.model_copy(update={"id": f"reply-{lease.seq}"})
        await store.finish_turn(
            lease, TurnResult("answered", [said], replies=[reply], continuation=f"resp-{lease.seq}")
        )
        store.let_go(lease)

    done = 0
    while done < messages:
        leases = await store.lease_turns("bench", AT_ONCE)
        await asyncio.gather(*map(finish, leases))
        done += len(leases)


async def _post(store: SqlStore, messages: int) -> None:
    async def post(lease: DeliveryLease) -> None:
        await store.delivered(lease, MessageRef(f"C0/{lease.seq}"))
        store.let_go(lease)

    done = 0
    while done < messages:
        leases = await store.lease_deliveries("slack", AT_ONCE)
        await asyncio.gather(*map(post, leases))
        done += len(leases)


def repeated(numbers: Iterable[int]) -> list[int]:
    """These numbers, every tenth twice."""
    return [number for each in numbers for number in [each] * (2 if each % REPEATED == 0 else 1)]


def arrivals(prefix: str, numbers: Iterable[int], sessions: int = SESSIONS) -> list[Arrival]:
    """A message for each number, in turn over the sessions; equal numbers are the same message."""
    raw = {"type": "event_callback", "event": {"type": "message", "padding": "x" * 900}}
    made: list[Arrival] = []
    for number in numbers:
        session = f"slack-{prefix}-{number % sessions}"
        envelope = Envelope(
            id=f"slack:T0:C0:{prefix}:{number}",
            source="slack",
            actor=Actor(id="slack:U1", display="Person", type="human"),
            conversation=Conversation(source="slack", ref=f"T0/C0/{prefix}-{number % sessions}.0"),
            text=f"number {number}",
            ts=datetime.now(UTC),
            raw=raw,
        )
        made.append(Arrival(
            channel="slack", instances=("bench",), thread=session, session=session, binds_thread=True,
            envelope=envelope, direct=False, only_if_known=False, wants_context=False,
        ))  # fmt: skip
    return made
