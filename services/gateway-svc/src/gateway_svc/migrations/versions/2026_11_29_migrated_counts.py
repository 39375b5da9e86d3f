"""whether the records of an import may allow"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5b0d9e6c2a41"
down_revision = "bc3dc9898739"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "import_job",
        sa.Column("migrated_counts", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        schema="app",
    )


def downgrade() -> None:
    op.drop_column("import_job", "migrated_counts", schema="app")
