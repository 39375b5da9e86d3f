"""One rule, one example: organisation, documents, people, spells, roster, tasks (C-31, C-32)."""

from __future__ import annotations

from datetime import time

import pytest
from plantfiles import KINDS
from plantfiles.kinds.people import Person
from plantfiles.kinds.roster import RosterDay
from plantfiles.kinds.shifts import Shift
from plantfiles.kinds.tasks import Task


def test_the_plant_itself_has_nothing_to_tell(plant, told) -> None:
    plan = plant.check()
    assert told(plan) == []
    assert plan.questions == ()
    for result in plan.files:
        assert result.counts.taken == result.counts.rows > 0


@pytest.mark.req("C-31", "C-32", "C-35")
@pytest.mark.parametrize(
    ("file", "row", "column", "reason"),
    [
        ("sites.csv", "XX,Nowhere,Europe/Leiden", "time_zone", "TIME_ZONE_UNKNOWN"),
        ("sites.csv", "XX,Lower case,europe/amsterdam", "time_zone", "TIME_ZONE_UNKNOWN"),
        ("sites.csv", "XX,Of the machine,localtime", "time_zone", "TIME_ZONE_UNKNOWN"),
        ("sites.csv", ",No code,Europe/Paris", "site", "VALUE_MISSING"),
        ("sites.csv", "X X,Space,Europe/Paris", "site", "ID_INVALID"),
        ("sites.csv", " XX,Space,Europe/Paris", "site", "ID_INVALID"),
        ("shifts.csv", "ZZ1,D,06:00,14:00", "site", "SITE_UNKNOWN"),
        ("shifts.csv", "NL1,E,24:00,14:00", "starts", "TIME_INVALID"),
        ("shifts.csv", "NL1,E,6:00,14:00", "starts", "TIME_INVALID"),
        ("shifts.csv", "NL1,E,14:00,14:00", "ends", "SHIFT_EMPTY"),
        ("areas.csv", "ZZ1,GA,Filling", "site", "SITE_UNKNOWN"),
        ("areas.csv", "NL1,GB,", "name", "VALUE_MISSING"),
        ("equipment.csv", "NL1,PK,F-2,Only US1 has PK", "area", "AREA_UNKNOWN"),
        ("equipment.csv", "ZZ1,GA,F-2,Line", "site", "SITE_UNKNOWN"),
        ("documents.csv", "SOP/2,Slash,SOP,GMP,Production", "document", "ID_INVALID"),
        ("documents.csv", "SOP-2,,SOP,GMP,Production", "title", "VALUE_MISSING"),
        ("documents.csv", "SOP-2,Turned \u202e round,SOP,GMP,Production", "title", "TEXT_CONTROL"),
        (
            "document_versions.csv",
            "SOP-9,1,2024-01-10,2024-02-01,major,read,C",
            "document",
            "DOCUMENT_UNKNOWN",
        ),
        ("document_versions.csv", "SOP-1,03,2024-01-10,2024-02-01,major,read,C", "version", "NUMBER_INVALID"),
        (
            "document_versions.csv",
            "SOP-1,3,10-01-2024,2024-02-01,major,read,C",
            "approved_on",
            "DATE_INVALID",
        ),
        (
            "document_versions.csv",
            "SOP-1,3,2024-01-10,2024-02-30,major,read,C",
            "effective_on",
            "DATE_INVALID",
        ),
        ("document_versions.csv", "SOP-1,3,2024-01-10,20240201,major,read,C", "effective_on", "DATE_INVALID"),
        (
            "document_versions.csv",
            "SOP-1,3,2024-01-10,2024-02-01,huge,read,C",
            "change_class",
            "VALUE_UNKNOWN",
        ),
        (
            "document_versions.csv",
            "SOP-1,3,2024-01-10,2024-02-01,major,tell,C",
            "retraining",
            "VALUE_UNKNOWN",
        ),
        (
            "document_versions.csv",
            "SOP-1,3,2024-01-10,2024-01-09,major,read,C",
            "effective_on",
            "EFFECTIVE_BEFORE_APPROVED",
        ),
        ("people.csv", "P9,A,B,,employee,ZZ1,,,OPR,2024-01-01,,,2024-01-01,,", "site", "SITE_UNKNOWN"),
        ("people.csv", "P9,A,B,,employee,NL1,,PK,OPR,2024-01-01,,,2024-01-01,,", "area", "AREA_UNKNOWN"),
        ("people.csv", "P9,A,B,,employee,US1,,,OPR,2024-01-01,D,,2024-01-01,,", "shift", "SHIFT_UNKNOWN"),
        (
            "people.csv",
            "P9,A,B,,employee,NL1,,,XXX,2024-01-01,,,2024-01-01,,",
            "job_function",
            "JOB_FUNCTION_UNKNOWN",
        ),
        (
            "people.csv",
            "P9,A,B,,employee,NL1,,,,2024-01-01,,,2024-01-01,,",
            "job_function",
            "JOB_FUNCTION_UNKNOWN",
        ),
        ("people.csv", "P9,A,B,,pirate,NL1,,,OPR,2024-01-01,,,2024-01-01,,", "employment", "VALUE_UNKNOWN"),
        ("people.csv", "P9,A,B,,employee,NL1,,,OPR,,,,2024-01-01,,", "function_from", "DATE_INVALID"),
        ("people.csv", "P9,A,B,,employee,NL1,,,OPR,2024-01-01,,,1/1/2024,,", "hired_on", "DATE_INVALID"),
        (
            "people.csv",
            "P9,A,B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,2023-12-31,",
            "ended_on",
            "ENDED_BEFORE_HIRED",
        ),
        (
            "people.csv",
            "P9,=1+1,B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
            "given_name",
            "NAME_FORMULA",
        ),
        (
            "people.csv",
            "P9,A,+B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
            "family_name",
            "NAME_FORMULA",
        ),
        (
            "people.csv",
            "P9,A,-B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
            "family_name",
            "NAME_FORMULA",
        ),
        (
            "people.csv",
            "P9,A, @B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
            "family_name",
            "NAME_FORMULA",
        ),
        (
            "people.csv",
            "P9,A,B\u200b,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
            "family_name",
            "NAME_CONTROL",
        ),
        (
            "people.csv",
            "P9,A\tB,C,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
            "given_name",
            "NAME_CONTROL",
        ),
        ("people.csv", "P9,,,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,", "family_name", "VALUE_MISSING"),
        ("function_history.csv", "P9,OPR,2024-01-01,", "employee_no", "PERSON_UNKNOWN"),
        ("function_history.csv", "P1,XXX,2024-01-01,", "job_function", "JOB_FUNCTION_UNKNOWN"),
        ("people_overlays.csv", "P1,FF,2024-01-01,", "overlay", "OVERLAY_UNKNOWN"),
        ("people_overlays.csv", "P1,TRN,2024-02-01,2024-02-01", "to", "SPELL_EMPTY"),
        ("people_overlays.csv", "P1,TRN,,2024-02-01", "from", "DATE_INVALID"),
        ("people_equipment.csv", "P1,US1/FILL-01,2024-01-01,", "equipment", "EQUIPMENT_UNKNOWN"),
        ("leaves.csv", "P1,2024-02-01,2024-01-01,medical", "to", "SPELL_EMPTY"),
        ("leaves.csv", "P1,2024-02-01,soon,medical", "to", "DATE_INVALID"),
        ("roster.csv", "P9,2026-11-02,D", "employee_no", "PERSON_UNKNOWN"),
        ("roster.csv", "P2,2025-11-02,D", "shift", "SHIFT_UNKNOWN"),
        ("tasks.csv", "T2,XXX,SOP-1,", "job_function", "JOB_FUNCTION_UNKNOWN"),
        ("tasks.csv", "T2,OPR,SOP-1 SOP-9,", "items", "DOCUMENT_UNKNOWN"),
        ("tasks.csv", "T2,OPR,,", "items", "VALUE_MISSING"),
        ("tasks.csv", "T2,OPR,SOP-1,NL1/FILL-99", "equipment", "EQUIPMENT_UNKNOWN"),
    ],
)
def test_a_wrong_row_is_refused_and_all_others_are_taken(plant, told, file, row, column, reason) -> None:
    before = plant.check().counts(file)
    plant.add(file, row)
    plan = plant.check()
    line = before.rows + 2
    assert told(plan) == [f"R {file}:{line} {column} {reason}"]
    counts = plan.counts(file)
    assert (counts.taken, counts.refused, counts.rows) == (before.taken, 1, before.rows + 1)


