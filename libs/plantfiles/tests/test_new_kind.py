"""A new kind of file is one new module: with it in the folder of kinds, its file is read, checked and handed over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import plantfiles.kinds
import pytest
from plantfiles import KINDS, ImportPlan, Kinds, Known, check, from_dict, read_files, report
from plantfiles.handover import blocks, item_of, parts
from plantfiles.registry import discover

FILE = "vendor_visits.csv"
ROWS = (
    "visit,employee_no,date,weather\n"
    "V1,P1,2025-03-01,fair\n"
    "V2,P1,2023-03-01,fair\n"
    "V3,P9,2025-03-01,fair\n"
    "V1,P1,2025-03-01,foul\n"
    "V1,P1,2025-03-02,fair\n"
)


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kinds]:
    """The kinds as they are found when one more module stands beside the others; no other file knows of it."""
    folders = [*plantfiles.kinds.__path__, str(Path(__file__).parent / "a_new_kind")]
    monkeypatch.setattr(plantfiles.kinds, "__path__", folders)
    yield discover()
    del sys.modules["plantfiles.kinds.vendor_visits"]
    del plantfiles.kinds.vendor_visits  # type: ignore[attr-defined]


def checked(plant, kinds: Kinds, known: Known | None = None) -> ImportPlan:
    plant.files[FILE] = ROWS
    files = read_files(plant.bytes(), kinds=kinds)
    return check(files, export_date=date(2026, 11, 1), known=known, kinds=kinds)


def test_without_its_module_the_file_is_left_out(plant, told) -> None:
    plan = checked(plant, KINDS)
    assert told(plan) == [f"W {FILE}:  FILE_UNKNOWN"]
    assert plan.taken(FILE) == ()


def test_its_rows_are_read_and_checked(plant, told, kinds: Kinds) -> None:
    plan = checked(plant, kinds)
    assert told(plan) == [
        f"W {FILE}:1 weather COLUMN_UNKNOWN",
        f"R {FILE}:3 date VISIT_BEFORE_HIRE",
        f"R {FILE}:4 employee_no PERSON_UNKNOWN",
        f"I {FILE}:5 visit IDENTICAL_ROW",
        f"R {FILE}:6 visit DUPLICATE_KEY",
    ]
    assert plan.findings[1].message == "a visit before the day of hire: hired on 2024-01-01"
    counts = plan.counts(FILE)
    assert (counts.rows, counts.taken, counts.refused, counts.identical) == (5, 1, 3, 1)
    [row] = plan.taken(FILE)
    assert from_dict(item_of(row).content, kinds) == row


def test_it_stands_where_it_says_in_the_report(plant, kinds: Kinds) -> None:
    files = [each["file"] for each in report.summary(checked(plant, kinds))]
    assert files[files.index(FILE) - 1 : files.index(FILE) + 2] == ["roster.csv", FILE, "tasks.csv"]


def test_its_rows_go_to_its_owner_in_its_stage(plant, kinds: Kinds) -> None:
    plan = checked(plant, kinds)
    order = [(part.stage.value, part.service, part.kind) for part in parts(kinds)]
    at = order.index(("history", "records", "vendor_visits"))
    assert order[at - 1][0] == "people"
    assert order[at + 1] == ("history", "records", "training_history")
    [block] = [block for block in blocks(plan, [], kinds=kinds) if block.file == FILE]
    assert block.part.terms == ("export_date",)
    assert block.idempotency_key.startswith(f"import:{plan.by_file[FILE].sha256}:vendor_visits:1:")


def test_running_again_takes_nothing(plant, kinds: Kinds) -> None:
    known = checked(plant, kinds).remember()
    again = checked(plant, kinds, known)
    assert again.counts(FILE).taken == 0
    assert again.counts(FILE).unchanged == 1
    assert kinds[FILE].referred, "what was imported is loaded again, since other rows may refer to it"


def test_its_reasons_are_among_those_of_a_report(kinds: Kinds) -> None:
    assert "VISIT_BEFORE_HIRE" in kinds.reasons()
    assert "VISIT_BEFORE_HIRE" not in KINDS.reasons()
