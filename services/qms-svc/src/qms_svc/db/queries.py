"""Reads that several handlers share: rows -> domain objects and whole documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from plantkit.governing import Effective
from plantkit.sites import Sites
from servicekit.db import Tx

from qms_svc.domain.change import Change, ChangeState, DraftVersion
from qms_svc.domain.document import (
    ChangeClass,
    End,
    TrainingDecision,
    Version,
    VersionState,
)

_UNAPPROVED = (VersionState.DRAFT.value, VersionState.IN_REVIEW.value)


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as it is stored, with its dates: planned ones until it is approved."""

    row: Mapping[str, Any]
    effective: Sequence[Effective]
    ends: Sequence[End]

    @property
    def number(self) -> int:
        return self.row["number"]

    @property
    def version(self) -> Version:
        return Version(
            document=self.row["document"],
            number=self.row["number"],
            state=VersionState(self.row["state"]),
            effective=self.effective,
            ends=self.ends,
            withdrawn_at=self.row["withdrawn_at"],
            approved_at=self.row["approved_at"],
            approved_on=self.row["approved_on"],
        )

    @property
    def draft(self) -> DraftVersion:
        decision, weight = self.row["training_decision"], self.row["change_class"]
        return DraftVersion(
            document=self.row["document"],
            number=self.row["number"],
            change_class=None if weight is None else ChangeClass(weight),
            training_decision=None if decision is None else TrainingDecision(decision),
            effective=self.effective,
            ends=self.ends,
            files=len(self.row["content"]),
        )


@dataclass(frozen=True, slots=True)
class StoredDocument:
    row: Mapping[str, Any]
    versions: Sequence[Stored]
    retired: Mapping[str, date]
    """Place -> first local day without the document."""

    def stored(self, number: int) -> Stored | None:
        return next((version for version in self.versions if version.number == number), None)


async def documents(tx: Tx, ids: Iterable[str]) -> dict[str, StoredDocument]:
    """Whole documents by id, set-wise; ids that are not known are left out."""
    wanted = {"ids": sorted(set(ids))}
    versions = await _stored(tx, "document = ANY(:ids)", wanted)
    retired: dict[str, dict[str, date]] = {}
    for row in await tx.rows(
        "SELECT document, place, on_day FROM app.retirement WHERE document = ANY(:ids) ORDER BY recorded_at, id",
        wanted,
    ):
        retired.setdefault(row["document"], {})[row["place"]] = row["on_day"]
    rows = await tx.rows("SELECT * FROM app.document WHERE document = ANY(:ids) ORDER BY document", wanted)
    return {
        row["document"]: StoredDocument(
            dict(row),
            [v for v in versions if v.row["document"] == row["document"]],
            retired.get(row["document"], {}),
        )
        for row in rows
    }


async def versions_of_change(tx: Tx, change: str) -> list[Stored]:
    return await _stored(tx, "change = :change", {"change": change})


async def versions_of_changes(tx: Tx, changes: Sequence[str]) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for stored in await _stored(tx, "change = ANY(:changes)", {"changes": list(changes)}):
        found.setdefault(stored.row["change"], []).append(stored)
    return found


async def _stored(tx: Tx, condition: str, parameters: Mapping[str, Any]) -> list[Stored]:
    rows = await tx.rows(
        f"SELECT * FROM app.document_version WHERE {condition} ORDER BY document, number",  # noqa: S608 - our own text
        parameters,
    )
    documents = {"ids": sorted({row["document"] for row in rows})}
    dates: dict[tuple[str, int], list[Effective]] = {}
    for row in await tx.rows(
        "SELECT * FROM app.effective_date WHERE document = ANY(:ids) ORDER BY recorded_at, id", documents
    ):
        entry = Effective(row["place"], row["on_day"], row["at_instant"], row["recorded_at"])
        dates.setdefault((row["document"], row["number"]), []).append(entry)
    ends: dict[tuple[str, int], list[End]] = {}
    for row in await tx.rows(
        "SELECT * FROM app.version_end WHERE document = ANY(:ids) ORDER BY recorded_at, id", documents
    ):
        ends.setdefault((row["document"], row["number"]), []).append(End(row["place"], row["on_day"]))
    return [
        Stored(
            dict(row),
            dates.get((row["document"], row["number"])) or planned_effective(row),
            ends.get((row["document"], row["number"])) or planned_ends(row["planned_ends"]),
        )
        for row in rows
    ]


def planned_effective(row: Mapping[Any, Any]) -> list[Effective]:
    return [
        Effective(
            place=entry["place"],
            on=None if entry.get("on") is None else date.fromisoformat(entry["on"]),
            at=None if entry.get("at") is None else datetime.fromisoformat(entry["at"]),
            recorded_at=row["recorded_at"],
        )
        for entry in row["planned_effective"]
    ]


def planned_ends(entries: Iterable[Mapping[str, Any]]) -> list[End]:
    return [End(entry["place"], date.fromisoformat(entry["on"])) for entry in entries]


def change_of(row: Mapping[str, Any]) -> Change:
    return Change(
        change=row["change"],
        state=ChangeState(row["state"]),
        author=row["author"],
        contributors=frozenset(row["contributors"]),
        risk_reason=row["risk_reason"],
        required_approvals=row["required_approvals"],
        approvers=tuple(approval["person"] for approval in row["approvals"]),
    )


async def change_row(tx: Tx, change: str) -> Mapping[str, Any] | None:
    row = await tx.one("SELECT * FROM app.change WHERE change = :change", {"change": change})
    return None if row is None else dict(row)


async def sites(tx: Tx) -> Sites:
    rows = await tx.rows("SELECT site, time_zone FROM app.site")
    return Sites({row["site"]: row["time_zone"] for row in rows})


def is_unapproved(row: Mapping[Any, Any]) -> bool:
    return row["state"] in _UNAPPROVED
