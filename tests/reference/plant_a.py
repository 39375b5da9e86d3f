"""Reads a plant's files into a `World`, refusing and warning as C-30 to C-35 say.

Run it on a directory to see the counts: `python -m tests.reference.plant_a DIRECTORY`.
"""

from __future__ import annotations

import csv
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from python_calamine import CalamineWorkbook

from .clock import BEGINNING, day_start, local_day
from .facts import (
    ALL_METHODS,
    NO_TRAINING,
    OJT,
    QUIZ,
    Employment,
    Item,
    Leave,
    Place,
    Record,
    Rule,
    Shift,
    Spell,
    Version,
    World,
)
from .values import Refused, column_letters, read_date, read_date_time, read_matrix_cell, read_score

EXPORTED_ON = date(2026, 11, 1)
SHEETS = {
    "By job function": "job_function",
    "By area": "area",
    "By equipment": "equipment",
    "By overlay": "overlay",
}
FORMULA = tuple("=+-@")


def default_directory() -> Path:
    """`ATTEST_PLANT_A` when it is set, else `examples/plant-a` of the repository."""
    named = os.environ.get("ATTEST_PLANT_A")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "examples" / "plant-a"


@dataclass(frozen=True)
class Remark:
    """`kind` is R, W or I; `line` is the physical line where the row starts, or `sheet!cell` (C-35)."""

    kind: str
    file: str
    line: str
    reason: str


@dataclass
class Report:
    taken: Counter[str] = field(default_factory=Counter)
    remarks: list[Remark] = field(default_factory=list)

    def add(self, kind: str, file: str, line: int | str, reason: str) -> None:
        self.remarks.append(Remark(kind, file, str(line), reason))

    def count(self, kind: str, file: str) -> Counter[str]:
        return Counter(remark.reason for remark in self.remarks if (remark.kind, remark.file) == (kind, file))


@dataclass
class Person:
    site: str
    hired_on: date
    ended_on: date | None
    row: dict[str, str]


type Rows = Iterator[tuple[int, dict[str, str]]]


