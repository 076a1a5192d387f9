"""Statements about deliveries: write, claim, close, open again. Each does it for many in one transaction."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Float, and_, bindparam, delete, func, or_, select, update
from sqlalchemy import insert as insert_into

from bridge.channel import MessageRef
from bridge.envelope import Conversation
from bridge.errors import BridgeError, LeaseLost
from bridge.store import holds
from bridge.store.claims import LATE, Leasing, Taken
from bridge.store.protocol import PREVIEW, WAITING, DeliveryLease, NewDelivery, TurnLease
from bridge.store.schema import deliveries, open_deliveries, turns
from bridge.store.upsert import insert_or


class Place(Protocol):
    """What deliveries are written for: a turn, as far as they ask."""

    @property
    def seq(self) -> int: ...
    @property
    def session(self) -> str: ...
    @property
    def channel(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Written:
    """A turn that nobody leased: it was closed as it was written."""

    seq: int
    session: str
    channel: str


@dataclass(frozen=True, slots=True)
class Close:
    """A delivery that is posted (`ref`) or a dead letter (`error`)."""

    lease: DeliveryLease
    ref: MessageRef | None = None
    error: str | None = None
    in_doubt: bool = False
    instead: Sequence[NewDelivery] = ()


@dataclass(frozen=True, slots=True)
class PostAgain:
    """A delivery that is tried again later."""

    lease: DeliveryLease
    wait: float
    error: str
    in_doubt: bool
    counted: bool
    holds: str | None = None


AT_ONCE = 500
"""Messages that are looked for in one statement."""

_NEW = (
    insert_or(deliveries)
    .on_conflict_do_nothing(index_elements=["turn_seq", "run", "kind", "part"])
    .returning(deliveries.c.seq, deliveries.c.session_id, deliveries.c.channel, deliveries.c.conversation)
)
_OPEN = insert_into(open_deliveries)
_previews = deliveries.alias("previews")
_LEASED = (
    select(
        deliveries.c.seq,
        deliveries.c.id,
        deliveries.c.session_id,
        deliveries.c.channel,
        deliveries.c.conversation,
        deliveries.c.payload,
        deliveries.c.created_at,
        deliveries.c.kind,
        turns.c.envelope_id,
        _previews.c.message_ref.label("edits"),
    )
    .join(turns, turns.c.seq == deliveries.c.turn_seq)
    .outerjoin(_previews, _previews.c.seq == deliveries.c.edits)
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
        failing_since=func.coalesce(open_deliveries.c.failing_since, bindparam("failed_at", type_=Float())),
    )
)
_CLOSED_WITH = (
    select(deliveries.c.message_ref).where(deliveries.c.message_ref.in_(bindparam("refs", expanding=True))).distinct()
)
_POSTED = (
    select(deliveries.c.seq)
    .where(
        deliveries.c.turn_seq == bindparam("of"),
        deliveries.c.channel == bindparam("on"),
        or_(
            deliveries.c.message_ref == bindparam("message"),
            and_(deliveries.c.conversation.in_(bindparam("there", expanding=True)), deliveries.c.status == "pending"),
        ),
    )
    .limit(1)
)
_TURN_OF = select(deliveries.c.turn_seq).where(deliveries.c.seq == bindparam("of"))
_PREVIEWS = select(deliveries.c.turn_seq, deliveries.c.seq).where(
    deliveries.c.turn_seq.in_(bindparam("of", expanding=True)), deliveries.c.run == 0, deliveries.c.kind == PREVIEW
)
_WAITS_THERE = select(open_deliveries.c.seq).where(open_deliveries.c.line == bindparam("of")).limit(1)
_FORGET = delete(deliveries).where(deliveries.c.seq == bindparam("of"))
_NOTE = (
    update(deliveries)
    .where(deliveries.c.seq == bindparam("of"))
    .values(error=bindparam("now_error"), attempts=bindparam("now_attempts"))
)


def insert(
    connection: Connection,
    of_turns: Sequence[tuple[Place, Sequence[NewDelivery]]],
    now: float,
    *,
    previewed: Sequence[int] = (),
) -> None:
    """Writes deliveries in this order. One that its turn has already (same kind and part) is left out.

    The first one of a turn among `previewed` takes over the message of its preview, if there is one.
    """
    found = connection.execute(_PREVIEWS, {"of": previewed}).all() if previewed else ()
    previews: dict[int, int] = {row.turn_seq: row.seq for row in found}
    rows: list[dict[str, Any]] = []
    for lease, new in of_turns:
        for delivery in new:
            edits = None if delivery.kind == WAITING else previews.pop(lease.seq, None)
            rows.append(_row(lease.seq, lease, delivery, now, edits=edits))
    if rows:
        _write(connection, rows)


def _write(connection: Connection, rows: Sequence[dict[str, Any]], **opened: Any) -> list[int]:
    """The `seq` of those that were not there already; `opened` says how they are open."""
    inserted = connection.execute(_NEW, rows).all()
    if inserted:
        connection.execute(
            _OPEN,
            [
                {
                    "seq": seq,
                    "session_id": session,
                    "channel": channel,
                    "line": _line(channel, conversation),
                    "owner": None,
                    "lease_until": LATE,
                    "attempts": 0,
                    "in_doubt": False,
                    **opened,
                }
                for seq, session, channel, conversation in inserted
            ],
        )
    return [row.seq for row in inserted]


def _line(channel: str, conversation: str) -> str:
    """What is posted one after the other."""
    return f"{channel} {conversation}"


class DeliveryStatements:
    """The statements, bound to one process start and its clocks: `clock` dates history, `steady` measures leases."""

    def __init__(
        self, leasing: Leasing, turns_leasing: Leasing, clock: Callable[[], float], steady: Callable[[], float]
    ) -> None:
        self._leasing = leasing
        self._turns_leasing = turns_leasing
        self._clock = clock
        self._steady = steady

    def claim(self, connection: Connection, request: tuple[str, int]) -> Sequence[DeliveryLease]:
        """Leases for a channel, at most so many."""
        channel, limit = request
        now = self._steady()
        taken = self._leasing.claim(connection, channel, limit, now)
        return self._leases(connection, taken, holds.held(connection, channel, now)) if taken else []

    def open_preview(
        self, connection: Connection, calls: Sequence[tuple[TurnLease, NewDelivery]]
    ) -> Sequence[DeliveryLease | BridgeError | None]:
        """Writes previews of turns that are still ours where nothing else waits to be posted, each leased at once."""
        held = self._turns_leasing.held(connection, [turn for turn, _ in calls])
        return [
            self._open_preview(connection, turn, preview)
            if turn.seq in held
            else LeaseLost(f"turn {turn.seq} belongs to another process by now")
            for turn, preview in calls
        ]

    def _open_preview(self, connection: Connection, turn: TurnLease, preview: NewDelivery) -> DeliveryLease | None:
        row = _row(turn.seq, turn, preview, self._clock(), edits=None)
        if connection.execute(_WAITS_THERE, {"of": _line(row["channel"], row["conversation"])}).first():
            return None
        now = self._steady()
        written = _write(connection, [row], **self._leasing.leased(now))
        if not written:
            return None
        return self._leases(connection, {written[0]: self._leasing.hold(written[0], now)})[0]

    def withdraw(self, connection: Connection, leases: Sequence[DeliveryLease]) -> Sequence[BridgeError | None]:
        """Forgets those that are still ours."""
        held = self._leasing.held(connection, leases)
        if held:
            connection.execute(_CLOSE_OPEN, [{"of": seq} for seq in held])
            connection.execute(_FORGET, [{"of": seq} for seq in held])
        return [None if lease.seq in held else _lost(lease) for lease in leases]

    def _leases(
        self, connection: Connection, taken: Mapping[int, Taken], held: Mapping[str, float] | None = None
    ) -> list[DeliveryLease]:
        now = self._clock()
        return [
            DeliveryLease(
                seq=row.seq,
                session=row.session_id,
                channel=row.channel,
                attempt=taken[row.seq].attempt,
                in_doubt=taken[row.seq].in_doubt,
                failing_for=taken[row.seq].failing_for,
                number=taken[row.seq].number,
                claimed_at=now,
                id=row.id,
                conversation=Conversation.model_validate_json(row.conversation),
                payload=json.loads(row.payload),
                created_at=row.created_at,
                envelope_id=row.envelope_id,
                kind=row.kind,
                edits=row.edits,
                held=held or {},
            )
            for row in connection.execute(_LEASED, {"of": list(taken)})
        ]

    def close(self, connection: Connection, calls: Sequence[Close]) -> Sequence[BridgeError | None]:
        """Closes deliveries that are still ours."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(_CLOSE_OPEN, [{"of": call.lease.seq} for call in ours])
            connection.execute(_CLOSE, [_closed_row(call, now) for call in ours])
        rows = [row for call in ours if call.instead for row in _instead(connection, call, now)]
        if rows:
            _write(connection, rows)
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]

    def open_again(self, connection: Connection, calls: Sequence[PostAgain]) -> Sequence[BridgeError | None]:
        """Opens deliveries that are still ours for a later attempt."""
        held = self._leasing.held(connection, [call.lease for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        for call in ours:
            if call.holds is not None:
                now = self._steady()
                holds.hold(connection, call.lease.channel, call.holds, now + call.wait, now)
        if ours:
            connection.execute(
                _OPEN_AGAIN,
                [
                    {
                        "of": call.lease.seq,
                        "until": self._steady() + call.wait,
                        "now_in_doubt": call.in_doubt,
                        "now_attempts": _attempts(call),
                        "failed_at": self._steady() if call.counted else None,
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
    return [[ref for ref in refs if ref not in known] for refs in calls for known in [_closed_with(connection, refs)]]


def _closed_with(connection: Connection, refs: Sequence[MessageRef]) -> set[str]:
    chunks = (refs[start : start + AT_ONCE] for start in range(0, len(refs), AT_ONCE))
    return {ref for chunk in chunks for ref in connection.execute(_CLOSED_WITH, {"refs": chunk}).scalars()}


def posted_for(
    connection: Connection, turn: int, channel: str, message: MessageRef, *, perhaps_in: Sequence[Conversation] = ()
) -> bool:
    """Whether that message was posted for that turn in that channel; `perhaps_in`: or may have been there just now."""
    there = [conversation.model_dump_json() for conversation in perhaps_in]
    values = {"message": message, "of": turn, "on": channel, "there": there}
    return connection.execute(_POSTED, values).first() is not None


def _attempts(call: PostAgain) -> int:
    return call.lease.attempt - (0 if call.counted else 1)


def _lost(lease: DeliveryLease) -> LeaseLost:
    return LeaseLost(f"delivery {lease.id} belongs to another process by now")


def _instead(connection: Connection, call: Close, now: float) -> list[dict[str, Any]]:
    turn = connection.execute(_TURN_OF, {"of": call.lease.seq}).scalar_one()
    return [_row(turn, call.lease, delivery, now, edits=None) for delivery in call.instead]


def _row(turn: int, place: Place, delivery: NewDelivery, now: float, *, edits: int | None) -> dict[str, Any]:
    """A delivery of that turn, where the place's are posted."""
    return {
        "edits": edits,
        "id": "d" + secrets.token_hex(10),
        "turn_seq": turn,
        "kind": delivery.kind,
        "part": delivery.part,
        "session_id": place.session,
        "channel": place.channel,
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
