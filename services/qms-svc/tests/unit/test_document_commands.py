"""A document: given its versions, when a command comes, then events or a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from plantkit.governing import Effective
from plantkit.sites import Sites
from qms_svc.domain import document as domain
from qms_svc.domain.document import (
    DateMoved,
    Describe,
    Document,
    DocumentCommand,
    MoveDate,
    Register,
    Registered,
    Retire,
    Withdraw,
)
from qms_svc.domain.version import Version, VersionState
from servicekit.domain import DomainError

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
FIELDS = {
    "title": "Filling",
    "document_type": "SOP",
    "framework": "GMP",
    "category": None,
    "owner_department": None,
}
V4 = Version(
    "SOP-101", 4, VersionState.APPROVED, [Effective("NL1", date(2026, 3, 16), None, NOW)], approved_at=NOW
)
MOVE = MoveDate(4, "NL1", date(2026, 3, 30), "s1")


def given(*commands: DocumentCommand, version: Version = V4) -> Document:
    [registered] = domain.decide(None, Register("SOP-101", FIELDS), NOW)
    assert isinstance(registered, Registered)
    document = replace(registered.document, versions=[version], sites=Sites({"NL1": "Europe/Amsterdam"}))
    for command in commands:
        for event in domain.decide(document, command, NOW):
            document = domain.evolve(document, event)
    return document


def refusal(document: Document, command: DocumentCommand) -> str:
    with pytest.raises(DomainError) as refused:
        domain.decide(document, command, NOW)
    return refused.value.code


def test_a_document_is_registered_once_and_described_by_its_revision() -> None:
    assert refusal(given(), Register("SOP-101", FIELDS)) == "document-exists"
    described = given(Describe(1, {"title": "Aseptic filling"}))
    assert (described.title, described.version) == ("Aseptic filling", 2)
    assert refusal(described, Describe(1, {"title": "Late"})) == "stale"


def test_a_move_is_one_more_statement_and_the_version_s_row_stays() -> None:
    moved = given(MOVE)
    assert domain.decide(given(), MOVE, NOW) == [DateMoved("SOP-101", 4, "NL1", date(2026, 3, 30), "s1", NOW)]
    [version] = moved.versions
    assert [(e.on, e.recorded_at) for e in version.effective] == [
        (date(2026, 3, 16), NOW),
        (date(2026, 3, 30), NOW),
    ]
    assert version.version == V4.version
    assert refusal(moved, MOVE) == "no-change"
    assert refusal(given(), replace(MOVE, number=9)) == "not-found"


def test_an_approved_version_is_withdrawn_once_and_a_draft_without_a_signature() -> None:
    withdrawn = given(Withdraw(4, "s2"))
    [version] = withdrawn.versions
    assert (version.state, version.withdrawn_at) == (VersionState.WITHDRAWN, NOW)
    assert refusal(withdrawn, Withdraw(4, "s3")) == "not-standing"
    draft = given(version=replace(V4, state=VersionState.DRAFT))
    assert refusal(draft, Withdraw(4, "s2")) == "not-approved"


def test_a_document_is_retired_once_at_a_place() -> None:
    retired = given(Retire("f1", "NL1", date(2026, 6, 1)))
    assert retired.retired == {"NL1": date(2026, 6, 1)}
    assert refusal(retired, Retire("f2", "NL1", date(2026, 7, 1))) == "retired"
    assert refusal(given(), Retire("f1", "NL1", date(2026, 3, 1))) == "in-the-past"
