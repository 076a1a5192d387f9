"""Dead letters can be dropped and opened again: when one died, whether it may have been posted, and a turn's runs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SET = "UPDATE deliveries SET in_doubt = 1, dead_at = created_at WHERE status = 'dead_letter'"


def upgrade() -> None:
    """Goes forward only. What died before may have been posted, as far as anybody knows."""
    op.drop_index("dead_letters", table_name="deliveries")
    with op.batch_alter_table("deliveries", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(sa.Column("run", sa.Integer(), nullable=False, server_default=sa.text("0")))
        batch.add_column(sa.Column("dead_at", sa.Float(), nullable=True))
        batch.add_column(sa.Column("in_doubt", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.drop_constraint("deliveries_once_per_part", type_="unique")
        batch.create_unique_constraint("deliveries_once_per_part", ["turn_seq", "run", "kind", "part"])
        batch.drop_constraint("deliveries_status", type_="check")
        batch.create_check_constraint(
            "deliveries_status", "status IN ('pending', 'delivered', 'dead_letter', 'dropped')"
        )
    op.execute(_SET)
    op.create_index(
        "dead_letters", "deliveries", ["session_id"], sqlite_where=sa.text("status IN ('dead_letter', 'dropped')")
    )
    op.create_index(
        "deliveries_by_message", "deliveries", ["message_ref"], sqlite_where=sa.text("message_ref IS NOT NULL")
    )
    op.create_index(
        "dead_turns", "turns", ["session_id"], sqlite_where=sa.text("status IN ('failed', 'unknown', 'dropped')")
    )
