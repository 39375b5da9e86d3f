"""`vendor_visits.csv`: visits of people to vendors. A kind that the product does not have: a test adds this file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from plantfiles.fields import Fields
from plantfiles.kind import Holding, Index, Layout, Stage, TableKind
from plantfiles.kinds.people import known_person
from plantfiles.reasons import ReasonCode
from plantfiles.rows import Origin, Row


class VisitReason(ReasonCode):
    VISIT_BEFORE_HIRE = "VISIT_BEFORE_HIRE", "a visit before the day of hire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Row):
    visit: str
    employee_no: str
    day: date


def _visit(row: Fields, index: Index, origin: Origin) -> Visit | None:
    """R: unknown person, a day before the hire."""
    code, person, day = row.id("visit"), known_person(row, index), row.day("date")
    if person and day and day < person.hired_on:
        row.refuse("date", VisitReason.VISIT_BEFORE_HIRE, f"hired on {person.hired_on}")
    if row.refused or code is None or person is None or day is None:
        return None
    return Visit(**origin, visit=code, employee_no=person.employee_no, day=day)


KIND = TableKind(
    file="vendor_visits.csv",
    row=Visit,
    order=265,
    owner="records",
    stage=Stage.HISTORY,
    terms=("export_date",),
    id=lambda row: row.visit,
    holdings=lambda row: [Holding("vendor", row.visit, row.employee_no)],
    reasons=VisitReason,
    layout=Layout(("visit", "employee_no", "date"), key=("visit",)),
    rule=_visit,
)
