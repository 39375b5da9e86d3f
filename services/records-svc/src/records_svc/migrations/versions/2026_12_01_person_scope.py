"""the access scope of people"""

from __future__ import annotations

from alembic import op
from plantkit import scope_migration

revision = "e5c92a1d7b60"
down_revision = "7f3c15d8e902"
branch_labels = None
depends_on = None


def upgrade() -> None:
    scope_migration.create(op, "replica")
    scope_migration.fill(
        op,
        people="SELECT person, supervisor FROM app.person",
        spells="SELECT person, 'place' AS kind, site AS value, area, from_on, to_on FROM app.person_place",
        sites="SELECT site, time_zone FROM app.site",
    )
    # Job functions were not kept here: the topic is read again, and what has left the log is published again
    # (`attest replay matrix.person`). Until then nobody holds one, so that a grant narrowed to one shows too little.
    op.execute("DELETE FROM bus.seen WHERE consumer = 'records' AND topic = 'matrix.person'")
    op.execute(
        "UPDATE bus.consumed SET next = NULL, last_id = NULL WHERE consumer = 'records' AND topic = 'matrix.person'"
    )


def downgrade() -> None:
    scope_migration.drop(op)
