"""Cells whose assignments change by a date alone are marked when that date comes.

Timelines reach into the future and need no second look; assignments open, pause, resume and close at instants.
"""

from __future__ import annotations

from servicekit.context import Context
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.lanes import Mark, mark

from assignment_svc.db.base import LANES


async def look(database: Database, limit: int = 1000) -> int:
    """Marks the cells whose next look has come; returns how many."""
    context = Context("system/assignment", "a date has come", new_id())
    async with database.transaction(context) as tx:
        # The clock as a value: called in the condition, it would be asked of every cell that has a date to come.
        rows = await tx.rows(
            "UPDATE app.cell SET next_look = NULL WHERE (person, item, place) IN ("
            " SELECT person, item, place FROM app.cell WHERE next_look <= :now ORDER BY next_look"
            " LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING person, item",
            {"limit": limit, "now": tx.now},
        )
        await mark(tx, LANES, [Mark(row["person"], row["item"], cause="time") for row in rows])
        return len(rows)