@pytest.mark.req("C-31")
def test_mojibake_is_not_judged(plant, told) -> None:
    plant.add("people.csv", "P9,MÃ¼ller,Ünal,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,")
    assert told(plant.check()) == []


@pytest.mark.req("C-31")
def test_the_hidden_character_is_named(plant) -> None:
    plant.add("people.csv", "P9,MÃ¼ller\u200b,X,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,")
    (finding,) = plant.check().findings
    assert finding.message.endswith(": U+200B")
    assert finding.value == "MÃ¼ller\u200b"


@pytest.mark.req("C-31")
def test_a_supervisor_who_is_nobody_is_left_empty_and_the_person_is_taken(plant, told) -> None:
    plant.add(
        "people.csv",
        "P4,A,B,,employee,NL1,,,OPR,2024-01-01,,P4,2024-01-01,,",
        "P5,A,B,,employee,NL1,,,OPR,2024-01-01,,P99,2024-01-01,,",
        "P6,A,B,,employee,NL1,,,OPR,2024-01-01,,P8,2024-01-01,,",
        "P7,A,B,,employee,NL1,,,OPR,2024-01-01,,P3,2024-01-01,,",
        "P8,=A,B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
    )
    plan = plant.check()
    assert told(plan) == [
        "R people.csv:9 given_name NAME_FORMULA",
        "W people.csv:5 supervisor_no SUPERVISOR_SELF",
        "W people.csv:6 supervisor_no SUPERVISOR_UNKNOWN",
        "W people.csv:7 supervisor_no SUPERVISOR_REFUSED",
    ]
    taken = {
        row.employee_no: row.supervisor_no for row in plan.taken("people.csv") if isinstance(row, Person)
    }
    assert taken == {"P1": "P3", "P2": None, "P3": None, "P4": None, "P5": None, "P6": None, "P7": "P3"}


