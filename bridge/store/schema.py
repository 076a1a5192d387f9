"""The tables: history (all that ever happened) and small hot tables of what is open. The rules are constraints."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

metadata = MetaData()

Seq = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the type says just this."""


def _partial_index(name: str, column: str, where: str) -> Index:
    return Index(name, column, sqlite_where=text(where), postgresql_where=text(where))


sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("instance", String, nullable=False),
    Column("continuation", Text),
    Column("created_at", Float, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("channel", String, primary_key=True),
    Column("thread", String, primary_key=True),
    Column("session_id", String, ForeignKey("sessions.session_id"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("since", Float),
    Column("unread", Boolean, nullable=False, server_default=false()),  # the agent was not given what was said before
    Column("anew_at", Float),  # when people wrote that they begin anew
)

heard = Table(
    "heard",
    metadata,
    Column("channel", String, primary_key=True),
    Column("began_at", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("reader", String),  # which process reads the channel's history
    Column("reader_until", Float, nullable=False, server_default=text("0")),
    Column("looked_at", Float, nullable=False, server_default=text("0")),  # when any process looked for what is missed
)

told = Table(
    "told",
    metadata,
    Column("channel", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("at", Float, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    Column("channel", String, primary_key=True),
    Column("place", String, primary_key=True),
    Column("until", Float, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("session_id", String, ForeignKey("sessions.session_id"), nullable=False),
    Column("envelope_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("instance", String, nullable=False),
    Column("direct", Boolean, nullable=False),
    Column("wants_context", Boolean, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("accepted_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("error", Text),
    Column("replies", Text),
    Column("usage", Text),
    Column("route", Text),
    Column("context_since", Float),  # when what is new of what was said before it begins
    Column("kind", String),  # of its envelope
    Column("place", String),  # its conversation's `ref`
    Column("edited_at", Float),  # by the platform's clock
    Column("spends", Text),  # whose tokens its answer counts against
    UniqueConstraint("session_id", "envelope_id", name="turns_once_per_session"),
    Index("turns_by_envelope", "envelope_id"),
    CheckConstraint("status IN ('open', 'answered', 'failed', 'unknown', 'dropped', 'skipped')", name="turns_status"),
    _partial_index("dead_turns", "session_id", "status IN ('failed', 'unknown', 'dropped')"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("turn_seq", Seq, ForeignKey("turns.seq"), nullable=False),
    Column("kind", String, nullable=False),
    Column("part", Integer, nullable=False),
    Column("session_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("conversation", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("delivered_at", Float),
    Column("message_ref", String),
    Column("error", Text),
    Column("run", Integer, nullable=False, server_default=text("0")),  # 0: the turn's own; earlier ones count from 1
    Column("dead_at", Float),
    Column("in_doubt", Boolean, nullable=False, server_default=false()),  # of dead letters: it may have been posted
    Column("edits", Seq),  # the `seq` of the preview whose message it takes over
    UniqueConstraint("turn_seq", "run", "kind", "part", name="deliveries_once_per_part"),
    _partial_index("dead_letters", "session_id", "status IN ('dead_letter', 'dropped')"),
    _partial_index("deliveries_by_message", "message_ref", "message_ref IS NOT NULL"),
    CheckConstraint("status IN ('pending', 'delivered', 'dead_letter', 'dropped')", name="deliveries_status"),
    sqlite_autoincrement=True,
)

feedback = Table(
    "feedback",
    metadata,
    Column("turn_seq", Seq, ForeignKey("turns.seq"), primary_key=True, autoincrement=False),
    Column("actor", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint("value IN ('good', 'bad')", name="feedback_value"),
    Index("feedback_by_value", "value"),
)

bot_threads = Table(
    "bot_threads",
    metadata,
    Column("channel", String, primary_key=True),
    Column("thread", String, primary_key=True),
    Column("bot", String, primary_key=True),
    Column("answers", Text, nullable=False),  # when it was answered, as far as that still counts
    Column("told_at", Float),
)

counters = Table(
    "counters",
    metadata,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("measure", String, primary_key=True),
    Column("window", Integer, primary_key=True, autoincrement=False),
    Column("used", Integer, nullable=False),
    Column("told", Boolean, nullable=False),
    CheckConstraint("scope IN ('user', 'room', 'instance')", name="counters_scope"),
    CheckConstraint("measure IN ('turns', 'tokens')", name="counters_measure"),
)

of_dead_turns = turns.c.status.in_([literal_column(f"'{status}'") for status in ("failed", "unknown", "dropped")])
"""Exactly what the index `dead_turns` holds: SQLite uses it only where a query says the same."""
of_dead_letters = deliveries.c.status.in_([literal_column(f"'{status}'") for status in ("dead_letter", "dropped")])
"""Exactly what the index `dead_letters` holds."""

pairings = Table(
    "pairings",
    metadata,
    Column("channel", String, primary_key=True),
    Column("author", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("display", String, nullable=False),
    Column("code", String),
    Column("asked_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("approved_at", Float),
    UniqueConstraint("code", name="pairings_code"),
    CheckConstraint("code IS NULL OR approved_at IS NULL", name="pairings_code_once"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("channel", String),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("outcome", String, nullable=False),
    Index("audit_by_actor", "actor", "at"),
    Index("audit_by_time", "at"),
    sqlite_autoincrement=True,
)

processes = Table(
    "processes",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("about", Text),
)

reloads = Table(
    "reloads",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("asked_at", Float, nullable=False),
    Column("asked_by", String, nullable=False),
    sqlite_autoincrement=True,
)

reload_answers = Table(
    "reload_answers",
    metadata,
    Column("reload_seq", Seq, ForeignKey("reloads.seq"), primary_key=True, autoincrement=False),
    Column("process", String, primary_key=True),
    Column("report", Text, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
)

open_turns = Table(
    "open_turns",
    metadata,
    Column("seq", Seq, ForeignKey("turns.seq"), primary_key=True, autoincrement=False),
    Column("session_id", String, nullable=False),
    Column("instance", String, nullable=False),
    Column("owner", String),
    Column("lease_until", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("in_doubt", Boolean, nullable=False),
    Column("failing_since", Float),
    Column("stop", Boolean, nullable=False, server_default=false()),  # somebody wants it stopped
    Column("begun", Boolean, nullable=False, server_default=false()),  # an earlier attempt may have asked the agent
    Index("open_turns_by_session", "session_id", "seq"),
)

open_deliveries = Table(
    "open_deliveries",
    metadata,
    Column("seq", Seq, ForeignKey("deliveries.seq"), primary_key=True, autoincrement=False),
    Column("session_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("line", String, nullable=False),
    Column("owner", String),
    Column("lease_until", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("in_doubt", Boolean, nullable=False),
    Column("failing_since", Float),
    Index("open_deliveries_by_line", "line", "seq"),
    Index("open_deliveries_by_session", "session_id"),
)
