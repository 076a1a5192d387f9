"""History written straight into a database: sessions, finished turns and posted answers, as the bridge leaves them."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, insert

from bridge.store import database
from bridge.store.schema import deliveries, sessions, threads, turns

CHUNK = 10_000
"""Rows in one transaction."""

_RAW = json.dumps({"type": "event_callback", "event": {"type": "message", "text": "number 0", "padding": "x" * 900}})
"""About as long as Slack's real event is."""
_ENVELOPE = json.dumps(
    {
        "id": "slack:T0:C0:0.0",
        "source": "slack",
        "kind": "message",
        "actor": {"id": "slack:U0000000001", "display": "Person 0", "type": "human"},
        "conversation": {"source": "slack", "ref": "T0/C0/0.0"},
        "text": "number 0",
        "refs": {},
        "ts": "2026-11-21T00:00:00Z",
    }
)


def fill(url: str, known: Sequence[str], finished: int, *, channel: str = "slack", instance: str = "bench") -> None:
    """Makes the schema and writes the sessions with that many finished turns, shared out evenly among them."""
    engine = database.open_engine(url)
    database.migrate(engine)
    now = time.time()

    def session(number: int) -> dict[str, Any]:
        return {"session_id": known[number], "channel": channel, "instance": instance, "created_at": now}

    def thread(number: int) -> dict[str, Any]:
        return {"channel": channel, "thread": known[number], "session_id": known[number], "created_at": now}

    def turn(number: int) -> dict[str, Any]:
        times = {"accepted_at": now, "started_at": now, "finished_at": now}
        ours = {
            "envelope": _ENVELOPE,
            "raw": _RAW,
            "replies": f"[{_ENVELOPE}]",
            "direct": False,
            "wants_context": False,
        }
        return times | ours | {
            "seq": number + 1, "session_id": known[number % len(known)], "envelope_id": f"slack:T0:C0:{number}",
            "channel": channel, "instance": instance, "status": "answered", "attempts": 1,
        }  # fmt: skip

    def delivery(number: int) -> dict[str, Any]:
        return {
            "seq": number + 1, "id": f"d{number:020x}", "turn_seq": number + 1, "kind": "reply", "part": 0,
            "session_id": known[number % len(known)], "channel": channel, "payload": '{"text": "number 0"}',
            "conversation": '{"source":"slack","ref":"T0/C0/0.0"}', "status": "delivered", "attempts": 1,
            "created_at": now, "delivered_at": now, "message_ref": f"C0/{number}",
        }  # fmt: skip

    rows: list[tuple[Table, Callable[[int], dict[str, Any]], int]] = [
        (sessions, session, len(known)),
        (threads, thread, len(known)),
        (turns, turn, finished),
        (deliveries, delivery, finished),
    ]
    for table, row, count in rows:
        for begin in range(0, count, CHUNK):
            with engine.begin() as connection:
                connection.execute(insert(table), [row(number) for number in range(begin, min(begin + CHUNK, count))])
    engine.dispose()
