"""What the files about spells of people have in common (C-32)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from plantfiles.fields import Fields
from plantfiles.kind import Index
from plantfiles.kinds.people import Person, known_person
from plantfiles.reasons import Reason
from plantfiles.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell(Row):
    employee_no: str
    from_on: date
    to_on: date | None


def read_spell(row: Fields, index: Index) -> tuple[str, date, date | None] | None:
    """Person, from, to. R: unknown or refused person, `to <= from`. W: it reaches outside the employment."""
    person = known_person(row, index)
    from_on, to_on = row.day("from"), row.day("to", needed=False)
    if from_on and to_on and to_on <= from_on:
        row.refuse("to", Reason.SPELL_EMPTY, f"from {from_on}")
    if row.refused or person is None or from_on is None:
        return None
    ended_on = person.ended_on
    if from_on < person.hired_on or (ended_on is not None and from_on >= ended_on):
        row.warn("from", Reason.OUTSIDE_EMPLOYMENT, employment(person))
    elif ended_on is not None and to_on is not None and to_on > ended_on:
        row.warn("to", Reason.OUTSIDE_EMPLOYMENT, employment(person))
    return person.employee_no, from_on, to_on


def employment(person: Person) -> str:
    """The days of somebody's employment, in words."""
    until = f", ended on {person.ended_on}" if person.ended_on else ""
    return f"hired on {person.hired_on}{until}"
