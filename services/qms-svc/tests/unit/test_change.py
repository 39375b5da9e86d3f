"""Change control: given a change, when a command comes, then events or a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from plantkit.governing import Effective
from plantkit.sites import Sites
from qms_svc.domain import change as domain
from qms_svc.domain.change import (
    Approve,
    Approved,
    Cancel,
    Cancelled,
    Command,
    Describe,
    Draft,
    Drafted,
    Edit,
    Open,
    Opened,
    PlanChanged,
    PutFile,
    Recall,
    Recalled,
    Remove,
    Signed,
    Submit,
    Submitted,
)
from qms_svc.domain.control import Approval, Change, ChangeState, Control
from qms_svc.domain.document import Document
from qms_svc.domain.version import ChangeClass, TrainingDecision, Version, VersionState
from servicekit.domain import RuleError, StateError

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SITES = Sites({"NL1": "Europe/Amsterdam", "US1": "America/New_York"})
FILE = {"sha256": "0" * 64, "size": 1, "media_type": "text/markdown", "language": "en"}
SECTIONS = [{"id": "s1", "title": "Purpose", "level": 1, "line_from": 1, "line_to": 2}]
PLAN = {
    "change_class": ChangeClass.MAJOR,
    "training_decision": TrainingDecision.READ,
    "effective": [Effective("NL1", date(2026, 3, 16)), Effective("US1", date(2026, 3, 23))],
}
OPEN = Open("CC-7", "New filter", "deviation", "QUE", None, used=False, sites=SITES)
DRAFT = Draft("SOP-101", None, "QUE", PLAN, FILE, SECTIONS)
EVA = Approval("EVA", "approve", "s-eva", "2026-03-02T10:00:00Z")
ELI = Approval("ELI", "approve", "s-eli", "2026-03-02T10:00:00Z")


def document(name: str = "SOP-101", *versions: Version) -> Document:
    return Document(name, 1, "Filling", "SOP", "GMP", None, None, "NATIVE", NOW, versions, {}, SITES)


V3 = Version("SOP-101", 3, VersionState.APPROVED, [Effective("*", date(2025, 6, 1), None, NOW)])


def given(*commands: Command, documents: tuple[Document, ...] = (document("SOP-101", V3),)) -> Control:
    """The change after these commands, with the documents that they concern."""
    [opened] = domain.decide(None, OPEN, NOW)
    control = replace(
        domain.evolve(None, opened), documents={each.document: each for each in documents}, sites=SITES
    )
    for command in commands:
        for event in domain.decide(control, command, NOW):
            control = domain.evolve(control, event)
    return control


def with_change(control: Control, **fields: Any) -> Control:
    return replace(control, change=replace(control.change, **fields))


def with_version(control: Control, **fields: Any) -> Control:
    return control.put(*(replace(version, **fields) for version in control.versions))


def refusal(control: Control | None, command: Command, now: datetime = NOW) -> str:
    """The code, or for a field that cannot be accepted its name."""
    with pytest.raises((RuleError, StateError)) as refused:
        domain.decide(control, command, now)
    error = refused.value
    return error.field if isinstance(error, RuleError) else error.code


CC7 = given(DRAFT)


def test_opening_makes_a_draft_once() -> None:
    [opened] = domain.decide(None, OPEN, NOW)
    assert isinstance(opened, Opened)
    assert (opened.change.state, opened.change.contributors) == (ChangeState.DRAFT, {"QUE"})
    assert refusal(given(), OPEN) == refusal(None, replace(OPEN, used=True)) == "change-exists"


@pytest.mark.part("QM-01", "a draft is the next version of its document")
def test_a_draft_is_the_next_version_of_its_document() -> None:
    [drafted] = domain.decide(given(), DRAFT, NOW)
    assert isinstance(drafted, Drafted)
    assert (drafted.version.name, drafted.version.state) == ("SOP-101/4", VersionState.DRAFT)
    assert refusal(CC7, DRAFT) == "version-exists"
    assert (
        refusal(given(), replace(DRAFT, number=3)) == refusal(given(), replace(DRAFT, number=2)) == "version"
    )
    ended = replace(document("SOP-101", V3), retired={"*": date(2026, 1, 1)})
    assert refusal(given(documents=(ended,)), DRAFT) == "retired"
    elsewhere = PLAN | {"effective": [Effective("NL9", date(2026, 3, 16))]}
    assert refusal(given(), replace(DRAFT, plan=elsewhere)) == "effective.0.place"


def test_everybody_who_edits_is_remembered() -> None:
    edit = Edit("SOP-101", 4, 1, "CAM", {"minutes": 20})
    [event] = domain.decide(CC7, edit, NOW)
    assert isinstance(event, PlanChanged)
    edited = domain.evolve(CC7, event)
    assert edited.change.contributors == {"QUE", "CAM"}
    assert (edited.versions[0].minutes, edited.versions[0].version) == (20, 2)
    assert refusal(edited, edit) == "stale"
    described = given(DRAFT, Describe(2, "ELI", {"title": "Another"}))
    assert (described.change.title, described.change.contributors) == ("Another", {"QUE", "ELI"})


def test_a_translation_has_the_sections_of_the_first_file() -> None:
    two = [*SECTIONS, SECTIONS[0] | {"id": "s2"}]
    dutch = PutFile("SOP-101", 4, "QUE", FILE | {"language": "nl"}, two)
    assert refusal(CC7, dutch) == "file"
    translated = given(DRAFT, replace(dutch, sections=SECTIONS))
    assert [file["language"] for file in translated.versions[0].content] == ["en", "nl"]
    again = given(DRAFT, replace(dutch, file=FILE, sections=two))
    assert (len(again.versions[0].content), len(again.versions[0].sections)) == (1, 2)


def test_a_removed_draft_leaves_its_change() -> None:
    removed = given(DRAFT, Remove("SOP-101", 4, "CAM"))
    assert removed.versions == []
    gone = removed.documents["SOP-101"].find(4)
    assert gone is not None
    assert (gone.state, gone.change) == (VersionState.WITHDRAWN, None)


@pytest.mark.part("QM-02", "a complete change is approved by as many as it needs")
@pytest.mark.part("R-01", "a complete change is approved by as many as it needs")
def test_a_complete_change_is_approved_by_as_many_as_it_needs() -> None:
    for control in (CC7, given(DRAFT, Submit())):
        [event] = domain.decide(control, Approve(EVA), NOW)
        assert isinstance(event, Approved)
        approved = domain.evolve(control, event)
        assert (approved.change.state, approved.change.approved_at) == (ChangeState.APPROVED, NOW)
        [version] = approved.versions
        assert (version.state, version.approved_at) == (VersionState.APPROVED, NOW)
        assert [e.recorded_at for e in version.effective] == [NOW, NOW]
    two = with_change(CC7, required_approvals=2)
    [first] = domain.decide(two, Approve(EVA), NOW)
    assert first == Signed(EVA, NOW)
    [second] = domain.decide(domain.evolve(two, first), Approve(ELI), NOW)
    assert isinstance(second, Approved)


@pytest.mark.part("R-58", "a date at the approval is the approval")
def test_a_date_at_the_approval_is_the_approval() -> None:
    control = with_version(CC7, effective=[Effective("NL1")])
    [event] = domain.decide(control, Approve(EVA), NOW)
    assert domain.evolve(control, event).versions[0].effective == [Effective("NL1", None, NOW, NOW)]


@pytest.mark.part("QM-03", "an incomplete change is not approved and the field is named")
@pytest.mark.parametrize(
    ("control", "field"),
    [
        (given(), "versions"),
        (with_version(CC7, training_decision=None), "versions.SOP-101/4.training_decision"),
        (with_version(CC7, change_class=None), "versions.SOP-101/4.change_class"),
        (with_version(CC7, content=[]), "versions.SOP-101/4.file"),
        (with_version(CC7, effective=[]), "versions.SOP-101/4.effective"),
        (
            given(
                DRAFT,
                replace(DRAFT, document="WI-1", plan={"effective": PLAN["effective"]}),
                documents=(document("SOP-101", V3), document("WI-1")),
            ),
            "versions.WI-1/1.training_decision",
        ),
        (
            with_version(CC7, effective=[Effective("NL1", date(2026, 3, 1))]),
            "versions.SOP-101/4.effective.0.on",
        ),
    ],
)
def test_an_incomplete_change_is_not_approved_and_the_field_is_named(control: Control, field: str) -> None:
    assert refusal(control, Approve(EVA)) == refusal(control, Submit()) == field


@pytest.mark.part("QM-03", "no training needs a reason of its own")
@pytest.mark.part("QM-05", "no training needs a reason of its own")
def test_no_training_needs_a_reason_of_its_own() -> None:
    editorial = with_version(CC7, change_class=ChangeClass.EDITORIAL, training_decision=TrainingDecision.NONE)
    assert refusal(with_change(editorial, risk_reason=" "), Approve(EVA)) == "risk_reason"
    assert domain.decide(with_change(editorial, risk_reason="Spelling."), Approve(EVA), NOW)


def test_only_a_draft_is_edited_and_only_what_is_open_is_approved() -> None:
    edits = (
        Describe(CC7.change.version, "QUE", {}),
        replace(DRAFT, document="SOP-101"),
        Edit("SOP-101", 4, 1, "QUE", {}),
        PutFile("SOP-101", 4, "QUE", FILE, SECTIONS),
        Remove("SOP-101", 4, "QUE"),
        Submit(),
    )
    for state in (ChangeState.IN_REVIEW, ChangeState.APPROVED, ChangeState.CANCELLED):
        for edit in edits:
            assert refusal(with_change(CC7, state=state), edit) == "not-a-draft"
    for state in (ChangeState.APPROVED, ChangeState.CANCELLED):
        assert refusal(with_change(CC7, state=state), Approve(EVA)) == "not-open"


def test_a_recall_makes_a_draft_again_and_voids_approvals() -> None:
    reviewed = given(DRAFT, Submit())
    assert [version.state for version in reviewed.versions] == [VersionState.IN_REVIEW]
    two = with_change(reviewed, required_approvals=2)
    signed = domain.evolve(two, *domain.decide(two, Approve(EVA), NOW))
    assert domain.decide(signed, Recall(), NOW) == [Recalled(NOW)]
    again = domain.evolve(signed, Recalled(NOW))
    assert (again.change.state, again.change.approvals) == (ChangeState.DRAFT, [])
    assert [version.state for version in again.versions] == [VersionState.DRAFT]
    assert refusal(CC7, Recall()) == "not-in-review"
    assert domain.decide(again, Submit(), NOW) == [Submitted(NOW)]


@pytest.mark.part("QM-18", "a change is cancelled until one of its versions takes effect")
@pytest.mark.part("R-09", "a change is cancelled until one of its versions takes effect")
def test_a_change_is_cancelled_until_one_of_its_versions_takes_effect() -> None:
    approved = given(DRAFT, Approve(EVA))
    begins = datetime(2026, 3, 15, 23, tzinfo=UTC)
    [event] = domain.decide(approved, Cancel(), begins - timedelta(microseconds=1))
    assert isinstance(event, Cancelled)
    cancelled = domain.evolve(approved, event)
    assert cancelled.change.state == ChangeState.CANCELLED
    assert [version.state for version in cancelled.versions] == [VersionState.WITHDRAWN]
    assert refusal(approved, Cancel(), begins) == "governs"
    assert domain.decide(CC7, Cancel(), begins), "a draft governs nowhere"
    assert refusal(cancelled, Cancel()) == "cancelled"


def test_every_event_moves_the_change_to_its_next_version() -> None:
    control = given()
    assert control.change.version == 1
    for command in (
        DRAFT,
        Edit("SOP-101", 4, 1, "QUE", {"minutes": 5}),
        Submit(),
        Recall(),
        Approve(EVA),
        Cancel(),
    ):
        before: Change = control.change
        for event in domain.decide(control, command, NOW):
            control = domain.evolve(control, event)
        assert control.change.version == before.version + 1
