"""Turns that are closed without having been asked, when their message was edited, and whether the agent was asked."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    """Goes forward only."""
    op.drop_index("dead_turns", table_name="turns")
    with op.batch_alter_table("turns", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("edited_at", sa.Float(), nullable=True))
        batch.drop_constraint("turns_status", type_="check")
        batch.create_check_constraint(
            "turns_status", "status IN ('open', 'answered', 'failed', 'unknown', 'dropped', 'skipped')"
        )
    op.create_index(
        "dead_turns", "turns", ["session_id"], sqlite_where=sa.text("status IN ('failed', 'unknown', 'dropped')")
    )
    op.add_column("open_turns", sa.Column("begun", sa.Boolean(), nullable=False, server_default=sa.false()))
