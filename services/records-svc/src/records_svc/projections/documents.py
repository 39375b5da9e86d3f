"""Documents with every version: what may be read, its files and its sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attest_contracts.models import qms_document
from plantkit.governing import Effective
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy.dialects.postgresql import insert

from records_svc.db import tables
from records_svc.domain.versions import Document, File, Section, Version


async def documents(tx: Tx, events: Sequence[Event[qms_document.State]]) -> None:
    """The versions are kept as JSON, as they came: `document_of` reads them when one is asked for."""
    rows = [
        {
            "document": event.state.document,
            "title": event.state.title,
            "retired": event.raw_state["retired"],
            "versions": event.raw_state["versions"],
        }
        for event in events
    ]
    statement = insert(tables.document)
    values = {name: statement.excluded[name] for name in ("title", "retired", "versions")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["document"], set_=values), rows)


async def document_of(tx: Tx, document: str) -> Document | None:
    row = await tx.one("SELECT * FROM app.document WHERE document = :document", {"document": document})
    if row is None:
        return None
    return Document(
        document=row["document"],
        title=row["title"],
        retired=_days(row["retired"]),
        versions=[_version(version) for version in row["versions"]],
    )


async def titles(tx: Tx, items: Sequence[str]) -> dict[str, str]:
    rows = await tx.rows(
        "SELECT document, title FROM app.document WHERE document = ANY(:items)", {"items": list(items)}
    )
    return {row["document"]: row["title"] for row in rows}


def _version(state: Mapping[str, Any]) -> Version:
    return Version(
        number=state["version"],
        state=state["state"],
        approved_at=_instant(state.get("approved_at")),
        approved_on=_day(state.get("approved_on")),
        withdrawn_at=_instant(state.get("withdrawn_at")),
        effective=[
            Effective(
                entry["place"],
                _day(entry.get("on")),
                _instant(entry.get("at")),
                datetime.fromisoformat(entry["recorded_at"]),
            )
            for entry in state["effective"]
        ],
        ends=_days(state["ends"]),
        content=[
            File(entry["sha256"], entry["size"], entry["media_type"], entry["language"])
            for entry in state["content"]
        ],
        sections=[Section(entry["id"], entry["title"]) for entry in state["sections"]],
        summary=state.get("summary"),
        minutes=state.get("minutes"),
        change=state.get("change"),
    )


def _days(entries: Sequence[Mapping[str, Any]]) -> dict[str, date]:
    return {entry["place"]: date.fromisoformat(entry["on"]) for entry in entries}


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
