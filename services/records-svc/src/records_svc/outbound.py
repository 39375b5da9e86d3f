"""Own changes -> contract models. `OUTBOUND` at the foot is the table of what this service announces.

Printed names never leave (they stand with the signatures alone); people are named by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attest_contracts.events import records_training_record

from records_svc.domain.vocabulary import SignatureFacts

TOPIC = records_training_record.TOPIC


def instant(value: datetime) -> str:
    """RFC 3339 in UTC with microseconds, always of one width: as text it sorts as it does in time."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def maybe(value: datetime | None) -> str | None:
    return None if value is None else instant(value)


def happened(
    kind: str, *, reason: str | None = None, valid_from: datetime | None = None, cause: str | None = None
) -> dict[str, Any]:
    return {"kind": kind, "reason": reason, "valid_from": maybe(valid_from), "cause": cause}


def record_state(row: Mapping[Any, Any], signatures: Sequence[SignatureFacts] = ()) -> dict[str, Any]:
    """row: a training record with its mark and late entry beside it (`projections.queries`); a bare one has neither yet."""
    sections = row["sections"]
    return {
        "record": str(row["record"]),
        "person": row["person"],
        "item": row["item"],
        "version": row["number"],
        "methods": list(row["methods"]),
        "result": row["result"],
        "score": None if row["score"] is None else float(row["score"]),
        "completed_at": instant(row["completed_at"]),
        "valid_from": instant(row["valid_from"]),
        "performed_at": maybe(row["performed_at"]),
        "place": row["place"],
        "time_zone": row["time_zone"],
        "source_class": row["source_class"],
        "source_record": row["source_record"],
        "source_file_sha256": row["source_file_sha256"],
        # Said where it is not so: records that count are announced as they ever were.
        **({} if row["counts"] is not False else {"counts": False}),
        "assignment": None if row["assignment"] is None else str(row["assignment"]),
        "evaluator": row["evaluator"],
        "content": None
        if not sections
        else [
            {
                "sha256": row["content_sha256"],
                "language": row["language"],
                "first_opened_at": min(section["first_opened_at"] for section in sections),
                "last_opened_at": max(section["last_opened_at"] for section in sections),
            }
        ],
        "signatures": [_signature(signature) for signature in signatures],
        "late_entry": None
        if row["late_entry"] is None
        else {
            "ink_signed_at": instant(row["ink_signed_at"]),
            "scan_sha256": row["scan_sha256"],
            "reason": row["entry_reason"],
            "second_person": signatures[0].signer,
        },
        "entered_in_error": None
        if row.get("marked_at") is None
        else {"at": instant(row["marked_at"]), "reason": row["error_reason"], "by": row["marked_by"]},
        "recorded_at": instant(row["recorded_at"]),
    }


def _signature(signature: SignatureFacts) -> dict[str, Any]:
    return {
        "signature": signature.id,
        "person": signature.signer,
        "meaning": signature.meaning,
        "signed_at": instant(signature.signed_at),
        "time_zone": signature.time_zone,
        "digest": signature.digest,
    }


OUTBOUND = {records_training_record.TOPIC: records_training_record}
