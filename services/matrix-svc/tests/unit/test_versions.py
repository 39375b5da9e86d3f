from dataclasses import replace
from datetime import UTC, datetime

import pytest
from matrix_svc.domain.rules import Cell, Question, Rule, SourceKind
from matrix_svc.domain.versions import (
    Change,
    Draft,
    VersionState,
    approve,
    check_approval,
    differences,
    is_stricter,
)
from servicekit.domain import RuleError, StateError

SIGNED = datetime(2026, 4, 1, 9, tzinfo=UTC)
OPR = SourceKind.JOB_FUNCTION
R, RQ = frozenset("R"), frozenset("RQ")
IN_FORCE = {
    (OPR, "OPR", "SOP-101"): Rule(
        "r1", 1, 1, OPR, "OPR", "SOP-101", R, 12, None, None, None, True, datetime(2026, 1, 1, tzinfo=UTC)
    )
}


def draft(*cells: Cell, effective_at: datetime | None = None) -> Draft:
    return Draft(8, "QUE", VersionState.DRAFT, effective_at, cells)


@pytest.mark.part("MX-08", "the diff lists added removed and changed cells alone")
def test_the_diff_lists_added_removed_and_changed_cells_alone() -> None:
    cells = [
        Cell(OPR, "OPR", "SOP-101", RQ, 12, 80),
        Cell(OPR, "OPR", "SOP-222", R),
        Cell(OPR, "QCA", "SOP-222", frozenset()),
    ]
    assert [(d.change, d.cell.item) for d in differences(cells, IN_FORCE)] == [
        (Change.CHANGED, "SOP-101"),
        (Change.ADDED, "SOP-222"),
    ]
    assert differences([Cell(OPR, "OPR", "SOP-101", R, 12)], IN_FORCE) == []


@pytest.mark.part("R-75", "what is stricter than before")
@pytest.mark.part("MX-05", "what is stricter than before")
@pytest.mark.parametrize(
    ("cell", "stricter"),
    [
        (Cell(OPR, "OPR", "SOP-101", R, 6), True),
        (Cell(OPR, "OPR", "SOP-101", R, 24), False),
        (Cell(OPR, "OPR", "SOP-101", R), False),
        (Cell(OPR, "OPR", "SOP-101", RQ, 12, 80), True),
        (Cell(OPR, "OPR", "SOP-101", frozenset()), False),
        (Cell(OPR, "OPR", "SOP-222", R, 12), True),
    ],
    ids=["shorter", "longer", "once", "a method more", "removed", "new"],
)
def test_what_is_stricter_than_before(cell: Cell, stricter: bool) -> None:
    (change,) = differences([cell], IN_FORCE)
    assert is_stricter(change) is stricter


@pytest.mark.part("R-75", "an interval where there was none is stricter and an answer is not")
def test_an_interval_where_there_was_none_is_stricter_and_an_answer_is_not() -> None:
    once = {place: replace(rule, interval_months=None) for place, rule in IN_FORCE.items()}
    (change,) = differences([Cell(OPR, "OPR", "SOP-101", R, 120)], once)
    assert is_stricter(change)
    (answer,) = differences([Cell(OPR, "QCA", "SOP-222", frozenset())], IN_FORCE, [QUESTION])
    assert not is_stricter(answer)


def test_only_a_draft_that_changes_something_is_approved() -> None:
    changes = differences([Cell(OPR, "OPR", "SOP-222", R)], IN_FORCE)
    check_approval(draft(), changes)
    with pytest.raises(StateError) as refused:
        check_approval(replace(draft(), state=VersionState.APPROVED), changes)
    assert refused.value.code == "not-a-draft"
    with pytest.raises(RuleError, match="changes nothing"):
        check_approval(draft(), [])


@pytest.mark.req("R-35")
def test_a_rule_never_begins_before_its_signature() -> None:
    changes = differences([Cell(OPR, "OPR", "SOP-101", RQ, 6, 80)], IN_FORCE)
    backdated = draft(effective_at=datetime(2025, 1, 1, tzinfo=UTC))
    approved = approve(backdated, changes, signed_at=SIGNED, new_ids=["r2"])
    assert approved.ends == {"r1": SIGNED}
    assert [(r.valid_from, r.rule_version, r.interval_months) for r in approved.rules] == [(SIGNED, 2, 6)]


@pytest.mark.part("MX-07", "removing a cell ends the rule and makes none")
def test_removing_a_cell_ends_the_rule_and_makes_none() -> None:
    effective = datetime(2026, 5, 1, tzinfo=UTC)
    changes = differences([Cell(OPR, "OPR", "SOP-101", frozenset())], IN_FORCE)
    approved = approve(draft(effective_at=effective), changes, signed_at=SIGNED, new_ids=["-"])
    assert (approved.rules, approved.ends) == ([], {"r1": effective})


QUESTION = Question("q1", OPR, "QCA", "SOP-222", "ask QA", None, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.part("MX-08", "an open question is answered by a signed version either way")
@pytest.mark.part("C-34", "an open question is answered by a signed version either way")
@pytest.mark.parametrize(
    ("cell", "change", "rules"),
    [
        (Cell(OPR, "QCA", "SOP-222", frozenset()), Change.ANSWERED, 0),
        (Cell(OPR, "QCA", "SOP-222", R), Change.ADDED, 1),
    ],
)
def test_an_open_question_is_answered_by_a_signed_version_either_way(
    cell: Cell, change: Change, rules: int
) -> None:
    changes = differences([cell], IN_FORCE, [QUESTION])
    approved = approve(draft(), changes, signed_at=SIGNED, new_ids=["r2"], questions=[QUESTION])
    assert [d.change for d in changes] == [change]
    assert (len(approved.rules), approved.ends, approved.answers) == (rules, {}, {"q1": SIGNED})


@pytest.mark.part("C-34", "the rule in force may be the answer and stays")
def test_the_rule_in_force_may_be_the_answer_and_stays() -> None:
    question = Question("q2", OPR, "OPR", "SOP-101", "R/12", None, datetime(2026, 1, 1, tzinfo=UTC))
    changes = differences([Cell(OPR, "OPR", "SOP-101", R, 12)], IN_FORCE, [question])
    approved = approve(draft(), changes, signed_at=SIGNED, new_ids=["-"], questions=[question, QUESTION])
    assert [d.change for d in changes] == [Change.ANSWERED]
    assert (approved.rules, approved.ends, approved.answers) == ([], {}, {"q2": SIGNED})


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        (Cell(OPR, "OPR", "SOP-1", frozenset("X")), "methods"),
        (Cell(OPR, "OPR", "SOP-1", R, 121), "interval_months"),
        (Cell(OPR, "OPR", "SOP-1", RQ, 12, 101), "pass_mark"),
        (Cell(OPR, "OPR", "SOP-1", frozenset(), 12), "methods"),
    ],
)
def test_a_bad_cell_names_its_field(cell: Cell, field: str) -> None:
    with pytest.raises(RuleError) as refused:
        differences([cell], {})
    assert refused.value.field == field
