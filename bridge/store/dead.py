"""Dead letters: deliveries that were never posted and turns that were never answered. Listed, opened again, dropped."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    false,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from bridge.store.claims import LATE
from bridge.store.names import TURN, turn_seq
from bridge.store.protocol import TurnLease
from bridge.store.records import DeadFilters, DeadLetter
from bridge.store.schema import (
    deliveries,
    of_dead_letters,
    of_dead_turns,
    open_deliveries,
    open_turns,
    sessions,
    turns,
)

AT_ONCE = 500
"""Rows that are named in one statement."""
_DEAD_AT = func.coalesce(deliveries.c.dead_at, deliveries.c.created_at)
_ENDED_AT = func.coalesce(turns.c.finished_at, turns.c.accepted_at)
_DELIVERIES = select(
    deliveries.c.seq,
    deliveries.c.id,
    deliveries.c.kind,
    deliveries.c.status,
    _DEAD_AT.label("at"),
    deliveries.c.session_id,
    deliveries.c.channel,
    deliveries.c.error,
    deliveries.c.in_doubt,
    deliveries.c.turn_seq,
    sessions.c.instance,
).join(sessions, sessions.c.session_id == deliveries.c.session_id)
_TURNS = select(
    turns.c.seq,
    (literal("t") + cast(turns.c.seq, String)).label("id"),
    literal(TURN).label("kind"),
    turns.c.status,
    _ENDED_AT.label("at"),
    turns.c.session_id,
    turns.c.channel,
    turns.c.error,
    false().label("in_doubt"),
    turns.c.seq.label("turn_seq"),
    sessions.c.instance,
).join(sessions, sessions.c.session_id == turns.c.session_id)


def _messages_before(table: FromClause) -> ColumnElement[bool]:
    """The messages to the agent of a session and conversation that were accepted before a turn."""
    return and_(
        table.c.session_id == bindparam("of"),
        table.c.seq < bindparam("before"),
        table.c.channel == bindparam("on"),
        table.c.place == bindparam("at"),
        table.c.kind == "message",
    )


_others = turns.alias("others")
_ANSWERED_SINCE = (
    select(_others.c.seq)
    .where(_messages_before(_others), _others.c.status == "answered", _others.c.finished_at > bindparam("written"))
    .exists()
)
_GIVEN_UP_LAST = (
    _TURNS.where(of_dead_turns, _messages_before(turns), ~_ANSWERED_SINCE).order_by(turns.c.seq.desc()).limit(1)
)

_GIVEN_UP = (
    _TURNS.where(
        of_dead_turns,
        turns.c.session_id == bindparam("of"),
        turns.c.channel == bindparam("on"),
        turns.c.kind == "message",
    )
    .order_by(turns.c.seq.desc())
    .limit(1)
)
_GIVEN_UP_THERE = _GIVEN_UP.where(turns.c.place == bindparam("at"))

_STILL_DEAD = {
    table: select(table.c.seq)
    .where(table.c.seq.in_(bindparam("of", expanding=True)), is_dead)
    .order_by(table.c.seq)
    .with_for_update()
    for table, is_dead in ((deliveries, of_dead_letters), (turns, of_dead_turns))
}
_REOPEN_DELIVERY = insert(open_deliveries).from_select(
    ["seq", "session_id", "channel", "line", "owner", "lease_until", "attempts", "in_doubt"],
    select(
        deliveries.c.seq,
        deliveries.c.session_id,
        deliveries.c.channel,
        deliveries.c.channel + " " + deliveries.c.conversation,
        null(),
        literal(LATE),
        literal(0),
        deliveries.c.in_doubt,
    ).where(deliveries.c.seq == bindparam("of")),
)
_DELIVERY_IS_OPEN = (
    update(deliveries)
    .where(deliveries.c.seq == bindparam("of"))
    .values(status="pending", attempts=0, dead_at=None, in_doubt=False)
)
_REOPEN_TURN = insert(open_turns).from_select(
    ["seq", "session_id", "instance", "owner", "lease_until", "attempts", "in_doubt"],
    select(turns.c.seq, turns.c.session_id, sessions.c.instance, null(), literal(LATE), literal(0), false())
    .join(sessions, sessions.c.session_id == turns.c.session_id)
    .where(turns.c.seq == bindparam("of")),
)
_TURN_IS_OPEN = (
    update(turns)
    .where(turns.c.seq == bindparam("of"))
    .values(
        status="open",
        attempts=0,
        started_at=None,
        finished_at=None,
        instance=select(sessions.c.instance).where(sessions.c.session_id == turns.c.session_id).scalar_subquery(),
    )
)
_earlier = deliveries.alias("earlier")
_NEXT_RUN = (
    # What the turn said before stays, and does not stand in the way of what it says now.
    update(deliveries)
    .where(deliveries.c.turn_seq == bindparam("of"), deliveries.c.run == 0)
    .values(run=select(func.max(_earlier.c.run) + 1).where(_earlier.c.turn_seq == bindparam("of")).scalar_subquery())
)
_DROP_DELIVERY = update(deliveries).where(deliveries.c.seq == bindparam("of")).values(status="dropped")
_DROP_TURN = update(turns).where(turns.c.seq == bindparam("of")).values(status="dropped")


def letters(connection: Connection, filters: DeadFilters) -> list[DeadLetter]:
    """The dead letters that are meant, the newest first."""
    chosen = (
        _narrowed(_DELIVERIES.where(of_dead_letters), deliveries, _DEAD_AT, filters),
        _narrowed(_TURNS.where(of_dead_turns), turns, _ENDED_AT, filters),
    )
    found = [_letter(row) for one in chosen for row in connection.execute(one)]
    return sorted(found, key=lambda one: (one.at, one.turn, one.seq), reverse=True)


def _narrowed(
    rows: Select[*tuple[Any, ...]], table: Table, at: ColumnElement[float], filters: DeadFilters
) -> Select[*tuple[Any, ...]]:
    if filters.channel is not None:
        rows = rows.where(table.c.channel == filters.channel)
    if filters.session is not None:
        rows = rows.where(table.c.session_id == filters.session)
    if filters.since is not None:
        rows = rows.where(at >= filters.since)
    return rows if filters.dropped else rows.where(table.c.status != "dropped")


def _letter(row: Row[*tuple[Any, ...]]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        kind=row.kind,
        status=row.status,
        at=row.at,
        session=row.session_id,
        channel=row.channel,
        why=row.error,
        in_doubt=row.in_doubt,
        seq=row.seq,
        turn=row.turn_seq,
        instance=row.instance,
    )


def named(connection: Connection, ids: Sequence[str]) -> tuple[list[DeadLetter], list[str]]:
    """The dead letters of these ids, dropped ones too, and a sentence for each id that is none."""
    found: list[DeadLetter] = []
    problems: list[str] = []
    for one in dict.fromkeys(ids):
        seq = turn_seq(one)
        by_id = _DELIVERIES.where(deliveries.c.id == one) if seq is None else _TURNS.where(turns.c.seq == seq)
        row = connection.execute(by_id).one_or_none()
        if row is None:
            problems.append(f'there is no delivery or turn "{one}": `threadbridge dead list` shows what there is')
        elif row.status not in {"dead_letter", "failed", "unknown", "dropped"}:
            problems.append(f"{one} is no dead letter: it is {row.status}")
        else:
            found.append(_letter(row))
    return found, problems


def given_up_last(connection: Connection, lease: TurnLease) -> DeadLetter | None:
    """The newest turn before this one, of its session and written in its conversation, that was not answered.

    Only messages to the agent count: no commands, and nothing that could not be read. None if one was answered
    meanwhile: that was the one that was meant.
    """
    of = {
        "of": lease.session,
        "before": lease.seq,
        "on": lease.channel,
        "at": lease.envelope.conversation.ref,
        "written": lease.accepted_at,
    }
    row = connection.execute(_GIVEN_UP_LAST, of).one_or_none()
    return _letter(row) if row else None


def given_up(connection: Connection, session: str, channel: str, place: str | None) -> DeadLetter | None:
    """The newest message of a session that was not answered; if a place is named, of those that were written there."""
    of = {"of": session, "on": channel}
    statement, narrowed = (_GIVEN_UP, of) if place is None else (_GIVEN_UP_THERE, of | {"at": place})
    row = connection.execute(statement, narrowed).one_or_none()
    return _letter(row) if row else None


def still(connection: Connection, chosen: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Those that are dead letters now, and stay so until the transaction ends: somebody else may have been faster."""
    held: set[tuple[bool, int]] = set()
    for table, is_turn in ((deliveries, False), (turns, True)):
        seqs = [one.seq for one in chosen if (one.kind == TURN) is is_turn]
        for start in range(0, len(seqs), AT_ONCE):
            found = connection.execute(_STILL_DEAD[table], {"of": seqs[start : start + AT_ONCE]}).scalars()
            held.update((is_turn, seq) for seq in found)
    return [one for one in chosen if (one.kind == TURN, one.seq) in held]


def retry(connection: Connection, chosen: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
    """Opens them again, as if they had never been tried; those that are dead letters still.

    A delivery that may have been posted stays in doubt, so it is looked for first. A turn goes to the instance that
    its session has now. In its session or thread each goes before what waits there, but after what is in work.
    """
    return _each(connection, chosen, (_REOPEN_DELIVERY, _DELIVERY_IS_OPEN), (_REOPEN_TURN, _TURN_IS_OPEN, _NEXT_RUN))


def drop(connection: Connection, chosen: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
    """Marks them as what nobody misses; those that are dead letters still."""
    return _each(connection, chosen, (_DROP_DELIVERY,), (_DROP_TURN,))


def _each(
    connection: Connection, chosen: Sequence[DeadLetter], of_delivery: Sequence[Any], of_turn: Sequence[Any]
) -> Sequence[DeadLetter]:
    dead = still(connection, chosen)
    for statements, seqs in (
        (of_delivery, [{"of": one.seq} for one in dead if one.kind != TURN]),
        (of_turn, [{"of": one.seq} for one in dead if one.kind == TURN]),
    ):
        for statement in statements if seqs else ():
            connection.execute(statement, seqs)
    return dead
