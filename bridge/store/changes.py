"""The statements by which a message that waits is replaced or dropped."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, false, select, update

from bridge import metrics
from bridge.envelope import Envelope
from bridge.errors import BridgeError
from bridge.store.changed import Changed, MessageChange
from bridge.store.schema import open_turns, turns

DELETED = "its message was deleted"
"""What history says of a turn that was dropped for that."""
_ORDER = (Changed.UNKNOWN, Changed.NOTHING, Changed.TOO_LATE, Changed.REPLACED, Changed.DROPPED)
"""Of a message that is several sessions', what matters most comes last."""

_OF_MESSAGE = (turns.c.channel == bindparam("on"), turns.c.envelope_id == bindparam("of"))
_TURNS = select(turns.c.seq, turns.c.status, turns.c.instance, turns.c.envelope, turns.c.edited_at).where(*_OF_MESSAGE)
_HOLD = (
    select(open_turns.c.seq)
    .join(turns, turns.c.seq == open_turns.c.seq)
    .where(*_OF_MESSAGE, open_turns.c.owner.is_(None), open_turns.c.in_doubt == false(), open_turns.c.begun == false())
    .order_by(open_turns.c.seq)
    .with_for_update(of=open_turns)
)
"""What of it waits. Others neither lease nor change that until the end of the transaction."""
_REPLACE = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(envelope=bindparam("now_envelope"), raw=bindparam("now_raw"), edited_at=bindparam("at"))
)
_CLOSE = delete(open_turns).where(open_turns.c.seq == bindparam("of"))
_SKIP = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(status="skipped", finished_at=bindparam("at"), error=DELETED)
)


class ChangeStatements:
    """The statements, bound to the clock that dates history."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def change(self, connection: Connection, calls: Sequence[MessageChange]) -> Sequence[Changed | BridgeError]:
        """What became of each, in this order."""
        return [self.apply(connection, call) for call in calls]

    def apply(self, connection: Connection, call: MessageChange) -> Changed:
        """Of one message, in every session that it belongs to."""
        message = {"on": call.channel, "of": call.envelope_id}
        held = set(connection.execute(_HOLD, message).scalars())  # first: another process may be changing it just now
        rows = connection.execute(_TURNS, message).all()
        outcomes = [self._of_turn(connection, row, call, waits=row.seq in held) for row in rows]
        return max(outcomes, key=_ORDER.index, default=Changed.UNKNOWN)

    def _of_turn(
        self, connection: Connection, row: Row[*tuple[Any, ...]], call: MessageChange, *, waits: bool
    ) -> Changed:
        if row.status == "skipped":
            return Changed.NOTHING
        if call.envelope is None:
            return self._drop(connection, row) if waits else Changed.TOO_LATE
        stored = _read(row.envelope)
        if stored is None or stored.actor.id != call.envelope.actor.id:
            return Changed.UNKNOWN
        older = row.edited_at is not None and call.edited_at is not None and call.edited_at < row.edited_at
        if older or stored.text == call.envelope.text:
            return Changed.NOTHING
        if not waits or stored.kind != "message" or call.envelope.kind != "message":
            return Changed.TOO_LATE
        now = stored.model_copy(
            update={"text": call.envelope.text, "actor": call.envelope.actor, "refs": call.envelope.refs}
        )
        replaced = {
            "of": row.seq,
            "now_envelope": now.model_dump_json(exclude={"raw"}),
            "now_raw": json.dumps(call.envelope.raw, separators=(",", ":")),
            "at": self._clock() if call.edited_at is None else call.edited_at,
        }
        connection.execute(_REPLACE, replaced)
        return Changed.REPLACED

    def _drop(self, connection: Connection, row: Row[*tuple[Any, ...]]) -> Changed:
        connection.execute(_CLOSE, {"of": row.seq})
        connection.execute(_SKIP, {"of": row.seq, "at": self._clock()})
        metrics.ENDED.labels(row.instance, "skipped").inc()
        return Changed.DROPPED


def _read(envelope: str) -> Envelope | None:
    try:
        return Envelope.model_validate_json(envelope)
    except ValueError:
        return None
