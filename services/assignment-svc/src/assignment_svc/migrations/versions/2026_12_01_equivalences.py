"""equivalences"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from servicekit.db import operations
from sqlalchemy.dialects import postgresql

revision = "5f0e93a7c618"
down_revision = "b41c7d20e9a5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "equivalence",
        sa.Column("equivalence", sa.Text(), nullable=False),
        sa.Column("source_item", sa.Text(), nullable=False),
        sa.Column("target_item", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("equivalence"),
        schema="app",
    )
    op.create_index("equivalence_of_source", "equivalence", ["source_item"], unique=False, schema="app")
    op.create_index("equivalence_of_target", "equivalence", ["target_item"], unique=False, schema="app")
    operations.protect_table(op, "app.equivalence", "replica")


def downgrade() -> None:
    op.drop_index("equivalence_of_target", table_name="equivalence", schema="app")
    op.drop_index("equivalence_of_source", table_name="equivalence", schema="app")
    op.drop_table("equivalence", schema="app")
    operations.forget_table(op, "app.equivalence")
