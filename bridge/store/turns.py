"""Statements about turns: accept, claim, finish, open again. Each does it for many in one transaction."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from pydantic import TypeAdapter
from sqlalchemy import Connection, Float, Text, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from bridge.envelope import Envelope
from bridge.errors import BridgeError, LeaseLost
from bridge.route import Route
from bridge.store import posts
from bridge.store.claims import Leasing
from bridge.store.protocol import Accepted, Arrival, NewDelivery, TurnLease, TurnResult
from bridge.store.schema import open_turns, sessions, threads, turns

_log = structlog.get_logger(__name__)

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
    counted: bool


_KNOWN = select(
    threads.c.channel, threads.c.thread, threads.c.session_id, func.coalesce(threads.c.since, threads.c.created_at)
).where(tuple_(threads.c.channel, threads.c.thread).in_(bindparam("keys", expanding=True)))
_TAKEN = select(turns.c.channel, turns.c.envelope_id).where(turns.c.envelope_id.in_(bindparam("of", expanding=True)))
_INSTANCES = select(sessions.c.session_id, sessions.c.instance).where(
    sessions.c.session_id.in_(bindparam("of", expanding=True))
)
_MOVE = (
    update(sessions)
    .where(sessions.c.session_id == bindparam("of"))
    .values(instance=bindparam("now_instance"), continuation=None)  # another instance's means nothing to this one
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
        turns.c.route,
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
        attempts=bindparam("now_attempts"),
        failing_since=func.coalesce(open_turns.c.failing_since, bindparam("failed_at", type_=Float())),
    )
)
_NOTE = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(error=bindparam("now_error"), attempts=bindparam("now_attempts"))
)


@dataclass(frozen=True, slots=True)
class _Thread:
    """A thread in which the bot takes part."""

    session: str
    since: float
    """When the message was written with which that began."""


class TurnStatements:
    """The statements, bound to one process start and its clocks: `clock` dates history, `steady` measures leases."""

    def __init__(self, leasing: Leasing, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._leasing = leasing
        self._clock = clock
        self._steady = steady

    def now(self) -> float:
        """By the clock that dates history."""
        return self._clock()

    def accept(self, connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Accepted | BridgeError]:
        """Turns in the order of the arrivals; what is known already, or not for us, is left out."""
        now = self._clock()
        known = self._known_threads(connection, arrivals)
        taken = self._taken(connection, [arrival.envelope.id for arrival in arrivals if arrival.missed])
        new_threads: list[dict[str, Any]] = []
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        choices: dict[tuple[str, str], tuple[str, ...]] = {}
        outcomes: list[tuple[str, str] | Accepted] = []
        for arrival in arrivals:
            key = (arrival.channel, arrival.thread)
            thread, said_at = known.get(key), arrival.envelope.ts.timestamp()
            if (arrival.channel, arrival.envelope.id) in taken:
                outcomes.append(Accepted.DUPLICATE)
                continue
            if arrival.only_if_known and (thread is None or (arrival.missed and thread.since > said_at)):
                outcomes.append(Accepted.NOT_TAKING_PART)
                continue
            session = arrival.session if thread is None or not arrival.binds_thread else thread.session
            if thread is None and arrival.too_old is None and arrival.joins:
                known[key] = _Thread(session, said_at)
                new_threads.append(_thread_row(arrival, session, now))
            turn = (session, arrival.envelope.id)
            outcomes.append(Accepted.DUPLICATE if turn in rows else turn)
            wants_context = arrival.wants_context and thread is None
            rows.setdefault(turn, turn_row(arrival, session, wants_context=wants_context, now=now))
            choices.setdefault(turn, arrival.instances)
        self._choose_instances(connection, rows, choices)
        if new_threads:
            connection.execute(_NEW_THREAD, new_threads)
        inserted = self.insert(connection, list(rows.values())) if rows else dict[tuple[str, str], Accepted]()
        return [
            outcome if isinstance(outcome, Accepted) else inserted.get(outcome, Accepted.DUPLICATE)
            for outcome in outcomes
        ]

    @staticmethod
    def _taken(connection: Connection, envelopes: list[str]) -> set[tuple[str, str]]:
        """Which of these messages are some session's already."""
        if not envelopes:
            return set()
        return {(channel, envelope) for channel, envelope in connection.execute(_TAKEN, {"of": envelopes})}

    def _choose_instances(
        self,
        connection: Connection,
        rows: Mapping[tuple[str, str], dict[str, Any]],
        choices: Mapping[tuple[str, str], tuple[str, ...]],
    ) -> None:
        """Gives every row its instance: the session's, if the rule still offers it; writes new and moved sessions."""
        if not rows:
            return
        found = connection.execute(_INSTANCES, {"of": list({session for session, _ in rows})})
        current: dict[str, str] = {row.session_id: row.instance for row in found}
        new: dict[str, dict[str, Any]] = {}
        moved: dict[str, dict[str, Any]] = {}
        for turn, row in rows.items():
            session, offered = turn[0], choices[turn]
            before = current.get(session)
            row["instance"] = current[session] = before if before in offered else offered[0]
            if before is None:
                new[session] = {
                    "session_id": session,
                    "channel": row["channel"],
                    "instance": row["instance"],
                    "created_at": row["accepted_at"],
                }
            elif before != row["instance"]:
                moved[session] = {"of": session, "now_instance": row["instance"]}
        if new:
            connection.execute(_NEW_SESSION, list(new.values()))
        if moved:
            connection.execute(_MOVE, list(moved.values()))

    def _known_threads(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], _Thread]:
        keys = list({(arrival.channel, arrival.thread) for arrival in arrivals})
        found = connection.execute(_KNOWN, {"keys": keys})
        return {(channel, thread): _Thread(session, since) for channel, thread, session, since in found}

    def insert(self, connection: Connection, rows: list[dict[str, Any]]) -> dict[tuple[str, str], Accepted]:
        """Writes these turns, each once per session and envelope id, and what became of those that were written."""
        inserted = connection.execute(_NEW_TURN, rows).all()
        written = {(row["session_id"], row["envelope_id"]): row for row in rows}
        opened = [
            {
                "seq": seq,
                "session_id": session,
                "instance": written[session, envelope]["instance"],
                "owner": None,
                "lease_until": 0.0,
                "attempts": 0,
                "in_doubt": False,
            }
            for seq, session, envelope in inserted
            if written[session, envelope]["status"] == "open"
        ]
        if opened:
            connection.execute(_OPEN, opened)
        return {
            (session, envelope): Accepted.TURN if written[session, envelope]["status"] == "open" else Accepted.LISTED
            for _, session, envelope in inserted
        }

    def claim(self, connection: Connection, request: tuple[str, int]) -> Sequence[TurnLease]:
        """Leases for an instance, at most so many."""
        instance, limit = request
        now = self._clock()
        taken = self._leasing.claim(connection, instance, limit, self._steady())
        if not taken:
            return []
        leases: list[TurnLease] = []
        for row in connection.execute(_LEASED, {"of": list(taken)}).all():
            attempt, in_doubt, failing_for = taken[row.seq]
            try:
                envelope, route = read_envelope(row.envelope, row.raw), Route.read(row.route)
            except ValueError as error:
                self._close_unreadable(connection, row.seq, attempt, now, error)
                continue
            leases.append(
                TurnLease(
                    seq=row.seq,
                    session=row.session_id,
                    channel=row.channel,
                    attempt=attempt,
                    in_doubt=in_doubt,
                    claimed_at=now,
                    failing_for=failing_for,
                    instance=row.instance,
                    envelope=envelope,
                    direct=row.direct,
                    wants_context=row.wants_context,
                    continuation=row.continuation,
                    accepted_at=row.accepted_at,
                    route=route,
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
        held = self._leasing.held(connection, [lease.seq for lease in leases])
        if held:
            self._leasing.begin(connection, list(held))
        return [None if lease.seq in held else _lost(lease) for lease in leases]

    def finish(self, connection: Connection, calls: Sequence[Finish]) -> Sequence[BridgeError | None]:
        """Closes turns that are still ours and writes their deliveries."""
        now = self._clock()
        held = self._leasing.held(connection, [call.lease.seq for call in calls])
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
        held = self._leasing.held(connection, [call.lease.seq for call in calls])
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
        "failed_at": steady if call.counted else None,
    }


def _lost(lease: TurnLease) -> LeaseLost:
    return LeaseLost(f"turn {lease.seq} belongs to another process by now")


def turn_row(arrival: Arrival, session: str, *, wants_context: bool, now: float) -> dict[str, Any]:
    """A turn's row in history as it is accepted."""
    return {
        "session_id": session,
        "envelope_id": arrival.envelope.id,
        "channel": arrival.channel,
        "instance": arrival.instances[0],
        "direct": arrival.direct,
        "wants_context": wants_context,
        "envelope": arrival.envelope.model_dump_json(exclude={"raw"}),
        "raw": json.dumps(arrival.envelope.raw, separators=(",", ":")),
        "status": "open" if arrival.too_old is None else "failed",
        "attempts": 0,
        "accepted_at": now,
        "finished_at": None if arrival.too_old is None else now,
        "error": arrival.too_old,
        "route": arrival.route.written(),
    }


def _thread_row(arrival: Arrival, session: str, now: float) -> dict[str, Any]:
    return {
        "channel": arrival.channel,
        "thread": arrival.thread,
        "session_id": session,
        "created_at": now,
        "since": arrival.envelope.ts.timestamp(),
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
        "now_envelope": result.envelope.model_dump_json(exclude={"raw"}) if result.envelope else None,
    }


def read_envelope(envelope: str, raw: str) -> Envelope:
    """The envelope as it was accepted, its `raw` put back."""
    return Envelope.model_validate_json(envelope).model_copy(update={"raw": json.loads(raw)})


def read_replies(replies: str | None) -> Sequence[Envelope]:
    """The reply envelopes of a finished turn."""
    return _REPLIES.validate_json(replies) if replies else ()
