"""Change control: the record under which document versions are drafted, approved by somebody else, or cancelled.

A change cannot be approved while a training decision is blank (QM-03), nor by anybody who wrote on it (PL-06, R-53).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plantkit.sites import Sites

from qms_svc.domain.document import (
    ChangeClass,
    Effective,
    End,
    TrainingDecision,
    Version,
    check_effective,
    check_ends,
    has_governed_anywhere,
)
from qms_svc.domain.errors import OwnApprovalError, RuleError, StateError


class ChangeState(StrEnum):
    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """What the approval of a change looks at in each of its versions."""

    document: str
    number: int
    change_class: ChangeClass | None
    training_decision: TrainingDecision | None
    effective: Sequence[Effective]
    ends: Sequence[End]
    files: int

    @property
    def name(self) -> str:
        return f"{self.document}/{self.number}"


@dataclass(frozen=True, slots=True)
class Change:
    """contributors: everybody who wrote on it, the author included. approvers: who signed so far."""

    change: str
    state: ChangeState
    author: str
    contributors: frozenset[str]
    risk_reason: str | None
    required_approvals: int
    approvers: Sequence[str]


def check_editable(change: Change) -> None:
    """Only a draft is edited: what is in review must stay what the reviewers read."""
    if change.state != ChangeState.DRAFT:
        raise StateError("not-a-draft", f"{change.change} is {change.state}")


def check_complete(change: Change, versions: Sequence[DraftVersion], sites: Sites, now: datetime) -> None:
    """Raises RuleError, naming the field, for whatever an approver could not judge."""
    if not versions:
        raise RuleError("versions", "missing", f"{change.change} lists no document version")
    for version in versions:
        where = f"versions.{version.name}"
        if version.training_decision is None:
            raise RuleError(
                f"{where}.training_decision", "blank", "a change without a training decision is not approved"
            )
        if version.change_class is None:
            raise RuleError(f"{where}.change_class", "blank", "the class of the change is needed")
        if version.training_decision == TrainingDecision.NONE and not (change.risk_reason or "").strip():
            raise RuleError(
                "risk_reason", "blank", f"why {version.document} needs no training has to be said (QM-03)"
            )
        if not version.files:
            raise RuleError(f"{where}.file", "missing", "a version without its file is not approved")
        check_effective(f"{where}.effective", version.effective, sites, now)
        check_ends(f"{where}.ends", version.ends, version.effective)


def check_submit(change: Change, versions: Sequence[DraftVersion], sites: Sites, now: datetime) -> None:
    check_editable(change)
    check_complete(change, versions, sites, now)


def check_recall(change: Change) -> None:
    """Back to draft; signatures given so far were for what was read then and count no more."""
    if change.state != ChangeState.IN_REVIEW:
        raise StateError("not-in-review", f"{change.change} is {change.state}")


def check_approval(
    change: Change, versions: Sequence[DraftVersion], approver: str, sites: Sites, now: datetime
) -> None:
    """Whether this person can approve the change as it stands (QM-02, QM-03, PL-06, R-53)."""
    if change.state not in (ChangeState.DRAFT, ChangeState.IN_REVIEW):
        raise StateError("not-open", f"{change.change} is {change.state}")
    if not approver or approver == change.author or approver in change.contributors:
        raise OwnApprovalError("own-approval", "nobody approves a change that they wrote")
    if approver in change.approvers:
        raise StateError("approved-already", "one person gives one approval of a change")
    check_complete(change, versions, sites, now)


def is_last_approval(change: Change) -> bool:
    """Whether one more approval completes the change."""
    return len(change.approvers) + 1 >= change.required_approvals


def check_cancel(change: Change, versions: Sequence[Version], sites: Sites, now: datetime) -> None:
    """A change is cancelled before any of its versions takes effect anywhere (QM-18); later: withdraw the version."""
    if change.state == ChangeState.CANCELLED:
        raise StateError("cancelled", f"{change.change} is cancelled already")
    for version in versions:
        if has_governed_anywhere(version, sites, now):
            raise StateError(
                "governs", f"{version.document} v{version.number} has taken effect: withdraw it instead"
            )