class Loader:
    """Takes the rows of one directory; `committed_at` is the record time of all that it makes (C-14)."""

    def __init__(self, directory: Path, exported_on: date, committed_at: datetime):
        self.directory = directory
        self.exported_on = exported_on
        self.committed_at = committed_at
        self.report = Report()
        self.zones = {row["site"]: row["time_zone"] for _, row in self.rows("sites")}
        self.areas = {(row["site"], row["area"]) for _, row in self.rows("areas")}
        self.shifts = {(row["site"], row["shift"]) for _, row in self.rows("shifts")}
        self.units = {
            "job_function": {row["job_function"] for _, row in self.rows("job_functions")},
            "overlay": {row["overlay"] for _, row in self.rows("overlays")},
            "equipment": {f"{row['site']}/{row['equipment']}" for _, row in self.rows("equipment")},
            "area": {f"{site}/{area}" for site, area in self.areas},
        }
        self.documents = {row["document"] for _, row in self.rows("documents")}
        self.approved_on: dict[tuple[str, str], date] = {}
        self.people: dict[str, Person] = {}
        self.people_seen = {row["employee_no"] for _, row in self.rows("people")}

    def rows(self, name: str) -> Rows:
        """The rows of a file with the line where each starts."""
        with (self.directory / f"{name}.csv").open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle)
            header = next(reader)
            line = reader.line_num + 1
            for values in reader:
                if values:
                    yield line, dict(zip(header, values, strict=True))
                line = reader.line_num + 1

    def take[T](
        self,
        name: str,
        key: Callable[[dict[str, str]], object],
        make: Callable[[int, dict[str, str]], T],
    ) -> list[tuple[dict[str, str], T]]:
        """Validates each row first and compares keys after: a refused row claims no key (C-30)."""
        seen: dict[object, tuple[int, dict[str, str]]] = {}
        made: list[tuple[dict[str, str], T]] = []
        for line, row in self.rows(name):
            try:
                fact = make(line, row)
            except Refused as refusal:
                self.report.add("R", name, line, str(refusal))
                continue
            first = seen.setdefault(key(row), (line, row))
            if first[0] == line:
                self.report.taken[name] += 1
                made.append((row, fact))
            elif first[1] == row:
                self.report.add("I", name, line, "identical")
            else:
                self.report.add("R", name, line, "duplicate key")
        return made

    def load(self) -> World:
        versions = self.load_versions()
        self.load_people()
        employments: list[Employment] = []
        spells: list[Spell] = []
        for number, person in self.people.items():
            row = person.row
            employments.append(
                Employment(
                    person=number,
                    place=person.site,
                    start=person.hired_on,
                    end=person.ended_on,
                    shift=row["shift"],
                    recorded_at=self.committed_at,
                )
            )
            for level, unit, start in (
                ("site", row["site"], person.hired_on),
                ("department", row["department"], person.hired_on),
                ("area", f"{row['site']}/{row['area']}", person.hired_on),
                ("job_function", row["job_function"], read_date(row["function_from"])),
            ):
                spells.append(
                    Spell(person=number, level=level, unit=unit, start=start, recorded_at=self.committed_at)
                )
        spells += self.load_spells("function_history", "job_function")
        spells += self.load_spells("people_overlays", "overlay")
        spells += self.load_spells("people_equipment", "equipment")
        leaves = [
            Leave(person=spell.person, start=spell.start, end=spell.end, recorded_at=self.committed_at)
            for spell in self.load_spells("leaves", "")
        ]
        rules, unresolved = self.load_matrix()
        return World(
            places=tuple(Place(code, zone) for code, zone in self.zones.items()),
            shifts=tuple(
                Shift(
                    row["site"],
                    row["shift"],
                    time.fromisoformat(row["starts"]),
                    time.fromisoformat(row["ends"]),
                )
                for _, row in self.rows("shifts")
            ),
            items=tuple(Item(code) for code in sorted(self.documents)),
            versions=tuple(versions),
            employments=tuple(employments),
            spells=tuple(spells),
            leaves=tuple(leaves),
            rules=tuple(rules),
            records=tuple(self.load_history()),
            unresolved=unresolved,
        )

    def load_versions(self) -> list[Version]:
        """In these files a training decision is `none` or asks every method of the matrix again."""
        versions: list[Version] = []
        for _, row in self.rows("document_versions"):
            approved = read_date(row["approved_on"])
            self.approved_on[row["document"], row["version"]] = approved
            versions.append(
                Version(
                    item=row["document"],
                    number=row["version"],
                    approved=approved,
                    effective=read_date(row["effective_on"]),
                    voids=NO_TRAINING if row["retraining"] == "none" else ALL_METHODS,
                    recorded_at=self.committed_at,
                )
            )
        return versions

    def load_people(self) -> None:
        made = self.take("people", lambda row: row["employee_no"], lambda _, row: self.person(row))
        self.people = {row["employee_no"]: person for row, person in made}
        lines = {row["employee_no"]: line for line, row in reversed(list(self.rows("people")))}
        for number, person in self.people.items():
            supervisor = person.row["supervisor_no"]
            if supervisor == number:
                self.report.add("W", "people", lines[number], "supervisor is himself")
            elif supervisor and supervisor not in self.people:
                self.report.add("W", "people", lines[number], "supervisor unknown or refused")

    def person(self, row: dict[str, str]) -> Person:
        """C-31."""
        if row["job_function"] not in self.units["job_function"]:
            raise Refused("unknown job function")
        if row["site"] not in self.zones:
            raise Refused("unknown site")
        if (row["site"], row["area"]) not in self.areas:
            raise Refused("unknown area")
        if row["shift"] and (row["site"], row["shift"]) not in self.shifts:
            raise Refused("unknown shift")
        hired_on = read_date(row["hired_on"])
        ended_on = read_date(row["ended_on"]) if row["ended_on"] else None
        if ended_on is not None and ended_on < hired_on:
            raise Refused("ended before hired")
        read_date(row["function_from"])
        for name in (row["given_name"], row["family_name"]):
            if name.startswith(FORMULA):
                raise Refused("formula in a name")
            if any(unicodedata.category(letter) in ("Cc", "Cf") for letter in name):
                raise Refused("control or format character in a name")
        return Person(row["site"], hired_on, ended_on, row)

    def load_spells(self, name: str, level: str) -> list[Spell]:
        """C-32; an empty `level` reads a leave."""

        def spell(line: int, row: dict[str, str]) -> Spell:
            person = self.people.get(row["employee_no"])
            if person is None:
                raise Refused("unknown or refused person")
            unit = row[level] if level else ""
            if level and unit not in self.units[level]:
                raise Refused(f"unknown {level}")
            start = read_date(row["from"])
            end = read_date(row["to"]) if row["to"] else None
            if end is not None and end <= start:
                raise Refused("ends before it starts")
            ended_on = person.ended_on or date.max
            if start < person.hired_on or start >= ended_on or (end is not None and end > ended_on):
                self.report.add("W", name, line, "outside employment")
            return Spell(
                person=row["employee_no"],
                level=level,
                unit=unit,
                start=start,
                end=end,
                recorded_at=self.committed_at,
            )

        return [fact for _, fact in self.take(name, lambda row: tuple(row.values()), spell)]

    def load_history(self) -> list[Record]:
        made = self.take("training_history", lambda row: row["source_record"], self.record)
        return [fact for _, fact in made]

    def record(self, line: int, row: dict[str, str]) -> Record:
        """C-33: the first reason in its order refuses the row."""
        person = self.people.get(row["employee_no"])
        if person is None:
            refused = row["employee_no"] in self.people_seen
            raise Refused("refused person" if refused else "unknown person")
        if row["document"] not in self.documents:
            raise Refused("unknown document")
        approved_on = self.approved_on.get((row["document"], row["version"]))
        if approved_on is None:
            raise Refused("unknown version")
        zone = self.zones[person.site]
        completed_at = read_date_time(row["completed_at"])
        # Said of every row whose time can be read, whatever becomes of the row: C-37 counts it so.
        if completed_at.utcoffset() != completed_at.astimezone(ZoneInfo(zone)).utcoffset():
            self.report.add("W", "training_history", line, "offset is not the zone's")
        day = local_day(completed_at, zone)
        if day < approved_on:
            raise Refused("before approval")
        if day > self.exported_on:
            raise Refused("in the future")
        if row["evaluator_no"] and row["evaluator_no"] == row["employee_no"]:
            raise Refused("evaluator is the trainee")
        score = read_score(row["score"])
        methods = frozenset(row["method"].split("+"))
        if not methods <= ALL_METHODS:
            raise Refused("unknown method")

        if person.ended_on is not None and completed_at >= day_start(person.ended_on, zone):
            self.report.add("W", "training_history", line, "after the end of employment")
        if completed_at < day_start(person.hired_on, zone):
            self.report.add("W", "training_history", line, "before hire")
        if OJT in methods and not row["evaluator_no"]:
            self.report.add("W", "training_history", line, "ojt without evaluator")
        if QUIZ in methods and score is None:
            self.report.add("W", "training_history", line, "quiz without score")
        return Record(
            person=row["employee_no"],
            item=row["document"],
            version=row["version"],
            completed_at=completed_at.astimezone(UTC),
            methods=methods,
            score=score,
            origin="MIGRATED",
            reference=row["source_record"],
            recorded_at=self.committed_at,
        )

    def load_matrix(self) -> tuple[list[Rule], frozenset[tuple[str, str, str]]]:
        """C-34; the workbook holds for all valid time."""
        rules: list[Rule] = []
        unresolved: set[tuple[str, str, str]] = set()
        workbook = CalamineWorkbook.from_path(str(self.directory / "matrix.xlsx"))
        for sheet, level in SHEETS.items():
            header, *lines = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
            for number, values in enumerate(lines, start=2):
                item = str(values[0]).strip()
                if item not in self.documents:
                    self.report.add("R", "matrix", f"{sheet}!A{number}", "unknown document")
                    continue
                for column, value in enumerate(values[2:], start=2):
                    text, unit = str(value).strip(), str(header[column]).strip()
                    if not text:
                        continue
                    where = f"{sheet}!{column_letters(column)}{number}"
                    if unit not in self.units[level]:
                        self.report.add("R", "matrix", where, f"unknown {level}")
                        continue
                    try:
                        methods, months = read_matrix_cell(text)
                    except Refused as refusal:
                        self.report.add("R", "matrix", where, str(refusal))
                        unresolved.add((level, unit, item))
                        continue
                    self.report.taken["matrix"] += 1
                    rules.append(
                        Rule(
                            level=level,
                            unit=unit,
                            item=item,
                            methods=methods,
                            months=months,
                            recorded_at=self.committed_at,
                        )
                    )
        return rules, frozenset(unresolved)


def load(
    directory: Path, exported_on: date = EXPORTED_ON, committed_at: datetime = BEGINNING
) -> tuple[World, Report]:
    """The world that the files of `directory` make, and what was refused, warned and ignored."""
    loader = Loader(directory, exported_on, committed_at)
    world = loader.load()
    return world, loader.report


if __name__ == "__main__":
    _, told = load(Path(sys.argv[1]) if len(sys.argv) > 1 else default_directory())
    for taken_file, count in sorted(told.taken.items()):
        print(f"{taken_file}: {count} taken")
    for (kind, file, reason), count in sorted(
        Counter((remark.kind, remark.file, remark.reason) for remark in told.remarks).items()
    ):
        print(f"{kind} {file}: {reason}: {count}")
