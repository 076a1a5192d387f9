"""A long history, written by the database itself: what the bridge leaves of answered messages, on either engine."""

from sqlalchemy import text

from bridge.store import database

TURNS = 1_000_000
SESSIONS = 200_000

_NUMBERS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)",
    "postgresql": "(SELECT i FROM generate_series(1, {count}) AS i)",
}
_PADDING = "x" * 900
_ENVELOPE = (
    """'{"id":"slack:' || i || '","source":"slack","kind":"message","actor":{"id":"slack:U1","display":"Person","""
    """"type":"human"},"conversation":{"source":"slack","ref":"T0/C0/history-' || (i % :sessions) || '.0"},"""
    """"text":"number ' || i || '","refs":{},"ts":"2026-11-21T00:00:00Z"}'"""
)
_ROWS = (
    (
        "sessions",
        """
        INSERT INTO sessions (session_id, channel, instance, continuation, created_at)
        SELECT 'slack-history-' || (i % :sessions), 'slack', 'bench', 'resp-' || i, 1795000000.0 FROM {numbers} AS many
        """,
    ),
    (
        "sessions",
        """
        INSERT INTO threads (channel, thread, session_id, created_at, since)
        SELECT 'slack', 'slack-history-' || (i % :sessions), 'slack-history-' || (i % :sessions), 1795000000.0,
            1795000000.0 FROM {numbers} AS many
        """,
    ),
    (
        "turns",
        """
        INSERT INTO turns (seq, session_id, envelope_id, channel, instance, direct, wants_context, envelope, raw,
            status, attempts, accepted_at, started_at, finished_at, replies, kind, place)
        SELECT i, 'slack-history-' || (i % :sessions), 'slack:T0:C0:history:' || i, 'slack', 'bench', false, false,
            {envelope}, '{{"type":"event_callback","event":{{"type":"message","padding":"{padding}"}}}}', 'answered',
            1, 1795000000.0, 1795000000.0, 1795000000.0, '[' || {envelope} || ']', 'message',
            'T0/C0/history-' || (i % :sessions) || '.0' FROM {numbers} AS many
        """,
    ),
    (
        "turns",
        """
        INSERT INTO deliveries (seq, id, turn_seq, kind, part, session_id, channel, conversation, payload, status,
            attempts, created_at, delivered_at, message_ref)
        SELECT i, 'd' || i, i, 'reply', 0, 'slack-history-' || (i % :sessions), 'slack',
            '{{"source":"slack","ref":"T0/C0/history-' || (i % :sessions) || '.0"}}', '{{"text":"number ' || i || '"}}',
            'delivered', 1, 1795000000.0, 1795000000.0, 'C0/' || i FROM {numbers} AS many
        """,
    ),
)


def write(url: str, *, turns: int, sessions: int) -> None:
    """Makes the schema and writes so many answered messages, in turn over the sessions."""
    database.migrate_at(url)
    engine = database.open_engine(url)
    with engine.begin() as connection:
        for count, statement in _ROWS:
            numbers = _NUMBERS[engine.dialect.name].format(count=turns if count == "turns" else sessions)
            filled = statement.format(numbers=numbers, envelope=_ENVELOPE, padding=_PADDING)
            # Not as text(): JSON is full of what would be parameters there.
            connection.exec_driver_sql(filled.replace(":sessions", str(sessions)))
        if engine.dialect.name == "postgresql":
            for table in ("turns", "deliveries"):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), {max(turns, 1)})"))
    engine.dispose()
