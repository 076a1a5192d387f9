"""What processes on one database share: who reads a history, who answers a press, which rooms wait, who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Goes forward only. The first version that other engines than SQLite know begins after this one."""
    op.add_column("heard", sa.Column("reader", sa.String(), nullable=True))
    op.add_column("heard", sa.Column("reader_until", sa.Float(), nullable=False, server_default=sa.text("0")))
    op.add_column("heard", sa.Column("looked_at", sa.Float(), nullable=False, server_default=sa.text("0")))
    op.add_column("processes", sa.Column("about", sa.Text(), nullable=True))
    op.create_table(
        "told",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "id"),
    )
    op.create_table(
        "holds",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "place"),
    )
