"""retraining orders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from servicekit.db import operations
from sqlalchemy.dialects import postgresql

revision = "b41c7d20e9a5"
down_revision = "d1b7405f9c32"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retraining_order",
        sa.Column("order", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("people", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order"),
        schema="app",
    )
    op.create_index("retraining_order_of_item", "retraining_order", ["item"], unique=False, schema="app")
    operations.protect_table(op, "app.retraining_order", "replica")


def downgrade() -> None:
    op.drop_index("retraining_order_of_item", table_name="retraining_order", schema="app")
    op.drop_table("retraining_order", schema="app")
    operations.forget_table(op, "app.retraining_order")
