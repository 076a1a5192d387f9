"""Reading what happened, for people: on a connection of its own, beside a running bridge."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, literal, select

from bridge.instance import Usage
from bridge.store.protocol import DeliveryRecord, SessionSummary, TurnRecord
from bridge.store.schema import deliveries, open_deliveries, sessions, turns
from bridge.store.turns import read_envelope, read_replies


def session_summaries(connection: Connection, limit: int) -> Sequence[SessionSummary]:
    """The sessions that were written in last, newest first."""
    last = (
        select(turns.c.session_id, func.max(turns.c.seq).label("last_seq"))
        .group_by(turns.c.session_id)
        .order_by(func.max(turns.c.seq).desc())
        .limit(limit)
        .subquery()
    )
    unposted = (
        select(func.count())
        .select_from(open_deliveries)
        .where(open_deliveries.c.session_id == sessions.c.session_id)
        .scalar_subquery()
    )
    dead = (
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.session_id == sessions.c.session_id, deliveries.c.status == "dead_letter")
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            sessions.c.session_id,
            sessions.c.channel,
            sessions.c.instance,
            sessions.c.created_at,
            func.max(turns.c.accepted_at).label("last_at"),
            func.count().label("turns"),
            func.sum(case((turns.c.status == "open", 1), else_=0)).label("waiting"),
            func.coalesce(func.sum(func.json_extract(turns.c.usage, literal("$.total_tokens"))), 0).label("tokens"),
            unposted.label("unposted"),
            dead.label("dead"),
        )
        .join(last, last.c.session_id == sessions.c.session_id)
        .join(turns, turns.c.session_id == sessions.c.session_id)
        .group_by(sessions.c.session_id)
        .order_by(last.c.last_seq.desc())
    )
    return [
        SessionSummary(
            session=row.session_id,
            channel=row.channel,
            instance=row.instance,
            created_at=row.created_at,
            last_at=row.last_at,
            turns=row.turns,
            waiting=row.waiting,
            unposted=row.unposted,
            dead=row.dead,
            total_tokens=row.tokens,
        )
        for row in rows
    ]


def turn_records(connection: Connection, session: str) -> Sequence[TurnRecord]:
    """Everything about a session's turns, oldest first."""
    rows = connection.execute(select(turns).where(turns.c.session_id == session).order_by(turns.c.seq)).all()
    posted = connection.execute(
        select(deliveries)
        .where(deliveries.c.turn_seq.in_([row.seq for row in rows]))
        .order_by(deliveries.c.turn_seq, deliveries.c.seq)
    ).all()
    return [_turn(row, [one for one in posted if one.turn_seq == row.seq]) for row in rows]


def _turn(row: Row[*tuple[Any, ...]], posted: Sequence[Row[*tuple[Any, ...]]]) -> TurnRecord:
    return TurnRecord(
        seq=row.seq,
        session=row.session_id,
        channel=row.channel,
        instance=row.instance,
        envelope=read_envelope(row.envelope, row.raw),
        status=row.status,
        attempts=row.attempts,
        accepted_at=row.accepted_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        replies=read_replies(row.replies),
        usage=Usage(**json.loads(row.usage)) if row.usage else None,
        deliveries=[
            DeliveryRecord(
                id=one.id,
                kind=one.kind,
                part=one.part,
                status=one.status,
                attempts=one.attempts,
                message_ref=one.message_ref,
                error=one.error,
                created_at=one.created_at,
                delivered_at=one.delivered_at,
            )
            for one in posted
        ],
    )
