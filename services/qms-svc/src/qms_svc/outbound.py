"""Own changes -> contract models. `OUTBOUND` at the foot is the table of what this service announces.

A draft without a training decision or class is not announced yet: the contract has no word for "undecided", and nobody
else acts on a draft. It enters the announced state with its first decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from plantkit.governing import Effective
from servicekit.bus.outbox import Announcement

from qms_svc.db.queries import Stored, StoredDocument


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC, as all contracts write it."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def happened(
    kind: str, *, reason: str | None = None, valid_from: str | None = None, cause: str | None = None
) -> dict[str, Any]:
    return {"kind": kind, "reason": reason, "valid_from": valid_from, "cause": cause}


def is_announced(stored: Stored) -> bool:
    return stored.row["training_decision"] is not None and stored.row["change_class"] is not None


def document_state(document: StoredDocument) -> dict[str, Any]:
    row = document.row
    return {
        **{
            name: row[name]
            for name in ("document", "title", "document_type", "framework", "category", "owner_department")
        },
        "retired": [{"place": place, "on": day(on)} for place, on in document.retired.items()],
        "versions": [version_state(stored) for stored in document.versions if is_announced(stored)],
    }


def version_state(stored: Stored) -> dict[str, Any]:
    row = stored.row
    return {
        "version": row["number"],
        "state": row["state"],
        "change_class": row["change_class"],
        "training_decision": row["training_decision"],
        "change": row["change"],
        "approved_at": instant(row["approved_at"]),
        "approved_on": day(row["approved_on"]),
        "effective": [_effective(entry, row["recorded_at"]) for entry in stored.effective],
        "ends": [{"place": end.place, "on": day(end.on)} for end in stored.ends],
        "withdrawn_at": instant(row["withdrawn_at"]),
        "content": [
            {name: file[name] for name in ("sha256", "size", "media_type", "language")}
            for file in row["content"]
        ],
        "sections": [{"id": section["id"], "title": section["title"]} for section in row["sections"]],
        "minutes": row["minutes"],
        "summary": row["summary"],
        "recorded_at": instant(row["recorded_at"]),
    }


def _effective(entry: Effective, recorded_at: datetime) -> dict[str, Any]:
    return {
        "place": entry.place,
        "on": day(entry.on),
        "at": instant(entry.at),
        "recorded_at": instant(entry.recorded_at or recorded_at),
    }


def change_state(row: Mapping[str, Any], versions: Sequence[Stored]) -> dict[str, Any]:
    return {
        "change": row["change"],
        "title": row["title"],
        "state": row["state"],
        "reason": row["change_reason"],
        "author": row["author"],
        "risk_reason": row["risk_reason"],
        "documents": [
            {
                "document": stored.row["document"],
                "version": stored.number,
                "training_decision": stored.row["training_decision"],
            }
            for stored in versions
            if is_announced(stored)
        ],
        "required_approvals": row["required_approvals"],
        "approvals": list(row["approvals"]),
    }


def document(event: str, state: Mapping[str, Any], what: Mapping[str, Any]) -> Announcement:
    """event: what stands after `qms.document-`, e.g. `version-approved`."""
    return Announcement(
        topic="qms.document",
        type=f"qms.document-{event}.v1",
        subject=state["document"],
        key=state["document"],
        state=dict(state),
        change=dict(what),
    )


def change(event: str, state: Mapping[str, Any], what: Mapping[str, Any]) -> Announcement:
    """event: what stands after `qms.change-`, e.g. `approved`."""
    return Announcement(
        topic="qms.change",
        type=f"qms.change-{event}.v1",
        subject=state["change"],
        key=state["change"],
        state=dict(state),
        change=dict(what),
    )


OUTBOUND = {"qms.document": document, "qms.change": change}
