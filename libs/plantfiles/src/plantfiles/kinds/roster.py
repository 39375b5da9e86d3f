"""`roster.csv`: which shift a person works on which day (C-20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds import shifts
from plantfiles.kinds.people import known_person
from plantfiles.kinds.sites import known_at_site
from plantfiles.reasons import Reason
from plantfiles.rows import Origin, Row
from plantfiles.spells import employment


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterDay(Row):
    """The shift that starts on a local day; None = off. Where a day is rostered it wins over the letter (C-20)."""

    employee_no: str
    day: date
    shift: str | None


def _roster_day(row: Fields, index: Index, origin: Origin) -> RosterDay | None:
    """One day of one person; R: unknown person, not a day, a shift that the person's site does not have."""
    person, day = known_person(row, index), row.day("date")
    place = person.site if person else None
    shift = known_at_site(row, "shift", index, shifts.KIND, Reason.SHIFT_UNKNOWN, place)
    if row.refused or person is None or day is None:
        return None
    if day < person.hired_on or (person.ended_on is not None and day >= person.ended_on):
        row.warn("date", Reason.OUTSIDE_EMPLOYMENT, employment(person))
    return RosterDay(**origin, employee_no=person.employee_no, day=day, shift=shift)


KIND = TableKind(
    file="roster.csv",
    row=RosterDay,
    order=260,
    owner="matrix",
    stage=Stage.PEOPLE,
    layout=Layout(("employee_no", "date", "shift"), key=("employee_no", "date")),
    rule=_roster_day,
)