@pytest.mark.req("C-31")
def test_ended_on_the_day_of_hire_is_an_employment_of_no_day(plant, told) -> None:
    plant.add("people.csv", "P9,A,B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,2024-01-01,")
    assert told(plant.check()) == []


@pytest.mark.part("C-31", "what refers to a refused person says so")
@pytest.mark.part("C-32", "what refers to a refused person says so")
def test_what_refers_to_a_refused_person_says_so(plant, told) -> None:
    plant.change("people.csv", "P2,Bob", "P2,=Bob")
    plant.add("leaves.csv", "P2,2025-03-01,,medical")
    assert told(plant.check()) == [
        "R people.csv:3 given_name NAME_FORMULA",
        "R leaves.csv:3 employee_no PERSON_REFUSED",
        "R training_history.csv:3 employee_no PERSON_REFUSED",
    ]


@pytest.mark.req("C-32")
@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("P2,2024-02-29,2024-04-01,medical", "from"),
        ("P2,2026-06-01,,medical", "from"),
        ("P2,2026-05-01,2026-06-02,medical", "to"),
    ],
)
def test_a_spell_outside_employment_is_taken_with_a_warning(plant, told, row, column) -> None:
    plant.add("leaves.csv", row)
    plan = plant.check()
    assert told(plan) == [f"W leaves.csv:3 {column} OUTSIDE_EMPLOYMENT"]
    assert plan.counts("leaves.csv").taken == 2


@pytest.mark.part("C-32", "a spell to the edge of employment is inside")
@pytest.mark.part("C-02", "a spell to the edge of employment is inside")
@pytest.mark.parametrize("row", ["P2,2024-03-01,2026-06-01,medical", "P2,2026-05-31,,medical"])
def test_a_spell_to_the_edge_of_employment_is_inside(plant, told, row) -> None:
    plant.add("leaves.csv", row)
    assert told(plant.check()) == []


@pytest.mark.part("C-20", "a roster file names the shift of each day, or a day off")
def test_a_roster_says_which_shift_or_off(plant) -> None:
    days = [row for row in plant.check().taken("roster.csv") if isinstance(row, RosterDay)]
    assert [(row.day.isoformat(), row.shift) for row in days] == [("2026-11-02", "D"), ("2026-11-03", None)]


def test_a_shift_may_pass_midnight(plant) -> None:
    night = plant.check().taken("shifts.csv")[1]
    assert isinstance(night, Shift)
    assert (night.starts, night.ends) == (time(22), time(6))


def test_a_task_lists_documents_and_equipment_by_spaces(plant) -> None:
    (task,) = plant.check().taken("tasks.csv")
    assert isinstance(task, Task)
    assert (task.items, task.equipment) == (("SOP-1", "EHS-1"), ("NL1/FILL-01",))


def test_an_odd_language_costs_the_language_alone(plant, told) -> None:
    plant.add("people.csv", "P9,A,B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,Dutch")
    plan = plant.check()
    assert told(plan) == ["W people.csv:5 language LANGUAGE_UNKNOWN"]
    person = plan.taken("people.csv")[-1]
    assert isinstance(person, Person)
    assert person.language is None


def test_every_reason_has_a_message() -> None:
    reasons = KINDS.reasons()
    assert all(reason.message and reason.value == reason.name for reason in reasons)
    assert len(set(reasons)) == len(reasons), "no two kinds use one code for two things"
