"""The one claim statement, for turns and for deliveries: the oldest open row of each session, if its lease is free."""

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, exists, or_, select, update


def oldest_free(open_rows: Table, queue: ColumnElement[str]) -> Select[int, int, bool]:
    """`seq, attempts, in_doubt` of what may be leased from a queue. Parameters: queue, me, now, limit.

    The head of a session's line waits for its own back-off (a retry is a `lease_until` in the future), so order needs
    no code. What this process holds is never free to it, however late a renewal is.
    """
    earlier = open_rows.alias("earlier")
    return (
        select(open_rows.c.seq, open_rows.c.attempts, open_rows.c.in_doubt)
        .where(
            queue == bindparam("queue"),
            open_rows.c.lease_until <= bindparam("now"),
            or_(open_rows.c.owner.is_(None), open_rows.c.owner != bindparam("me")),
            ~exists().where(earlier.c.session_id == open_rows.c.session_id, earlier.c.seq < open_rows.c.seq),
        )
        .order_by(open_rows.c.seq)
        .limit(bindparam("limit"))
    )


class Leasing:
    """Leases on one hot table in the name of one process start."""

    def __init__(self, open_rows: Table, queue: ColumnElement[str], *, me: str, lease_seconds: float) -> None:
        self.me = me
        self._open = open_rows
        self._lease_seconds = lease_seconds
        self._oldest_free = oldest_free(open_rows, queue)
        self._take = (
            update(open_rows)
            .where(open_rows.c.seq == bindparam("of"))
            .values(owner=me, lease_until=bindparam("until"), attempts=open_rows.c.attempts + 1, in_doubt=True)
        )
        self._held = select(open_rows.c.seq).where(
            open_rows.c.owner == me, open_rows.c.seq.in_(bindparam("of", expanding=True))
        )
        self._renew = update(open_rows).where(open_rows.c.owner == me).values(lease_until=bindparam("until"))
        self._free_all = update(open_rows).where(open_rows.c.owner.is_not(None)).values(owner=None, lease_until=0.0)

    def claim(self, connection: Connection, queue: str, limit: int, now: float) -> dict[int, tuple[int, bool]]:
        """Leases up to `limit` rows: seq -> (attempt, in doubt before this attempt)."""
        found = connection.execute(self._oldest_free, {"queue": queue, "me": self.me, "now": now, "limit": limit}).all()
        if found:
            until = now + self._lease_seconds
            connection.execute(self._take, [{"of": seq, "until": until} for seq, _, _ in found])
        return {seq: (attempts + 1, in_doubt) for seq, attempts, in_doubt in found}

    def held(self, connection: Connection, seqs: list[int]) -> set[int]:
        """Which of these are still ours: the fence before every write."""
        return set(connection.execute(self._held, {"of": seqs}).scalars())

    def renew(self, connection: Connection, now: float) -> None:
        """Every lease of ours lasts its full time again."""
        connection.execute(self._renew, {"until": now + self._lease_seconds})

    def free_all(self, connection: Connection) -> None:
        """Frees everybody's leases: only where it is certain that nobody else is alive."""
        connection.execute(self._free_all)
