"""the access scope of people"""

from __future__ import annotations

from alembic import op
from plantkit import scope_migration

revision = "b30de8c47f15"
down_revision = "8c41f06be27d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    scope_migration.create(op, "derived")
    scope_migration.fill(
        op,
        people="SELECT person, supervisor FROM app.person",
        spells="""
            SELECT s.person, CASE s.kind WHEN 'place' THEN 'place' ELSE 'function' END AS kind, s.value, s.area,
                s.from_on, s.to_on
            FROM app.spell s
            WHERE s.kind IN ('place', 'job_function') AND (s.to_on IS NULL OR s.to_on > s.from_on)
                AND NOT EXISTS (SELECT FROM app.spell n WHERE n.replaces = s.id)
        """,
        sites="SELECT code, time_zone FROM app.unit WHERE kind = 'site' AND time_zone IS NOT NULL",
    )


def downgrade() -> None:
    scope_migration.drop(op)
