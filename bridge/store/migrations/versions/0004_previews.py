"""The preview whose message a delivery takes over."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Goes forward only."""
    op.add_column("deliveries", sa.Column("edits", sa.Integer(), nullable=True))
