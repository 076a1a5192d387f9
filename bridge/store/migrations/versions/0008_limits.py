"""Edits, turns that are closed without having been asked, answers to other bots, and budgets."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Goes forward only."""
    op.drop_index("dead_turns", table_name="turns")
    with op.batch_alter_table("turns", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("edited_at", sa.Float(), nullable=True))
        batch.add_column(sa.Column("spends", sa.Text(), nullable=True))
        batch.drop_constraint("turns_status", type_="check")
        batch.create_check_constraint(
            "turns_status", "status IN ('open', 'answered', 'failed', 'unknown', 'dropped', 'skipped')"
        )
    op.create_index(
        "dead_turns", "turns", ["session_id"], sqlite_where=sa.text("status IN ('failed', 'unknown', 'dropped')")
    )
    op.add_column("open_turns", sa.Column("begun", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("threads", sa.Column("unread", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "bot_threads",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("bot", sa.String(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("told_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "thread", "bot"),
    )
    op.create_table(
        "counters",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("window", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.CheckConstraint("scope IN ('user', 'room', 'instance')", name="counters_scope"),
        sa.CheckConstraint("measure IN ('turns', 'tokens')", name="counters_measure"),
        sa.PrimaryKeyConstraint("scope", "key", "measure", "window"),
    )
