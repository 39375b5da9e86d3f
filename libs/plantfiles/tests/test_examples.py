"""The example plants: the expected counts of plant-a (C-37), and fixture-f without a finding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from plantfiles import Counts, ImportPlan, Reason, Severity, check, read_directory
from plantfiles.kinds.document_versions import CHANGE_CLASSES, RETRAININGS
from plantfiles.kinds.matrix import MatrixCell
from plantfiles.kinds.people import EMPLOYMENTS, Person
from plantfiles.kinds.training_history import HistoryRecord

EXPORT = date(2026, 11, 1)
ALL_TAKEN = {
    "sites.csv": 3,
    "shifts.csv": 9,
    "areas.csv": 18,
    "job_functions.csv": 12,
    "equipment.csv": 48,
    "overlays.csv": 4,
    "documents.csv": 130,
    "document_versions.csv": 440,
    "leaves.csv": 17,
}


@pytest.fixture(scope="module")
def plant_a(examples: Path) -> ImportPlan:
    return check(read_directory(examples / "plant-a"), export_date=EXPORT)


def reasons(plan: ImportPlan, file: str, severity: Severity) -> Mapping[str, int]:
    return {reason.value: count for reason, count in plan.reasons(file, severity).items()}


@pytest.mark.req("C-37")
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("people.csv", Counts(422, 412, 10)),
        ("function_history.csv", Counts(67, 66, 1)),
        ("people_overlays.csv", Counts(125, 122, 3)),
        ("people_equipment.csv", Counts(676, 664, 12)),
        ("training_history.csv", Counts(40_162, 39_106, 1_054, repeated=2)),
        ("matrix.xlsx", Counts(559, 557, 2)),
        *((file, Counts(rows, rows)) for file, rows in ALL_TAKEN.items()),
    ],
)
def test_plant_a_counts(plant_a: ImportPlan, file: str, counts: Counts) -> None:
    assert plant_a.counts(file) == counts
    assert counts.rows == counts.taken + counts.refused + counts.identical


@pytest.mark.part("C-37", "the people of plant A are judged row by row")
@pytest.mark.part("C-31", "the people of plant A are judged row by row")
def test_plant_a_people(plant_a: ImportPlan) -> None:
    assert reasons(plant_a, "people.csv", Severity.REFUSED) == {
        "DUPLICATE_KEY": 2,
        "JOB_FUNCTION_UNKNOWN": 2,
        "ENDED_BEFORE_HIRED": 2,
        "NAME_FORMULA": 2,
        "NAME_CONTROL": 2,
    }
    assert reasons(plant_a, "people.csv", Severity.WARNED) == {"SUPERVISOR_SELF": 5, "SUPERVISOR_REFUSED": 7}


@pytest.mark.part("C-37", "the history of plant A is judged row by row")
@pytest.mark.part("C-33", "the history of plant A is judged row by row")
def test_plant_a_history(plant_a: ImportPlan) -> None:
    assert reasons(plant_a, "training_history.csv", Severity.REFUSED) == {
        "PERSON_REFUSED": 1_036,
        "PERSON_UNKNOWN": 2,
        "DOCUMENT_UNKNOWN": 2,
        "VERSION_UNKNOWN": 2,
        "NOT_A_DATE_TIME": 2,
        "NO_OFFSET": 2,
        "BEFORE_APPROVAL": 2,
        "AFTER_EXPORT": 2,
        "EVALUATOR_IS_TRAINEE": 2,
        "SCORE_INVALID": 2,
    }
    assert reasons(plant_a, "training_history.csv", Severity.WARNED) == {
        "OFFSET_NOT_OF_ZONE": 1_202,
        "AFTER_EMPLOYMENT": 1,
    }


@pytest.mark.part("C-32", "a leave before the hire is warned about")
def test_plant_a_leave_before_hire(plant_a: ImportPlan) -> None:
    (finding,) = [finding for finding in plant_a.findings if finding.file == "leaves.csv"]
    assert (finding.line, finding.severity, finding.reason) == (
        "2",
        Severity.WARNED,
        Reason.OUTSIDE_EMPLOYMENT,
    )


@pytest.mark.part("C-34", "unreadable cells of plant A are open questions")
@pytest.mark.part("C-37", "unreadable cells of plant A are open questions")
def test_plant_a_open_questions(plant_a: ImportPlan) -> None:
    assert [
        (question.line, question.source, question.item, question.value) for question in plant_a.questions
    ] == [
        ("By job function!H61", "QCA", "POL-160", "ask QA"),
        ("By job function!I127", "QCM", "POL-226", "12"),
    ]
    people = {row.employee_no: row for row in plant_a.taken("people.csv") if isinstance(row, Person)}
    for question in plant_a.questions:
        current = {number for number, row in people.items() if row.job_function == question.source}
        assert current
        assert current <= set(question.people) <= people.keys()


@pytest.mark.part("C-33", "with a zone rule, two times without an offset are taken")
@pytest.mark.part("C-30", "with a zone rule, two times without an offset are taken")
def test_plant_a_with_a_zone_rule_takes_the_two_times_without_offset(examples: Path) -> None:
    """Both are sent again with an offset further down: now it is those rows that come second under their key."""
    plan = check(read_directory(examples / "plant-a"), export_date=EXPORT, zone_rule="site")
    assert plan.counts("training_history.csv") == Counts(40_162, 39_106, 1_054, repeated=2)
    refused = reasons(plan, "training_history.csv", Severity.REFUSED)
    assert "NO_OFFSET" not in refused
    assert refused["DUPLICATE_KEY"] == 2
    ruled = [
        row for row in plan.taken("training_history.csv") if isinstance(row, HistoryRecord) and row.zone_rule
    ]
    assert len(ruled) == 2
    assert all(row.zone_rule == row.time_zone for row in ruled)


@pytest.mark.part("C-30", "importing plant A again changes nothing")
def test_plant_a_again_is_all_identical(examples: Path, plant_a: ImportPlan) -> None:
    again = check(read_directory(examples / "plant-a"), export_date=EXPORT, known=plant_a.remember())
    for result in again.files:
        first = plant_a.counts(result.file)
        assert result.counts == Counts(
            first.rows, 0, first.refused, repeated=first.repeated, unchanged=first.taken
        )


def test_fixture_f_has_nothing_to_tell(examples: Path) -> None:
    plan = check(read_directory(examples / "fixture-f"), export_date=date(2026, 3, 1))
    assert plan.findings == ()
    assert plan.questions == ()
    people = {row.employee_no for row in plan.taken("people.csv") if isinstance(row, Person)}
    assert people == {"ANA", "BEN", "CHI", "FAY", "GIL", "EVA", "QUE", "SAM"}
    met = {
        row.employee_no: (row.version, row.completed_at.isoformat())
        for row in plan.taken("training_history.csv")
        if isinstance(row, HistoryRecord)
    }
    assert met == {
        "ANA": (3, "2025-05-27T22:40:00+02:00"),
        "BEN": (3, "2025-05-28T10:00:00+02:00"),
        "CHI": (3, "2025-05-28T11:00:00+02:00"),
        "FAY": (3, "2025-05-29T15:00:00+02:00"),
        "GIL": (3, "2025-05-30T09:00:00-04:00"),
    }
    (cell,) = plan.taken("matrix.xlsx")
    assert isinstance(cell, MatrixCell)
    assert (cell.source, cell.document, cell.methods, cell.interval_months) == ("OPR", "SOP-101", ("R",), 12)


def test_fixture_f_after_plant_a_conflicts_in_its_document_alone(examples: Path, plant_a: ImportPlan) -> None:
    files = read_directory(examples / "fixture-f")
    plan = check(files, export_date=date(2026, 3, 1), known=plant_a.remember())
    assert {(finding.file, finding.reason) for finding in plan.findings} == {
        ("documents.csv", Reason.CONFLICTS_WITH_IMPORTED),
        ("document_versions.csv", Reason.CONFLICTS_WITH_IMPORTED),
    }
    assert plan.counts("sites.csv").unchanged == 2
    assert plan.counts("people.csv").taken == 8


def test_fixture_f_matrix_is_written_the_same_each_time(examples: Path, writer: ModuleType) -> None:
    assert writer.workbook(writer.SHEETS) == (examples / "fixture-f" / "matrix.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("schema", "enum", "values"),
    [
        ("matrix.person", "Employment", EMPLOYMENTS),
        ("qms.document", "ChangeClass", CHANGE_CLASSES),
        ("qms.document", "TrainingDecision", RETRAININGS),
    ],
)
def test_values_are_those_of_the_contracts(
    examples: Path, schema: str, enum: str, values: frozenset[str]
) -> None:
    text = (examples.parent / "contracts" / "schemas" / f"{schema}.v1.schema.json").read_text()
    assert set(json.loads(text)["$defs"][enum]["enum"]) == values
