"""Reading what happened, for people: on a connection of its own, beside a running bridge."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Connection, Row, Select, Text, case, cast, func, select

from bridge.channel import MessageRef
from bridge.envelope import Actor, Conversation, Envelope
from bridge.feedback import VoteRecord
from bridge.instance import Usage
from bridge.route import AS_CONFIGURED, Route
from bridge.store.records import DeliveryRecord, SessionSummary, TurnRecord
from bridge.store.schema import deliveries, feedback, of_dead_letters, open_deliveries, sessions, turns
from bridge.store.turns import read_envelope, read_replies
from bridge.trace import trace_id

_TOKENS = cast(turns.c.usage, JSON().with_variant(Text(), "sqlite"))["total_tokens"].as_integer()


def session_summaries(connection: Connection, limit: int) -> Sequence[SessionSummary]:
    """The sessions that were written in last, newest first."""
    last = (
        select(turns.c.session_id, func.max(turns.c.seq).label("last_seq"))
        .where(turns.c.instance != "")  # "": no message to an agent
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
    dead_posts = (
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.session_id == sessions.c.session_id, of_dead_letters, deliveries.c.status != "dropped")
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
            func.coalesce(func.sum(_TOKENS), 0).label("tokens"),
            unposted.label("unposted"),
            func.sum(case((turns.c.status.in_(("failed", "unknown")), 1), else_=0)).label("unanswered"),
            dead_posts.label("dead_posts"),
        )
        .join(last, last.c.session_id == sessions.c.session_id)
        .join(turns, turns.c.session_id == sessions.c.session_id)
        .group_by(sessions.c.session_id, last.c.last_seq)
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
            dead=row.unanswered + row.dead_posts,
            total_tokens=row.tokens,
        )
        for row in rows
    ]


def turn_records(connection: Connection, session: str) -> Sequence[TurnRecord]:
    """Everything about a session's turns, oldest first."""
    return _records(connection, select(turns).where(turns.c.session_id == session))


def turn_record(connection: Connection, seq: int) -> TurnRecord:
    """Everything about one turn that there is."""
    return _records(connection, select(turns).where(turns.c.seq == seq))[0]


def turns_of_envelope(connection: Connection, envelope_id: str) -> Sequence[TurnRecord]:
    """Everything about one message: a turn in each session that it belongs to."""
    return _records(connection, select(turns).where(turns.c.envelope_id == envelope_id))


def envelope_ending_with(connection: Connection, suffix: str) -> str | None:
    """The id of an envelope that ends so."""
    ending = func.substr(turns.c.envelope_id, func.length(turns.c.envelope_id) - len(suffix) + 1)
    return connection.execute(select(turns.c.envelope_id).where(ending == suffix).limit(1)).scalar()


def envelope_of_trace(connection: Connection, trace: str) -> str | None:
    """The id of the envelope that has this trace id. Looks at every one of them: about two seconds for a million."""
    known = connection.execute(select(turns.c.envelope_id)).scalars()
    return next((envelope for envelope in known if trace_id(envelope) == trace), None)


def turn_of_delivery(connection: Connection, delivery: str) -> int | None:
    """The turn that a delivery belongs to."""
    return connection.execute(select(deliveries.c.turn_seq).where(deliveries.c.id == delivery)).scalar()


def turn_of_message(connection: Connection, ref: MessageRef) -> int | None:
    """The newest turn that was answered by that message of the bot."""
    found = select(func.max(deliveries.c.turn_seq)).where(deliveries.c.message_ref == ref)
    return connection.execute(found).scalar()


def newest_turn(connection: Connection, session: str) -> int | None:
    """The session's newest turn."""
    return connection.execute(select(func.max(turns.c.seq)).where(turns.c.session_id == session)).scalar()


def has_turn(connection: Connection, seq: int) -> bool:
    """Whether there is such a turn."""
    return connection.execute(select(turns.c.seq).where(turns.c.seq == seq)).scalar() is not None


def _records(connection: Connection, chosen: Select[*tuple[Any, ...]]) -> Sequence[TurnRecord]:
    rows = connection.execute(chosen.order_by(turns.c.seq)).all()
    posted = connection.execute(
        select(deliveries)
        .where(deliveries.c.turn_seq.in_([row.seq for row in rows]))
        .order_by(deliveries.c.turn_seq, deliveries.c.seq)
    ).all()
    votes = connection.execute(
        select(feedback).where(feedback.c.turn_seq.in_([row.seq for row in rows])).order_by(feedback.c.at)
    ).all()
    return [
        _turn(
            row,
            [one for one in posted if one.turn_seq == row.seq],
            [VoteRecord(one.actor, one.value, one.at) for one in votes if one.turn_seq == row.seq],
        )
        for row in rows
    ]


def _turn(
    row: Row[*tuple[Any, ...]], posted: Sequence[Row[*tuple[Any, ...]]], votes: Sequence[VoteRecord]
) -> TurnRecord:
    return TurnRecord(
        seq=row.seq,
        session=row.session_id,
        channel=row.channel,
        instance=row.instance,
        envelope=_envelope(row),
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
                dead_at=one.dead_at,
                in_doubt=one.in_doubt,
                run=one.run,
                payload=json.loads(one.payload),
            )
            for one in posted
        ],
        edited_at=row.edited_at,
        votes=votes,
        route=_route(row),
    )


def _route(row: Row[*tuple[Any, ...]]) -> Route:
    """What its rule asked of the instance, as far as this version can read it."""
    try:
        return Route.read(row.route)
    except ValueError:
        return AS_CONFIGURED


def _envelope(row: Row[*tuple[Any, ...]]) -> Envelope:
    """The message; one that another version wrote, and this one cannot read, says so in its place."""
    try:
        return read_envelope(row.envelope, row.raw)
    except ValueError:
        return Envelope(
            id=row.envelope_id,
            source="unknown",
            kind="unreadable",
            actor=Actor(id="unknown", display="unknown", type="system"),
            conversation=Conversation(source="unknown", ref="unknown"),
            text="(this version cannot read the message)",
            ts=datetime.fromtimestamp(row.accepted_at, UTC),
        )
