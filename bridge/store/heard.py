"""Statements about until when a channel was heard, and where."""

import json
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from bridge.envelope import Conversation
from bridge.errors import BridgeError
from bridge.store.schema import heard, turns

LOOKED_AT = 5
"""Turns that are looked at for each conversation that is asked for."""

_BEGIN = insert_or(heard).on_conflict_do_nothing()
_READ = select(heard.c.until, heard.c.began_at).where(heard.c.channel == bindparam("of"))
_SET = update(heard).where(heard.c.channel == bindparam("of")).values(until=bindparam("now_until"))
_NEWEST = (
    select(turns.c.envelope)
    .where(turns.c.channel == bindparam("of"), turns.c.instance != "")  # "": no message to an agent
    .order_by(turns.c.seq.desc())
    .limit(bindparam("most"))
)


class HeardStatements:
    """The statements, bound to a clock (seconds since the epoch)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def read(self, connection: Connection, channels: Sequence[str]) -> Sequence[tuple[float, float]]:
        """(until, since when); both are now at the very first time."""
        now = self._clock()
        found: list[tuple[float, float]] = []
        for channel in channels:
            connection.execute(_BEGIN, {"channel": channel, "began_at": now, "until": now})
            until, began_at = connection.execute(_READ, {"of": channel}).one()
            found.append((until, began_at))
        return found

    @staticmethod
    def write(connection: Connection, calls: Sequence[tuple[str, float]]) -> Sequence[BridgeError | None]:
        """Moves `until`."""
        connection.execute(_SET, [{"of": channel, "now_until": until} for channel, until in calls])
        return [None] * len(calls)

    @staticmethod
    def conversations(connection: Connection, calls: Sequence[tuple[str, int]]) -> Sequence[Sequence[Conversation]]:
        """Where the newest turns came from, each place once, the newest first."""
        return [_places(connection, channel, limit) for channel, limit in calls]


def _places(connection: Connection, channel: str, limit: int) -> Sequence[Conversation]:
    rows = connection.execute(_NEWEST, {"of": channel, "most": limit * LOOKED_AT}).scalars()
    places = dict.fromkeys(json.dumps(json.loads(envelope)["conversation"], sort_keys=True) for envelope in rows)
    return [Conversation.model_validate_json(place) for place in list(places)[:limit]]
