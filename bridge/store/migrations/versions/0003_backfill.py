"""Until when each channel was heard, since when the bot takes part in a thread, and turns by their message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Goes forward only."""
    op.create_table(
        "heard",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("began_at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.add_column("threads", sa.Column("since", sa.Float(), nullable=True))
    op.create_index("turns_by_envelope", "turns", ["envelope_id"])
