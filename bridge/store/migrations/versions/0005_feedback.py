"""What people say of an answer: one vote for each person and turn."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Goes forward only."""
    op.create_table(
        "feedback",
        sa.Column("turn_seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.CheckConstraint("value IN ('good', 'bad')", name="feedback_value"),
        sa.ForeignKeyConstraint(["turn_seq"], ["turns.seq"]),
        sa.PrimaryKeyConstraint("turn_seq", "actor"),
    )
    op.create_index("feedback_by_value", "feedback", ["value"])
