"""`people.csv`: the people of the plant (C-31)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from plantfiles.fields import Fields
from plantfiles.kind import Holding, Index, Layout, Stage, TableKind
from plantfiles.kinds import areas, job_functions, shifts
from plantfiles.kinds.sites import known_at_site, known_site
from plantfiles.plan import Finding
from plantfiles.reasons import Reason, ReasonCode, Severity
from plantfiles.rows import Origin, Row

EMPLOYMENTS = frozenset({"employee", "contractor", "temp", "visitor", "consultant"})
"""Restates the enum of the contract `matrix.person`; a test holds them equal."""


class PersonReason(ReasonCode):
    ENDED_BEFORE_HIRED = "ENDED_BEFORE_HIRED", "ended before hired"
    SUPERVISOR_SELF = "SUPERVISOR_SELF", "supervisor of himself; left empty"
    SUPERVISOR_UNKNOWN = "SUPERVISOR_UNKNOWN", "unknown supervisor; left empty"
    SUPERVISOR_REFUSED = "SUPERVISOR_REFUSED", "the supervisor's own row was refused; left empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Row):
    """Site, department and area hold from hired_on, the job function from function_from (C-05)."""

    employee_no: str
    given_name: str
    family_name: str
    email: str | None
    employment: str
    site: str
    department: str | None
    area: str | None
    job_function: str
    function_from: date
    shift: str | None
    supervisor_no: str | None
    hired_on: date
    ended_on: date | None
    language: str | None


def _person(row: Fields, index: Index, origin: Origin) -> Person | None:
    """R: unknown job function, site, area or shift; ended before hired; a name that is a formula or hides characters.

    The supervisor is judged when all people are known: `_supervisors`.
    """
    number, place = row.id("employee_no"), known_site(row, index)
    given, family = row.name("given_name"), row.name("family_name")
    if not (row.refused or given or family):
        row.refuse("family_name", Reason.VALUE_MISSING)
    employment = row.choice("employment", EMPLOYMENTS)
    area = known_at_site(row, "area", index, areas.KIND, Reason.AREA_UNKNOWN, place)
    shift = known_at_site(row, "shift", index, shifts.KIND, Reason.SHIFT_UNKNOWN, place)
    function = row["job_function"]
    if function not in index.of(job_functions.KIND):
        row.refuse("job_function", Reason.JOB_FUNCTION_UNKNOWN)
    function_from, hired_on = row.day("function_from"), row.day("hired_on")
    ended_on = row.day("ended_on", needed=False)
    email, department = row.text("email", needed=False), row.text("department", needed=False)
    language = row.language("language")
    if hired_on and ended_on and ended_on < hired_on:
        row.refuse("ended_on", PersonReason.ENDED_BEFORE_HIRED, f"hired on {hired_on}")
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


def _supervisors(taken: Sequence[Person], index: Index) -> tuple[list[Person], list[Finding]]:
    """W, and emptied: a supervisor who is the person himself, unknown or refused. index: with all people."""
    people: list[Person] = []
    findings: list[Finding] = []
    for row in taken:
        if reason := _wrong_supervisor(row, index):
            number = row.supervisor_no or ""
            findings.append(Finding(row.file, row.line, "supervisor_no", number, reason, Severity.WARNED))
            row = dataclasses.replace(row, supervisor_no=None)
        people.append(row)
    return people, findings


def _wrong_supervisor(row: Person, index: Index) -> PersonReason | None:
    number = row.supervisor_no
    if number is None:
        return None
    if number == row.employee_no:
        return PersonReason.SUPERVISOR_SELF
    if number in index.of(KIND):
        return None
    refused = number in index.refused(KIND)
    return PersonReason.SUPERVISOR_REFUSED if refused else PersonReason.SUPERVISOR_UNKNOWN


def _holdings(row: Person) -> Iterator[Holding]:
    yield Holding("job_function", row.job_function, row.employee_no)
    if row.area:
        yield Holding("area", f"{row.site}/{row.area}", row.employee_no)


KIND = TableKind(
    file="people.csv",
    row=Person,
    order=210,
    owner="matrix",
    stage=Stage.PEOPLE,
    id=lambda row: row.employee_no,
    holdings=_holdings,
    reasons=PersonReason,
    layout=Layout(
        (
            "employee_no",
            "given_name",
            "family_name",
            "employment",
            "site",
            "job_function",
            "function_from",
            "hired_on",
            "ended_on",
        ),
        ("email", "department", "area", "shift", "supervisor_no", "language"),
        key=("employee_no",),
    ),
    rule=_person,
    whole=_supervisors,
)


def known_person(row: Fields, index: Index, column: str = "employee_no") -> Person | None:
    """The person that a row is about. R: unknown, or the person's own row was refused."""
    number = row[column]
    found = index.of(KIND).get(number)
    if found is None:
        refused = number in index.refused(KIND)
        row.refuse(column, Reason.PERSON_REFUSED if refused else Reason.PERSON_UNKNOWN)
    return found
