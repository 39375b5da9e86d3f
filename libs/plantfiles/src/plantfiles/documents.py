"""Documents and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plantfiles.fields import Fields
from plantfiles.index import Index
from plantfiles.reasons import Reason
from plantfiles.rows import Document, DocumentVersion

if TYPE_CHECKING:
    from plantfiles.check import Origin

CHANGE_CLASSES = frozenset({"major", "minor", "editorial"})
RETRAININGS = frozenset({"none", "read", "read+quiz", "read+ojt", "read+quiz+ojt"})
"""Both restate enums of the contract `qms.document`; a test holds them equal."""


def document(row: Fields, index: Index, origin: Origin) -> Document | None:
    code, title = row.id("document"), row.text("title")
    kind, framework = row.text("type"), row.text("framework")
    department = row.text("owner_department", needed=False)
    category = row.id("category", needed=False)
    if row.refused or code is None or title is None or kind is None or framework is None:
        return None
    return Document(
        **origin,
        document=code,
        title=title,
        type=kind,
        framework=framework,
        owner_department=department,
        category=category,
    )


def version(row: Fields, index: Index, origin: Origin) -> DocumentVersion | None:
    """R: unknown document, not a number, not a day, unknown class or decision, effective before approved."""
    code = row["document"]
    if code not in index.documents:
        row.refuse("document", Reason.DOCUMENT_UNKNOWN)
    number = row.whole("version")
    approved, effective = row.day("approved_on"), row.day("effective_on")
    change_class, retraining = (
        row.choice("change_class", CHANGE_CLASSES),
        row.choice("retraining", RETRAININGS),
    )
    change = row.text("change_control", needed=False)
    if approved and effective and effective < approved:
        row.refuse("effective_on", Reason.EFFECTIVE_BEFORE_APPROVED, f"approved on {approved}")
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
