"""The store over SQLAlchemy Core: the protocol's methods, each one call into the group commit."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Self

from filelock import FileLock
from sqlalchemy import Column, Connection, Engine, delete, insert, select, update

from bridge import metrics
from bridge.channel import MessageRef
from bridge.envelope import Conversation, Envelope
from bridge.errors import BridgeError, StoreError
from bridge.feedback import Vote
from bridge.handles import Handle
from bridge.store import audit, counts, database, posts
from bridge.store.accept import AcceptStatements
from bridge.store.access import Offer, Pairing, ReloadAsked
from bridge.store.again import AgainStatements, AskAgain
from bridge.store.audit import Entry
from bridge.store.changed import Changed, MessageChange
from bridge.store.changes import ChangeStatements
from bridge.store.claims import Leasing
from bridge.store.commit import GroupCommit
from bridge.store.feedback import FeedbackStatements
from bridge.store.heard import HeardStatements
from bridge.store.orders import Order, OrderStatements, Outcome, Standing
from bridge.store.pairing import PairingStatements
from bridge.store.posts import Close, DeliveryStatements, PostAgain
from bridge.store.processes import Answer, ProcessStatements, own_name
from bridge.store.protocol import PREVIEW, Accepted, Arrival, DeliveryLease, Lease, NewDelivery, TurnLease, TurnResult
from bridge.store.records import Counts
from bridge.store.schema import heartbeat, open_deliveries, open_turns
from bridge.store.turns import Finish, OpenAgain, TurnStatements
from bridge.store.unasked import Unasked, UnaskedStatements

LEASE_SECONDS = 5.0


class SqlStore:
    """`Store` in SQLite: one process at a time, kept by a lock on a file beside the database.

    History is dated by `clock`; leases and back-offs last by `steady`, however `clock` is set meanwhile.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
    ) -> None:
        """`steady` never jumps; without it, it is what `clock` says now and the seconds since."""
        self.lease_seconds = lease_seconds
        me = uuid.uuid4().hex
        self._clock = clock
        self._steady = steady or _steady_from(clock())
        self._leasing = (
            Leasing(
                open_turns,
                open_turns.c.instance,
                open_turns.c.session_id,
                me=me,
                lease_seconds=lease_seconds,
                begins_at_claim=False,
            ),
            Leasing(
                open_deliveries,
                open_deliveries.c.channel,
                open_deliveries.c.line,
                me=me,
                lease_seconds=lease_seconds,
                begins_at_claim=True,
            ),
        )
        self._changes = ChangeStatements(clock)
        self._accept = AcceptStatements(clock, self._changes)
        self._pairing = PairingStatements(self._accept)
        self._turns = TurnStatements(self._leasing[0], clock, self._steady)
        self._again = AgainStatements(self._leasing[0], self._turns)
        self._unasked = UnaskedStatements(self._accept)
        self._orders = OrderStatements(self._accept, clock, self._steady)
        self._deliveries = DeliveryStatements(self._leasing[1], clock, self._steady)
        self._feedback = FeedbackStatements(clock)
        self._processes = ProcessStatements(me, clock)
        self._heard = HeardStatements(clock)
        self._url = engine.url.render_as_string(hide_password=False)
        self._commit = GroupCommit(engine)
        self._lock: FileLock | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
    ) -> Self:
        """Locks and migrates the database and frees what a dead process held. Raises StoreError."""
        lock = database.lock(url)
        try:
            database.migrate_at(url)
        except StoreError:
            lock.release()
            raise
        store = cls(database.open_engine(url), lease_seconds=lease_seconds, clock=clock, steady=steady)
        store._lock = lock
        try:
            await store._commit.write(store._free_all, None)
        except StoreError:
            await store.close()
            raise
        return store

    async def accept(self, arrival: Arrival) -> Accepted:
        outcome = await self._commit.write(self._accept.accept, arrival)
        if outcome is Accepted.TURN:
            metrics.ACCEPTED.labels(arrival.channel).inc()
        return outcome

    async def accept_paired(self, arrival: Arrival, offer: Offer) -> Accepted | Pairing:
        outcome: Accepted | Pairing = await self._commit.write(self._pairing.accept, (arrival, offer))
        if outcome is Accepted.TURN:
            metrics.ACCEPTED.labels(arrival.channel).inc()
        return outcome

    async def paired_since(self, channel: str, author: str) -> float | None:
        return await self._commit.write(self._pairing.since, (channel, author))

    async def note(self, entries: Sequence[Entry]) -> None:
        await self._commit.write(self._note, entries)

    async def accept_unasked(self, instance: str, session: str, envelope: Envelope) -> Accepted:
        return await self._commit.write(self._unasked.accept, Unasked(instance, session, envelope))

    async def reloads_asked(self) -> Sequence[ReloadAsked]:
        return await self._commit.write(self._processes.asked, None)

    async def answer_reload(self, asked: ReloadAsked, report: str, *, done: bool) -> None:
        await self._commit.write(self._processes.answer, Answer(asked, report, _reload(asked.by, done=done)))

    async def note_reload(self, by: str, *, done: bool) -> None:
        await self.note([_reload(by, done=done)])

    async def change(self, change: MessageChange) -> Changed:
        return await self._commit.write(self._changes.change, change)

    async def heard_until(self, channel: str) -> tuple[float, float]:
        return await self._commit.write(self._heard.read, channel)

    async def set_heard_until(self, channel: str, at: float) -> None:
        await self._commit.write(self._heard.write, (channel, at))

    async def recent_conversations(self, channel: str, limit: int) -> Sequence[Conversation]:
        return await self._commit.write(self._heard.conversations, (channel, limit))

    async def lease_turns(self, instance: str, limit: int) -> Sequence[TurnLease]:
        return await self._commit.claim(self._turns.claim, (instance, limit), self._give_back)

    async def begin_turn(self, lease: TurnLease) -> None:
        await self._commit.write(self._turns.begin, lease, even_if_cancelled=False)

    async def finish_turn(self, lease: TurnLease, result: TurnResult) -> None:
        await self._commit.write(self._turns.finish, Finish(lease, result))
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
        await self._commit.write(self._turns.open_again, call, wake_after=wait)

    async def ask_again(self, lease: TurnLease, otherwise: Sequence[NewDelivery]) -> int | None:
        opened = await self._commit.write(self._again.ask_again, AskAgain(lease, otherwise))
        metrics.ENDED.labels(lease.instance, "answered").inc()
        return opened

    async def lease_deliveries(self, channel: str, limit: int) -> Sequence[DeliveryLease]:
        return await self._commit.claim(self._deliveries.claim, (channel, limit), self._give_back)

    async def open_preview(self, lease: TurnLease, preview: NewDelivery) -> DeliveryLease | None:
        return await self._commit.write(self._deliveries.open_preview, (lease, preview))

    async def withdraw(self, lease: DeliveryLease) -> None:
        await self._commit.write(self._deliveries.withdraw, lease)

    async def delivered(self, lease: DeliveryLease, ref: MessageRef) -> None:
        await self._commit.write(self._deliveries.close, Close(lease, ref=ref))
        if lease.kind != PREVIEW:
            metrics.POSTED.labels(lease.channel).inc()

    async def retry_delivery(
        self, lease: DeliveryLease, wait: float, error: str, *, in_doubt: bool, counted: bool = True
    ) -> None:
        call = PostAgain(lease, wait, error, in_doubt, counted)
        await self._commit.write(self._deliveries.open_again, call, wake_after=wait)

    async def bury(
        self, lease: DeliveryLease, error: str, *, in_doubt: bool = False, instead: Sequence[NewDelivery] = ()
    ) -> None:
        call = Close(lease, error=error, in_doubt=in_doubt, instead=instead)
        await self._commit.write(self._deliveries.close, call)
        metrics.BURIED.labels(lease.channel).inc()

    async def unaccounted_for(self, refs: Sequence[MessageRef]) -> Sequence[MessageRef]:
        return await self._commit.write(posts.unaccounted_for, refs)

    async def vote(self, vote: Vote) -> bool:
        return await self._commit.write(self._feedback.vote, vote)

    async def renew(self) -> Sequence[int]:
        return await self._commit.write(self._renew, None)

    async def obey(self, order: Order) -> Outcome:
        return await self._commit.write(self._orders.obey, order)

    async def pull(self, handle: Handle) -> Outcome:
        return await self._commit.write(self._orders.pull, handle)

    async def standing(self, arrival: Arrival) -> Standing | None:
        return await self._commit.write(self._orders.standing, arrival)

    def let_go(self, lease: Lease) -> None:
        self._leasing[0 if isinstance(lease, TurnLease) else 1].let_go(lease)

    async def unconfigured(self, instances: Sequence[str], channels: Sequence[str]) -> tuple[list[str], list[str]]:
        return await self._commit.write(self._unconfigured, (instances, channels))

    async def counts(self) -> Counts:
        return await asyncio.to_thread(counts.read_at, self._url)

    async def writable(self) -> None:
        await self._commit.write(self._beat, None)

    async def close(self) -> None:
        if self._processes.shown:
            with contextlib.suppress(StoreError):  # without a sign of life it counts as gone soon, too
                await self._commit.write(self._processes.leave, None)
        await self._commit.close()
        if self._lock is not None:
            self._lock.release()

    def _renew(self, connection: Connection, calls: Sequence[None]) -> Sequence[Sequence[int]]:
        working, _ = [leasing.renew(connection, self._steady()) for leasing in self._leasing]
        to_stop: Sequence[int] = self._orders.to_stop(connection, working) if working else []
        return [to_stop] * len(calls)

    def _note(self, connection: Connection, calls: Sequence[Sequence[Entry]]) -> Sequence[BridgeError | None]:
        for entries in calls:
            audit.write(connection, entries, self._clock())
        return [None] * len(calls)

    def _give_back(
        self, connection: Connection, calls: Sequence[Sequence[TurnLease | DeliveryLease]]
    ) -> Sequence[BridgeError | None]:
        for leases in calls:
            self._leasing[0 if isinstance(leases[0], TurnLease) else 1].give_back(connection, leases)
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
        connection.execute(delete(heartbeat))
        connection.execute(insert(heartbeat), {"id": 1, "at": self._clock()})
        return [None] * len(calls)

    def _free_all(self, connection: Connection, calls: Sequence[None]) -> Sequence[BridgeError | None]:
        # What a dead process worked on: it may have asked the agent.
        connection.execute(update(open_turns).where(open_turns.c.owner.is_not(None)).values(begun=True))
        for leasing in self._leasing:
            leasing.free_all(connection)
        return [None] * len(calls)


def _reload(by: str, *, done: bool) -> Entry:
    return Entry(by, "reload", own_name(), "done" if done else "refused")


def _steady_from(beginning: float) -> Callable[[], float]:
    started = time.monotonic()
    return lambda: beginning + time.monotonic() - started
