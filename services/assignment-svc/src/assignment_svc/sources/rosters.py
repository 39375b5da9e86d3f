"""Dated rosters by person and month (`matrix.roster`; C-20)."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import matrix_roster
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Text

from assignment_svc import marking
from assignment_svc.db.base import ALL_ITEMS, replica
from assignment_svc.source import Json, Snapshot, Source

TABLE = replica("roster", Column("person", Text, primary_key=True), Column("month", Text, primary_key=True))
ROWS = "roster"

LOADS = {ROWS: "SELECT r.person, NULL, r.state, r.event_at FROM app.roster r JOIN people USING (person)"}


async def fold(tx: Tx, events: Sequence[Event[matrix_roster.State]]) -> None:
    """A month that says what it said before marks nothing: its owner may publish the history of the topic again."""
    rows = await tx.rows(
        "SELECT person, month, state FROM app.roster"
        " JOIN unnest(CAST(:people AS text[]), CAST(:months AS text[])) AS w (person, month) USING (person, month)",
        {"people": [e.state.person for e in events], "months": [e.state.month for e in events]},
    )
    known = {(row["person"], row["month"]): row["state"]["days"] for row in rows}
    news = [e for e in events if known.get((e.state.person, e.state.month)) != e.raw_state["days"]]
    await marking.keep(tx, TABLE, events)
    await marking.mark_each(tx, news, lambda state: [(state.person, ALL_ITEMS)])


def days_of(person: str, found: Snapshot) -> list[Json]:
    """The rostered days of a person, each as the contract has it."""
    return [day for month in found.all(ROWS, person) for day in month["days"]]


SOURCE = Source(tables=[TABLE], folds={"matrix.roster": fold}, loads=LOADS)
