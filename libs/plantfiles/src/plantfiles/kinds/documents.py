"""`documents.csv`: the documents that training is about."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.rows import Origin, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Row):
    """category: training category, None = that of the document type."""

    document: str
    title: str
    type: str
    framework: str
    owner_department: str | None
    category: str | None


def _document(row: Fields, index: Index, origin: Origin) -> Document | None:
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


KIND = TableKind(
    file="documents.csv",
    row=Document,
    order=110,
    owner="qms",
    stage=Stage.DOCUMENTS,
    id=lambda row: row.document,
    layout=Layout(
        ("document", "title", "type", "framework"), ("owner_department", "category"), key=("document",)
    ),
    rule=_document,
)
