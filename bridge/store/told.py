"""The statement by which one process takes what a platform tells all of them: a press, a command."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, delete

from bridge.store.schema import told
from bridge.store.upsert import insert_or

KEPT_SECONDS = 3600.0
"""Much longer than a platform waits for an answer."""

_TAKE = insert_or(told).on_conflict_do_nothing().returning(told.c.id)
_FORGET = delete(told).where(told.c.at < bindparam("before"))


class ToldStatements:
    """The statement, bound to a clock (seconds since the epoch)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def take(self, connection: Connection, calls: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """Of each channel and id, whether nobody took it before."""
        now = self._clock()
        connection.execute(_FORGET, {"before": now - KEPT_SECONDS})
        rows = ({"channel": channel, "id": name, "at": now} for channel, name in calls)
        return [connection.execute(_TAKE, row).first() is not None for row in rows]
