"""The tables: history (all that ever happened) and small hot tables of what is open. The rules are constraints."""

from sqlalchemy import (
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
    text,
)

metadata = MetaData()

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
)

turns = Table(
    "turns",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
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
    UniqueConstraint("session_id", "envelope_id", name="turns_once_per_session"),
    CheckConstraint("status IN ('open', 'answered', 'failed', 'unknown', 'dropped')", name="turns_status"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("turn_seq", Integer, ForeignKey("turns.seq"), nullable=False),
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
    UniqueConstraint("turn_seq", "kind", "part", name="deliveries_once_per_part"),
    Index("dead_letters", "session_id", sqlite_where=text("status = 'dead_letter'")),
    CheckConstraint("status IN ('pending', 'delivered', 'dead_letter')", name="deliveries_status"),
    sqlite_autoincrement=True,
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
    Column("seq", Integer, ForeignKey("turns.seq"), primary_key=True, autoincrement=False),
    Column("session_id", String, nullable=False),
    Column("instance", String, nullable=False),
    Column("owner", String),
    Column("lease_until", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("in_doubt", Boolean, nullable=False),
    Column("failing_since", Float),
    Index("open_turns_by_session", "session_id", "seq"),
)

open_deliveries = Table(
    "open_deliveries",
    metadata,
    Column("seq", Integer, ForeignKey("deliveries.seq"), primary_key=True, autoincrement=False),
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
