"""A change with the documents that it touches, and what must hold before it is edited, reviewed or approved.

A change cannot be approved while a training decision is blank (QM-03).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from plantkit.sites import Sites
from servicekit.domain import RuleError, StateError

from qms_svc.domain.document import Document, check_effective, check_ends
from qms_svc.domain.version import TrainingDecision, Version


class ChangeState(StrEnum):
    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Approval:
    person: str
    meaning: str
    signature: str
    signed_at: str
    """RFC 3339, UTC."""


@dataclass(frozen=True, slots=True)
class Change:
    """version: of its row. contributors: everybody who wrote on it, the author included."""

    change: str
    version: int
    title: str
    change_reason: str
    risk_reason: str | None
    state: ChangeState
    author: str
    contributors: frozenset[str]
    required_approvals: int
    approvals: Sequence[Approval]
    approved_at: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Control:
    """A change together with the whole documents that its commands touch. sites: the known sites."""

    change: Change
    documents: Mapping[str, Document]
    sites: Sites

    @property
    def versions(self) -> list[Version]:
        """Those of the change, by document and number."""
        return [
            version
            for _, document in sorted(self.documents.items())
            for version in document.versions
            if version.change == self.change.change
        ]

    def put(self, *versions: Version) -> Control:
        documents = dict(self.documents)
        for version in versions:
            documents[version.document] = documents[version.document].put(version)
        return replace(self, documents=documents)

    def moved(self, at: datetime, author: str | None = None, **fields: Any) -> Control:
        """The change with these fields and its next version; `author` joins those who wrote on it."""
        change = self.change
        contributors = change.contributors | ({author} if author else set())
        change = replace(
            change, **fields, contributors=contributors, version=change.version + 1, recorded_at=at
        )
        return replace(self, change=change)


def check_approvable(control: Control, now: datetime) -> None:
    """Whether the change can be approved as it stands (QM-02, QM-03)."""
    check_state(control.change, "not-open", ChangeState.DRAFT, ChangeState.IN_REVIEW)
    check_complete(control, now)


def check_editable(change: Change) -> None:
    """Only a draft is edited: what is in review must stay what the reviewers read."""
    check_state(change, "not-a-draft", ChangeState.DRAFT)


def check_complete(control: Control, now: datetime) -> None:
    """Raises RuleError, naming the field, for whatever an approver could not judge."""
    if not control.versions:
        raise RuleError("versions", "missing", f"{control.change.change} lists no document version")
    for version in control.versions:
        where = f"versions.{version.name}"
        if version.training_decision is None:
            raise RuleError(
                f"{where}.training_decision", "blank", "a change without a training decision is not approved"
            )
        if version.change_class is None:
            raise RuleError(f"{where}.change_class", "blank", "the class of the change is needed")
        if (
            version.training_decision == TrainingDecision.NONE
            and not (control.change.risk_reason or "").strip()
        ):
            raise RuleError(
                "risk_reason", "blank", f"why {version.document} needs no training has to be said (QM-03)"
            )
        if not version.content:
            raise RuleError(f"{where}.file", "missing", "a version without its file is not approved")
        check_effective(f"{where}.effective", version.effective, control.sites, now)
        check_ends(f"{where}.ends", version.ends, version.effective)


def needs_signature(document: str, number: int) -> StateError:
    return StateError("needs-signature", f"{document} v{number} is approved: its withdrawal is signed")


def check_state(change: Change, code: str, *states: ChangeState) -> None:
    if change.state not in states:
        raise StateError(code, f"{change.change} is {change.state}")
