"""Statements about places where a platform asked to wait: whichever process it asked, all of them keep to it."""

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, case, delete, select

from bridge.store.schema import holds
from bridge.store.upsert import insert_or

_new = insert_or(holds)
_HOLD = _new.on_conflict_do_update(
    index_elements=["channel", "place"],
    set_={"until": case((_new.excluded.until > holds.c.until, _new.excluded.until), else_=holds.c.until)},
)
_OVER = delete(holds).where(holds.c.channel == bindparam("on"), holds.c.until <= bindparam("now"))
_HELD = select(holds.c.place, holds.c.until).where(holds.c.channel == bindparam("on"), holds.c.until > bindparam("now"))


def hold(connection: Connection, channel: str, place: str, until: float, now: float) -> None:
    """Nobody posts there until then; what is over is forgotten."""
    connection.execute(_OVER, {"on": channel, "now": now})
    connection.execute(_HOLD, {"channel": channel, "place": place, "until": until})


def held(connection: Connection, channel: str, now: float) -> Mapping[str, float]:
    """Place -> seconds for which nobody posts there."""
    return {row.place: row.until - now for row in connection.execute(_HELD, {"on": channel, "now": now})}
