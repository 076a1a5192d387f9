"""The one claim statement, for turns and for deliveries: the oldest open row of each line, if its lease is free."""

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Table,
    and_,
    any_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from bridge.store.protocol import Lease
from bridge.store.together import Together

LATE = -1.0
"""`lease_until`, until it is leased, of a row that may come into its line when one behind it is in work already."""
SURE = 0.25
"""The part of a lease at whose end nobody relies on it any more without having asked the database."""


def among(column: Column[int], name: str, *, shared: bool) -> ColumnElement[bool]:
    """Whether it is one of those numbers. On PostgreSQL they are one value, and the statement always the same."""
    if shared:
        return column == any_(bindparam(name, type_=ARRAY(BigInteger)))
    return column.in_(bindparam(name, expanding=True))


def oldest_free(open_rows: Table, line: Column[str], *, shared: bool) -> Select[int, int, bool, float | None]:
    """`seq, attempts, in_doubt, failing_since` of what may be leased. Parameters: me, alive, now.

    The head of a line waits for its own back-off (a retry is a `lease_until` in the future), so order needs no code.
    What this process works on is never free to it, however late a renewal is. What came `LATE` waits while something
        behind it is worked on.
    """
    earlier, later = open_rows.alias("earlier"), open_rows.alias("later")
    return (
        select(open_rows.c.seq, open_rows.c.attempts, open_rows.c.in_doubt, open_rows.c.failing_since)
        .where(
            open_rows.c.lease_until <= bindparam("now"),
            or_(
                open_rows.c.owner.is_(None),
                open_rows.c.owner != bindparam("me"),
                ~among(open_rows.c.seq, "alive", shared=shared),
            ),
            ~exists().where(earlier.c[line.name] == line, earlier.c.seq < open_rows.c.seq),
            or_(
                open_rows.c.lease_until != LATE,
                ~exists().where(
                    later.c[line.name] == line,
                    later.c.seq > open_rows.c.seq,
                    later.c.owner.is_not(None),
                    or_(
                        later.c.lease_until > bindparam("now"),
                        and_(later.c.owner == bindparam("me"), among(later.c.seq, "alive", shared=shared)),
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


def _share(open_rows: Table, queue: Column[str]) -> ColumnElement[int]:
    """How much of `limit` one of so many `workers` may take beside what all of them have leased."""
    leased = select(func.count()).where(
        queue == bindparam("queue"), open_rows.c.owner.is_not(None), open_rows.c.lease_until > bindparam("now")
    )
    ours = leased.where(open_rows.c.owner == bindparam("me")).scalar_subquery()
    elsewhere = leased.where(open_rows.c.owner != bindparam("me")).scalar_subquery()
    limit, workers = bindparam("limit", type_=Integer()), bindparam("workers", type_=Integer())
    even = (limit + ours + workers - 1).op("/")(workers) - ours
    return func.greatest(func.least(limit - elsewhere, even), 0)


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
        shared = together.shared
        self._any_free = oldest_free(open_rows, line, shared=shared)
        self._oldest_free = self._any_free.where(queue == bindparam("queue"))
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
        self._take_limit = self._taking(open_rows, bindparam("limit", type_=Integer()), taken)
        self._take_share = self._taking(open_rows, _share(open_rows, queue), taken)
        self._begin = one.values(in_doubt=True)
        self._give_back = one.values(
            owner=None, lease_until=0.0, attempts=open_rows.c.attempts - 1, in_doubt=bindparam("before")
        )
        self._held = (
            select(open_rows.c.seq)
            .where(open_rows.c.owner == me, among(open_rows.c.seq, "of", shared=shared))
            .with_for_update()
        )
        self._renew = (
            ours.where(among(open_rows.c.seq, "of", shared=shared))
            .values(lease_until=bindparam("until"))
            .returning(open_rows.c.seq)
        )
        self._elsewhere_until = select(func.min(open_rows.c.lease_until)).where(open_rows.c.owner != me)
        self._end_all = update(open_rows).values(lease_until=0.0)
        self._end_ours = ours.values(lease_until=0.0)

    def claim(
        self, connection: Connection, queue: str, limit: int, now: float, *, workers: int | None = None
    ) -> dict[int, Taken]:
        """Leases up to `limit` rows, by their `seq`.

        `workers`: so many processes work on this queue, with `limit` and what this one has leased as the most for all
        of them together; each has its share of that. None: they do not share.
        """
        wanted = {"queue": queue, "me": self.me, "alive": self._working(), "now": now, "limit": limit}
        wanted["until"] = now + self._lease_seconds
        found: Sequence[Row[int, int, bool, float | None]] = ()
        if not self._together.shared:
            found = connection.execute(self._oldest_free, wanted).all()
            if found:
                connection.execute(self._take, [{"of": row.seq, "until": wanted["until"]} for row in found])
        elif self._together.claims_alone(connection, self._oldest_free, wanted):
            take = self._take_limit if workers is None else self._take_share
            found = connection.execute(take, wanted | {"workers": workers}).all()
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

    def _taking(
        self, open_rows: Table, limit: ColumnElement[int], taken: Mapping[str, Any]
    ) -> ReturningUpdate[int, int, bool, float | None]:
        """Takes what is free and says how it was before.

        Others may be writing on some rows at this moment, about commands for example: these wait for the next look.
        """
        free = self._oldest_free.limit(limit).with_for_update(of=open_rows, skip_locked=True).cte("free")
        return (
            update(open_rows)
            .where(open_rows.c.seq == free.c.seq)
            .values(taken)
            .returning(free.c.seq, free.c.attempts, free.c.in_doubt, free.c.failing_since)
        )

    def _working(self) -> list[int]:
        """Never empty: an empty list that stands in IN and in NOT IN is rendered wrongly. No row has the number 0."""
        return [0, *self._alive]

    def any_free(self, connection: Connection, now: float) -> bool:
        """Whether there is something that anybody might claim."""
        wanted = {"me": self.me, "alive": self._working(), "now": now, "limit": 1}
        return connection.execute(self._any_free, wanted).first() is not None

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

    def is_sure(self, lease: Lease, now: float) -> bool:
        """Whether it is ours for a while yet, as far as this process knows. Any thread may call this."""
        held = self._alive.get(lease.seq)
        return held is not None and held.number == lease.number and held.until - now > self._lease_seconds * SURE

    def held(self, connection: Connection, seqs: Sequence[int]) -> set[int]:
        """Which of these are still ours, and stay so until the transaction ends: the fence before every write."""
        return set(connection.execute(self._held, {"of": seqs}).scalars())

    def renew(self, connection: Connection, now: float) -> list[int]:
        """Every lease that somebody works on, and that is still ours, lasts its full time again; their rows."""
        alive = list(self._alive)
        if not alive:
            return []
        until = now + self._lease_seconds
        renewed = list(connection.execute(self._renew, {"of": alive, "until": until}).scalars())
        self._renewed.update((seq, until) for seq in renewed)
        return renewed

    def elsewhere_until(self, connection: Connection) -> float | None:
        """When the first lease of another process ends, if that does not renew it."""
        until: float | None = connection.execute(self._elsewhere_until).scalar_one()
        return until

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
