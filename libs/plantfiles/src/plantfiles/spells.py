"""Spells of people (C-32): earlier functions, overlays, equipment, leaves; and the dated roster (C-20)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from plantfiles.fields import Fields
from plantfiles.index import Index
from plantfiles.organisation import known_at_site
from plantfiles.people import known_person
from plantfiles.reasons import Reason
from plantfiles.rows import (
    EquipmentSpell,
    FunctionSpell,
    LeaveSpell,
    OverlaySpell,
    Person,
    RosterDay,
)

if TYPE_CHECKING:
    from plantfiles.check import Origin


def function_spell(row: Fields, index: Index, origin: Origin) -> FunctionSpell | None:
    spell = _spell(row, index)
    if row["job_function"] not in index.job_functions:
        row.refuse("job_function", Reason.JOB_FUNCTION_UNKNOWN)
    if row.refused or spell is None:
        return None
    number, from_on, to_on = spell
    return FunctionSpell(
        **origin, employee_no=number, from_on=from_on, to_on=to_on, job_function=row["job_function"]
    )


def overlay_spell(row: Fields, index: Index, origin: Origin) -> OverlaySpell | None:
    spell = _spell(row, index)
    if row["overlay"] not in index.overlays:
        row.refuse("overlay", Reason.OVERLAY_UNKNOWN)
    if row.refused or spell is None:
        return None
    number, from_on, to_on = spell
    return OverlaySpell(**origin, employee_no=number, from_on=from_on, to_on=to_on, overlay=row["overlay"])


def equipment_spell(row: Fields, index: Index, origin: Origin) -> EquipmentSpell | None:
    spell = _spell(row, index)
    if row["equipment"] not in index.equipment:
        row.refuse("equipment", Reason.EQUIPMENT_UNKNOWN)
    if row.refused or spell is None:
        return None
    number, from_on, to_on = spell
    return EquipmentSpell(
        **origin, employee_no=number, from_on=from_on, to_on=to_on, equipment=row["equipment"]
    )


def leave(row: Fields, index: Index, origin: Origin) -> LeaveSpell | None:
    spell, kind = _spell(row, index), row.text("kind")
    if row.refused or spell is None or kind is None:
        return None
    number, from_on, to_on = spell
    return LeaveSpell(**origin, employee_no=number, from_on=from_on, to_on=to_on, kind=kind)


def roster_day(row: Fields, index: Index, origin: Origin) -> RosterDay | None:
    """One day of one person; R: unknown person, not a day, a shift that the person's site does not have."""
    person, day = known_person(row, index), row.day("date")
    place = person.site if person else None
    shift = known_at_site(row, "shift", index.shifts, Reason.SHIFT_UNKNOWN, place)
    if row.refused or person is None or day is None:
        return None
    if day < person.hired_on or (person.ended_on is not None and day >= person.ended_on):
        row.warn("date", Reason.OUTSIDE_EMPLOYMENT, _employment(person))
    return RosterDay(**origin, employee_no=person.employee_no, day=day, shift=shift)


def _spell(row: Fields, index: Index) -> tuple[str, date, date | None] | None:
    """Person, from, to. R: unknown or refused person, `to <= from`. W: it reaches outside the employment."""
    person = known_person(row, index)
    from_on, to_on = row.day("from"), row.day("to", needed=False)
    if from_on and to_on and to_on <= from_on:
        row.refuse("to", Reason.SPELL_EMPTY, f"from {from_on}")
    if row.refused or person is None or from_on is None:
        return None
    ended_on = person.ended_on
    if from_on < person.hired_on or (ended_on is not None and from_on >= ended_on):
        row.warn("from", Reason.OUTSIDE_EMPLOYMENT, _employment(person))
    elif ended_on is not None and to_on is not None and to_on > ended_on:
        row.warn("to", Reason.OUTSIDE_EMPLOYMENT, _employment(person))
    return person.employee_no, from_on, to_on


def _employment(person: Person) -> str:
    until = f", ended on {person.ended_on}" if person.ended_on else ""
    return f"hired on {person.hired_on}{until}"
