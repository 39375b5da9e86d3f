"""answers to open questions of an import"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from servicekit.db import operations

revision = "8c41f06be27d"
down_revision = "3a27d20a1b58"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cell_answer",
        sa.Column("question", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("answered_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("matrix_version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("question"),
        schema="app",
    )
    operations.protect_table(op, "app.cell_answer", "fact")


def downgrade() -> None:
    op.drop_table("cell_answer", schema="app")
    operations.forget_table(op, "app.cell_answer")
