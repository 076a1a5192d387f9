"""Which processes run on a store, and how they are asked to read their rules again: each looks now and then."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from bridge.errors import BridgeError
from bridge.store import audit
from bridge.store.access import ReloadAsked
from bridge.store.audit import Entry
from bridge.store.peers import About, Peer, Peers
from bridge.store.schema import processes, reload_answers, reloads
from bridge.store.upsert import insert_or

SEEN_EVERY = 5.0
"""Seconds between two signs of life on a file; on a server each renewal of the leases is one, which comes sooner."""
ALIVE_SECONDS = {"sqlite": 20.0, "postgresql": 5.0}
"""After so many without one a process counts as gone. On a server its leases are over then."""
KEPT_SECONDS = 24 * 3600.0
"""How long requests and their answers are kept."""

_new = insert_or(processes)
_SEEN = _new.on_conflict_do_update(index_elements=["id"], set_={"seen_at": _new.excluded.seen_at})
_OTHERS = select(processes).where(processes.c.id != bindparam("me")).order_by(processes.c.name)
_FORGET_ALL = delete(processes)
_FORGET = _FORGET_ALL.where(processes.c.seen_at < bindparam("before"))
_LEAVE = delete(processes).where(processes.c.id == bindparam("of"))
_NEWEST = select(func.coalesce(func.max(reloads.c.seq), 0))
_ASKED = select(reloads.c.seq, reloads.c.asked_by).where(reloads.c.seq > bindparam("after")).order_by(reloads.c.seq)
_ANSWER = insert_or(reload_answers).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request in this process."""

    asked: ReloadAsked
    report: str
    """As JSON."""
    entry: Entry


def own_name() -> str:
    """How people know this process: `host:pid`."""
    return f"{platform.node() or 'localhost'}:{os.getpid()}"


class ProcessStatements:
    """The statements, bound to one process start."""

    def __init__(self, me: str, clock: Callable[[], float], about: About) -> None:
        self._me = me
        self._clock = clock
        self._about = about
        self._seen_at = 0.0
        self._known: int | None = None
        self.peers = Peers()
        """The others, as they were at the last `meet`."""

    @property
    def shown(self) -> bool:
        """Whether it ever showed a sign of life."""
        return self._seen_at > 0

    @property
    def workers(self) -> int:
        """How many processes run turns, this one counted whatever it does."""
        return 1 + sum(peer.about.works for peer in self.peers.alive)

    def meet(self, connection: Connection) -> None:
        """Shows a sign of life, and notes whose are recent."""
        self._show(connection, self._clock())
        rows = connection.execute(_OTHERS, {"me": self._me}).all()
        since = _alive_since(connection, self._clock())
        alive, silent = list[Peer](), list[Peer]()
        for row in rows:
            (alive if row.seen_at > since else silent).append(Peer(row.id, row.name, About.read(row.about)))
        self.peers = Peers(alive, silent)

    def forget_the_dead(self, connection: Connection) -> None:
        """Those that have not shown one for long."""
        connection.execute(_FORGET, {"before": self._clock() - KEPT_SECONDS})

    @staticmethod
    def forget_all(connection: Connection) -> None:
        """Only where it is certain that nobody else is alive."""
        connection.execute(_FORGET_ALL)

    def _show(self, connection: Connection, now: float) -> None:
        row = {"id": self._me, "name": own_name(), "seen_at": now, "about": self._about.written()}
        connection.execute(_SEEN, row)
        self._seen_at = now

    def asked(self, connection: Connection, calls: Sequence[None]) -> Sequence[Sequence[ReloadAsked]]:
        """The requests since the last look; the first look finds none."""
        now = self._clock()
        if abs(now - self._seen_at) >= SEEN_EVERY:
            self._show(connection, now)
        if self._known is None:
            self._known = connection.execute(_NEWEST).scalar_one()
        rows = connection.execute(_ASKED, {"after": self._known}).all()
        return [[ReloadAsked(row.seq, row.asked_by) for row in rows] for _ in calls]

    def answer(self, connection: Connection, calls: Sequence[Answer]) -> Sequence[BridgeError | None]:
        """Tells what came of it, and notes it in the audit."""
        for call in calls:
            row = {"reload_seq": call.asked.seq, "process": self._me, "report": call.report}
            connection.execute(_ANSWER, row)
            audit.write(connection, [call.entry], self._clock())
            self._known = max(self._known or 0, call.asked.seq)
        return [None] * len(calls)

    def leave(self, connection: Connection, calls: Sequence[None]) -> Sequence[BridgeError | None]:
        """Shows no sign of life any more."""
        connection.execute(_LEAVE, {"of": self._me})
        return [None] * len(calls)


def _alive_since(connection: Connection, now: float) -> float:
    """Whose sign of life is younger counts as alive."""
    return now - ALIVE_SECONDS[connection.dialect.name]


def running(connection: Connection, now: float) -> Mapping[str, str]:
    """The processes that are alive: id -> name."""
    alive = select(processes).where(processes.c.seen_at > _alive_since(connection, now)).order_by(processes.c.name)
    return {row.id: row.name for row in connection.execute(alive)}


def ask(connection: Connection, by: str, now: float) -> int:
    """Asks all of them to read their rules again; the number of the request."""
    old = select(reloads.c.seq).where(reloads.c.asked_at < now - KEPT_SECONDS)
    connection.execute(delete(reload_answers).where(reload_answers.c.reload_seq.in_(old)))
    connection.execute(delete(reloads).where(reloads.c.asked_at < now - KEPT_SECONDS))
    connection.execute(_FORGET, {"before": now - KEPT_SECONDS})
    made = insert(reloads).values(asked_at=now, asked_by=by).returning(reloads.c.seq)
    seq: int = connection.execute(made).scalar_one()
    return seq


def answers(connection: Connection, seq: int) -> Mapping[str, str]:
    """What came of a request so far: id of the process -> its report as JSON."""
    found = select(reload_answers).where(reload_answers.c.reload_seq == seq)
    return {row.process: row.report for row in connection.execute(found)}
