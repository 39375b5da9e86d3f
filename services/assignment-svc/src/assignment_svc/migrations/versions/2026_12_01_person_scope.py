"""the access scope of people"""

from __future__ import annotations

from alembic import op
from plantkit import scope_migration

revision = "d1b7405f9c32"
down_revision = "6eaeca778d3a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    scope_migration.create(op, "replica")
    scope_migration.fill(
        op,
        people="SELECT person, state ->> 'supervisor' AS supervisor FROM app.person",
        spells="""
            SELECT p.person, 'place' AS kind, s ->> 'site' AS value, s ->> 'area' AS area,
                CAST(s ->> 'from' AS date) AS from_on, CAST(s ->> 'to' AS date) AS to_on
            FROM app.person p CROSS JOIN jsonb_array_elements(p.state -> 'places') AS s
            UNION ALL
            SELECT p.person, 'function', s ->> 'job_function', NULL,
                CAST(s ->> 'from' AS date), CAST(s ->> 'to' AS date)
            FROM app.person p CROSS JOIN jsonb_array_elements(p.state -> 'functions') AS s
        """,
        sites="SELECT state ->> 'code', state ->> 'time_zone' FROM app.unit"
        " WHERE state ->> 'kind' = 'site' AND state ->> 'time_zone' IS NOT NULL",
    )


def downgrade() -> None:
    scope_migration.drop(op)
