"""Change control: the record under which document versions are drafted, approved by somebody else, or cancelled.

Who may approve it is a rule of the policy file (`own-change`, `one-signature-each`); what must hold of the change itself
stands in `control`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from plantkit.governing import Effective
from plantkit.sites import Sites
from servicekit.domain import StateError, stale

from qms_svc.domain.control import (
    Approval,
    Change,
    ChangeState,
    Control,
    check_approvable,
    check_complete,
    check_editable,
    check_state,
    needs_signature,
)
from qms_svc.domain.document import check_withdraw, has_governed_anywhere, version_of, withdrawn
from qms_svc.domain.drafting import check_plan, next_version, with_file
from qms_svc.domain.version import Version, VersionState

REQUIRED_APPROVALS = 1


@dataclass(frozen=True, slots=True)
class Open:
    """used: whether a change with this id was ever recorded, in the system before included."""

    change: str
    title: str
    reason: str
    author: str
    risk_reason: str | None
    used: bool
    sites: Sites


@dataclass(frozen=True, slots=True)
class Describe:
    """fields: title, risk_reason."""

    revision: int
    author: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """number: None for the next one. plan: what the draft plans, named as the fields of a Version."""

    document: str
    number: int | None
    author: str
    plan: Mapping[str, Any]
    file: Mapping[str, Any]
    sections: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Edit:
    document: str
    number: int
    revision: int
    author: str
    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PutFile:
    """file: its entry, with the language. sections: those of the file."""

    document: str
    number: int
    author: str
    file: Mapping[str, Any]
    sections: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Remove:
    """A draft leaves its change."""

    document: str
    number: int
    author: str


@dataclass(frozen=True, slots=True)
class Submit:
    pass


@dataclass(frozen=True, slots=True)
class Recall:
    pass


@dataclass(frozen=True, slots=True)
class Cancel:
    pass


@dataclass(frozen=True, slots=True)
class Approve:
    approval: Approval


type Command = Open | Describe | Draft | Edit | PutFile | Remove | Submit | Recall | Cancel | Approve


@dataclass(frozen=True, slots=True)
class Opened:
    change: Change
    sites: Sites


@dataclass(frozen=True, slots=True)
class Described:
    author: str
    fields: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Drafted:
    version: Version
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PlanChanged:
    document: str
    number: int
    author: str
    fields: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class FileChanged:
    document: str
    number: int
    author: str
    fields: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Removed:
    version: Version
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Submitted:
    at: datetime


@dataclass(frozen=True, slots=True)
class Recalled:
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    versions: Sequence[Version]
    at: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """One approval of several that are needed."""

    approval: Approval
    at: datetime


@dataclass(frozen=True, slots=True)
class Approved:
    """versions: as approved, what they planned now being statements."""

    approval: Approval
    versions: Sequence[Version]
    at: datetime


type Event = (
    Opened
    | Described
    | Drafted
    | PlanChanged
    | FileChanged
    | Removed
    | Submitted
    | Recalled
    | Cancelled
    | Signed
    | Approved
)


def decide(control: Control | None, command: Command, now: datetime) -> list[Event]:
    """The events of a command on a change; raises RuleError or StateError when it is refused."""
    if isinstance(command, Open):
        return [_open(control, command, now)]
    assert control is not None, "only opening makes a change"
    match command:
        case Describe(revision, author, fields):
            stale(control.change.change, control.change.version, revision)
            check_editable(control.change)
            return [Described(author, fields, now)]
        case Draft():
            check_editable(control.change)
            version = next_version(
                control.documents[command.document],
                control.change.change,
                command.number,
                command.plan,
                command.file,
                command.sections,
                now,
            )
            return [Drafted(version, command.author, now)]
        case Edit(document, number, revision, author, plan):
            version = _editable(control, document, number)
            stale(f"{document} v{number}", version.version, revision)
            check_plan(replace(version, **plan), control.sites)
            return [PlanChanged(document, number, author, plan, now)]
        case PutFile(document, number, author, file, sections):
            version = _editable(control, document, number)
            return [FileChanged(document, number, author, with_file(version, file, sections), now)]
        case Remove(document, number, author):
            version = version_of(control.documents[document], number)
            check_withdraw(version)
            if not version.is_unapproved:
                raise needs_signature(document, number)
            check_editable(control.change)
            return [Removed(version, author, now)]
        case Submit():
            check_editable(control.change)
            check_complete(control, now)
            return [Submitted(now)]
        case Recall():
            check_state(control.change, "not-in-review", ChangeState.IN_REVIEW)
            return [Recalled(now)]
        case Cancel():
            return [Cancelled(_cancellable(control, now), now)]
        case Approve(approval):
            return [_approve(control, approval, now)]


def evolve(control: Control | None, event: Event) -> Control:
    """The change and its documents after the event."""
    if isinstance(event, Opened):
        return Control(event.change, {}, event.sites)
    assert control is not None
    match event:
        case Described(author, fields, at):
            return control.moved(at, author, **fields)
        case Drafted(version, author, at):
            return control.moved(at, author).put(version)
        case PlanChanged(document, number, author, fields, at) | FileChanged(
            document, number, author, fields, at
        ):
            version = version_of(control.documents[document], number)
            version = replace(version, **fields, version=version.version + 1, recorded_at=at)
            return control.moved(at, author).put(version)
        case Removed(version, author, at):
            return control.moved(at, author).put(replace(withdrawn(version, at), change=None))
        case Submitted(at):
            return _in_state(control, VersionState.IN_REVIEW).moved(at, state=ChangeState.IN_REVIEW)
        case Recalled(at):
            # The signatures so far bind the content of that time.
            return _in_state(control, VersionState.DRAFT).moved(at, state=ChangeState.DRAFT, approvals=[])
        case Cancelled(versions, at):
            control = control.put(*(withdrawn(version, at) for version in versions))
            return control.moved(at, state=ChangeState.CANCELLED)
        case Signed(approval, at):
            approvals = [*control.change.approvals, approval]
            return control.moved(at, state=ChangeState.IN_REVIEW, approvals=approvals)
        case Approved(approval, versions, at):
            approvals = [*control.change.approvals, approval]
            return control.put(*versions).moved(
                at, state=ChangeState.APPROVED, approvals=approvals, approved_at=at
            )


def _open(control: Control | None, command: Open, now: datetime) -> Opened:
    if control is not None or command.used:
        raise StateError("change-exists", f"{command.change} is taken")
    change = Change(
        change=command.change,
        version=1,
        title=command.title,
        change_reason=command.reason,
        risk_reason=command.risk_reason,
        state=ChangeState.DRAFT,
        author=command.author,
        contributors=frozenset({command.author}),
        required_approvals=REQUIRED_APPROVALS,
        approvals=[],
        approved_at=None,
        recorded_at=now,
    )
    return Opened(change, command.sites)


def _editable(control: Control, document: str, number: int) -> Version:
    version = version_of(control.documents[document], number)
    if not version.is_unapproved or version.change != control.change.change:
        raise StateError("not-a-draft", f"{document} v{number} is no draft")
    check_editable(control.change)
    return version


def _cancellable(control: Control, now: datetime) -> list[Version]:
    """The versions that end with the change, before any of them takes effect anywhere (QM-18)."""
    if control.change.state == ChangeState.CANCELLED:
        raise StateError("cancelled", f"{control.change.change} is cancelled already")
    standing = [version for version in control.versions if version.state != VersionState.WITHDRAWN]
    for version in standing:
        if has_governed_anywhere(version, control.sites, now):
            raise StateError(
                "governs", f"{version.document} v{version.number} has taken effect: withdraw it instead"
            )
    return standing


def _approve(control: Control, approval: Approval, now: datetime) -> Signed | Approved:
    check_approvable(control, now)
    if len(control.change.approvals) + 1 < control.change.required_approvals:
        return Signed(approval, now)
    return Approved(approval, [_approved(version, now) for version in control.versions], now)


def _approved(version: Version, now: datetime) -> Version:
    """Its plan becomes statements; a date "at the approval" is now (R-58)."""
    effective = [
        Effective(e.place, e.on, now if e.on is None and e.at is None else e.at, now)
        for e in version.effective
    ]
    return replace(
        version,
        state=VersionState.APPROVED,
        effective=effective,
        approved_at=now,
        recorded_at=now,
        version=version.version + 1,
    )


def _in_state(control: Control, state: VersionState) -> Control:
    return control.put(
        *(replace(version, state=state, version=version.version + 1) for version in control.versions)
    )
