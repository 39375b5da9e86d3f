"""How far the training of a change has come, counted from what the assignment service announces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attest_contracts.models import assignment_assignment
from servicekit.bus.envelope import Event
from servicekit.db import Tx

# Both say that the person knows the version; every other reason of closing resolves the task in another way.
DONE = ("COMPLETED", "CREDITED")
# Opened and closed while older facts were still arriving: history of what was said, left out of every count.
NEVER_COUNTED = "WITHDRAWN"


async def assignments(tx: Tx, events: Sequence[Event[assignment_assignment.State]]) -> None:
    """The last state of each assignment, set-wise."""
    rows = [
        {
            "assignment": event.state.assignment,
            "document": event.state.item,
            "number": event.state.target_version,
            "person": event.state.person,
            "place": event.state.place,
            "state": event.state.state,
            "due_at": event.state.due_at and event.state.due_at.isoformat(),
            "closing_reason": event.state.closing_reason,
        }
        for event in events
    ]
    await tx.execute(
        "INSERT INTO app.assignment (assignment, document, number, person, place, state, due_at, closing_reason)"
        " SELECT assignment, document, number, person, place, state, due_at, closing_reason"
        " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (assignment uuid, document text, number int, person text,"
        " place text, state text, due_at timestamptz, closing_reason text) ORDER BY assignment"
        " ON CONFLICT (assignment) DO UPDATE SET state = excluded.state, due_at = excluded.due_at,"
        " closing_reason = excluded.closing_reason",
        {"rows": json.dumps(rows)},
    )


async def progress(tx: Tx, changes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Counts of each change: assigned = done + open + paused + upcoming + resolved_otherwise; overdue is part of open."""
    rows = await tx.rows(
        """
        SELECT c.change,
          count(a.*) FILTER (WHERE a.closing_reason IS DISTINCT FROM :never) AS assigned,
          count(a.*) FILTER (WHERE a.closing_reason = ANY(:done)) AS done,
          count(a.*) FILTER (WHERE a.state = 'OPEN') AS open,
          count(a.*) FILTER (WHERE a.state = 'OPEN' AND a.due_at <= :now) AS overdue,
          count(a.*) FILTER (WHERE a.state = 'PAUSED') AS paused,
          count(a.*) FILTER (WHERE a.state = 'UPCOMING') AS upcoming,
          count(a.*) FILTER (WHERE a.state = 'CLOSED'
            AND coalesce(a.closing_reason, '') <> ALL(:done || ARRAY[:never])) AS resolved_otherwise,
          count(a.*) FILTER (WHERE a.closing_reason = :never) AS not_counted
        FROM unnest(CAST(:changes AS text[])) AS c(change)
        LEFT JOIN app.document_version v ON v.change = c.change
        LEFT JOIN app.assignment a ON a.document = v.document AND a.number = v.number
        GROUP BY c.change
        """,
        {"changes": list(changes), "done": list(DONE), "never": NEVER_COUNTED, "now": tx.now},
    )
    return {row["change"]: _counts(row) for row in rows}


def _counts(row: Any) -> dict[str, int]:
    return {name: value for name, value in row.items() if name != "change"}
