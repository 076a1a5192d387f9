"""Statements about deliveries: write, claim, close, open again. Each does it for many in one transaction."""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.dialects.sqlite import insert as insert_or

from bridge.channel import MessageRef
from bridge.envelope import Conversation
from bridge.errors import BridgeError, LeaseLost
from bridge.store.claims import Leasing
from bridge.store.protocol import DeliveryLease, NewDelivery, TurnLease
from bridge.store.schema import deliveries, open_deliveries, turns


@dataclass(frozen=True, slots=True)
class Close:
    """A delivery that is posted (`ref`) or a dead letter (`error`)."""

    lease: DeliveryLease
    ref: MessageRef | None = None
    error: str | None = None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class PostAgain:
    """A delivery that is tried again later."""

    lease: DeliveryLease
    wait: float
    error: str
    in_doubt: bool
    counted: bool


_NEW = (
    insert_or(deliveries)
    .on_conflict_do_nothing(index_elements=["turn_seq", "run", "kind", "part"])
    .returning(deliveries.c.seq, deliveries.c.session_id, deliveries.c.channel, deliveries.c.conversation)
)
_OPEN = insert_into(open_deliveries)
_LEASED = (
    select(
        deliveries.c.seq,
        deliveries.c.id,
        deliveries.c.session_id,
        deliveries.c.channel,
        deliveries.c.conversation,
        deliveries.c.payload,
        deliveries.c.created_at,
        turns.c.envelope_id,
    )
    .join(turns, turns.c.seq == deliveries.c.turn_seq)
    .where(deliveries.c.seq.in_(bindparam("of", expanding=True)))
    .order_by(deliveries.c.seq)
)
_CLOSE_OPEN = delete(open_deliveries).where(open_deliveries.c.seq == bindparam("of"))
_CLOSE = (
    update(deliveries)
    .where(deliveries.c.seq == bindparam("of"))
    .values(
        status=bindparam("now_status"),
        attempts=bindparam("now_attempts"),
        delivered_at=bindparam("now_delivered_at"),
        message_ref=bindparam("now_message_ref"),
        error=bindparam("now_error"),
        dead_at=bindparam("now_dead_at"),
        in_doubt=bindparam("now_in_doubt"),
    )
)
_OPEN_AGAIN = (
    update(open_deliveries)
    .where(open_deliveries.c.seq == bindparam("of"))
    .values(
        owner=None,
        lease_until=bindparam("until"),
        in_doubt=bindparam("now_in_doubt"),
        attempts=bindparam("now_attempts"),
        failing_since=bindparam("now_failing_since"),
    )
)
_CLOSED_WITH = select(deliveries.c.seq).where(deliveries.c.message_ref == bindparam("ref")).limit(1)
_NOTE = (
    update(deliveries)
    .where(deliveries.c.seq == bindparam("of"))
    .values(error=bindparam("now_error"), attempts=bindparam("now_attempts"))
)


def insert(connection: Connection, of_turns: Sequence[tuple[TurnLease, Sequence[NewDelivery]]], now: float) -> None:
    """Writes deliveries in this order. One that its turn has already (same kind and part) is left out."""
    rows = [_row(lease, delivery, now) for lease, new in of_turns for delivery in new]
    if not rows:
        return
    inserted = connection.execute(_NEW, rows).all()
    if inserted:
        connection.execute(
            _OPEN,
            [
                {
                    "seq": seq,
                    "session_id": session,
                    "channel": channel,
                    "line": f"{channel} {conversation}",
                    "owner": None,
                    "lease_until": 0.0,
                    "attempts": 0,
                    "in_doubt": False,
                }
                for seq, session, channel, conversation in inserted
            ],
        )


class DeliveryStatements:
    """The statements, bound to one process start and its clocks: `clock` dates history, `steady` measures leases."""

    def __init__(self, leasing: Leasing, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._leasing = leasing
        self._clock = clock
        self._steady = steady

    def claim(self, connection: Connection, request: tuple[str, int]) -> Sequence[DeliveryLease]:
        """Leases for a channel, at most so many."""
        channel, limit = request
        now = self._clock()
        taken = self._leasing.claim(connection, channel, limit, self._steady())
        if not taken:
            return []
        return [
            DeliveryLease(
                seq=row.seq,
                session=row.session_id,
                channel=row.channel,
                attempt=taken[row.seq][0],
                in_doubt=taken[row.seq][1],
                failing_since=taken[row.seq][2],
                claimed_at=now,
                id=row.id,
                conversation=Conversation.model_validate_json(row.conversation),
                payload=json.loads(row.payload),
                created_at=row.created_at,
                envelope_id=row.envelope_id,
            )
            for row in connection.execute(_LEASED, {"of": list(taken)})
        ]

    def close(self, connection: Connection, calls: Sequence[Close]) -> Sequence[BridgeError | None]:
        """Closes deliveries that are still ours."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease.seq for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(_CLOSE_OPEN, [{"of": call.lease.seq} for call in ours])
            connection.execute(_CLOSE, [_closed_row(call, now) for call in ours])
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]

    def open_again(self, connection: Connection, calls: Sequence[PostAgain]) -> Sequence[BridgeError | None]:
        """Opens deliveries that are still ours for a later attempt."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease.seq for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(
                _OPEN_AGAIN,
                [
                    {
                        "of": call.lease.seq,
                        "until": self._steady() + call.wait,
                        "now_in_doubt": call.in_doubt,
                        "now_attempts": _attempts(call),
                        "now_failing_since": call.lease.failing_since or (now if call.counted else None),
                    }
                    for call in ours
                ],
            )
            connection.execute(
                _NOTE,
                [{"of": call.lease.seq, "now_error": call.error, "now_attempts": _attempts(call)} for call in ours],
            )
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]


def unaccounted_for(connection: Connection, calls: Sequence[Sequence[MessageRef]]) -> Sequence[Sequence[MessageRef]]:
    """Of each call's messages those that no delivery was closed with."""
    return [[ref for ref in refs if connection.execute(_CLOSED_WITH, {"ref": ref}).first() is None] for refs in calls]


def _attempts(call: PostAgain) -> int:
    return call.lease.attempt - (0 if call.counted else 1)


def _lost(lease: DeliveryLease) -> LeaseLost:
    return LeaseLost(f"delivery {lease.id} belongs to another process by now")


def _row(lease: TurnLease, delivery: NewDelivery, now: float) -> dict[str, Any]:
    return {
        "id": "d" + secrets.token_hex(10),
        "turn_seq": lease.seq,
        "kind": delivery.kind,
        "part": delivery.part,
        "session_id": lease.session,
        "channel": lease.channel,
        "conversation": delivery.conversation.model_dump_json(),
        "payload": json.dumps(delivery.payload),
        "status": "pending",
        "attempts": 0,
        "created_at": now,
    }


def _closed_row(call: Close, now: float) -> dict[str, Any]:
    posted = call.ref is not None
    return {
        "of": call.lease.seq,
        "now_status": "delivered" if posted else "dead_letter",
        "now_attempts": call.lease.attempt,
        "now_delivered_at": now if posted else None,
        "now_message_ref": call.ref,
        "now_error": call.error,
        "now_dead_at": None if posted else now,
        "now_in_doubt": call.in_doubt,
    }
