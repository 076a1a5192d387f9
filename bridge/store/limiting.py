"""Statements that count what is answered, in the transactions that accept and finish it, for all processes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, false, select, tuple_, update

from bridge import metrics
from bridge.store import posts
from bridge.store.limits import BotLimit, Budget, Limits, Measure, Refusal
from bridge.store.protocol import Arrival, Lease, NewDelivery, TurnLease
from bridge.store.schema import bot_threads, counters, turns
from bridge.store.upsert import insert_or

Key = tuple[str, str]
"""Session and envelope id."""
SECONDS: Mapping[Measure, int] = {"turns": 60, "tokens": 86_400}
"""How long each is counted before it begins anew."""

_KNOWN = select(turns.c.session_id, turns.c.envelope_id, turns.c.seq).where(
    tuple_(turns.c.session_id, turns.c.envelope_id).in_(bindparam("of", expanding=True))
)
_BOT = (
    select(bot_threads.c.answers, bot_threads.c.told_at)
    .where(
        bot_threads.c.channel == bindparam("on"),
        bot_threads.c.thread == bindparam("of"),
        bot_threads.c.bot == bindparam("by"),
    )
    .with_for_update()
)
_NEW_BOT = insert_or(bot_threads).on_conflict_do_nothing()
_NOTE_BOT = (
    update(bot_threads)
    .where(
        bot_threads.c.channel == bindparam("on"),
        bot_threads.c.thread == bindparam("of"),
        bot_threads.c.bot == bindparam("by"),
    )
    .values(answers=bindparam("now_answers"), told_at=bindparam("now_told_at"))
)
_OF_ONE = (
    counters.c.scope == bindparam("of_scope"),
    counters.c.key == bindparam("of_key"),
    counters.c.measure == bindparam("of_measure"),
)
_THE_WINDOW = (*_OF_ONE, counters.c.window == bindparam("of_window"))
_USED = select(counters.c.used).where(*_THE_WINDOW).with_for_update()
_BEGIN = insert_or(counters).on_conflict_do_nothing().returning(counters.c.window)
_COUNT = update(counters).where(*_THE_WINDOW).values(used=counters.c.used + bindparam("more"))
_FORGET = delete(counters).where(*_OF_ONE, counters.c.window < bindparam("of_window") - 1)
_TELL = (
    update(counters)
    .where(*_THE_WINDOW, counters.c.told == false())
    .values(told=True)
    .returning(counters.c.window)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """A new turn that is not run."""

    limits: Limits
    refusal: Refusal
    first: bool
    """Nobody was told yet."""

    def row(self, now: float) -> dict[str, Any]:
        """How its turn is kept."""
        kept = self.limits.kept and self.refusal.scope != "bot"
        return {"status": "failed" if kept else "skipped", "finished_at": now, "error": _why(self.refusal)}


def refuse(
    connection: Connection, candidates: Mapping[Key, tuple[Arrival, Mapping[str, Any]]], now: float
) -> dict[Key, Refused]:
    """Counts these turns, in their order, where they are new; those that are too many."""
    limited = {
        key: (arrival, arrival.limits, row["instance"])
        for key, (arrival, row) in candidates.items()
        if arrival.limits is not None and row["status"] == "open"
    }
    if not limited:
        return {}
    known = {(row.session_id, row.envelope_id) for row in connection.execute(_KNOWN, {"of": list(limited)})}
    refused: dict[Key, Refused] = {}
    for key, (arrival, limits, instance) in limited.items():
        if key not in known and (found := _refused(connection, arrival, limits, instance, now)) is not None:
            refused[key] = found
    return refused


def tell(
    connection: Connection, refused: Mapping[Key, Refused], candidates: Mapping[Key, tuple[Arrival, Any]], now: float
) -> None:
    """Writes what people are told, for turns that were written by now."""
    first = {key: one for key, one in refused.items() if one.first}
    if not first:
        return
    for session, envelope, seq in connection.execute(_KNOWN, {"of": list(first)}):
        one, (arrival, _) = first[session, envelope], candidates[session, envelope]
        lease = Lease(seq, session, arrival.channel, attempt=0, in_doubt=False, claimed_at=now, failing_for=None)
        said = [
            NewDelivery(arrival.envelope.conversation, payload, "notice", part)
            for part, payload in enumerate(one.limits.say(one.refusal))
        ]
        posts.insert(connection, [(lease, said)], now)


def spends(limits: Limits | None) -> str | None:
    """Whose tokens a turn's answer counts against, as it stands in the store."""
    counted = [(budget.scope, budget.key) for budget in limits.budgets if budget.tokens_per_day] if limits else []
    return json.dumps(counted) if counted else None


