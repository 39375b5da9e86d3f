"""People with their spells and leaves (`matrix.person`); their rosters come from `rosters`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from attest_contracts.models import matrix_person_v2
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Text

from assignment_svc import marking
from assignment_svc.db.base import ALL_ITEMS, replica
from assignment_svc.domain.facts import DaySpell, PersonFacts, ShiftSpell
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.sources import rosters
from assignment_svc.wire import at, day

TABLE = replica("person", Column("person", Text, primary_key=True))

LOADS = {"person": "SELECT p.person, NULL, p.state, p.event_at FROM app.person p JOIN people USING (person)"}


async def fold(tx: Tx, events: Sequence[Event[matrix_person_v2.State]]) -> None:
    await marking.keep(tx, TABLE, events)
    await marking.mark_each(tx, events, lambda state: [(state.person, ALL_ITEMS)])


def facts(cell: Cell, found: Snapshot) -> Facts:
    state = found.one("person", cell.person)
    assert state is not None

    def person() -> PersonFacts:
        return person_of(state, rosters.days_of(cell.person, found))

    return {"person": found.once(("person", cell.person), person)}


def person_of(state: Json, roster: Sequence[Json] = ()) -> PersonFacts:
    """state: of `matrix.person`. roster: the days of `matrix.roster`."""
    return PersonFacts(
        person=state["person"],
        employments=_days(state["employments"]),
        leaves=_days(state["leaves"]),
        shifts=tuple(
            ShiftSpell(
                s["shift"],
                date.fromisoformat(s["from"]),
                day(s.get("to")),
                at(s.get("told_at") or s["recorded_at"]),
            )
            for s in state["shifts"]
        ),
        roster={date.fromisoformat(r["date"]): r.get("shift") for r in roster},
        roster_moved={date.fromisoformat(r["date"]): at(r["moved_at"]) for r in roster if r.get("moved_at")},
    )


def _days(spells: Iterable[Json]) -> tuple[DaySpell, ...]:
    return tuple(
        DaySpell(date.fromisoformat(s["from"]), day(s.get("to")), s["id"], at(s["recorded_at"]))
        for s in spells
    )


SOURCE = Source(tables=[TABLE], folds={"matrix.person": fold}, loads=LOADS, facts=facts)
