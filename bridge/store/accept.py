"""Statements by which messages become turns: each once, at the instance and in the session that are theirs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, tuple_, update

from bridge.commands import KIND
from bridge.envelope import Envelope
from bridge.errors import BridgeError
from bridge.session import is_ticket
from bridge.store import limiting
from bridge.store.changed import MessageChange
from bridge.store.changes import ChangeStatements
from bridge.store.claims import LATE
from bridge.store.protocol import Accepted, Arrival
from bridge.store.schema import open_turns, sessions, threads, turns
from bridge.store.upsert import insert_or

_KNOWN = select(
    threads.c.channel,
    threads.c.thread,
    threads.c.session_id,
    func.coalesce(threads.c.since, threads.c.created_at),
    threads.c.unread,
    func.coalesce(threads.c.anew_at, 0.0),
).where(tuple_(threads.c.channel, threads.c.thread).in_(bindparam("keys", expanding=True)))
_TAKEN = select(turns.c.channel, turns.c.envelope_id, turns.c.place, turns.c.status).where(
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
_LAST_THERE = (
    select(turns.c.envelope)
    .where(
        turns.c.session_id == bindparam("of"),
        turns.c.channel == bindparam("on"),
        turns.c.place == bindparam("at"),
        turns.c.kind != KIND,
    )
    .order_by(turns.c.seq.desc())
    .limit(1)
)
_NEW_SESSION = insert_or(sessions).on_conflict_do_nothing()
_NEW_THREAD = insert_or(threads).on_conflict_do_nothing()
_READ = (
    update(threads)
    .where(threads.c.channel == bindparam("on"), threads.c.thread == bindparam("of"))
    .values(unread=bindparam("now_unread"))
)
_NEW_TURN = insert_or(turns).on_conflict_do_nothing().returning(turns.c.seq, turns.c.session_id, turns.c.envelope_id)
_OPEN = insert(open_turns)


@dataclass(slots=True)
class Thread:
    """A thread in which the bot takes part, or whatever else keeps a session."""

    session: str
    since: float
    """When the message was written with which that began."""
    unread: bool = False
    """What was said before it was not given to the agent."""
    anew_at: float = 0.0
    """When people began anew in it; 0: never."""


class AcceptStatements:
    """The statements, bound to the clock that dates history."""

    def __init__(self, clock: Callable[[], float], changes: ChangeStatements) -> None:
        self._clock = clock
        self._changes = changes

    def now(self) -> float:
        """By the clock that dates history."""
        return self._clock()

    def accept(self, connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Accepted | BridgeError]:
        """Turns in the order of the arrivals; what is known already, or not for us, is left out."""
        now = self._clock()
        known = self.known_threads(connection, arrivals)
        status_of = self.taken(connection, arrivals)
        answered_by = self._tickets(connection, arrivals, known)
        new_threads: list[dict[str, Any]] = []
        candidates: dict[tuple[str, str], tuple[Arrival, dict[str, Any]]] = {}
        outcomes: list[tuple[str, str] | Accepted] = []
        for arrival in arrivals:
            key = (arrival.channel, arrival.thread)
            thread, said_at = known.get(key), arrival.envelope.ts.timestamp()
            if (status := status_of(arrival)) is not None:
                if status == "open" and arrival.edited_at is not None:
                    self._replace(connection, arrival)
                outcomes.append(Accepted.DUPLICATE)
                continue
            if arrival.only_if_known and (thread is None or (arrival.missed and thread.since > said_at)):
                outcomes.append(Accepted.NOT_TAKING_PART)
                continue
            session = session_of(arrival, known)
            if answered_by.get(session, arrival.instances[0]) not in arrival.instances:
                session = arrival.thread if arrival.binds_thread else arrival.session  # another team's
            if is_ticket(session):
                answered_by.setdefault(session, arrival.instances[0])
            joins = arrival.too_old is None and arrival.joins
            if joins and thread is None:
                known[key] = Thread(session, said_at)
                new_threads.append(thread_row(arrival, session, now))
            turn = (session, arrival.envelope.id)
            outcomes.append(Accepted.DUPLICATE if turn in candidates else turn)
            wants_context, since = self._context(connection, arrival, thread, session)
            row = turn_row(arrival, session, wants_context=wants_context, now=now) | {"context_since": since}
            candidates.setdefault(turn, (arrival, row))
        rows = {turn: row for turn, (_, row) in candidates.items()}
        self._choose_instances(connection, rows, {turn: one.instances for turn, (one, _) in candidates.items()})
        refused = limiting.refuse(connection, candidates, now)
        for turn, one in refused.items():
            rows[turn] |= one.row(now)
        if new_threads:
            connection.execute(_NEW_THREAD, new_threads)
        inserted = self.insert(connection, list(rows.values())) if rows else dict[tuple[str, str], Accepted]()
        limiting.tell(connection, refused, candidates, now)
        self._note_what_is_read(connection, [candidates[turn] for turn in inserted], known)
        inserted |= dict.fromkeys(refused, Accepted.REFUSED)
        return [
            outcome if isinstance(outcome, Accepted) else inserted.get(outcome, Accepted.DUPLICATE)
            for outcome in outcomes
        ]

    @staticmethod
    def _context(
        connection: Connection, arrival: Arrival, thread: Thread | None, session: str
    ) -> tuple[bool, float | None]:
        """Whether the agent is given what was said before, and since when that is new to it."""
        if thread is None or thread.unread:
            return arrival.wants_context, None
        if not arrival.catches_up:
            return False, None
        there = {"of": session, "on": arrival.channel, "at": arrival.envelope.conversation.ref}
        last = connection.execute(_LAST_THERE, there).scalar()
        said_at = Envelope.model_validate_json(last).ts.timestamp() if last else 0.0
        return True, max(thread.since, thread.anew_at, said_at)

    @staticmethod
    def _tickets(
        connection: Connection, arrivals: Sequence[Arrival], known: Mapping[tuple[str, str], Thread]
    ) -> dict[str, str]:
        """The instances of the tickets' sessions among those that these belong to: they are shared over rules."""
        of = [session for one in arrivals if is_ticket(session := session_of(one, known))]
        found = connection.execute(_INSTANCES, {"of": of}) if of else ()
        return {row.session_id: row.instance for row in found}

    @staticmethod
    def _note_what_is_read(
        connection: Connection,
        written: Sequence[tuple[Arrival, Mapping[str, Any]]],
        known: Mapping[tuple[str, str], Thread],
    ) -> None:
        """Whether the agent is given what was said before: a turn that is not run gives it nothing."""
        for arrival, row in written:
            thread, runs = known.get((arrival.channel, arrival.thread)), row["status"] == "open"
            if row["wants_context"] and thread is not None and runs is thread.unread:
                thread.unread = not runs
                connection.execute(_READ, {"on": arrival.channel, "of": arrival.thread, "now_unread": not runs})

    @staticmethod
    def taken(connection: Connection, arrivals: Sequence[Arrival]) -> Callable[[Arrival], str | None]:
        """How the turn is of each of these messages that is some session's already: people may begin a new session
        where it was written. A message that was not heard live is the same wherever it was written.
        """
        found = connection.execute(_TAKEN, {"of": [arrival.envelope.id for arrival in arrivals]}).all()
        there = {(row.channel, row.envelope_id, row.place): row.status for row in found}
        anywhere = {(row.channel, row.envelope_id): row.status for row in found}

        def status(arrival: Arrival) -> str | None:
            name = (arrival.channel, arrival.envelope.id)
            return anywhere.get(name) if arrival.missed else there.get((*name, arrival.envelope.conversation.ref))

        return status

    def _replace(self, connection: Connection, arrival: Arrival) -> None:
        """A message that waits was edited, and nobody heard of that."""
        now = MessageChange(arrival.channel, arrival.envelope.id, arrival.envelope, arrival.edited_at)
        self._changes.apply(connection, now)

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
        return {(channel, thread): Thread(*rest) for channel, thread, *rest in found}

    def insert(
        self, connection: Connection, rows: list[dict[str, Any]], *, late: bool = False
    ) -> dict[tuple[str, str], Accepted]:
        """Writes these turns, each once per session and envelope id, and what became of those that were written.

        What comes from several places at once into one session may come `late`.
        """
        inserted = connection.execute(_NEW_TURN, rows).all()
        written = {(row["session_id"], row["envelope_id"]): row for row in rows}
        opened = [
            {
                "seq": seq,
                "session_id": session,
                "instance": written[session, envelope]["instance"],
                "owner": None,
                "lease_until": LATE if is_ticket(session) or late else 0.0,
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
        "edited_at": arrival.edited_at,
        "spends": limiting.spends(arrival.limits),
    }


def thread_row(
    arrival: Arrival, session: str, now: float, *, name: str | None = None, unread: bool = False
) -> dict[str, Any]:
    """The row of a thread that keeps that session from now on; `name`: of what keeps it instead of the thread."""
    return {
        "channel": arrival.channel,
        "thread": name or arrival.thread,
        "unread": unread,
        "session_id": session,
        "created_at": now,
        "since": arrival.envelope.ts.timestamp(),
    }
