"""Own changes -> contract models. `OUTBOUND` at the foot is the table of what this service announces.

A draft without a training decision or class is not announced yet: the contract has no word for "undecided", and nobody
else acts on a draft. It enters the announced state with its first decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from attest_contracts.events import qms_change, qms_document
from attest_contracts.outgoing import Announcement
from plantkit.governing import Effective

from qms_svc.domain import change as changes
from qms_svc.domain import document as documents
from qms_svc.domain.control import Change, Control
from qms_svc.domain.document import Document
from qms_svc.domain.version import Version


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, as all contracts write it."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def text(value: str | None) -> str | None:
    """A state or a decision as plain text."""
    return None if value is None else str(value)


def happened(
    kind: str, *, reason: str | None = None, valid_from: str | None = None, cause: str | None = None
) -> dict[str, Any]:
    return {"kind": kind, "reason": reason, "valid_from": valid_from, "cause": cause}


def document_state(document: Document) -> dict[str, Any]:
    return {
        **{
            name: getattr(document, name)
            for name in ("document", "title", "document_type", "framework", "category", "owner_department")
        },
        "retired": [{"place": place, "on": day(on)} for place, on in document.retired.items()],
        "versions": [version_state(version) for version in document.versions if version.is_decided],
    }


def version_state(version: Version) -> dict[str, Any]:
    return {
        "version": version.number,
        "state": str(version.state),
        "change_class": text(version.change_class),
        "training_decision": text(version.training_decision),
        "change": version.change,
        "approved_at": instant(version.approved_at),
        "approved_on": day(version.approved_on),
        "effective": [_effective(entry, version.recorded_at) for entry in version.effective],
        "ends": [{"place": end.place, "on": day(end.on)} for end in version.ends],
        "withdrawn_at": instant(version.withdrawn_at),
        "content": [
            {name: file[name] for name in ("sha256", "size", "media_type", "language")}
            for file in version.content
        ],
        "sections": [{"id": section["id"], "title": section["title"]} for section in version.sections],
        "minutes": version.minutes,
        "summary": version.summary,
        "recorded_at": instant(version.recorded_at),
    }


def _effective(entry: Effective, recorded_at: datetime) -> dict[str, Any]:
    return {
        "place": entry.place,
        "on": day(entry.on),
        "at": instant(entry.at),
        "recorded_at": instant(entry.recorded_at or recorded_at),
    }


def change_state(change: Change, versions: Sequence[Version]) -> dict[str, Any]:
    return {
        "change": change.change,
        "title": change.title,
        "state": str(change.state),
        "reason": change.change_reason,
        "author": change.author,
        "risk_reason": change.risk_reason,
        "documents": [
            {
                "document": version.document,
                "version": version.number,
                "training_decision": text(version.training_decision),
            }
            for version in versions
            if version.is_decided
        ],
        "required_approvals": change.required_approvals,
        "approvals": [asdict(approval) for approval in change.approvals],
    }


def of_document(
    state: Document, events: Sequence[documents.DocumentEvent], reason: str | None
) -> Iterable[Announcement]:
    """What the events of a document announce."""
    for event in events:
        match event:
            case documents.Registered():
                event_of, what = qms_document.document_registered, happened("registered", reason=reason)
            case documents.Described():
                event_of, what = qms_document.document_changed, happened("described", reason=reason)
            case documents.Retired(fact, _, _, on, _):
                event_of = qms_document.document_retired
                what = happened("retired", reason=reason, valid_from=day(on), cause=fact)
            case documents.DateMoved(_, _, _, on, signature, _):
                event_of = qms_document.document_version_moved
                what = happened("effective_date_moved", reason=reason, valid_from=day(on), cause=signature)
            case documents.Withdrawn(_, signature, at):
                event_of = qms_document.document_version_withdrawn
                what = happened("version_withdrawn", reason=reason, valid_from=instant(at), cause=signature)
        yield event_of(document_state(state), what)


def of_change(state: Control, events: Sequence[changes.Event], reason: str | None) -> Iterable[Announcement]:
    """What the events of a change announce: of the documents that they touch, and of the change."""
    for event in events:
        name, kind, touched, more = _of_change(state, event)
        # What an event adds to the trail: since when it holds, and what caused it.
        what = happened(kind, reason=reason, **more)
        if touched:
            what_of_documents = what | ({"kind": "version_approved"} if name == "approved" else {})
            for key in sorted({version.document for version in touched if version.is_decided}):
                shown = document_state(state.documents[key])
                yield _DOCUMENT_EVENTS[name](shown, what_of_documents)
        yield _CHANGE_EVENTS[name](change_state(state.change, state.versions), what)


_DOCUMENT_EVENTS = {
    "drafted": qms_document.document_version_drafted,
    "submitted": qms_document.document_version_submitted,
    "approved": qms_document.document_version_approved,
    "cancelled": qms_document.document_version_withdrawn,
    "removed": qms_document.document_version_withdrawn,
}
"""What happens to the change -> the event of each document version that it touches."""
_CHANGE_EVENTS = {
    "drafted": qms_change.change_drafted,
    "removed": qms_change.change_drafted,
    "submitted": qms_change.change_submitted,
    "signed": qms_change.change_signed,
    "approved": qms_change.change_approved,
    "cancelled": qms_change.change_cancelled,
}


def _of_change(
    state: Control, event: changes.Event
) -> tuple[str, str, Sequence[Version], dict[str, str | None]]:
    """What happens (a key of `_CHANGE_EVENTS`), the kind of the change, the versions that it touches, and valid_from and cause."""
    key = state.change.change
    match event:
        case changes.Opened():
            return "drafted", "change_opened", [], {}
        case changes.Described():
            return "drafted", "change_described", [], {}
        case changes.Drafted(version, _, _):
            return "drafted", "drafted", [version], {"cause": key}
        case changes.PlanChanged(document_id, number, _, _, _):
            version = documents.version_of(state.documents[document_id], number)
            return "drafted", "draft_changed", [version], {"cause": key}
        case changes.FileChanged(document_id, number, _, _, _):
            version = documents.version_of(state.documents[document_id], number)
            return "drafted", "file_changed", [version], {"cause": key}
        case changes.Removed(version, _, at):
            return "removed", "version_withdrawn", [version], {"valid_from": instant(at)}
        case changes.Submitted():
            return "submitted", "change_submitted", state.versions, {"cause": key}
        case changes.Recalled():
            return "drafted", "change_recalled", state.versions, {"cause": key}
        case changes.Cancelled(versions, at):
            return "cancelled", "change_cancelled", versions, {"valid_from": instant(at), "cause": key}
        case changes.Signed(approval, _):
            return "signed", "change_signed", [], {"cause": approval.signature}
        case changes.Approved(approval, versions, _):
            return "approved", "change_approved", versions, {"cause": approval.signature}


OUTBOUND = {topic.TOPIC: topic for topic in (qms_change, qms_document)}
