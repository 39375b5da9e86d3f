"""People (C-31)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from plantfiles.fields import Fields
from plantfiles.index import Index
from plantfiles.organisation import known_at_site, known_site
from plantfiles.plan import Finding
from plantfiles.reasons import Reason, Severity
from plantfiles.rows import Person, Row

if TYPE_CHECKING:
    from plantfiles.check import Origin

EMPLOYMENTS = frozenset({"employee", "contractor", "temp", "visitor", "consultant"})
"""Restates the enum of the contract `matrix.person`; a test holds them equal."""


def person(row: Fields, index: Index, origin: Origin) -> Person | None:
    """R: unknown job function, site, area or shift; ended before hired; a name that is a formula or hides characters.

    The supervisor is judged when all people are known: `supervisors`.
    """
    number, place = row.id("employee_no"), known_site(row, index)
    given, family = row.name("given_name"), row.name("family_name")
    if not (row.refused or given or family):
        row.refuse("family_name", Reason.VALUE_MISSING)
    employment = row.choice("employment", EMPLOYMENTS)
    area = known_at_site(row, "area", index.areas, Reason.AREA_UNKNOWN, place)
    shift = known_at_site(row, "shift", index.shifts, Reason.SHIFT_UNKNOWN, place)
    function = row["job_function"]
    if function not in index.job_functions:
        row.refuse("job_function", Reason.JOB_FUNCTION_UNKNOWN)
    function_from, hired_on = row.day("function_from"), row.day("hired_on")
    ended_on = row.day("ended_on", needed=False)
    email, department = row.text("email", needed=False), row.text("department", needed=False)
    language = row.language("language")
    if hired_on and ended_on and ended_on < hired_on:
        row.refuse("ended_on", Reason.ENDED_BEFORE_HIRED, f"hired on {hired_on}")
    if row.refused or not (number and place and employment and function_from and hired_on):
        return None
    if function_from < hired_on or (ended_on and function_from > ended_on):
        row.warn("function_from", Reason.OUTSIDE_EMPLOYMENT)
    return Person(
        **origin,
        employee_no=number,
        given_name=given or "",
        family_name=family or "",
        email=email,
        employment=employment,
        site=place,
        department=department,
        area=area,
        job_function=function,
        function_from=function_from,
        shift=shift,
        supervisor_no=row["supervisor_no"] or None,
        hired_on=hired_on,
        ended_on=ended_on,
        language=language,
    )


def supervisors(taken: Iterable[Row], index: Index) -> tuple[list[Row], list[Finding]]:
    """Empties supervisors that are nobody's: oneself, unknown, refused (W). index: with all people of this import."""
    people: list[Row] = []
    findings: list[Finding] = []
    for row in taken:
        reason = _wrong_supervisor(row, index) if isinstance(row, Person) else None
        if isinstance(row, Person) and reason:
            number = row.supervisor_no or ""
            findings.append(Finding(row.file, row.line, "supervisor_no", number, reason, Severity.WARNED))
            row = dataclasses.replace(row, supervisor_no=None)
        people.append(row)
    return people, findings


def _wrong_supervisor(row: Person, index: Index) -> Reason | None:
    number = row.supervisor_no
    if number is None:
        return None
    if number == row.employee_no:
        return Reason.SUPERVISOR_SELF
    if number in index.people:
        return None
    return Reason.SUPERVISOR_REFUSED if number in index.refused_people else Reason.SUPERVISOR_UNKNOWN


def known_person(row: Fields, index: Index, column: str = "employee_no") -> Person | None:
    """The person that a row is about; R: unknown, or his own row was refused."""
    number = row[column]
    found = index.people.get(number)
    if found is None:
        row.refuse(column, Reason.PERSON_REFUSED if number in index.refused_people else Reason.PERSON_UNKNOWN)
    return found
