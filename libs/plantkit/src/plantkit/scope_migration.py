"""The migration that makes `person_scope` and `site_zone`, the same in every service that filters by person.

The tables and statements stand here as they were on 1 December 2026. A later change of the tables is another
migration; this module stays as it is.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from servicekit.db import operations
from servicekit.db.kinds import Kind

# Equal to `plantkit.belonging.stretches`; a test holds the two together.
_FILL = """
INSERT INTO app.person_scope (person, from_on, site, area, supervisor, job_functions)
WITH who AS ({people}), spell AS MATERIALIZED ({spells}),
edge AS (
    SELECT person, DATE '0001-01-01' AS day FROM who
    UNION SELECT person, from_on FROM spell
    UNION SELECT person, to_on FROM spell WHERE to_on IS NOT NULL
), stretch AS (
    SELECT e.person, e.day, w.supervisor, p.site, p.area, f.job_functions,
        lag(jsonb_build_array(p.site, p.area, f.job_functions)) OVER (PARTITION BY e.person ORDER BY e.day) AS before
    FROM edge e JOIN who w ON w.person = e.person
    LEFT JOIN LATERAL (
        SELECT s.value AS site, s.area, CASE WHEN s.from_on > e.day THEN s.from_on
            WHEN s.to_on <= e.day THEN s.to_on - 1 ELSE e.day END AS judged
        FROM spell s WHERE s.person = e.person AND s.kind = 'place' AND (s.to_on IS NULL OR s.to_on > s.from_on)
        ORDER BY (s.from_on <= e.day AND (s.to_on IS NULL OR s.to_on > e.day)) DESC,
            CASE WHEN s.from_on <= e.day THEN s.from_on END DESC NULLS LAST, s.from_on LIMIT 1
    ) p ON true
    CROSS JOIN LATERAL (
        SELECT array(SELECT DISTINCT s.value COLLATE "C" FROM spell s
            WHERE s.person = e.person AND s.kind = 'function' AND s.from_on <= coalesce(p.judged, e.day)
                AND (s.to_on IS NULL OR s.to_on > coalesce(p.judged, e.day)) ORDER BY 1) AS job_functions
    ) f
)
SELECT person, day, site, area, supervisor, job_functions FROM stretch
WHERE before IS DISTINCT FROM jsonb_build_array(site, area, job_functions)
"""


def create(op: Any, kind: Kind) -> None:
    """Makes both tables, empty."""
    op.create_table(
        "person_scope",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("area", sa.Text(), nullable=True),
        sa.Column("supervisor", sa.Text(), nullable=True),
        sa.Column("job_functions", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("person", "from_on"),
        schema="app",
    )
    op.create_table(
        "site_zone",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
        schema="app",
    )
    for table in ("app.person_scope", "app.site_zone"):
        operations.protect_table(op, table, kind)


def fill(op: Any, *, people: str, spells: str, sites: str) -> None:
    """Fills the tables from what the service holds already, each given as a query.

    people: (person, supervisor). spells: (person, kind, value, area, from_on, to_on) of the kinds `place` and
    `function`. sites: (site, time_zone).
    """
    op.execute(_FILL.format(people=people, spells=spells))
    op.execute(f"INSERT INTO app.site_zone (site, time_zone) {sites}")


def drop(op: Any) -> None:
    for table in ("site_zone", "person_scope"):
        op.drop_table(table, schema="app")
        operations.forget_table(op, f"app.{table}")
