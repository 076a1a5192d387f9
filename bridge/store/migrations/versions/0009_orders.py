"""Commands: which turns are some, where they were written, what is to be stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Goes forward only."""
    op.add_column("turns", sa.Column("context_since", sa.Float(), nullable=True))
    op.add_column("turns", sa.Column("kind", sa.String(), nullable=True))
    op.add_column("turns", sa.Column("place", sa.String(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":  # no other engine has rows of earlier versions
        op.execute(
            "UPDATE turns SET kind = json_extract(envelope, '$.kind'), "
            "place = json_extract(envelope, '$.conversation.ref')"
        )
    op.add_column("threads", sa.Column("anew_at", sa.Float(), nullable=True))
    op.add_column("open_turns", sa.Column("stop", sa.Boolean(), nullable=False, server_default=sa.false()))
