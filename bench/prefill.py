"""History written straight into a database: sessions, finished turns and posted answers, as the bridge leaves them."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, func, insert, select

from bench.protocol import Known
from bridge.store import database
from bridge.store.schema import deliveries, open_turns, sessions, threads, turns

CHUNK = 10_000
"""Rows in one transaction."""

_RAW = json.dumps({"type": "event_callback", "event": {"type": "message", "text": "number 0", "padding": "x" * 900}})
"""About as long as a real event is."""


def fill(url: str, known: Sequence[Known], finished: int, *, channel: str = "slack", instance: str = "bench") -> None:
    """Makes the schema and writes the sessions with that many finished turns, shared out evenly among them."""
    engine = database.open_engine(url)
    database.migrate(engine)
    now = time.time()
    conversations = [{"source": channel, "ref": one.conversation} for one in known]
    envelopes = [_envelope(channel, conversation) for conversation in conversations]

    def session(number: int) -> dict[str, Any]:
        return {"session_id": known[number].session, "channel": channel, "instance": instance, "created_at": now}

    def thread(number: int) -> dict[str, Any]:
        session_id = known[number].session
        return {"channel": channel, "thread": session_id, "session_id": session_id, "created_at": now}

    def turn(number: int) -> dict[str, Any]:
        which = number % len(known)
        times = {"accepted_at": now, "started_at": now, "finished_at": now}
        ours = {
            "envelope": envelopes[which],
            "raw": _RAW,
            "replies": f"[{envelopes[which]}]",
            "direct": False,
            "wants_context": False,
        }
        return times | ours | {
            "seq": number + 1, "session_id": known[which].session, "envelope_id": f"{channel}:{number}",
            "channel": channel, "instance": instance, "status": "answered", "attempts": 1,
        }  # fmt: skip

    def delivery(number: int) -> dict[str, Any]:
        which = number % len(known)
        return {
            "seq": number + 1, "id": f"d{number:020x}", "turn_seq": number + 1, "kind": "reply", "part": 0,
            "session_id": known[which].session, "channel": channel, "payload": '{"text": "number 0"}',
            "conversation": json.dumps(conversations[which]), "status": "delivered",
            "attempts": 1, "created_at": now, "delivered_at": now, "message_ref": f"C0/{number}",
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


def waiting(url: str) -> int:
    """Turns that are not finished."""
    engine = database.open_engine(url, read_only=True)
    with engine.connect() as connection:
        found = connection.execute(select(func.count()).select_from(open_turns)).scalar_one()
    engine.dispose()
    return int(found)


def _envelope(channel: str, conversation: Mapping[str, str]) -> str:
    envelope = {
        "id": f"{channel}:0",
        "source": channel,
        "kind": "message",
        "actor": {"id": f"{channel}:0000000001", "display": "Person 0", "type": "human"},
        "conversation": conversation,
        "text": "number 0",
        "refs": {},
        "ts": "2026-11-21T00:00:00Z",
    }
    return json.dumps(envelope)
