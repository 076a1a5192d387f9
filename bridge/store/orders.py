"""Statements by which people's commands take effect: each once, together with what is answered to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from bridge import session as ids
from bridge.commands import KIND, Command
from bridge.errors import BridgeError
from bridge.handles import Handle
from bridge.store import audit, dead, posts
from bridge.store.accept import AcceptStatements, Thread, session_of, session_row, thread_row, turn_row
from bridge.store.audit import Entry
from bridge.store.names import turn_id
from bridge.store.protocol import Arrival, NewDelivery
from bridge.store.schema import open_turns, sessions, threads, turns

STOPPED = "it was stopped"
"""Why a turn was dropped that had not begun."""


class Outcome(Enum):
    """What became of a command."""

    DONE = "done"
    BEGUN = "begun"
    """It will be done soon, and said when it is."""
    NOTHING = "nothing to do"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    NOT_TAKING_PART = "not taking part"


@dataclass(frozen=True, slots=True)
class Order:
    """A command in a conversation; one that the store has nothing to do for is only answered."""

    arrival: Arrival
    """Its envelope is the command's."""
    command: Command
    answers: Mapping[Outcome, Sequence[NewDelivery]]
    """What is posted for each outcome."""
    ticket: str | None = None
    """The session to link to."""
    only_if_begun: bool = False
    """Where nothing was asked yet it changes nothing."""
    everywhere: bool = False
    """`!retry` means what was given up last in the session, wherever that was written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are in a conversation. Times in seconds since the epoch."""

    session: str
    instance: str
    begun_at: float | None
    """Since when the oldest open message has been waiting; None if none is open."""
    runs: bool
    """The agent works on it."""
    attempts: int
    waiting: int
    """Further messages."""


