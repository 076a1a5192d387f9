"""The store over SQLAlchemy Core: the protocol's methods, each one call into the group commit."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Self

from filelock import FileLock
from sqlalchemy import Column, Connection, Engine, select

from bridge import metrics
from bridge.channel import MessageRef
from bridge.envelope import Conversation, Envelope
from bridge.errors import BridgeError, LeaseLost, StoreError
from bridge.feedback import Vote
from bridge.handles import Handle
from bridge.store import audit, counts, database, lines, postgresql, posts, sqlite
from bridge.store.accept import AcceptStatements
from bridge.store.access import Offer, Pairing, ReloadAsked
from bridge.store.again import AgainStatements, AskAgain
from bridge.store.audit import Entry
from bridge.store.changed import Changed, MessageChange
from bridge.store.changes import ChangeStatements
from bridge.store.claims import Leasing
from bridge.store.commit import GroupCommit, Work
from bridge.store.feedback import FeedbackStatements
from bridge.store.heard import HeardStatements
from bridge.store.orders import Order, OrderStatements, Outcome, Standing
from bridge.store.pairing import PairingStatements
from bridge.store.peers import About, Peers
from bridge.store.posts import Close, DeliveryStatements, PostAgain
from bridge.store.processes import ALIVE_SECONDS, Answer, ProcessStatements, own_name
from bridge.store.protocol import PREVIEW, Accepted, Arrival, DeliveryLease, Lease, NewDelivery, TurnLease, TurnResult
from bridge.store.records import Counts
from bridge.store.schema import heartbeat, open_deliveries, open_turns
from bridge.store.told import ToldStatements
from bridge.store.turns import Finish, OpenAgain, TurnStatements, Wanted
from bridge.store.unasked import Unasked, UnaskedStatements
from bridge.store.upsert import insert_or

LEASE_SECONDS = ALIVE_SECONDS["postgresql"]
TURNS: Work = frozenset({"turns"})
DELIVERIES: Work = frozenset({"deliveries"})
BOTH: Work = TURNS | DELIVERIES
NOBODY = About()
"""What a process is that says nothing about itself."""

_beat = insert_or(heartbeat)
_BEAT = _beat.on_conflict_do_update(index_elements=["id"], set_={"at": _beat.excluded.at})


class SqlStore:
    """`Store` in SQLite, for one process, or in PostgreSQL, for any number of them: the same statements on both.

    History is dated by `clock`; leases and back-offs last by `steady`. On PostgreSQL both are the database's.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] | None = None,
        steady: Callable[[], float] | None = None,
        about: About = NOBODY,
    ) -> None:
        """`clock` and `steady` take the place of the engine's own; without it, `steady` goes by `clock` at first."""
        self.lease_seconds = lease_seconds
        me = uuid.uuid4().hex
        self._together = database.together(engine, me, lease_seconds)
        given, self.clock = clock, clock or self._together.clock
        clock = self.clock
        self._steady = steady = steady or (self._together.steady if given is None else _steady_from(given()))
        self._leasing = (
            Leasing(
                open_turns,
                open_turns.c.instance,
                open_turns.c.session_id,
                self._together,
                me=me,
                lease_seconds=lease_seconds,
                begins_at_claim=False,
            ),
            Leasing(
                open_deliveries,
                open_deliveries.c.channel,
                open_deliveries.c.line,
                self._together,
                me=me,
                lease_seconds=lease_seconds,
                begins_at_claim=True,
            ),
        )
        self._processes = ProcessStatements(me, clock, about)
        self._changes = ChangeStatements(clock)
        self._accept = AcceptStatements(clock, self._changes)
        self._pairing = PairingStatements(self._accept)
        self._turns = TurnStatements(self._leasing[0], self._processes, clock, steady)
        self._again = AgainStatements(self._leasing[0], self._turns)
        self._unasked = UnaskedStatements(self._accept)
        self._orders = OrderStatements(self._accept, clock, steady)
        self._deliveries = DeliveryStatements(self._leasing[1], self._leasing[0], clock, steady)
        self._told = ToldStatements(clock)
        self._feedback = FeedbackStatements(clock)
        self._heard = HeardStatements(me, lease_seconds, clock, steady)
        self._url = engine.url.render_as_string(hide_password=False).replace("postgresql+psycopg", "postgresql", 1)
        self._commit = GroupCommit(engine, self._together, ended=self._ended, tell=self._tell)
        self._lock: FileLock | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] | None = None,
        steady: Callable[[], float] | None = None,
        about: About = NOBODY,
    ) -> Self:
        """Migrates the database and shows a sign of life. Raises StoreError.

        A file is locked, and what a dead process held of it is free at once; on a server its leases run out.
        """
        lock = None if postgresql.is_postgresql(url) else sqlite.lock(url)
        try:
            await asyncio.to_thread(database.migrate_at, url)
        except StoreError:
            if lock is not None:
                lock.release()
            raise
        store = cls(database.open_engine(url), lease_seconds=lease_seconds, clock=clock, steady=steady, about=about)
        store._lock = lock
        try:
            await store._commit.write(store._begin, None)
        except StoreError:
            await store.close()
            raise
        store._together.listen(store._commit.wake)
        return store

    @property
    def peers(self) -> Peers:
        """The other processes on the database, as they were at the last `renew`."""
        return self._processes.peers

    async def accept(self, arrival: Arrival) -> Accepted:
        opens = BOTH if arrival.limits else TURNS
        outcome = await self._commit.write(self._accept.accept, arrival, lines=lines.of_arrival(arrival), opens=opens)
        if outcome is Accepted.TURN:
            metrics.ACCEPTED.labels(arrival.channel).inc()
        return outcome

    async def accept_paired(self, arrival: Arrival, offer: Offer) -> Accepted | Pairing:
        held = [*lines.of_arrival(arrival), lines.of_pairings(arrival.channel)]
        outcome: Accepted | Pairing = await self._commit.write(
            self._pairing.accept, (arrival, offer), lines=held, opens=BOTH
        )
        if outcome is Accepted.TURN:
            metrics.ACCEPTED.labels(arrival.channel).inc()
        return outcome

    async def paired_since(self, channel: str, author: str) -> float | None:
        return await self._commit.write(self._pairing.since, (channel, author))

    async def take_once(self, channel: str, name: str) -> bool:
        return await self._commit.write(self._told.take, (channel, name))

    async def note(self, entries: Sequence[Entry]) -> None:
        await self._commit.write(self._note, entries)

    async def accept_unasked(self, instance: str, session: str, envelope: Envelope) -> Accepted:
        unasked = Unasked(instance, session, envelope)
        return await self._commit.write(self._unasked.accept, unasked, lines=[session], opens=BOTH)

    async def reloads_asked(self) -> Sequence[ReloadAsked]:
        return await self._commit.write(self._processes.asked, None)

    async def answer_reload(self, asked: ReloadAsked, report: str, *, done: bool) -> None:
        await self._commit.write(self._processes.answer, Answer(asked, report, _reload(asked.by, done=done)))

    async def note_reload(self, by: str, *, done: bool) -> None:
        await self.note([_reload(by, done=done)])

    async def change(self, change: MessageChange) -> Changed:
        return await self._commit.write(self._changes.change, change, opens=TURNS)

    async def heard_until(self, channel: str) -> tuple[float, float]:
        return await self._commit.write(self._heard.read, channel)

    async def set_heard_until(self, channel: str, at: float) -> None:
        await self._commit.write(self._heard.write, (channel, at))

    async def lease_history(self, channel: str) -> bool:
        return await self._commit.write(self._heard.take, channel)

    async def let_history_go(self, channel: str) -> None:
        await self._commit.write(self._heard.let_go, channel)

    async def may_look(self, channel: str, seconds: float) -> bool:
        return await self._commit.write(self._heard.look, (channel, seconds))

    async def recent_conversations(self, channel: str, limit: int) -> Sequence[Conversation]:
        return await self._commit.write(self._heard.conversations, (channel, limit))

    async def lease_turns(self, instance: str, limit: int, *, most: int | None = None) -> Sequence[TurnLease]:
        return await self._commit.claim(self._turns.claim, Wanted(instance, limit, most), self._give_back, TURNS)

    async def begin_turn(self, lease: TurnLease) -> None:
        await self._commit.write(self._turns.begin, lease, even_if_cancelled=False)

    async def finish_turn(self, lease: TurnLease, result: TurnResult) -> None:
        counted = lines.of_budgets(lease.spends)
        await self._commit.write(self._turns.finish, Finish(lease, result), lines=counted, opens=BOTH)
        metrics.ENDED.labels(lease.instance, result.status).inc()

    async def retry_turn(
        self,
        lease: TurnLease,
        wait: float,
        error: str,
        notices: Sequence[NewDelivery] = (),
        *,
        counted: bool = True,
        begun: bool = False,
    ) -> None:
        call = OpenAgain(lease, wait, error, notices, counted, begun)
        await self._commit.write(self._turns.open_again, call, wake_after=wait, opens=BOTH)

    async def ask_again(self, lease: TurnLease, otherwise: Sequence[NewDelivery]) -> int | None:
        opened = await self._commit.write(self._again.ask_again, AskAgain(lease, otherwise), opens=BOTH)
        metrics.ENDED.labels(lease.instance, "answered").inc()
        return opened

    async def lease_deliveries(self, channel: str, limit: int) -> Sequence[DeliveryLease]:
        return await self._commit.claim(self._deliveries.claim, (channel, limit), self._give_back, DELIVERIES)

    async def open_preview(self, lease: TurnLease, preview: NewDelivery) -> DeliveryLease | None:
        return await self._commit.write(self._deliveries.open_preview, (lease, preview))

    async def withdraw(self, lease: DeliveryLease) -> None:
        await self._commit.write(self._deliveries.withdraw, lease, opens=DELIVERIES)

    async def delivered(self, lease: DeliveryLease, ref: MessageRef) -> None:
        await self._commit.write(self._deliveries.close, Close(lease, ref=ref), opens=DELIVERIES)
        if lease.kind != PREVIEW:
            metrics.POSTED.labels(lease.channel).inc()

    async def retry_delivery(
        self,
        lease: DeliveryLease,
        wait: float,
        error: str,
        *,
        in_doubt: bool,
        counted: bool = True,
        holds: str | None = None,
    ) -> None:
        call = PostAgain(lease, wait, error, in_doubt, counted, holds)
        await self._commit.write(self._deliveries.open_again, call, wake_after=wait, opens=BOTH)

    async def bury(
        self, lease: DeliveryLease, error: str, *, in_doubt: bool = False, instead: Sequence[NewDelivery] = ()
    ) -> None:
        call = Close(lease, error=error, in_doubt=in_doubt, instead=instead)
        await self._commit.write(self._deliveries.close, call, opens=BOTH)
        metrics.BURIED.labels(lease.channel).inc()

    async def unaccounted_for(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        return await self._commit.write(posts.unaccounted_for, refs)

    async def vote(self, vote: Vote) -> bool:
        return await self._commit.write(self._feedback.vote, vote)

    async def renew(self) -> Sequence[int]:
        self._commit.wake()
        return await self._commit.write(self._renew, None)

    async def obey(self, order: Order) -> Outcome:
        return await self._commit.write(self._orders.obey, order, lines=lines.of_order(order), opens=BOTH)

    async def pull(self, handle: Handle) -> Outcome:
        return await self._commit.write(self._orders.pull, handle, lines=[lines.of_turn(handle.turn)], opens=BOTH)

    async def standing(self, arrival: Arrival) -> Standing | None:
        return await self._commit.write(self._orders.standing, arrival)

    async def confirm(self, lease: Lease) -> None:
        leasing = self._leasing_of(lease)
        while not leasing.is_sure(lease, self._steady()):  # an answer that took long says what was, not what is
            await self._commit.write(self._confirm, lease)

    async def until_lost(self, lease: Lease) -> None:
        await self._leasing_of(lease).until_lost(lease, self._steady, alone=lambda: self._processes.workers == 1)

    def let_go(self, lease: Lease) -> None:
        self._leasing_of(lease).let_go(lease)

    async def unconfigured(self, instances: Sequence[str], channels: Sequence[str]) -> tuple[list[str], list[str]]:
        return await self._commit.write(self._unconfigured, (instances, channels))

    async def counts(self) -> Counts:
        return await asyncio.to_thread(counts.read_at, self._url)

    async def writable(self) -> None:
        await self._commit.write(self._beat, None)

    async def close(self) -> None:
        if self._processes.shown:
            with contextlib.suppress(StoreError):  # without a sign of life it counts as gone soon, too
                await self._commit.write(self._leave, None, opens=BOTH)
        await self._commit.close()
        if self._lock is not None:
            self._lock.release()

    def _leasing_of(self, lease: Lease) -> Leasing:
        return self._leasing[0 if isinstance(lease, TurnLease) else 1]

    def _ended(self, committed: bool) -> None:
        for leasing in self._leasing:
            leasing.ended(committed=committed)

    def _tell(self, connection: Connection, opened: Work) -> None:
        """Only where somebody else is there to hear it, and only of what this process leaves to them."""
        now = self._steady()
        looks = [leasing for work, leasing in zip((TURNS, DELIVERIES), self._leasing, strict=True) if work & opened]
        if self.peers.alive and any(leasing.any_free(connection, now) for leasing in looks):
            self._together.tell(connection)

    def _renew(self, connection: Connection, calls: Sequence[None]) -> Sequence[Sequence[int]]:
        working, _ = [leasing.renew(connection, self._steady()) for leasing in self._leasing]
        self._heard.renew(connection)
        if self._together.shared:
            self._processes.meet(connection)
            for leasing in self._leasing:  # what a dead process had is taken over the moment that its lease is over
                if (seconds := leasing.others_end(connection, self._steady())) is not None:
                    self._commit.wake_in(seconds)
        to_stop: Sequence[int] = self._orders.to_stop(connection, working) if working else []
        return [to_stop] * len(calls)

    def _confirm(self, connection: Connection, leases: Sequence[Lease]) -> Sequence[BridgeError | None]:
        for leasing in self._leasing:
            leasing.renew(connection, self._steady())
        lost = LeaseLost("somebody else works on it by now")
        return [None if self._leasing_of(lease).is_renewed(lease) else lost for lease in leases]

    def _note(self, connection: Connection, calls: Sequence[Sequence[Entry]]) -> Sequence[BridgeError | None]:
        for entries in calls:
            audit.write(connection, entries, self.clock())
        return [None] * len(calls)

    def _give_back(
        self, connection: Connection, calls: Sequence[Sequence[TurnLease | DeliveryLease]]
    ) -> Sequence[BridgeError | None]:
        for leases in calls:
            self._leasing_of(leases[0]).give_back(connection, leases)
        return [None] * len(calls)

    @staticmethod
    def _unconfigured(
        connection: Connection, calls: Sequence[tuple[Sequence[str], Sequence[str]]]
    ) -> Sequence[tuple[list[str], list[str]]]:
        def others(named: Column[str], known: Sequence[str]) -> list[str]:
            return list(connection.execute(select(named).distinct().where(named.not_in(known))).scalars())

        return [
            (others(open_turns.c.instance, instances), others(open_deliveries.c.channel, channels))
            for instances, channels in calls
        ]

    def _beat(self, connection: Connection, calls: Sequence[None]) -> Sequence[BridgeError | None]:
        # A real write: on a full disk one that changes nothing still succeeds.
        connection.execute(_BEAT, {"id": 1, "at": self.clock()})
        return [None] * len(calls)

    def _begin(self, connection: Connection, calls: Sequence[None]) -> Sequence[BridgeError | None]:
        if self._together.shared:
            self._processes.forget_the_dead(connection)
            self._processes.meet(connection)
        else:
            self._processes.forget_all(connection)
            self._heard.end_all(connection)
            for leasing in self._leasing:
                leasing.end_all(connection)
        return [None] * len(calls)

    def _leave(self, connection: Connection, calls: Sequence[None]) -> Sequence[BridgeError | None]:
        for leasing in self._leasing:
            leasing.end_ours(connection)
        return self._processes.leave(connection, calls)


def _reload(by: str, *, done: bool) -> Entry:
    return Entry(by, "reload", own_name(), "done" if done else "refused")


def _steady_from(beginning: float) -> Callable[[], float]:
    started = time.monotonic()
    return lambda: beginning + time.monotonic() - started
