"""Statements by which messages become turns: each once, at the instance and in the session that are theirs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from bridge.errors import BridgeError
from bridge.store.protocol import Accepted, Arrival
from bridge.store.schema import open_turns, sessions, threads, turns

_KNOWN = select(
    threads.c.channel,
    threads.c.thread,
    threads.c.session_id,
    func.coalesce(threads.c.since, threads.c.created_at),
    threads.c.silent,
).where(tuple_(threads.c.channel, threads.c.thread).in_(bindparam("keys", expanding=True)))
_TAKEN = select(turns.c.channel, turns.c.envelope_id, turns.c.place).where(
    turns.c.envelope_id.in_(bindparam("of", expanding=True))
)
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
_HEARD = (
    update(threads)
    .where(threads.c.channel == bindparam("on"), threads.c.thread == bindparam("of"))
    .values(silent=False)
)
_NEW_TURN = insert_or(turns).on_conflict_do_nothing().returning(turns.c.seq, turns.c.session_id, turns.c.envelope_id)
_OPEN = insert(open_turns)


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread in which the bot takes part, or whatever else keeps a session."""

    session: str
    since: float
    """When the message was written with which that began."""
    silent: bool = False
    """So far only commands were written in it."""


class AcceptStatements:
    """The statements, bound to the clock that dates history."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def now(self) -> float:
        """By the clock that dates history."""
        return self._clock()

    def accept(self, connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Accepted | BridgeError]:
        """Turns in the order of the arrivals; what is known already, or not for us, is left out."""
        now = self._clock()
        known = self.known_threads(connection, arrivals)
        taken = self.taken(connection, arrivals)
        new_threads: list[dict[str, Any]] = []
        broken_silences: list[dict[str, Any]] = []
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        choices: dict[tuple[str, str], tuple[str, ...]] = {}
        outcomes: list[tuple[str, str] | Accepted] = []
        for arrival in arrivals:
            key = (arrival.channel, arrival.thread)
            thread, said_at = known.get(key), arrival.envelope.ts.timestamp()
            if taken(arrival):
                outcomes.append(Accepted.DUPLICATE)
                continue
            if arrival.only_if_known and (thread is None or (arrival.missed and thread.since > said_at)):
                outcomes.append(Accepted.NOT_TAKING_PART)
                continue
            session = session_of(arrival, known)
            joins = arrival.too_old is None and arrival.joins
            if joins and thread is None:
                known[key] = Thread(session, said_at)
                new_threads.append(thread_row(arrival, session, now))
            elif joins and thread is not None and thread.silent:
                known[key] = Thread(thread.session, thread.since)
                broken_silences.append({"on": arrival.channel, "of": arrival.thread})
            turn = (session, arrival.envelope.id)
            outcomes.append(Accepted.DUPLICATE if turn in rows else turn)
            wants_context = arrival.wants_context and (thread is None or thread.silent)
            rows.setdefault(turn, turn_row(arrival, session, wants_context=wants_context, now=now))
            choices.setdefault(turn, arrival.instances)
        self._choose_instances(connection, rows, choices)
        if new_threads:
            connection.execute(_NEW_THREAD, new_threads)
        if broken_silences:
            connection.execute(_HEARD, broken_silences)
        inserted = self.insert(connection, list(rows.values())) if rows else dict[tuple[str, str], Accepted]()
        return [
            outcome if isinstance(outcome, Accepted) else inserted.get(outcome, Accepted.DUPLICATE)
            for outcome in outcomes
        ]

    @staticmethod
    def taken(connection: Connection, arrivals: Sequence[Arrival]) -> Callable[[Arrival], bool]:
        """Which of these messages are some session's already: people may begin a new one where they were written.

        A message that was not heard live is the same wherever it was written.
        """
        found = connection.execute(_TAKEN, {"of": [arrival.envelope.id for arrival in arrivals]}).all()
        there = {(row.channel, row.envelope_id, row.place) for row in found}
        anywhere = {(row.channel, row.envelope_id) for row in found}

        def is_taken(arrival: Arrival) -> bool:
            envelope = arrival.envelope
            place = (arrival.channel, envelope.id, envelope.conversation.ref)
            return place in there or (arrival.missed and place[:2] in anywhere)

        return is_taken

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
                new[session] = session_row(session, row["channel"], row["instance"], row["accepted_at"])
            elif before != row["instance"]:
                moved[session] = {"of": session, "now_instance": row["instance"]}
        if new:
            connection.execute(_NEW_SESSION, list(new.values()))
        if moved:
            connection.execute(_MOVE, list(moved.values()))

    @staticmethod
    def known_threads(connection: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], Thread]:
        """What keeps a session of those that these may belong to, by channel and name."""
        keys = {(arrival.channel, name) for arrival in arrivals for name in (arrival.thread, arrival.session)}
        found = connection.execute(_KNOWN, {"keys": list(keys)})
        return {(channel, thread): Thread(session, since, silent) for channel, thread, session, since, silent in found}

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


def session_of(arrival: Arrival, known: Mapping[tuple[str, str], Thread]) -> str:
    """The session that the message belongs to: the one that its thread keeps, or that of a `!new` where none does."""
    kept = known.get((arrival.channel, arrival.thread if arrival.binds_thread else arrival.session))
    return arrival.session if kept is None else kept.session


def session_row(session: str, channel: str, instance: str, now: float) -> dict[str, Any]:
    """A new session's row."""
    return {"session_id": session, "channel": channel, "instance": instance, "created_at": now}


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
        "kind": arrival.envelope.kind,
        "place": arrival.envelope.conversation.ref,
    }


def thread_row(
    arrival: Arrival, session: str, now: float, *, name: str | None = None, silent: bool = False
) -> dict[str, Any]:
    """The row of a thread that keeps that session from now on; `name`: of what keeps it instead of the thread."""
    return {
        "channel": arrival.channel,
        "thread": name or arrival.thread,
        "silent": silent,
        "session_id": session,
        "created_at": now,
        "since": arrival.envelope.ts.timestamp(),
    }
