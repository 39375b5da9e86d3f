"""Whether a record still is what was signed (21 CFR 11.70): the digest is computed again from what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servicekit.db import Tx
from servicekit.signing import Prepared, Signature

from records_svc.domain.reading import signed_content
from records_svc.domain.vocabulary import LATE_ENTRY, READING, SourceClass
from records_svc.handlers import error_marks, late_entries
from records_svc.handlers.reading import session_of
from records_svc.projections import queries


async def verify(tx: Tx, row: Mapping[Any, Any], signatures: Sequence[Signature]) -> dict[str, bool]:
    """Signature id -> whether it fits the record as it is stored. row: as `queries.record_row` gives it."""
    made = [signature for signature in signatures if signature.kind in (READING, LATE_ENTRY)]
    found: dict[str, bool] = {}
    for signature in signatures:
        if signature.kind == READING:
            found[signature.id] = _reading(row, signature)
        elif signature.kind == LATE_ENTRY:
            found[signature.id] = await _late_entry(tx, row, signature)
        else:
            found[signature.id] = await _mark(tx, row, made[0].digest if made else None, signature)
    return found


def _reading(row: Mapping[Any, Any], signature: Signature) -> bool:
    content = signed_content(session_of(row), row["sections"], row["place"], row["time_zone"])
    content |= {"methods": list(row["methods"]), "result": row["result"], "evaluator": row["evaluator"]}
    return (
        row["source_class"] == SourceClass.NATIVE
        and row["completed_at"] == row["valid_from"] == signature.signed_at
        and row["person"] == signature.signer
        and row["score"] is None
        and _fits(signature, content)
    )


async def _late_entry(tx: Tx, row: Mapping[Any, Any], signature: Signature) -> bool:
    entry = await queries.late_entry_row(tx, str(row["late_entry"]))
    if entry is None or row["source_class"] != SourceClass.LATE_ENTRY:
        return False
    # The record repeats the entry: what stands in the record is what has to fit.
    repeated = ("person", "item", "number", "methods", "result", "score", "evaluator", "place", "time_zone")
    content = late_entries.content_of(
        {
            **entry,
            **{name: row[name] for name in repeated},
            "corrects": row["corrects"],
            "ink_signed_at": row["completed_at"],
        }
    )
    return row["valid_from"] == row["completed_at"] and _fits(signature, content)


async def _mark(tx: Tx, row: Mapping[Any, Any], record_digest: str | None, signature: Signature) -> bool:
    proposal = {
        "proposal": row["mark_proposal"],
        "error_reason": row["error_reason"],
        "proposed_by": row["proposed_by"],
    }
    content = error_marks.content_of(row, record_digest, proposal)
    return row["marked_by"] == signature.signer and _fits(signature, content)


def _fits(signature: Signature, content: Mapping[str, Any]) -> bool:
    prepared = Prepared(
        content=content,
        content_version=signature.content_version,
        meaning=signature.meaning,
        meaning_text=signature.meaning_text,
        display={},
        time_zone=signature.time_zone,
    )
    return prepared.digest == signature.digest
