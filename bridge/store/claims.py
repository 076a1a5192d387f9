"""The one claim statement, for turns and for deliveries: the oldest open row of each line, if its lease is free."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, and_, bindparam, exists, or_, select, true, update

from bridge.store.protocol import Lease

REOPENED = -1.0
"""`lease_until` of a row that came back to a line that went on without it, until it is leased."""


def oldest_free(open_rows: Table, queue: Column[str], line: Column[str]) -> Select[int, int, bool, float | None]:
    """`seq, attempts, in_doubt, failing_since` of what may be leased. Parameters: queue, me, alive, now, limit.

    The head of a line waits for its own back-off (a retry is a `lease_until` in the future), so order needs no code.
    What this process works on is never free to it, however late a renewal is. What was `REOPENED` waits while
    something behind it is worked on.
    """
    earlier, later = open_rows.alias("earlier"), open_rows.alias("later")
    return (
        select(open_rows.c.seq, open_rows.c.attempts, open_rows.c.in_doubt, open_rows.c.failing_since)
        .where(
            queue == bindparam("queue"),
            open_rows.c.lease_until <= bindparam("now"),
            or_(
                open_rows.c.owner.is_(None),
                open_rows.c.owner != bindparam("me"),
                open_rows.c.seq.not_in(bindparam("alive", expanding=True)),
            ),
            ~exists().where(earlier.c[line.name] == line, earlier.c.seq < open_rows.c.seq),
            or_(
                open_rows.c.lease_until != REOPENED,
                ~exists().where(
                    later.c[line.name] == line,
                    later.c.seq > open_rows.c.seq,
                    later.c.owner.is_not(None),
                    or_(
                        later.c.lease_until > bindparam("now"),
                        and_(later.c.owner == bindparam("me"), later.c.seq.in_(bindparam("alive", expanding=True))),
                    ),
                ),
            ),
        )
        .order_by(open_rows.c.seq)
        .limit(bindparam("limit"))
    )


class Leasing:
    """Leases on one hot table in the name of one process start.

    A lease is renewed only while somebody works on it: from the claim until `let_go`.
    """

    def __init__(
        self,
        open_rows: Table,
        queue: Column[str],
        line: Column[str],
        *,
        me: str,
        lease_seconds: float,
        begins_at_claim: bool,
    ) -> None:
        """`begins_at_claim`: from the claim on nobody knows how far the work got; otherwise from `begin` on."""
        self.me = me
        self._lease_seconds = lease_seconds
        self._alive: set[int] = set()
        self._oldest_free = oldest_free(open_rows, queue, line)
        ours = update(open_rows).where(open_rows.c.owner == me)
        one = ours.where(open_rows.c.seq == bindparam("of"))
        self._take = (
            update(open_rows)
            .where(open_rows.c.seq == bindparam("of"))
            .values(
                owner=me,
                lease_until=bindparam("until"),
                attempts=open_rows.c.attempts + 1,
                in_doubt=true() if begins_at_claim else open_rows.c.in_doubt,
            )
        )
        self._begin = one.values(in_doubt=True)
        self._give_back = one.values(
            owner=None, lease_until=0.0, attempts=open_rows.c.attempts - 1, in_doubt=bindparam("before")
        )
        self._held = select(open_rows.c.seq).where(
            open_rows.c.owner == me, open_rows.c.seq.in_(bindparam("of", expanding=True))
        )
        self._renew = one.values(lease_until=bindparam("until"))
        self._free_all = update(open_rows).values(owner=None, lease_until=0.0)

    def claim(
        self, connection: Connection, queue: str, limit: int, now: float
    ) -> dict[int, tuple[int, bool, float | None]]:
        """Leases up to `limit` rows: seq -> (attempt, in doubt before it, seconds since the first failure)."""
        found = connection.execute(
            self._oldest_free,
            {"queue": queue, "me": self.me, "alive": list(self._alive), "now": now, "limit": limit},
        ).all()
        if found:
            until = now + self._lease_seconds
            connection.execute(self._take, [{"of": row.seq, "until": until} for row in found])
            self._alive.update(row.seq for row in found)
        return {
            row.seq: (
                row.attempts + 1,
                row.in_doubt,
                None if row.failing_since is None else now - row.failing_since,
            )
            for row in found
        }

    def leased(self, now: float) -> dict[str, Any]:
        """The columns of a new row that is ours from the start, and in doubt."""
        return {"owner": self.me, "lease_until": now + self._lease_seconds, "attempts": 1, "in_doubt": True}

    def hold(self, seq: int) -> None:
        """Somebody works on that row until `let_go`."""
        self._alive.add(seq)

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
        self._alive.discard(lease.seq)

    def held(self, connection: Connection, seqs: list[int]) -> set[int]:
        """Which of these are still ours: the fence before every write."""
        return set(connection.execute(self._held, {"of": seqs}).scalars())

    def renew(self, connection: Connection, now: float) -> list[int]:
        """Every lease that somebody works on lasts its full time again; returns which rows these are."""
        alive = list(self._alive)
        if alive:
            until = now + self._lease_seconds
            connection.execute(self._renew, [{"of": seq, "until": until} for seq in alive])
        return alive

    def free_all(self, connection: Connection) -> None:
        """Frees everything, back-offs too: only where it is certain that nobody else is alive."""
        connection.execute(self._free_all)
