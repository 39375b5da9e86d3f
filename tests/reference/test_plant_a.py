"""C-37: what the plant's files must come to, row for row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .facts import World
from .plant_a import Report, default_directory, load
from .values import Refused, read_date_time, read_matrix_cell


@pytest.mark.part("C-31", "the reference reads the people of plant A alike")
@pytest.mark.part("C-37", "the reference reads the people of plant A alike")
def test_people(plant_a: tuple[World, Report]) -> None:
    world, report = plant_a
    assert report.taken["people"] == len(world.employments) == 412
    assert report.count("R", "people") == {
        "duplicate key": 2,
        "unknown job function": 2,
        "ended before hired": 2,
        "formula in a name": 2,
        "control or format character in a name": 2,
    }
    assert report.count("W", "people") == {"supervisor is himself": 5, "supervisor unknown or refused": 7}


@pytest.mark.part("C-32", "the reference reads the spells of plant A alike")
@pytest.mark.part("C-37", "the reference reads the spells of plant A alike")
@pytest.mark.parametrize(
    ("file", "taken", "refused"),
    [
        ("function_history", 66, 1),
        ("people_overlays", 122, 3),
        ("people_equipment", 664, 12),
        ("leaves", 17, 0),
    ],
)
def test_spells(plant_a: tuple[World, Report], file: str, taken: int, refused: int) -> None:
    _, report = plant_a
    assert report.taken[file] == taken
    assert report.count("R", file).total() == refused


@pytest.mark.part("C-32", "the reference warns about a leave before the hire")
def test_leave_before_hire_is_warned(plant_a: tuple[World, Report]) -> None:
    _, report = plant_a
    assert report.count("W", "leaves") == {"outside employment": 1}


@pytest.mark.part("C-30", "the reference reads the history of plant A alike")
@pytest.mark.part("C-33", "the reference reads the history of plant A alike")
@pytest.mark.part("C-37", "the reference reads the history of plant A alike")
def test_history(plant_a: tuple[World, Report]) -> None:
    world, report = plant_a
    assert report.taken["training_history"] == len(world.records) == 39_106
    assert report.count("I", "training_history") == {"identical": 2}
    assert report.count("R", "training_history") == {
        "refused person": 1036,
        "unknown person": 2,
        "unknown document": 2,
        "unknown version": 2,
        "not a date-time": 2,
        "no offset": 2,
        "before approval": 2,
        "in the future": 2,
        "evaluator is the trainee": 2,
        "score not 0-100": 2,
    }
    assert report.count("W", "training_history") == {
        "offset is not the zone's": 1202,
        "after the end of employment": 1,
    }


@pytest.mark.part("C-34", "the reference reads the matrix of plant A alike")
@pytest.mark.part("C-37", "the reference reads the matrix of plant A alike")
def test_matrix(plant_a: tuple[World, Report]) -> None:
    world, report = plant_a
    assert report.count("R", "matrix").total() == len(world.unresolved) == 2
    assert Counter(rule.level for rule in world.rules) == {
        "job_function": 340,
        "area": 78,
        "equipment": 110,
        "overlay": 29,
    }


@pytest.mark.part("C-34", "matrix cell is refused")
@pytest.mark.parametrize("text", ["12", "ask QA", "X", "R-12", "RR99", "R0", "R121", "r12", "RQ 24", "R012"])
def test_matrix_cell_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_matrix_cell(text)


@pytest.mark.part("C-34", "matrix cell in any order")
def test_matrix_cell_in_any_order() -> None:
    assert read_matrix_cell("OQR120") == (frozenset({"read", "quiz", "ojt"}), 120)
    assert read_matrix_cell("O") == (frozenset({"ojt"}), None)


@pytest.mark.part("C-33", "time is never guessed")
@pytest.mark.parametrize(
    "text", ["45321", "yesterday", "2025-02-30T10:00:00+01:00", "", "2025-03-01T10:00:00"]
)
def test_time_is_never_guessed(text: str) -> None:
    with pytest.raises(Refused):
        read_date_time(text)


@pytest.mark.part("C-30", "refused row claims no key and lines are physical")
@pytest.mark.part("C-35", "refused row claims no key and lines are physical")
def test_refused_row_claims_no_key_and_lines_are_physical(
    tmp_path: Path, plant_a: tuple[World, Report]
) -> None:
    for source in default_directory().iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    header = "employee_no,document,version,completed_at,method,score,evaluator_no,source_record"
    rows = [
        "E10001,EHS-208,5,yesterday,read,,,L-1",
        'E10001,EHS-208,5,2025-12-22T10:00:00+01:00,read,,"",L-1',
        'E10001,EHS-208,5,2025-12-22T10:00:00+01:00,read,,"a\r\nb",L-2',
        "E10001,EHS-208,5,2025-12-23T10:00:00+01:00,read,,,L-1",
        "E10001,EHS-208,5,2025-12-22T10:00:00+01:00,read,,,L-1",
    ]
    (tmp_path / "training_history.csv").write_bytes(("\ufeff" + "\r\n".join([header, *rows])).encode())
    world, report = load(tmp_path)
    assert [record.reference for record in world.records] == ["L-1", "L-2"]
    told = {
        (remark.kind, remark.line, remark.reason)
        for remark in report.remarks
        if remark.file == "training_history"
    }
    assert told == {("R", "2", "not a date-time"), ("R", "6", "duplicate key"), ("I", "7", "identical")}
