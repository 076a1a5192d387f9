"""Statements about accepted turns: claim, begin, finish, open again. Each does it for many in one transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy import Boolean, Connection, Float, Text, bindparam, delete, func, or_, select, update

from bridge.envelope import Envelope
from bridge.errors import BridgeError, LeaseLost
from bridge.route import Route
from bridge.store import limiting, posts
from bridge.store.claims import Leasing
from bridge.store.processes import ProcessStatements
from bridge.store.protocol import NewDelivery, TurnLease, TurnResult
from bridge.store.schema import open_turns, sessions, turns

_log = structlog.get_logger(__name__)

_REPLIES = TypeAdapter(tuple[Envelope, ...])


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many turns of an instance, `most` of which run at once in all processes together."""

    instance: str
    limit: int
    most: int | None


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
    counted: bool
    begun: bool


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
        turns.c.route,
        turns.c.spends,
        sessions.c.continuation,
        open_turns.c.stop,
        turns.c.context_since,
    )
    .join(open_turns, open_turns.c.seq == turns.c.seq)
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
        envelope=func.coalesce(bindparam("now_envelope", type_=Text()), turns.c.envelope),
    )
)
_CONTINUE = (
    update(sessions)
    .where(sessions.c.session_id == bindparam("of"), sessions.c.instance == bindparam("by"))
    .values(continuation=bindparam("now_continuation"))
)
_OPEN_AGAIN = (
    update(open_turns)
    .where(open_turns.c.seq == bindparam("of"))
    .values(
        owner=None,
        lease_until=bindparam("until"),
        in_doubt=False,
        begun=or_(open_turns.c.begun, bindparam("now_begun", type_=Boolean())),
        attempts=bindparam("now_attempts"),
        failing_since=func.coalesce(open_turns.c.failing_since, bindparam("failed_at", type_=Float())),
    )
)
_NOTE = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(error=bindparam("now_error"), attempts=bindparam("now_attempts"))
)


class TurnStatements:
    """The statements, bound to one process start and its clocks: `clock` dates history, `steady` measures leases."""

    def __init__(
        self,
        leasing: Leasing,
        processes: ProcessStatements,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._leasing = leasing
        self._processes = processes
        self._clock = clock
        self._steady = steady

    def now(self) -> float:
        """By the clock that dates history."""
        return self._clock()

    def claim(self, connection: Connection, request: Wanted) -> Sequence[TurnLease]:
        """Leases for an instance, at most so many, with what others run of it counted."""
        now = self._clock()
        share = None if request.most is None else (request.most, self._processes.workers)
        taken = self._leasing.claim(connection, request.instance, request.limit, self._steady(), share=share)
        if not taken:
            return []
        leases: list[TurnLease] = []
        for row in connection.execute(_LEASED, {"of": list(taken)}).all():
            work = taken[row.seq]
            try:
                envelope, route = read_envelope(row.envelope, row.raw), Route.read(row.route)
            except ValueError as error:
                self._close_unreadable(connection, row.seq, work.attempt, now, error)
                continue
            leases.append(
                TurnLease(
                    seq=row.seq,
                    session=row.session_id,
                    channel=row.channel,
                    attempt=work.attempt,
                    in_doubt=work.in_doubt,
                    claimed_at=now,
                    failing_for=work.failing_for,
                    number=work.number,
                    instance=row.instance,
                    envelope=envelope,
                    direct=row.direct,
                    wants_context=row.wants_context,
                    continuation=row.continuation,
                    accepted_at=row.accepted_at,
                    route=route,
                    stop=row.stop,
                    context_since=row.context_since,
                    spends=limiting.read_spends(row.spends, row.instance),
                )
            )
        return leases

    @staticmethod
    def _close_unreadable(connection: Connection, seq: int, attempt: int, now: float, error: ValueError) -> None:
        """A row that this version cannot read must not hold up its session, nor all the others."""
        _log.error("turn.unreadable", turn=seq, reason=type(error).__name__)
        row = dict.fromkeys(("now_started_at", "now_replies", "now_usage", "now_envelope"))
        row |= {"of": seq, "now_status": "failed", "now_attempts": attempt, "now_finished_at": now}
        connection.execute(_FINISH, row | {"now_error": "this version cannot read it"})
        connection.execute(_CLOSE, {"of": seq})

    def begin(self, connection: Connection, leases: Sequence[TurnLease]) -> Sequence[BridgeError | None]:
        """Notes of turns that are still ours that the agent is being asked."""
        held = self._leasing.held(connection, leases)
        if held:
            self._leasing.begin(connection, list(held))
        return [None if lease.seq in held else _lost(lease) for lease in leases]

    def finish(self, connection: Connection, calls: Sequence[Finish]) -> Sequence[BridgeError | None]:
        """Closes turns that are still ours and writes their deliveries."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(_FINISH, [_finished_row(call, now) for call in ours])
            connection.execute(_CLOSE, [{"of": call.lease.seq} for call in ours])
            continued = [
                {"of": call.lease.session, "by": call.lease.instance, "now_continuation": call.result.continuation}
                for call in ours
                if call.result.continuation is not None
            ]
            if continued:
                connection.execute(_CONTINUE, continued)
            limiting.spend(
                connection, [(call.lease, call.result.usage.total_tokens) for call in ours if call.result.usage], now
            )
            posts.insert(
                connection,
                [(call.lease, call.result.deliveries) for call in ours],
                now,
                previewed=[call.lease.seq for call in ours if _may_be_shown(call)],
            )
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]

    def open_again(self, connection: Connection, calls: Sequence[OpenAgain]) -> Sequence[BridgeError | None]:
        """Opens turns that are still ours for a later attempt."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease for call in calls])
        ours = [call for call in calls if call.lease.seq in held]
        if ours:
            connection.execute(_OPEN_AGAIN, [_opened_row(call, self._steady()) for call in ours])
            connection.execute(
                _NOTE,
                [{"of": call.lease.seq, "now_error": call.error, "now_attempts": _attempts(call)} for call in ours],
            )
            posts.insert(connection, [(call.lease, call.notices) for call in ours], now)
        return [None if call.lease.seq in held else _lost(call.lease) for call in calls]


def _may_be_shown(call: Finish) -> bool:
    """Whether there may be a preview; nobody knows where an attempt failed."""
    return call.result.previewed or call.result.status != "answered" or call.lease.attempt > 1


def _attempts(call: OpenAgain) -> int:
    return call.lease.attempt - (0 if call.counted else 1)


def _opened_row(call: OpenAgain, steady: float) -> dict[str, Any]:
    return {
        "of": call.lease.seq,
        "until": steady + call.wait,
        "now_attempts": _attempts(call),
        "now_begun": call.begun,
        "failed_at": steady if call.counted else None,
    }


def _lost(lease: TurnLease) -> LeaseLost:
    return LeaseLost(f"turn {lease.seq} belongs to another process by now")


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
        "now_envelope": result.envelope.model_dump_json(exclude={"raw"}) if result.envelope else None,
    }


def read_envelope(envelope: str, raw: str) -> Envelope:
    """The envelope as it was accepted, its `raw` put back."""
    return Envelope.model_validate_json(envelope).model_copy(update={"raw": json.loads(raw)})


def read_replies(replies: str | None) -> Sequence[Envelope]:
    """The reply envelopes of a finished turn."""
    return _REPLIES.validate_json(replies) if replies else ()
