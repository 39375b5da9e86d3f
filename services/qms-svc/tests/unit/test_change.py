from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from plantkit.governing import Effective
from plantkit.sites import Sites
from qms_svc.domain.change import (
    Change,
    ChangeState,
    DraftVersion,
    check_approval,
    check_cancel,
    check_editable,
    check_recall,
    check_submit,
    is_last_approval,
)
from qms_svc.domain.document import ChangeClass, TrainingDecision, Version, VersionState
from qms_svc.domain.errors import OwnApprovalError, RuleError, StateError

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SITES = Sites({"NL1": "Europe/Amsterdam", "US1": "America/New_York"})
CC7 = Change("CC-7", ChangeState.DRAFT, "QUE", frozenset({"QUE"}), None, 1, ())
V4 = DraftVersion(
    "SOP-101",
    4,
    ChangeClass.MAJOR,
    TrainingDecision.READ,
    (Effective("NL1", date(2026, 3, 16)), Effective("US1", date(2026, 3, 23))),
    (),
    1,
)


@pytest.mark.req("QM-02", "R-01")
def test_somebody_else_approves_a_complete_change() -> None:
    check_approval(CC7, [V4], "EVA", SITES, NOW)
    check_approval(replace(CC7, state=ChangeState.IN_REVIEW), [V4], "EVA", SITES, NOW)
    assert is_last_approval(CC7)
    assert not is_last_approval(replace(CC7, required_approvals=2))
    assert is_last_approval(replace(CC7, required_approvals=2, approvers=("EVA",)))


@pytest.mark.req("PL-06", "R-53")
@pytest.mark.parametrize("approver", ["QUE", "CAM", ""])
def test_nobody_approves_what_they_wrote_on(approver: str) -> None:
    written = replace(CC7, contributors=frozenset({"QUE", "CAM"}))
    with pytest.raises(OwnApprovalError):
        check_approval(written, [V4], approver, SITES, NOW)


@pytest.mark.req("PL-06")
def test_one_person_gives_one_approval() -> None:
    two = replace(CC7, required_approvals=2, approvers=("EVA",))
    check_approval(two, [V4], "ELI", SITES, NOW)
    with pytest.raises(StateError, match="one approval"):
        check_approval(two, [V4], "EVA", SITES, NOW)


@pytest.mark.req("QM-03")
@pytest.mark.parametrize(
    ("versions", "field"),
    [
        ([], "versions"),
        ([replace(V4, training_decision=None)], "versions.SOP-101/4.training_decision"),
        ([replace(V4, change_class=None)], "versions.SOP-101/4.change_class"),
        ([replace(V4, files=0)], "versions.SOP-101/4.file"),
        ([replace(V4, effective=())], "versions.SOP-101/4.effective"),
        ([V4, replace(V4, document="WI-1", training_decision=None)], "versions.WI-1/4.training_decision"),
        ([replace(V4, effective=(Effective("NL1", date(2026, 3, 1)),))], "versions.SOP-101/4.effective.0.on"),
    ],
)
def test_an_incomplete_change_is_not_approved_and_the_field_is_named(
    versions: list[DraftVersion], field: str
) -> None:
    for check in (
        lambda: check_approval(CC7, versions, "EVA", SITES, NOW),
        lambda: check_submit(CC7, versions, SITES, NOW),
    ):
        with pytest.raises(RuleError) as refused:
            check()
        assert refused.value.field == field


@pytest.mark.req("QM-03", "QM-05")
def test_no_training_needs_a_reason_of_its_own() -> None:
    editorial = replace(V4, change_class=ChangeClass.EDITORIAL, training_decision=TrainingDecision.NONE)
    with pytest.raises(RuleError) as refused:
        check_approval(replace(CC7, risk_reason=" "), [editorial], "EVA", SITES, NOW)
    assert refused.value.field == "risk_reason"
    check_approval(replace(CC7, risk_reason="Spelling."), [editorial], "EVA", SITES, NOW)


def test_only_a_draft_is_edited_and_only_what_is_open_is_approved() -> None:
    check_editable(CC7)
    for state in (ChangeState.IN_REVIEW, ChangeState.APPROVED, ChangeState.CANCELLED):
        with pytest.raises(StateError):
            check_editable(replace(CC7, state=state))
    for state in (ChangeState.APPROVED, ChangeState.CANCELLED):
        with pytest.raises(StateError):
            check_approval(replace(CC7, state=state), [V4], "EVA", SITES, NOW)
    check_recall(replace(CC7, state=ChangeState.IN_REVIEW))
    with pytest.raises(StateError):
        check_recall(CC7)


@pytest.mark.req("QM-18", "R-09")
def test_a_change_is_cancelled_until_one_of_its_versions_takes_effect() -> None:
    approved = replace(CC7, state=ChangeState.APPROVED)
    version = Version("SOP-101", 4, VersionState.APPROVED, V4.effective)
    begins = datetime(2026, 3, 15, 23, tzinfo=UTC)
    check_cancel(approved, [version], SITES, begins - timedelta(microseconds=1))
    with pytest.raises(StateError, match="taken effect"):
        check_cancel(approved, [version], SITES, begins)
    check_cancel(CC7, [replace_state(version)], SITES, begins)
    with pytest.raises(StateError):
        check_cancel(replace(CC7, state=ChangeState.CANCELLED), [], SITES, NOW)


def replace_state(version: Version) -> Version:
    return Version(version.document, version.number, VersionState.DRAFT, version.effective)