_TURN = insert(turns).returning(turns.c.seq)
_INSTANCE = select(sessions.c.instance).where(sessions.c.session_id == bindparam("of"))
_HAS_MESSAGES = select(turns.c.seq).where(turns.c.session_id == bindparam("of"), turns.c.kind != KIND).limit(1)
_NEW_SESSION = insert(sessions)
_NEW_THREAD = insert(threads)
_BIND = (
    update(threads)
    .where(threads.c.channel == bindparam("on"), threads.c.thread == bindparam("of"))
    .values(session_id=bindparam("now_session"))
)
_AFRESH = (
    # What was said before is not given to the agent either.
    update(threads)
    .where(threads.c.channel == bindparam("on"), threads.c.thread == bindparam("of"))
    .values(anew_at=bindparam("at"), unread=False)
)
_OPEN = (
    select(open_turns.c.seq, open_turns.c.owner, open_turns.c.lease_until, open_turns.c.attempts, turns.c.accepted_at)
    .join(turns, turns.c.seq == open_turns.c.seq)
    .where(open_turns.c.session_id == bindparam("of"), turns.c.kind != KIND)
    .order_by(open_turns.c.seq)
)
_OPEN_TO_END = _OPEN.limit(1).with_for_update(of=open_turns)
_OPEN_ONE = (
    select(open_turns.c.seq, open_turns.c.owner, open_turns.c.lease_until)
    .where(open_turns.c.seq == bindparam("of"))
    .with_for_update()
)
_STOP = update(open_turns).where(open_turns.c.seq == bindparam("of")).values(stop=True)
_TO_STOP = select(open_turns.c.seq).where(
    open_turns.c.seq.in_(bindparam("of", expanding=True)), open_turns.c.stop.is_(True)
)
_CLOSE = delete(open_turns).where(open_turns.c.seq == bindparam("of"))
_DROPPED = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(status="dropped", error=STOPPED, finished_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a command was written."""

    key: str
    """The name under which the session is kept."""
    own: str
    """The session as it is without any command."""
    session: str
    """The session as it is."""
    kept: bool
    """There is a row that keeps it."""


class OrderStatements:
    """The statements, bound to the clocks of one process start: `clock` dates history, `steady` measures leases."""

    def __init__(self, accepting: AcceptStatements, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._accepting = accepting
        self._clock = clock
        self._steady = steady

    def obey(self, connection: Connection, orders: Sequence[Order]) -> Sequence[Outcome | BridgeError]:
        """Each once per message, and only where the bot takes part or was addressed."""
        return [self._obey(connection, order) for order in orders]

    def to_stop(self, connection: Connection, working: Sequence[int]) -> Sequence[int]:
        """Which of these open turns somebody wants stopped."""
        return connection.execute(_TO_STOP, {"of": list(working)}).scalars().all()

    def standing(self, connection: Connection, arrivals: Sequence[Arrival]) -> Sequence[Standing | None]:
        """How things are where these were written; None if nothing was asked there yet."""
        return [self._standing(connection, arrival) for arrival in arrivals]

    def _obey(self, connection: Connection, order: Order) -> Outcome:
        arrival, now = order.arrival, self._clock()
        if self._accepting.taken(connection, [arrival])(arrival) is not None:
            return Outcome.DUPLICATE
        here, known = self._here(connection, arrival)
        said_at = arrival.envelope.ts.timestamp()
        if arrival.only_if_known and (known is None or (arrival.missed and known.since > said_at)):
            return Outcome.NOT_TAKING_PART
        if order.only_if_begun and connection.execute(_INSTANCE, {"of": here.session}).first() is None:
            return Outcome.NOT_TAKING_PART
        outcome, session = self._effect(connection, order, here, now)
        self._ensure(connection, session, arrival, now)
        row = turn_row(arrival, session, wants_context=False, now=now)
        instance = connection.execute(_INSTANCE, {"of": session}).scalar_one()
        row |= {"instance": instance, "status": "answered", "finished_at": now}
        seq = connection.execute(_TURN, row).scalar_one()
        said = order.answers.get(outcome, ())
        posts.insert(connection, [(posts.Written(seq, session, arrival.channel), said)], now)
        word = order.command.value.removeprefix("!")
        audit.write(connection, [Entry(arrival.envelope.actor.id, word, session, outcome.value, arrival.channel)], now)
        return outcome

    def pull(self, connection: Connection, handles: Sequence[Handle]) -> Sequence[Outcome]:
        """Only by a message that was posted for the turn: REFUSED otherwise."""
        return [self._pull(connection, handle) for handle in handles]

    def _pull(self, connection: Connection, handle: Handle) -> Outcome:
        press = handle.press
        there = [one for one in (press.conversation, press.facts.unthreaded) if one is not None]
        if not posts.posted_for(connection, handle.turn, handle.channel, press.message, perhaps_in=there):
            return Outcome.REFUSED
        now = self._clock()
        if handle.grip == "stop":
            outcome = self._end(connection, connection.execute(_OPEN_ONE, {"of": handle.turn}).first(), now)
        else:
            letters, _ = dead.named(connection, [turn_id(handle.turn)])
            outcome = Outcome.DONE if dead.retry(connection, letters) else Outcome.NOTHING
        who, turn = press.actor, turn_id(handle.turn)
        audit.write(connection, [Entry(who, handle.grip, turn, outcome.value, handle.channel)], now)
        return outcome

    def _here(self, connection: Connection, arrival: Arrival) -> tuple[_Here, Thread | None]:
        known = self._accepting.known_threads(connection, [arrival])
        key = arrival.thread if arrival.binds_thread else arrival.session
        own = arrival.thread if arrival.binds_thread else arrival.session
        kept = (arrival.channel, key) in known
        return _Here(key, own, session_of(arrival, known), kept), known.get((arrival.channel, arrival.thread))

    def _effect(self, connection: Connection, order: Order, here: _Here, now: float) -> tuple[Outcome, str]:
        """What became of it, and the session in which it stands."""
        match order.command:
            case Command.STOP:
                return self._stop(connection, here.session, now), here.session
            case Command.NEW:
                return Outcome.DONE, self._begin_anew(connection, order.arrival, here, now)
            case Command.LINK if order.ticket is not None:
                return self._link(connection, order.arrival, here, order.ticket, now)
            case Command.RETRY:
                return self._ask_again(connection, order, here), here.session
            case Command.UNLINK:
                return self._unlink(connection, order.arrival, here, now)
            case _:
                return Outcome.DONE, here.session

    def _stop(self, connection: Connection, session: str, now: float) -> Outcome:
        return self._end(connection, connection.execute(_OPEN_TO_END, {"of": session}).first(), now)

    def _end(self, connection: Connection, row: Row[*tuple[Any, ...]] | None, now: float) -> Outcome:
        """An open message: told to whoever works on it, dropped if nobody does."""
        if row is None:
            return Outcome.NOTHING
        if row.owner is not None and row.lease_until > self._steady():
            connection.execute(_STOP, {"of": row.seq})
            return Outcome.BEGUN
        connection.execute(_CLOSE, {"of": row.seq})
        connection.execute(_DROPPED, {"of": row.seq, "at": now})
        return Outcome.DONE

    @staticmethod
    def _ask_again(connection: Connection, order: Order, here: _Here) -> Outcome:
        place = None if order.everywhere else order.arrival.envelope.conversation.ref
        letter = dead.given_up(connection, here.session, order.arrival.channel, place)
        return Outcome.DONE if letter and dead.retry(connection, [letter]) else Outcome.NOTHING

    def _begin_anew(self, connection: Connection, arrival: Arrival, here: _Here, now: float) -> str:
        if here.kept and connection.execute(_HAS_MESSAGES, {"of": here.session}).first() is None:
            return here.session  # nobody asked anything since the last time
        number, fresh = 2, here.own
        while connection.execute(_HAS_MESSAGES, {"of": fresh}).first() is not None:
            fresh = ids.numbered(here.own, number)
            number += 1
        self._keep(connection, arrival, here, fresh, now)
        began = {"on": arrival.channel, "of": here.key, "at": arrival.envelope.ts.timestamp()}
        connection.execute(_AFRESH, began)
        return fresh

    def _link(
        self, connection: Connection, arrival: Arrival, here: _Here, ticket: str, now: float
    ) -> tuple[Outcome, str]:
        """Only where the session's instance is one that may answer here: other teams' tickets are theirs."""
        if here.kept and here.session == ticket:
            return Outcome.NOTHING, here.session
        instance = connection.execute(_INSTANCE, {"of": ticket}).scalar()
        if instance is not None and instance not in arrival.instances:
            return Outcome.REFUSED, here.session
        self._keep(connection, arrival, here, ticket, now)
        return Outcome.DONE, ticket

    def _unlink(self, connection: Connection, arrival: Arrival, here: _Here, now: float) -> tuple[Outcome, str]:
        if not ids.is_ticket(here.session):
            return Outcome.NOTHING, here.session
        self._keep(connection, arrival, here, here.own, now)
        return Outcome.DONE, here.own

    def _keep(self, connection: Connection, arrival: Arrival, here: _Here, session: str, now: float) -> None:
        """From now on what is written here belongs to that session."""
        self._ensure(connection, session, arrival, now)
        if here.kept:
            connection.execute(_BIND, {"on": arrival.channel, "of": here.key, "now_session": session})
        else:
            connection.execute(_NEW_THREAD, thread_row(arrival, session, now, name=here.key, unread=True))

    @staticmethod
    def _ensure(connection: Connection, session: str, arrival: Arrival, now: float) -> None:
        if connection.execute(_INSTANCE, {"of": session}).first() is None:
            connection.execute(_NEW_SESSION, session_row(session, arrival.channel, arrival.instances[0], now))

    def _standing(self, connection: Connection, arrival: Arrival) -> Standing | None:
        here, _ = self._here(connection, arrival)
        instance = connection.execute(_INSTANCE, {"of": here.session}).scalar()
        if instance is None:
            return None
        rows = connection.execute(_OPEN, {"of": here.session}).all()
        head = rows[0] if rows else None
        return Standing(
            session=here.session,
            instance=instance,
            begun_at=head.accepted_at if head else None,
            runs=head is not None and head.owner is not None and head.lease_until > self._steady(),
            attempts=head.attempts if head else 0,
            waiting=max(0, len(rows) - 1),
        )


class ObeysOrders(Protocol):
    """What a store does about commands, each in one transaction. Raises StoreError when it cannot commit."""

    async def obey(self, order: Order) -> Outcome:
        """Lets it take effect and writes what is answered, once per message."""
        ...

    async def pull(self, handle: Handle) -> Outcome:
        """Lets it take effect; REFUSED where the button stands under no message that was posted for the turn."""
        ...

    async def standing(self, arrival: Arrival) -> Standing | None:
        """How things are where that was written; None if nothing was asked there yet."""
        ...
