"""The statement by which what an agent says by itself becomes a turn of its session, where that was written in last."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from bridge.envelope import Envelope
from bridge.errors import BridgeError
from bridge.store.accept import AcceptStatements, turn_row
from bridge.store.protocol import Accepted, Arrival
from bridge.store.schema import sessions, turns

_NEWEST = (
    select(turns.c.channel, turns.c.direct, turns.c.envelope)
    .join(sessions, sessions.c.session_id == turns.c.session_id)
    .where(turns.c.session_id == bindparam("of"), sessions.c.instance == bindparam("by"))
    .order_by(turns.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Unasked:
    """What an instance's agent said in one of its sessions; the conversation in the envelope does not count."""

    instance: str
    session: str
    envelope: Envelope


class UnaskedStatements:
    """The statement, bound to one process start."""

    def __init__(self, accepting: AcceptStatements) -> None:
        self._accepting = accepting

    def accept(self, connection: Connection, calls: Sequence[Unasked]) -> Sequence[Accepted | BridgeError]:
        """At most once per session and envelope id; nothing where that instance does not answer that session."""
        return [self._accept(connection, call) for call in calls]

    def _accept(self, connection: Connection, call: Unasked) -> Accepted:
        newest = connection.execute(_NEWEST, {"of": call.session, "by": call.instance}).first()
        if newest is None:
            return Accepted.NOT_TAKING_PART
        place = Envelope.model_validate_json(newest.envelope).conversation
        arrival = Arrival(
            channel=newest.channel,
            instances=(call.instance,),
            thread=call.session,
            session=call.session,
            binds_thread=False,
            envelope=call.envelope.model_copy(update={"conversation": place}),
            direct=newest.direct,
            only_if_known=False,
            wants_context=False,
            joins=False,
        )
        row = turn_row(arrival, call.session, wants_context=False, now=self._accepting.now())
        inserted = self._accepting.insert(connection, [row], late=True)
        return inserted.get((call.session, call.envelope.id), Accepted.DUPLICATE)
