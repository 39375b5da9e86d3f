"""rosters by person and month"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from servicekit.db import operations
from sqlalchemy.dialects import postgresql

revision = "c83f1e5a9d20"
down_revision = "5f0e93a7c618"
branch_labels = None
depends_on = None

# The days that a person's state has brought so far; the matrix service announces the same months on the new topic.
MOVE = """
    INSERT INTO app.roster (person, month, state, event_id, event_at)
    SELECT p.person, m.month,
        jsonb_build_object('person', p.person, 'month', m.month, 'days', m.days), p.event_id, p.event_at
    FROM app.person p
    CROSS JOIN LATERAL (
        SELECT left(d.day ->> 'date', 7) AS month, jsonb_agg(d.day ORDER BY d.day ->> 'date') AS days
        FROM jsonb_array_elements(p.state -> 'roster') AS d (day) GROUP BY 1) AS m
    WHERE jsonb_typeof(p.state -> 'roster') = 'array'"""
MOVE_BACK = """
    UPDATE app.person p SET state = p.state || jsonb_build_object('roster', r.days)
    FROM (SELECT person, jsonb_agg(day ORDER BY day ->> 'date') AS days
          FROM app.roster, jsonb_array_elements(state -> 'days') AS d (day) GROUP BY person) AS r
    WHERE r.person = p.person"""


def upgrade() -> None:
    op.create_table(
        "roster",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person", "month"),
        schema="app",
    )
    operations.protect_table(op, "app.roster", "replica")
    op.execute(MOVE)
    op.execute("UPDATE app.person SET state = state - 'roster' WHERE state ? 'roster'")


def downgrade() -> None:
    op.execute(MOVE_BACK)
    op.drop_table("roster", schema="app")
    operations.forget_table(op, "app.roster")
