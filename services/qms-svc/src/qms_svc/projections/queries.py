"""Reads that several handlers share: rows -> changes and whole documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from plantkit.governing import Effective
from plantkit.sites import Sites
from servicekit.aggregates import Columns
from servicekit.db import Tx

from qms_svc.db import tables
from qms_svc.domain.control import Change
from qms_svc.domain.document import Document
from qms_svc.domain.version import End, Version

DOCUMENT = Columns(tables.document, Document)
VERSION = Columns(tables.document_version, Version)
CHANGE = Columns(tables.change, Change)


async def documents(tx: Tx, ids: Iterable[str]) -> dict[str, Document]:
    """Whole documents by id, set-wise; ids that are not known are left out."""
    wanted = {"ids": sorted(set(ids))}
    known = await sites(tx)
    found: dict[str, list[Version]] = {}
    for version in await _versions(tx, "document = ANY(:ids)", wanted):
        found.setdefault(version.document, []).append(version)
    retired: dict[str, dict[str, date]] = {}
    for row in await tx.rows(
        "SELECT document, place, on_day FROM app.retirement WHERE document = ANY(:ids) ORDER BY recorded_at, id",
        wanted,
    ):
        retired.setdefault(row["document"], {})[row["place"]] = row["on_day"]
    rows = await tx.rows("SELECT * FROM app.document WHERE document = ANY(:ids) ORDER BY document", wanted)
    return {
        row["document"]: DOCUMENT.state(
            row,
            versions=found.get(row["document"], []),
            retired=retired.get(row["document"], {}),
            sites=known,
        )
        for row in rows
    }


async def document_ids(tx: Tx, change: str) -> list[str]:
    """The documents that have a version under the change."""
    rows = await tx.rows(
        "SELECT DISTINCT document FROM app.document_version WHERE change = :change", {"change": change}
    )
    return [row["document"] for row in rows]


async def versions_of_changes(tx: Tx, changes: Sequence[str]) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for version in await _versions(tx, "change = ANY(:changes)", {"changes": list(changes)}):
        found.setdefault(version.change or "", []).append(version)
    return found


async def _versions(tx: Tx, condition: str, parameters: Mapping[str, Any]) -> list[Version]:
    rows = await tx.rows(
        f"SELECT * FROM app.document_version WHERE {condition} ORDER BY document, number",  # noqa: S608 - our own text
        parameters,
    )
    wanted = {"ids": sorted({row["document"] for row in rows})}
    dates: dict[tuple[str, int], list[Effective]] = {}
    for row in await tx.rows(
        "SELECT * FROM app.effective_date WHERE document = ANY(:ids) ORDER BY recorded_at, id", wanted
    ):
        entry = Effective(row["place"], row["on_day"], row["at_instant"], row["recorded_at"])
        dates.setdefault((row["document"], row["number"]), []).append(entry)
    ends: dict[tuple[str, int], list[End]] = {}
    for row in await tx.rows(
        "SELECT * FROM app.version_end WHERE document = ANY(:ids) ORDER BY recorded_at, id", wanted
    ):
        ends.setdefault((row["document"], row["number"]), []).append(End(row["place"], row["on_day"]))
    return [
        VERSION.state(
            row,
            effective=dates.get((row["document"], row["number"])) or _planned(row["planned_effective"]),
            ends=ends.get((row["document"], row["number"])) or _planned_ends(row["planned_ends"]),
        )
        for row in rows
    ]


def _planned(entries: Iterable[Mapping[str, Any]]) -> list[Effective]:
    return [
        Effective(
            place=entry["place"],
            on=None if entry.get("on") is None else date.fromisoformat(entry["on"]),
            at=None if entry.get("at") is None else datetime.fromisoformat(entry["at"]),
        )
        for entry in entries
    ]


def _planned_ends(entries: Iterable[Mapping[str, Any]]) -> list[End]:
    return [End(entry["place"], date.fromisoformat(entry["on"])) for entry in entries]


async def change(tx: Tx, key: str) -> tuple[Change, list[str]] | None:
    """The change, and the documents that have a version under it."""
    row = await tx.one(
        "SELECT c.*, ARRAY(SELECT DISTINCT document FROM app.document_version v WHERE v.change = c.change)"
        " AS documents FROM app.change c WHERE change = :change",
        {"change": key},
    )
    return None if row is None else (CHANGE.state(row), row["documents"])


async def sites(tx: Tx) -> Sites:
    rows = await tx.rows("SELECT site, time_zone FROM app.site")
    return Sites({row["site"]: row["time_zone"] for row in rows})
