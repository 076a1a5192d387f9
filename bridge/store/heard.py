"""Statements about until when a channel was heard, and where."""

import json
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, or_, select, update

from bridge.envelope import Conversation
from bridge.errors import BridgeError
from bridge.store.schema import heard, turns
from bridge.store.upsert import insert_or

LOOKED_AT = 5
"""Turns that are looked at for each conversation that is asked for."""

_BEGIN = insert_or(heard).on_conflict_do_nothing()
_READ = select(heard.c.until, heard.c.began_at).where(heard.c.channel == bindparam("of"))
_OF = heard.c.channel == bindparam("of")
_MINE = or_(heard.c.reader.is_(None), heard.c.reader == bindparam("me"))
_SET = update(heard).where(_OF, _MINE).values(until=bindparam("now_until"), reader=None, reader_until=0.0)
_TAKE = (
    update(heard)
    .where(_OF, or_(_MINE, heard.c.reader_until <= bindparam("now")))
    .values(reader=bindparam("me"), reader_until=bindparam("lease_until"))
    .returning(heard.c.channel)
)
_RENEW = update(heard).where(heard.c.reader == bindparam("me")).values(reader_until=bindparam("lease_until"))
_LET_GO = update(heard).where(_OF, heard.c.reader == bindparam("me")).values(reader=None, reader_until=0.0)
_END_ALL = update(heard).values(reader=None, reader_until=0.0)
_LOOK = (
    update(heard)
    .where(_OF, or_(heard.c.looked_at <= bindparam("before"), heard.c.looked_at > bindparam("now")))
    .values(looked_at=bindparam("now"))
    .returning(heard.c.channel)
)
_NEWEST = (
    select(turns.c.envelope)
    .where(turns.c.channel == bindparam("of"), turns.c.instance != "")  # "": no message to an agent
    .order_by(turns.c.seq.desc())
    .limit(bindparam("most"))
)


class HeardStatements:
    """The statements, bound to one process start and its clocks: `clock` dates history, `steady` measures leases."""

    def __init__(self, me: str, lease_seconds: float, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._me = me
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._steady = steady
        self._reads: set[str] = set()

    def read(self, connection: Connection, channels: Sequence[str]) -> Sequence[tuple[float, float]]:
        """(until, since when); both are now at the very first time."""
        now = self._clock()
        found: list[tuple[float, float]] = []
        for channel in channels:
            self._begin(connection, channel, now)
            until, began_at = connection.execute(_READ, {"of": channel}).one()
            found.append((until, began_at))
        return found

    @staticmethod
    def _begin(connection: Connection, channel: str, now: float) -> None:
        connection.execute(_BEGIN, {"channel": channel, "began_at": now, "until": now})

    def write(self, connection: Connection, calls: Sequence[tuple[str, float]]) -> Sequence[BridgeError | None]:
        """Moves `until`, and others may read, unless somebody else does by now."""
        self._reads.difference_update(channel for channel, _ in calls)
        connection.execute(_SET, [{"of": channel, "me": self._me, "now_until": until} for channel, until in calls])
        return [None] * len(calls)

    def take(self, connection: Connection, channels: Sequence[str]) -> Sequence[bool]:
        """Whether nobody else reads that channel's history; then this process does, as long as it renews that."""
        for channel in channels:
            self._begin(connection, channel, self._clock())
        now = self._steady()
        lease = {"me": self._me, "now": now, "lease_until": now + self._lease_seconds}
        taken = [connection.execute(_TAKE, lease | {"of": one}).first() is not None for one in channels]
        self._reads.update(channel for channel, ours in zip(channels, taken, strict=True) if ours)
        return taken

    def renew(self, connection: Connection) -> None:
        """What this process reads it goes on reading."""
        if self._reads:
            connection.execute(_RENEW, {"me": self._me, "lease_until": self._steady() + self._lease_seconds})

    def let_go(self, connection: Connection, channels: Sequence[str]) -> Sequence[BridgeError | None]:
        """Others may read it."""
        self._reads.difference_update(channels)
        for channel in channels:
            connection.execute(_LET_GO, {"of": channel, "me": self._me})
        return [None] * len(channels)

    @staticmethod
    def end_all(connection: Connection) -> None:
        """Nobody reads anything: only where it is certain that nobody else is alive."""
        connection.execute(_END_ALL)

    def look(self, connection: Connection, calls: Sequence[tuple[str, float]]) -> Sequence[bool]:
        """Whether nobody looked there for so many seconds; then this process does now."""
        now = self._steady()
        looks = [{"of": channel, "before": now - seconds, "now": now} for channel, seconds in calls]
        return [connection.execute(_LOOK, look).first() is not None for look in looks]

    @staticmethod
    def conversations(connection: Connection, calls: Sequence[tuple[str, int]]) -> Sequence[Sequence[Conversation]]:
        """Where the newest turns came from, each place once, the newest first."""
        return [_places(connection, channel, limit) for channel, limit in calls]


def _places(connection: Connection, channel: str, limit: int) -> Sequence[Conversation]:
    rows = connection.execute(_NEWEST, {"of": channel, "most": limit * LOOKED_AT}).scalars()
    places = dict.fromkeys(json.dumps(json.loads(envelope)["conversation"], sort_keys=True) for envelope in rows)
    return [Conversation.model_validate_json(place) for place in list(places)[:limit]]
