"""What a turn's rule asked of its instance."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Goes forward only."""
    op.add_column("turns", sa.Column("route", sa.Text(), nullable=True))
