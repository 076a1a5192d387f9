"""Statements about people who write to the bot directly and have to be approved: asked, approved, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update

from bridge import session
from bridge.errors import BridgeError
from bridge.pairing import MOST_PENDING, VALID_SECONDS, written
from bridge.store import audit, posts
from bridge.store.accept import AcceptStatements, turn_row
from bridge.store.access import Offer, Pairing
from bridge.store.audit import Entry
from bridge.store.protocol import Accepted, Arrival, NewDelivery, TurnLease
from bridge.store.schema import pairings, sessions, turns
from bridge.store.upsert import insert_or

KIND = "pairing"
"""The `kind` of the closed turn that carries the sentence with the code: without words, payload and instance."""
ACTION = "pairing"

_OF = select(pairings).where(pairings.c.channel == bindparam("on"), pairings.c.author == bindparam("who"))
_TOLD = select(turns.c.seq).where(turns.c.envelope_id == bindparam("of"), turns.c.channel == bindparam("on")).limit(1)
_PENDING = (
    select(func.count())
    .select_from(pairings)
    .where(
        pairings.c.channel == bindparam("on"),
        pairings.c.approved_at.is_(None),
        pairings.c.expires_at > bindparam("now"),
    )
)
_FORGET = delete(pairings).where(
    pairings.c.channel == bindparam("on"), pairings.c.approved_at.is_(None), pairings.c.expires_at < bindparam("before")
)
_new = insert_or(pairings)
_ASK = _new.on_conflict_do_update(
    index_elements=["channel", "author"],
    set_={name: _new.excluded[name] for name in ("actor", "display", "code", "asked_at", "expires_at")},
)
_NEW_SESSION = insert_or(sessions).on_conflict_do_nothing()
_NEW_TURN = insert(turns).returning(turns.c.seq)
_EXPIRED_KEPT = 8 * 24 * 3600.0
"""Seconds for which it is remembered that somebody was given a code: longer than messages are found afterwards."""


class PairingStatements:
    """The statements, bound to the one that accepts."""

    def __init__(self, accepting: AcceptStatements) -> None:
        self._accepting = accepting

    def accept(
        self, connection: Connection, calls: Sequence[tuple[Arrival, Offer]]
    ) -> Sequence[Accepted | Pairing | BridgeError]:
        """A turn for whoever is approved; everybody else is given a code, once in its time."""
        return [self._accept(connection, arrival, offer) for arrival, offer in calls]

    @staticmethod
    def since(connection: Connection, calls: Sequence[tuple[str, str]]) -> Sequence[float | None]:
        """Since when these are approved."""
        found = (connection.execute(_OF, {"on": channel, "who": author}).first() for channel, author in calls)
        return [row.approved_at if row else None for row in found]

    def _accept(self, connection: Connection, arrival: Arrival, offer: Offer) -> Accepted | Pairing | BridgeError:
        known = connection.execute(_OF, {"on": arrival.channel, "who": offer.author}).first()
        said_at = arrival.envelope.ts.timestamp()
        if known is not None and known.approved_at is not None:
            if (arrival.missed or not arrival.joins) and said_at < known.approved_at:
                return Pairing.TOO_EARLY  # also a command by somebody who is being approved at this moment
            return self._accepting.accept(connection, [arrival])[0]
        now = self._accepting.now()
        on = arrival.channel
        if arrival.too_old is not None:
            return Pairing.TOO_EARLY
        if known is not None and (said_at if arrival.missed else now) < known.expires_at:
            return Pairing.WAITS
        if connection.execute(_TOLD, {"of": arrival.envelope.id, "on": on}).first() is not None:
            return Pairing.WAITS
        connection.execute(_FORGET, {"on": on, "before": now - _EXPIRED_KEPT})
        if connection.execute(_PENDING, {"on": on, "now": now}).scalar_one() >= MOST_PENDING:
            self._note(connection, arrival, "refused", now)
            return Pairing.FULL
        self._ask(connection, arrival, offer, now)
        return Pairing.ASKED

    def _ask(self, connection: Connection, arrival: Arrival, offer: Offer, now: float) -> None:
        actor = arrival.envelope.actor
        row = {"channel": arrival.channel, "author": offer.author, "actor": actor.id, "display": actor.display}
        times = {"asked_at": now, "expires_at": now + VALID_SECONDS, "approved_at": None}
        connection.execute(_ASK, {**row, **times, "code": offer.code})
        self._note(connection, arrival, "asked", now)
        self._say(connection, arrival, offer, now)

    @staticmethod
    def _note(connection: Connection, arrival: Arrival, outcome: str, now: float) -> None:
        actor = arrival.envelope.actor.id
        entry = Entry(
            actor, ACTION, actor, outcome, arrival.channel, once_in=VALID_SECONDS if outcome == "refused" else None
        )
        audit.write(connection, [entry], now)

    @staticmethod
    def _say(connection: Connection, arrival: Arrival, offer: Offer, now: float) -> None:
        """The sentence is a delivery like any other; what it belongs to is no message to anybody."""
        carrier = arrival.envelope.model_copy(update={"kind": KIND, "text": "", "refs": {}, "raw": {}})
        own = session.thread_session(KIND, arrival.channel, offer.author)
        row = turn_row(replace(arrival, envelope=carrier, instances=("",)), own, wants_context=False, now=now) | {
            "status": "answered",
            "finished_at": now,
        }
        connection.execute(
            _NEW_SESSION, {"session_id": own, "channel": arrival.channel, "instance": "", "created_at": now}
        )
        seq = connection.execute(_NEW_TURN, row).scalar_one()
        lease = TurnLease(
            seq=seq, session=own, channel=arrival.channel, attempt=1, in_doubt=False, claimed_at=now, failing_for=None,
            instance="", envelope=carrier, direct=True, wants_context=False, continuation=None, accepted_at=now,
        )  # fmt: skip
        said = [NewDelivery(carrier.conversation, payload, KIND, part) for part, payload in enumerate(offer.payloads)]
        posts.insert(connection, [(lease, said)], now)


State = Literal["pending", "approved"]


@dataclass(frozen=True, slots=True)
class PairingRecord:
    """Somebody who is approved or could be. Times in seconds since the epoch."""

    channel: str
    author: str
    actor: str
    display: str
    state: State
    code: str | None
    asked_at: float
    expires_at: float
    approved_at: float | None


def records(connection: Connection, now: float) -> Sequence[PairingRecord]:
    """Whoever is approved, and whose code can be approved now; oldest first."""
    alive = or_(pairings.c.approved_at.is_not(None), (pairings.c.code.is_not(None)) & (pairings.c.expires_at > now))
    rows = connection.execute(select(pairings).where(alive).order_by(pairings.c.asked_at, pairings.c.author)).all()
    return [_record(row) for row in rows]


def approve(connection: Connection, code: str, now: float, by: str) -> PairingRecord | str:
    """Whoever was given that code is approved from now on; or why not."""
    row = connection.execute(select(pairings).where(pairings.c.code == code)).first()
    if row is None:
        return (
            f"nobody waits with the code {written(code)}: it was mistyped, or used already. "
            "`threadbridge pair list` shows who waits"
        )
    if row.expires_at <= now:
        return f"the code {written(code)} has expired: whoever writes to the bot again is given a new one"
    connection.execute(
        update(pairings)
        .where(pairings.c.channel == row.channel, pairings.c.author == row.author)
        .values(approved_at=now, code=None)
    )
    audit.write(connection, [Entry(by, ACTION, row.actor, "approved", row.channel)], now)
    return replace(_record(row), state="approved", code=None, approved_at=now)


def revoke(connection: Connection, who: str, channel: str | None, now: float, by: str) -> Sequence[PairingRecord]:
    """Whoever that is (an id, with or without the platform before it) is approved no more, nor is their code."""
    meant = or_(pairings.c.author == who, pairings.c.actor == who)
    rows = connection.execute(select(pairings).where(meant)).all()
    found = [_record(row) for row in rows if channel in {None, row.channel}]
    found = [one for one in found if one.approved_at is not None or (one.code and one.expires_at > now)]
    for one in found:
        own = (pairings.c.channel == one.channel) & (pairings.c.author == one.author)
        if one.approved_at is None:
            connection.execute(update(pairings).where(own).values(code=None))  # no other one within the hour
        else:
            connection.execute(delete(pairings).where(own))
        audit.write(connection, [Entry(by, ACTION, one.actor, "revoked", one.channel)], now)
    return found


def _record(row: Row[*tuple[Any, ...]]) -> PairingRecord:
    return PairingRecord(
        channel=row.channel,
        author=row.author,
        actor=row.actor,
        display=row.display,
        state="pending" if row.approved_at is None else "approved",
        code=row.code,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        approved_at=row.approved_at,
    )
