"""The one claim statement, for turns and for deliveries: the oldest open row of each line, if its lease is free."""

import asyncio
import itertools
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from bridge.store.protocol import Lease
from bridge.store.together import Together

LATE = -1.0
"""`lease_until`, until it is leased, of a row that may come into its line when one behind it is in work already."""
LOST = 0.0
"""Until when a lease lasts that is not ours any more."""
HANGS_UP = 0.1
"""The part of a lease at whose end nobody listens to an agent any more, before another process asks it."""
LOOKS_EVERY = 0.5
"""Seconds after which it is looked again whether a lease was lost meanwhile."""
SURE = 0.25
"""The part of a lease at whose end nobody relies on it any more without having asked the database."""


def oldest_free(open_rows: Table, line: Column[str]) -> Select[int, int, bool, float | None]:
    """`seq, attempts, in_doubt, failing_since` of what may be leased. Parameters: me, alive, now, over.

    The head of a line waits for its own back-off (a retry is a `lease_until` in the future), so order needs no code.
    What this process works on is never free to it, however late a renewal is; what others do, once its lease ended
    before `over`. What came `LATE` waits while something behind it is worked on.
    """
    earlier, later = open_rows.alias("earlier"), open_rows.alias("later")
    alive: BindParameter[Sequence[int]] = bindparam("alive", expanding=True)
    return (
        select(open_rows.c.seq, open_rows.c.attempts, open_rows.c.in_doubt, open_rows.c.failing_since)
        .where(
            open_rows.c.lease_until <= bindparam("now"),
            or_(
                open_rows.c.owner.is_(None),
                and_(open_rows.c.owner != bindparam("me"), open_rows.c.lease_until <= bindparam("over")),
                and_(open_rows.c.owner == bindparam("me"), open_rows.c.seq.not_in(alive)),
            ),
            ~exists().where(earlier.c[line.name] == line, earlier.c.seq < open_rows.c.seq),
            or_(
                open_rows.c.lease_until != LATE,
                ~exists().where(
                    later.c[line.name] == line,
                    later.c.seq > open_rows.c.seq,
                    later.c.owner.is_not(None),
                    or_(
                        later.c.lease_until > bindparam("over"),
                        and_(later.c.owner == bindparam("me"), later.c.seq.in_(alive)),
                    ),
                ),
            ),
        )
        .order_by(open_rows.c.seq)
        .limit(bindparam("limit"))
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that was leased."""

    attempt: int
    in_doubt: bool
    """Before that."""
    failing_for: float | None
    """Seconds since the first failure."""
    number: int


@dataclass(frozen=True, slots=True)
class _Held:
    number: int
    until: float


class Leasing:
    """Leases on one hot table in the name of one process start.

    A lease is renewed only while somebody works on it: from the claim until `let_go`. What a transaction changes of
    that counts once `ended` is told that it was committed.
    """

    def __init__(
        self,
        open_rows: Table,
        queue: Column[str],
        line: Column[str],
        together: Together,
        *,
        me: str,
        lease_seconds: float,
        begins_at_claim: bool,
    ) -> None:
        """`begins_at_claim`: from the claim on nobody knows how far the work got; otherwise from `begin` on."""
        self.me = me
        self._together = together
        self._lease_seconds = lease_seconds
        self._changing = threading.Lock()
        self._numbers = itertools.count(1)
        self._alive: dict[int, _Held] = {}
        self._taken: dict[int, _Held] = {}
        self._renewed: dict[int, float] = {}
        self._any_free = oldest_free(open_rows, line)
        self._oldest_free = self._any_free.where(queue == bindparam("queue"))
        # Others may be writing on some rows at this moment, about commands for example: these wait for the next look.
        self._not_locked = self._oldest_free.with_for_update(of=open_rows, skip_locked=True)
        self._in_work = (
            select(open_rows.c.owner, func.count())
            .where(
                queue == bindparam("queue"), open_rows.c.owner.is_not(None), open_rows.c.lease_until > bindparam("over")
            )
            .group_by(open_rows.c.owner)
        )
        ours = update(open_rows).where(open_rows.c.owner == me)
        one = ours.where(open_rows.c.seq == bindparam("of"))
        taken: dict[str, Any] = {
            "owner": me,
            "lease_until": bindparam("until"),
            "attempts": open_rows.c.attempts + 1,
            "in_doubt": true() if begins_at_claim else open_rows.c.in_doubt,
        }
        if "begun" in open_rows.c:  # whoever had it before is gone, and may have got that far
            taken["begun"] = or_(open_rows.c.begun, open_rows.c.owner.is_not(None))
        self._take = update(open_rows).where(open_rows.c.seq == bindparam("of")).values(taken)
        self._begin = one.values(in_doubt=True)
        self._give_back = one.values(
            owner=None, lease_until=0.0, attempts=open_rows.c.attempts - 1, in_doubt=bindparam("before")
        )
        self._held = (
            select(open_rows.c.seq)
            .where(open_rows.c.owner == me, open_rows.c.seq.in_(bindparam("of", expanding=True)))
            .with_for_update()
        )
        self._renew = (
            ours.where(open_rows.c.seq.in_(bindparam("of", expanding=True)))
            .values(lease_until=bindparam("until"))
            .returning(open_rows.c.seq)
        )
        self._others_end = select(func.min(open_rows.c.lease_until)).where(
            open_rows.c.owner != me, open_rows.c.lease_until > bindparam("over")
        )
        self._end_all = update(open_rows).values(lease_until=0.0)
        self._end_ours = ours.values(lease_until=0.0)

    def claim(
        self, connection: Connection, queue: str, limit: int, now: float, *, share: tuple[int, int] | None = None
    ) -> dict[int, Taken]:
        """Leases up to `limit` rows, by their `seq`.

        `share`: how many all processes together may have leased of this queue, and how many processes share that.
        """
        wanted = {"queue": queue, "me": self.me, "alive": self._working(), "now": now, "over": self._over(now)}
        found: Sequence[Row[int, int, bool, float | None]]
        found = connection.execute(self._oldest_free, wanted | {"limit": limit}).all()
        if found and self._together.shared:
            if not self._together.claims_alone(connection):
                return {}
            if share is not None:
                limit = min(limit, self._left(connection, queue, now, *share))
            found = connection.execute(self._not_locked, wanted | {"limit": limit}).all() if limit > 0 else []
        if found:
            until = now + self._lease_seconds
            connection.execute(self._take, [{"of": row.seq, "until": until} for row in found])
        return {
            row.seq: Taken(
                row.attempts + 1,
                row.in_doubt,
                None if row.failing_since is None else now - row.failing_since,
                self._note(row.seq, now),
            )
            for row in found
        }

    def _note(self, seq: int, now: float) -> int:
        self._taken[seq] = held = _Held(next(self._numbers), now + self._lease_seconds)
        return held.number

    def _left(self, connection: Connection, queue: str, now: float, most: int, workers: int) -> int:
        """How many more this process may lease."""
        in_work: dict[str, int] = {
            row[0]: row[1] for row in connection.execute(self._in_work, {"queue": queue, "over": self._over(now)})
        }
        ours = in_work.pop(self.me, 0)
        elsewhere: int = sum(in_work.values())
        return min(most - elsewhere, math.ceil(most / workers)) - ours

    def _working(self) -> list[int]:
        """Never empty: an empty list that stands in IN and in NOT IN is rendered wrongly. No row has the number 0."""
        return [0, *self._alive]

    def any_free(self, connection: Connection, now: float) -> bool:
        """Whether there is something that anybody might claim."""
        wanted = {"me": self.me, "alive": self._working(), "now": now, "over": self._over(now), "limit": 1}
        return connection.execute(self._any_free, wanted).first() is not None

    def others_end(self, connection: Connection, now: float) -> float | None:
        """In how many seconds the first of the others' leases is over, if it is not renewed; None: they have none."""
        over = self._over(now)
        first = connection.execute(self._others_end, {"over": over}).scalar()
        return None if first is None else first - over

    def _over(self, now: float) -> float:
        """Whose lease ended before this does not work any more."""
        return now - self._together.leniency

    def leased(self, now: float) -> dict[str, Any]:
        """The columns of a new row that is ours from the start, and in doubt."""
        return {"owner": self.me, "lease_until": now + self._lease_seconds, "attempts": 1, "in_doubt": True}

    def hold(self, seq: int, now: float) -> Taken:
        """Somebody works on that row, which was written as `leased`, until `let_go`."""
        return Taken(1, False, None, self._note(seq, now))

    def begin(self, connection: Connection, seqs: list[int]) -> None:
        """From now on these are in doubt until they are closed or opened again."""
        connection.execute(self._begin, [{"of": seq} for seq in seqs])

    def give_back(self, connection: Connection, leases: Sequence[Lease]) -> None:
        """As if these had not been claimed: nobody began to work on them."""
        connection.execute(self._give_back, [{"of": lease.seq, "before": lease.in_doubt} for lease in leases])
        for lease in leases:
            self.let_go(lease)

    def let_go(self, lease: Lease) -> None:
        """Nobody works on it any more: if it was not closed, its lease runs out. Any thread may call this."""
        with self._changing:
            if self._is_current(lease):
                del self._alive[lease.seq]

    def _is_current(self, lease: Lease) -> bool:
        held = self._alive.get(lease.seq)
        return held is not None and held.number == lease.number

    def _is_older(self, lease: Lease) -> bool:
        """Whether this process lost it, and has leased the row anew since."""
        return lease.seq in self._alive and not self._is_current(lease)

    def left(self, lease: Lease, now: float) -> float:
        """For how many seconds it is ours, as far as this process knows; 0 if it is not. Any thread may call this."""
        held = self._alive.get(lease.seq)
        return max(held.until - now, 0.0) if held is not None and held.number == lease.number else 0.0

    def is_sure(self, lease: Lease, now: float) -> bool:
        """Whether it is ours for a while yet, as far as this process knows. Any thread may call this."""
        return self.left(lease, now) > self._lease_seconds * SURE

    async def until_lost(self, lease: Lease, steady: Callable[[], float], *, alone: Callable[[], bool]) -> None:
        """Returns once a renewal found that it is not ours, or just before it ends while others may take it."""
        while (held := self._alive.get(lease.seq)) and held.number == lease.number and held.until != LOST:
            left = held.until - steady() - self._lease_seconds * HANGS_UP
            if left <= 0 and not alone():
                return
            await asyncio.sleep(min(left, LOOKS_EVERY) if left > 0 else LOOKS_EVERY)

    def held(self, connection: Connection, leases: Sequence[Lease]) -> set[int]:
        """The rows of what is still ours, and stays so until the transaction ends: the fence before every write."""
        seqs = [lease.seq for lease in leases if not self._is_older(lease)]
        return set(connection.execute(self._held, {"of": seqs}).scalars()) if seqs else set()

    def renew(self, connection: Connection, now: float) -> list[int]:
        """Every lease that somebody works on, and that is still ours, lasts its full time again; their rows."""
        alive = list(self._alive)
        if not alive:
            return []
        until = now + self._lease_seconds
        renewed = list(connection.execute(self._renew, {"of": alive, "until": until}).scalars())
        self._renewed |= dict.fromkeys(alive, LOST) | dict.fromkeys(renewed, until)
        return renewed

    def is_renewed(self, lease: Lease) -> bool:
        """Whether it was renewed in this transaction."""
        return self._renewed.get(lease.seq, LOST) != LOST and not self._is_older(lease)

    def ended(self, *, committed: bool) -> None:
        """The transaction is over. What was taken in one that may have failed is left to run out."""
        if committed:
            with self._changing:
                for seq in self._renewed.keys() & self._alive.keys():
                    self._alive[seq] = replace(self._alive[seq], until=self._renewed[seq])
                self._alive.update(self._taken)
        self._renewed.clear()
        self._taken.clear()

    def end_all(self, connection: Connection) -> None:
        """All leases and back-offs end: only where it is certain that nobody else is alive."""
        connection.execute(self._end_all)

    def end_ours(self, connection: Connection) -> None:
        """Whoever comes next may take over at once what is left of ours."""
        connection.execute(self._end_ours)
