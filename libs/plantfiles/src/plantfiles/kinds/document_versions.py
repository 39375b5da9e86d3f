"""`document_versions.csv`: the versions of each document, and when each takes effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds import documents
from plantfiles.reasons import Reason, ReasonCode
from plantfiles.rows import Origin, Row

CHANGE_CLASSES = frozenset({"major", "minor", "editorial"})
RETRAININGS = frozenset({"none", "read", "read+quiz", "read+ojt", "read+quiz+ojt"})
"""Both restate enums of the contract `qms.document`; a test holds them equal."""


class VersionReason(ReasonCode):
    EFFECTIVE_BEFORE_APPROVED = "EFFECTIVE_BEFORE_APPROVED", "effective before it was approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersion(Row):
    """approved_on: the training window opens at its first instant at each place; effective_on likewise (C-06)."""

    document: str
    version: int
    approved_on: date
    effective_on: date
    change_class: str
    retraining: str
    change_control: str | None


def _version(row: Fields, index: Index, origin: Origin) -> DocumentVersion | None:
    """R: unknown document, not a number, not a day, unknown class or decision, effective before approved."""
    code = row["document"]
    if code not in index.of(documents.KIND):
        row.refuse("document", Reason.DOCUMENT_UNKNOWN)
    number = row.whole("version")
    approved, effective = row.day("approved_on"), row.day("effective_on")
    change_class, retraining = (
        row.choice("change_class", CHANGE_CLASSES),
        row.choice("retraining", RETRAININGS),
    )
    change = row.text("change_control", needed=False)
    if approved and effective and effective < approved:
        row.refuse("effective_on", VersionReason.EFFECTIVE_BEFORE_APPROVED, f"approved on {approved}")
    if row.refused or not (number and approved and effective and change_class and retraining):
        return None
    return DocumentVersion(
        **origin,
        document=code,
        version=number,
        approved_on=approved,
        effective_on=effective,
        change_class=change_class,
        retraining=retraining,
        change_control=change,
    )


KIND = TableKind(
    file="document_versions.csv",
    row=DocumentVersion,
    order=120,
    owner="qms",
    stage=Stage.DOCUMENTS,
    id=lambda row: (row.document, row.version),
    reasons=VersionReason,
    layout=Layout(
        ("document", "version", "approved_on", "effective_on", "change_class", "retraining"),
        ("change_control",),
        key=("document", "version"),
    ),
    rule=_version,
)
