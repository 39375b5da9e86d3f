"""whether a migrated record may allow"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7f3c15d8e902"
down_revision = "2d84231a76f9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "training_record",
        sa.Column("counts", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        schema="app",
    )
    op.create_check_constraint(
        "only_a_migrated_one_may_not_count",
        "training_record",
        "counts OR source_class = 'MIGRATED'",
        schema="app",
    )


def downgrade() -> None:
    op.drop_column("training_record", "counts", schema="app")
