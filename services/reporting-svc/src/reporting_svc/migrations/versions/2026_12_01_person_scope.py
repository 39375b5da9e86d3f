"""the access scope of people"""

from __future__ import annotations

from alembic import op
from plantkit import scope_migration

revision = "a84f16d3be09"
down_revision = "e024daa074c8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    scope_migration.create(op, "replica")
    scope_migration.fill(
        op,
        people="SELECT person, supervisor FROM app.person WHERE upper_inf(recorded)",
        spells="SELECT person, kind, value, area, lower(days) AS from_on, upper(days) AS to_on FROM app.person_spell"
        " WHERE kind IN ('place', 'function') AND upper_inf(recorded)",
        sites="SELECT code, time_zone FROM app.unit"
        " WHERE kind = 'site' AND time_zone IS NOT NULL AND upper_inf(recorded)",
    )


def downgrade() -> None:
    scope_migration.drop(op)
