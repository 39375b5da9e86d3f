"""Blocks of an accepted import: documents, and their versions (source class MIGRATED).

Set-wise and safe to repeat: a row that was taken with the same content is counted as unchanged, other content under a
known key refuses the whole block (409): an import never updates what stands (C-30).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attest_contracts.events.qms_document import document_registered, document_version_approved
from attest_contracts.outgoing import Constructor
from servicekit.bus.outbox import announce, claim
from servicekit.canonical import digest
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.problems import conflict, invalid

from qms_svc import outbound
from qms_svc.aggregates import document_subject
from qms_svc.domain.version import VersionState
from qms_svc.projections import queries

SOURCE_CLASS = "MIGRATED"
DOCUMENTS, VERSIONS = "documents", "document_versions"


@dataclass(frozen=True, slots=True)
class Block:
    """sha256: of the whole file that the rows stood in."""

    batch: str
    file: str
    sha256: str
    accepted_by: Sequence[str]


async def import_documents(tx: Tx, block: Block, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """rows: {line, document, title, type, framework, owner_department}."""
    keyed = _keyed(rows, lambda row: row["document"])
    await claim(tx, [document_subject(row["document"]) for row in rows])
    new = await _new(tx, DOCUMENTS, keyed)
    known = await _known(tx, [row["document"] for row in new.values()])
    if known:
        raise conflict(
            "conflicts", "documents that were not imported stand under these ids", keys=sorted(known)
        )
    await tx.copy(
        "app.document",
        [
            "document",
            "version",
            "title",
            "document_type",
            "framework",
            "owner_department",
            "source_class",
            "recorded_at",
        ],
        [
            (
                row["document"],
                1,
                row["title"],
                row["type"],
                row["framework"],
                row["owner_department"],
                SOURCE_CLASS,
                tx.recorded_at,
            )
            for row in new.values()
        ],
    )
    await _remember(tx, DOCUMENTS, block, new)
    await _announce(tx, [row["document"] for row in new.values()], document_registered, block)
    return {"taken": len(new), "unchanged": len(rows) - len(new)}


async def import_versions(tx: Tx, block: Block, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """rows: {line, document, version, approved_on, effective_on, change_class, retraining, change_control}.

    Each takes effect at every site on its local day; its file stayed in the old system, so it has no content.
    """
    keyed = _keyed(rows, lambda row: f"{row['document']}/{row['version']}")
    documents = {row["document"] for row in rows}
    await claim(tx, [document_subject(document) for document in documents])
    missing = documents - await _known(tx, documents)
    if missing:
        raise invalid("rows.document", "unknown-document", f"not known: {', '.join(sorted(missing))}")
    new = await _new(tx, VERSIONS, keyed)
    standing = await tx.rows(
        "SELECT v.document || '/' || v.number AS key FROM app.document_version v"
        " JOIN unnest(CAST(:keys AS text[])) AS k(key) ON k.key = v.document || '/' || v.number",
        {"keys": list(new)},
    )
    if standing:
        raise conflict(
            "conflicts",
            "versions that were not imported stand under these keys",
            keys=sorted(row["key"] for row in standing),
        )
    at = tx.recorded_at
    await tx.copy(
        "app.document_version",
        [
            "document",
            "number",
            "version",
            "state",
            "change_class",
            "training_decision",
            "change",
            "planned_effective",
            "planned_ends",
            "content",
            "sections",
            "approved_on",
            "source_class",
            "recorded_at",
        ],
        [
            (
                row["document"],
                row["version"],
                1,
                VersionState.APPROVED.value,
                row["change_class"],
                row["retraining"],
                row["change_control"],
                [],
                [],
                [],
                [],
                row["approved_on"],
                SOURCE_CLASS,
                at,
            )
            for row in new.values()
        ],
    )
    await tx.copy(
        "app.effective_date",
        ["id", "document", "number", "place", "on_day", "recorded_at"],
        [(new_id(), row["document"], row["version"], "*", row["effective_on"], at) for row in new.values()],
    )
    await _remember(tx, VERSIONS, block, new)
    await _announce(tx, sorted({row["document"] for row in new.values()}), document_version_approved, block)
    return {"taken": len(new), "unchanged": len(rows) - len(new)}


def _keyed(rows: Sequence[Mapping[str, Any]], key_of: Any) -> dict[str, Mapping[str, Any]]:
    keyed: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        key = key_of(row)
        if key in keyed:
            raise invalid(
                "rows", "duplicate-key", f"{key} stands twice: lines {keyed[key]['line']}, {row['line']}"
            )
        keyed[key] = row
    return keyed


async def _new(tx: Tx, kind: str, keyed: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The rows that were never imported. 409 naming the keys of those that were, with other content."""
    before = {
        row["key"]: row["digest"]
        for row in await tx.rows(
            "SELECT key, digest FROM app.imported_row WHERE kind = :kind AND key = ANY(:keys)",
            {"kind": kind, "keys": list(keyed)},
        )
    }
    changed = sorted(key for key, row in keyed.items() if key in before and before[key] != _digest(row))
    if changed:
        raise conflict("conflicts", "other content was imported under these keys", keys=changed)
    return {key: row for key, row in keyed.items() if key not in before}


async def _known(tx: Tx, documents: Any) -> set[str]:
    rows = await tx.rows(
        "SELECT document FROM app.document WHERE document = ANY(:ids)", {"ids": list(documents)}
    )
    return {row["document"] for row in rows}


async def _remember(tx: Tx, kind: str, block: Block, rows: Mapping[str, Mapping[str, Any]]) -> None:
    accepted = "{" + ",".join(f'"{person}"' for person in block.accepted_by) + "}"
    await tx.copy(
        "app.imported_row",
        ["kind", "key", "digest", "batch", "file", "file_sha256", "line", "accepted_by", "recorded_at"],
        [
            (
                kind,
                key,
                _digest(row),
                block.batch,
                block.file,
                block.sha256,
                row["line"],
                accepted,
                tx.recorded_at,
            )
            for key, row in rows.items()
        ],
    )


async def _announce(
    tx: Tx,
    documents: Sequence[str],
    event: Constructor,
    block: Block,
) -> None:
    what = outbound.happened("imported", reason=tx.context.reason, cause=f"import/{block.batch}")
    stored = await queries.documents(tx, documents)
    await announce(tx, [event(outbound.document_state(stored[key]), what) for key in sorted(stored)])


def _digest(row: Mapping[str, Any]) -> str:
    """The digest of the content. The place of a row in its file does not count."""
    return digest({name: str(value) for name, value in row.items() if name != "line" and value is not None})
