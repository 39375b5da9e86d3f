"""Blocks: every taken row once, in the order of the stages, and the same plan gives the same blocks."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from plantfiles import KINDS, ImportPlan, Known, check, from_dict, read_directory
from plantfiles.handover import blocks, item_of, open_questions, parts, plan_digest

FIXTURE = Path(__file__).parents[3] / "examples" / "fixture-f"
DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def plan() -> ImportPlan:
    return check(read_directory(FIXTURE), export_date=DAY)


def test_every_file_of_an_import_has_an_owner() -> None:
    assert sorted(part.kind for part in parts()) == sorted([*(kind.name for kind in KINDS), "questions"])


@pytest.mark.part("PL-29", "what others refer to goes first")
def test_what_others_refer_to_goes_first() -> None:
    order = [part.kind for part in parts()]
    for earlier, later in [
        ("sites", "shifts"),
        ("areas", "equipment"),
        ("documents", "document_versions"),
        ("documents", "tasks"),
        ("people", "function_history"),
        ("people", "training_history"),
        ("training_history", "matrix"),
    ]:
        assert order.index(earlier) < order.index(later)
    # The matrix comes last: without an obligation nothing is needed, so nothing opens that closes again.
    assert order[-2:] == ["matrix", "questions"]


def test_every_row_goes_once_and_comes_back_as_it_was(plan: ImportPlan) -> None:
    made = list(blocks(plan, [], size=3))
    items = [item for block in made for item in block.items]
    taken = [row for result in plan.files for row in result.taken]
    assert len(items) == len(taken)
    assert {(item.file, item.key) for item in items} == {(row.file, row.key) for row in taken}
    assert {(i.file, i.key): from_dict(i.content) for i in items} == {(r.file, r.key): r for r in taken}
    assert all(len(block.items) <= 3 for block in made)
    assert [block.number for block in made] == list(range(len(made)))
    assert len({block.idempotency_key for block in made}) == len(made)
    assert all(len(block.idempotency_key) <= 200 for block in made)


def test_the_same_plan_gives_the_same_blocks(plan: ImportPlan) -> None:
    again = check(read_directory(FIXTURE), export_date=DAY)
    assert list(blocks(again, [])) == list(blocks(plan, []))
    assert plan_digest(again, []) == plan_digest(plan, [])


def test_an_import_that_began_under_an_earlier_release_goes_on_under_this_one(plan: ImportPlan) -> None:
    """Keys, order and digests are compared with what the owners and the accepted job have: they never change."""
    keys = "\n".join(block.idempotency_key for block in blocks(plan, []))
    assert sha256(keys.encode()).hexdigest() == (
        "ba6af85e97cd77492b614367b4526a5dd16e0ed23c722cd02f9d175bd04f8f7a"
    )
    assert plan_digest(plan, []) == "d79d614bb8dbe3f5d605203959e0bfff81688d4e0bbf8f44162df09bcc8d37f9"


def test_another_row_gives_another_digest(plan: ImportPlan) -> None:
    known = Known(
        {"leaves.csv": {row.key: row.digest for row in plan.taken("leaves.csv")}}, plan.remember().rows
    )
    less = check(read_directory(FIXTURE), export_date=DAY, known=known)
    assert len(less.taken("leaves.csv")) == 0
    assert plan_digest(less, []) != plan_digest(plan, [])


@pytest.mark.part("PL-29", "a refused cell is asked once")
@pytest.mark.part("R-35", "a refused cell is asked once")
def test_a_refused_cell_is_asked_once() -> None:
    plant = Path(__file__).parents[3] / "examples" / "plant-a"
    names = [path.name for path in plant.iterdir() if path.name != "training_history.csv"]
    files = {name: source for name, source in read_directory(plant).items() if name in names}
    plan = check(files, export_date=date(2026, 11, 1))
    questions = open_questions(plan, Known())
    assert [(q.content["source"], q.content["item"], q.content["value"]) for q in questions] == [
        ("QCA", "POL-160", "ask QA"),
        ("QCM", "POL-226", "12"),
    ]
    sent = list(blocks(plan, questions))
    assert sent[-1].part.kind == "questions"
    assert sent[-1].sha256 == plan.by_file["matrix.xlsx"].sha256
    known = plan.remember()
    asked = {**known.digests, "questions": {question.key: question.digest for question in questions}}
    assert open_questions(plan, Known(asked, known.rows)) == []


def test_an_item_names_where_its_row_stood(plan: ImportPlan) -> None:
    row = plan.taken("people.csv")[0]
    item = item_of(row)
    assert item.content["line"] == row.line == "2"
    assert item.content["digest"] == row.digest