def read_spends(stored: str | None, instance: str) -> tuple[tuple[str, str], ...]:
    """The reverse of `spends`, for a turn of that instance."""
    return tuple((scope, key or instance) for scope, key in json.loads(stored)) if stored else ()


def spend(connection: Connection, finished: Sequence[tuple[TurnLease, int]], now: float) -> None:
    """Counts the tokens that answers took."""
    for lease, tokens in finished:
        for scope, key in lease.spends:
            _count(connection, _window(scope, key, "tokens", now), tokens)


def _refused(connection: Connection, arrival: Arrival, limits: Limits, instance: str, now: float) -> Refused | None:
    for budget in limits.budgets:
        for measure, limit in _measures(budget):
            window = _window(budget.scope, budget.key or instance, measure, now)
            if (connection.execute(_USED, window).scalar() or 0) < limit:
                continue
            metrics.BUDGET_REFUSED.labels(budget.scope).inc()
            refusal = Refusal(budget.scope, measure, limit, (window["of_window"] + 1) * SECONDS[measure])
            first = limits.bot is None and connection.execute(_TELL, window).first() is not None
            return Refused(limits, refusal, first)
    refused = _of_bot(connection, arrival, limits, limits.bot, now) if limits.bot is not None else None
    for budget in limits.budgets if refused is None else ():
        if budget.turns_per_minute is not None:
            _count(connection, _window(budget.scope, budget.key or instance, "turns", now), 1)
    return refused


def _of_bot(connection: Connection, arrival: Arrival, limits: Limits, limit: BotLimit, now: float) -> Refused | None:
    bot = {"on": arrival.channel, "of": arrival.thread, "by": arrival.envelope.actor.id}
    row = connection.execute(_BOT, bot).first()
    if row is None:
        new = {"channel": bot["on"], "thread": bot["of"], "bot": bot["by"], "answers": "[]", "told_at": None}
        connection.execute(_NEW_BOT, new)
    # A clock that was set back must not make this last longer.
    answers: list[float] = [at for at in json.loads(row.answers if row else "[]") if abs(now - at) < limit.window]
    told_at = row.told_at if row and row.told_at is not None and abs(now - row.told_at) < limit.window else None
    if len(answers) < limit.turns:
        note = {"now_answers": json.dumps([*answers, now]), "now_told_at": told_at}
        connection.execute(_NOTE_BOT, bot | note)
        return None
    connection.execute(_NOTE_BOT, bot | {"now_answers": json.dumps(answers), "now_told_at": told_at or now})
    refusal = Refusal("bot", "turns", limit.turns, min(answers) + limit.window)
    return Refused(limits, refusal, first=told_at is None)


def _measures(budget: Budget) -> Iterator[tuple[Measure, int]]:
    if budget.turns_per_minute is not None:
        yield "turns", budget.turns_per_minute
    if budget.tokens_per_day is not None:
        yield "tokens", budget.tokens_per_day


def _window(scope: str, key: str, measure: Measure, now: float) -> dict[str, Any]:
    return {"of_scope": scope, "of_key": key, "of_measure": measure, "of_window": int(now // SECONDS[measure])}


def _count(connection: Connection, window: dict[str, Any], more: int) -> None:
    new = {name.removeprefix("of_"): value for name, value in window.items()} | {"used": 0, "told": False}
    if connection.execute(_BEGIN, new).first() is not None:
        connection.execute(_FORGET, window)
    connection.execute(_COUNT, window | {"more": more})


def _why(refusal: Refusal) -> str:
    until = datetime.fromtimestamp(refusal.until, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if refusal.scope == "bot":
        return f"this bot was answered {refusal.limit} times here already: nothing more until {until}"
    per = "turns in a minute" if refusal.measure == "turns" else "tokens in a day"
    return f"the budget of its {refusal.scope} was used up ({refusal.limit} {per}) until {until}"
