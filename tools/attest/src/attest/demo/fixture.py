"""The people of the small plant as files for a larger one: the same days later, about another document there."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

FILES = ("people.csv", "people_overlays.csv", "leaves.csv", "tasks.csv", "training_history.csv")
"""What the larger plant does not have; sites, shifts and functions are the same at both."""

_DAYS = ("hired_on", "function_from", "ended_on", "from", "to")

type Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shift:
    """How the story moves: days later, document and version by document and version."""

    days: int
    document: str
    as_document: str
    version: int
    as_version: int

    def day(self, text: str) -> str:
        return (date.fromisoformat(text) + timedelta(days=self.days)).isoformat() if text else ""

    def local(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The same time of the day, so many days later, with the offset that the place has then."""
        naive = at.replace(tzinfo=None) + timedelta(days=self.days)
        return naive.replace(tzinfo=zone)


PLANT_A = Shift(days=245, document="SOP-101", as_document="SOP-120", version=3, as_version=4)


def moved(directory: Path, shift: Shift = PLANT_A) -> dict[str, bytes]:
    """The files of FILES in the directory, moved. Raises OSError, KeyError for a person without a site."""
    zones = {row["site"]: ZoneInfo(row["time_zone"]) for row in _rows(directory / "sites.csv")}
    zone_of = {row["employee_no"]: zones[row["site"]] for row in _rows(directory / "people.csv")}

    def move(row: Row) -> Row:
        row = {column: shift.day(value) if column in _DAYS else value for column, value in row.items()}
        if row.get("document") == shift.document:
            row["document"] = shift.as_document
            row["version"] = str(shift.as_version) if row["version"] == str(shift.version) else row["version"]
        if "items" in row:
            row["items"] = row["items"].replace(shift.document, shift.as_document)
        if at := row.get("completed_at"):
            row["completed_at"] = shift.local(
                datetime.fromisoformat(at), zone_of[row["employee_no"]]
            ).isoformat()
        return row

    return {name: _rewritten(directory / name, move) for name in FILES}


def _rows(file: Path) -> Iterable[Row]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def _rewritten(file: Path, move: Callable[[Row], Mapping[str, str]]) -> bytes:
    rows = [move(row) for row in _rows(file)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
