"""Statements about turns: accept, claim, finish, open again. Each does it for many in one transaction."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from bridge.envelope import Envelope
from bridge.errors import BridgeError, LeaseLost
from bridge.store import posts
from bridge.store.claims import Leasing
from bridge.store.protocol import Accepted, Arrival, NewDelivery, TurnLease, TurnResult
from bridge.store.schema import open_turns, sessions, threads, turns

_REPLIES = TypeAdapter(tuple[Envelope, ...])


@dataclass(frozen=True, slots=True)
class Finish:
    """A turn and how it ended."""

    lease: TurnLease
    result: TurnResult


@dataclass(frozen=True, slots=True)
class OpenAgain:
    """A turn that did not begin."""

    lease: TurnLease
    wait: float
    error: str
    notices: Sequence[NewDelivery]


_KNOWN = select(threads.c.channel, threads.c.thread, threads.c.session_id).where(
    tuple_(threads.c.channel, threads.c.thread).in_(bindparam("keys", expanding=True))
)
_NEW_SESSION = insert_or(sessions).on_conflict_do_nothing()
_NEW_THREAD = insert_or(threads).on_conflict_do_nothing()
_NEW_TURN = insert_or(turns).on_conflict_do_nothing().returning(turns.c.seq, turns.c.session_id, turns.c.envelope_id)
_OPEN = insert(open_turns)
_CLOSE = delete(open_turns).where(open_turns.c.seq == bindparam("of"))
_LEASED = (
    select(
        turns.c.seq,
        turns.c.session_id,
        turns.c.channel,
        turns.c.instance,
        turns.c.envelope,
        turns.c.raw,
        turns.c.direct,
        turns.c.wants_context,
        turns.c.accepted_at,
        sessions.c.continuation,
    )
    .join(sessions, sessions.c.session_id == turns.c.session_id)
    .where(turns.c.seq.in_(bindparam("of", expanding=True)))
    .order_by(turns.c.seq)
)
_FINISH = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(
        status=bindparam("now_status"),
        attempts=bindparam("now_attempts"),
        started_at=bindparam("now_started_at"),
        finished_at=bindparam("now_finished_at"),
        error=bindparam("now_error"),
        replies=bindparam("now_replies"),
        usage=bindparam("now_usage"),
    )
)
_CONTINUE = (
    update(sessions).where(sessions.c.session_id == bindparam("of")).values(continuation=bindparam("now_continuation"))
)
_OPEN_AGAIN = (
    update(open_turns)
    .where(open_turns.c.seq == bindparam("of"))
    .values(owner=None, lease_until=bindparam("until"), in_doubt=False)
)
_NOTE = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(error=bindparam("now_error"), attempts=bindparam("now_attempts"))
)


class TurnStatements:
    """The statements, bound to one process start and a clock (seconds since the epoch)."""

    def __init__(self, leasing: Leasing, clock: Callable[[], float]) -> None:
        self._leasing = leasing
        self._clock = clock

    def accept(self, connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Accepted | BridgeError]:
        """Turns in the order of the arrivals; what is known already, or not for us, is left out."""
        now = self._clock()
        known = self._known_threads(connection, arrivals)
        new: dict[tuple[str, str], dict[str, Any]] = {}
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        outcomes: list[tuple[str, str] | None] = []
        for arrival in arrivals:
            key = (arrival.channel, arrival.thread)
            session = known.get(key)
            if session is None and arrival.only_if_known:
                outcomes.append(None)
                continue
            if session is None:
                session = known[key] = arrival.session
                new[key] = {
                    "channel": arrival.channel,
                    "thread": arrival.thread,
                    "session_id": session,
                    "instance": arrival.instance,
                    "created_at": now,
                }
            turn = (session, arrival.envelope.id)
            outcomes.append(turn if turn not in rows else None)
            wants_context = arrival.wants_context and key in new
            rows.setdefault(turn, _turn_row(arrival, session, wants_context=wants_context, now=now))
        if new:
            connection.execute(_NEW_SESSION, [_without(row, "thread") for row in new.values()])
            connection.execute(_NEW_THREAD, [_without(row, "instance") for row in new.values()])
        inserted = self._insert(connection, list(rows.values())) if rows else set[tuple[str, str]]()
        return [
            Accepted.TURN
            if turn in inserted
            else Accepted.NOT_TAKING_PART
            if turn is None and arrival.only_if_known and (arrival.channel, arrival.thread) not in known
            else Accepted.DUPLICATE
            for turn, arrival in zip(outcomes, arrivals, strict=True)
        ]

    def _known_threads(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], str]:
        keys = list({(arrival.channel, arrival.thread) for arrival in arrivals})
        return {(channel, thread): session for channel, thread, session in connection.execute(_KNOWN, {"keys": keys})}

    def _insert(self, connection: Connection, rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
        inserted = connection.execute(_NEW_TURN, rows).all()
        instances = {(row["session_id"], row["envelope_id"]): row["instance"] for row in rows}
        if inserted:
            connection.execute(
                _OPEN,
                [
                    {
                        "seq": seq,
                        "session_id": session,
                        "instance": instances[session, envelope],
                        "owner": None,
                        "lease_until": 0.0,
                        "attempts": 0,
                        "in_doubt": False,
                    }
                    for seq, session, envelope in inserted
                ],
            )
        return {(session, envelope) for _, session, envelope in inserted}

    def claim(self, connection: Connection, request: tuple[str, int]) -> Sequence[TurnLease]:
        """Leases for an instance, at most so many."""
        instance, limit = request
        now = self._clock()
        taken = self._leasing.claim(connection, instance, limit, now)
        if not taken:
            return []
        return [
            TurnLease(
                seq=row.seq,
                session=row.session_id,
                channel=row.channel,
                attempt=taken[row.seq][0],
                in_doubt=taken[row.seq][1],
                claimed_at=now,
                instance=row.instance,
                envelope=read_envelope(row.envelope, row.raw),
                direct=row.direct,
                wants_context=row.wants_context,
                continuation=row.continuation,
                accepted_at=row.accepted_at,
            )
            for row in connection.execute(_LEASED, {"of": list(taken)})
        ]

    def finish(self, connection: Connection, calls: Sequence[Finish]) -> Sequence[BridgeError | None]:
        """Closes turns that are still ours and writes their deliveries."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease.seq for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(_FINISH, [_finished_row(call, now) for call in ours])
            connection.execute(_CLOSE, [{"of": call.lease.seq} for call in ours])
            continued = [
                {"of": call.lease.session, "now_continuation": call.result.continuation}
                for call in ours
                if call.result.continuation is not None
            ]
            if continued:
                connection.execute(_CONTINUE, continued)
            posts.insert(connection, [(call.lease, call.result.deliveries) for call in ours], now)
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]

    def open_again(self, connection: Connection, calls: Sequence[OpenAgain]) -> Sequence[BridgeError | None]:
        """Opens turns that are still ours for a later attempt."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease.seq for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(_OPEN_AGAIN, [{"of": call.lease.seq, "until": now + call.wait} for call in ours])
            connection.execute(
                _NOTE,
                [{"of": call.lease.seq, "now_error": call.error, "now_attempts": call.lease.attempt} for call in ours],
            )
            posts.insert(connection, [(call.lease, call.notices) for call in ours], now)
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]


def _lost(lease: TurnLease) -> LeaseLost:
    return LeaseLost(f"turn {lease.seq} belongs to another process by now")


def _without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _turn_row(arrival: Arrival, session: str, *, wants_context: bool, now: float) -> dict[str, Any]:
    return {
        "session_id": session,
        "envelope_id": arrival.envelope.id,
        "channel": arrival.channel,
        "instance": arrival.instance,
        "direct": arrival.direct,
        "wants_context": wants_context,
        "envelope": arrival.envelope.model_dump_json(exclude={"raw"}),
        "raw": json.dumps(arrival.envelope.raw, separators=(",", ":")),
        "status": "open",
        "attempts": 0,
        "accepted_at": now,
    }


def _finished_row(call: Finish, now: float) -> dict[str, Any]:
    result = call.result
    return {
        "of": call.lease.seq,
        "now_status": result.status,
        "now_attempts": call.lease.attempt,
        "now_started_at": call.lease.claimed_at,
        "now_finished_at": now,
        "now_error": result.error,
        "now_replies": _REPLIES.dump_json(tuple(result.replies)).decode() if result.replies else None,
        "now_usage": json.dumps(asdict(result.usage)) if result.usage else None,
    }


def read_envelope(envelope: str, raw: str) -> Envelope:
    """The envelope as it was accepted, its `raw` put back."""
    return Envelope.model_validate_json(envelope).model_copy(update={"raw": json.loads(raw)})


def read_replies(replies: str | None) -> Sequence[Envelope]:
    """The reply envelopes of a finished turn."""
    return _REPLIES.validate_json(replies) if replies else ()
