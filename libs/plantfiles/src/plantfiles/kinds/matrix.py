"""`matrix.xlsx` (C-34): one sheet a level; a filled cell requires the row's document of the column's source.

A cell that is not taken is an open question, never "not required".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plantfiles.digests import content_digest, join_key
from plantfiles.keys import Examined
from plantfiles.kind import Index, Kind, Reading, Stage, WorkbookKind
from plantfiles.kinds import areas, documents, equipment, job_functions, overlays
from plantfiles.plan import Finding, OpenQuestion
from plantfiles.reasons import ReasonCode, Severity
from plantfiles.rows import Row
from plantfiles.source import Sheet, Workbook

LEVELS = {
    "By job function": "job_function",
    "By area": "area",
    "By equipment": "equipment",
    "By overlay": "overlay",
}
"""Sheet names and what their columns are."""

SOURCES: Mapping[str, Kind[Any]] = {
    "job_function": job_functions.KIND,
    "area": areas.KIND,
    "equipment": equipment.KIND,
    "overlay": overlays.KIND,
}
"""Levels, and the kinds whose ids the columns of their sheets may bear."""

INTERVAL_CAPS_MONTHS: Mapping[str, int] = {"PSM": 36, "RMP": 36}
"""Longest interval by framework (R-77): 29 CFR 1910.119(g)(2), 40 CFR 68.71(b)."""

_CELL = re.compile(r"([RQO]{1,3})([1-9][0-9]{0,2})?")
_LONGEST_MONTHS = 120


class MatrixReason(ReasonCode):
    SHEET_UNKNOWN = "SHEET_UNKNOWN", "not a sheet of the matrix; nothing of it is taken"
    SHEET_LAYOUT = (
        "SHEET_LAYOUT",
        "the sheet does not begin with a row Document, Title, ...; nothing of it is taken",
    )
    CELL_UNREADABLE = (
        "CELL_UNREADABLE",
        "not R, Q, O in any combination with at most one number of months (1-120)",
    )
    CELL_MERGED = "CELL_MERGED", "covered by a merged cell: what it requires cannot be told"
    ROW_DOCUMENT_UNKNOWN = "ROW_DOCUMENT_UNKNOWN", "unknown document: nothing of the row is taken"
    COLUMN_SOURCE_UNKNOWN = "COLUMN_SOURCE_UNKNOWN", "unknown source: nothing of the column is taken"
    INTERVAL_OVER_CAP = (
        "INTERVAL_OVER_CAP",
        "the interval is longer than the law of the document's framework allows",
    )


_NO_CELL = frozenset(
    {
        MatrixReason.ROW_DOCUMENT_UNKNOWN,
        MatrixReason.COLUMN_SOURCE_UNKNOWN,
        MatrixReason.SHEET_UNKNOWN,
        MatrixReason.SHEET_LAYOUT,
    }
)
"""An unknown document or source has no cell to flag, so only the report names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell(Row):
    """A source requires a document. level: job_function, area, equipment, overlay. source: `OPR`, `NL1/GA`, ...

    methods: of R (read and understood), Q (quiz), O (observed on the job), in this order. interval_months: None =
    once.
    """

    level: str
    source: str
    document: str
    methods: tuple[str, ...]
    interval_months: int | None


@dataclass(frozen=True, slots=True)
class _Place:
    """A filled cell: where it is and what its row and column say."""

    line: str
    source: str
    item: str
    value: str
    covered: bool


def parse_cell(value: str) -> tuple[tuple[str, ...], int | None] | None:
    """`RO12` -> ((R, O), 12): distinct letters in any order, then at most one whole number of months, 1-120."""
    match = _CELL.fullmatch(value.strip())
    if match is None:
        return None
    letters, months = match[1], int(match[2]) if match[2] else None
    if len(set(letters)) != len(letters) or (months is not None and months > _LONGEST_MONTHS):
        return None
    return tuple(letter for letter in "RQO" if letter in letters), months


def _read(workbook: Workbook, index: Index) -> Reading:
    """Every filled cell: taken as a requirement, or refused with a finding and an open question."""
    reading = Reading()
    for sheet in workbook.sheets:
        if not any(value.strip() for row in sheet.rows for value in row):
            continue
        level = LEVELS.get(sheet.name.strip())
        first = sheet.rows[0][0].strip()
        if level is None or first != "Document":
            reason = MatrixReason.SHEET_UNKNOWN if level is None else MatrixReason.SHEET_LAYOUT
            value = sheet.name if level is None else first
            finding = Finding(workbook.file, f"{sheet.name}!A1", "", value, reason, Severity.REFUSED)
            reading.findings.append(finding)
            for place in _places(sheet):
                _refuse(reading, workbook.file, level or "", place, reason, index, told=True)
            continue
        _read_sheet(reading, workbook.file, sheet, level, index)
    return reading


def _read_sheet(reading: Reading, file: str, sheet: Sheet, level: str, index: Index) -> None:
    sources = index.of(SOURCES[level])
    told: set[tuple[str, str]] = set()
    for position, source in _columns(sheet):
        filled = any(position < len(row) and row[position].strip() for row in sheet.rows[1:])
        if source not in sources and (source or filled):
            line = cell_address(sheet.name, 0, position)
            reading.findings.append(
                Finding(file, line, source, source, MatrixReason.COLUMN_SOURCE_UNKNOWN, Severity.REFUSED)
            )
    for place in _places(sheet):
        if place.item not in index.of(documents.KIND):
            row_number = place.line.rpartition("!")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            if ("row", row_number) not in told:
                told.add(("row", row_number))
                reading.findings.append(
                    Finding(
                        file,
                        f"{sheet.name}!A{row_number}",
                        "Document",
                        place.item,
                        MatrixReason.ROW_DOCUMENT_UNKNOWN,
                        Severity.REFUSED,
                    )
                )
            _refuse(reading, file, level, place, MatrixReason.ROW_DOCUMENT_UNKNOWN, index, told=True)
        elif place.source not in sources:
            _refuse(reading, file, level, place, MatrixReason.COLUMN_SOURCE_UNKNOWN, index, told=True)
        elif place.covered:
            _refuse(reading, file, level, place, MatrixReason.CELL_MERGED, index)
        elif (parsed := parse_cell(place.value)) is None:
            _refuse(reading, file, level, place, MatrixReason.CELL_UNREADABLE, index)
        else:
            methods, months = parsed
            reading.cells.append(_cell(file, level, place, methods, months, index))
    _tell_of_empty_rows(reading, file, sheet, index)


def _tell_of_empty_rows(reading: Reading, file: str, sheet: Sheet, index: Index) -> None:
    """A row of an unknown document is refused even if none of its cells is filled."""
    filled = {place.item for place in _places(sheet)}
    for number, row in enumerate(sheet.rows[1:], start=2):
        item = row[0].strip()
        if item and item not in index.of(documents.KIND) and item not in filled:
            reading.findings.append(
                Finding(
                    file,
                    f"{sheet.name}!A{number}",
                    "Document",
                    item,
                    MatrixReason.ROW_DOCUMENT_UNKNOWN,
                    Severity.REFUSED,
                )
            )


def _cell(
    file: str, level: str, place: _Place, methods: tuple[str, ...], months: int | None, index: Index
) -> Examined:
    content = "".join(methods) + (str(months) if months else "")
    row = MatrixCell(
        file=file,
        line=place.line,
        key=join_key(level, place.source, place.item),
        digest=content_digest({"cell": content}),
        level=level,
        source=place.source,
        document=place.item,
        methods=methods,
        interval_months=months,
    )
    framework = index.of(documents.KIND)[place.item].framework
    cap = INTERVAL_CAPS_MONTHS.get(framework)
    findings: tuple[Finding, ...] = ()
    if cap is not None and months is not None and months > cap:
        findings = (
            Finding(
                file,
                place.line,
                place.source,
                place.value,
                MatrixReason.INTERVAL_OVER_CAP,
                Severity.WARNED,
                f"{framework}: at most {cap} months",
            ),
        )
    return Examined(row, findings, place.source, place.value)


def _refuse(
    reading: Reading,
    file: str,
    level: str,
    place: _Place,
    reason: MatrixReason,
    index: Index,
    *,
    told: bool = False,
) -> None:
    """told: a finding about the sheet, row or column says so for all its cells."""
    own = (Finding(file, place.line, place.source, place.value, reason, Severity.REFUSED),)
    reading.cells.append(Examined(None, () if told else own))
    people = sorted(index.holders.get((level, place.source), ()))
    reading.questions.append(
        OpenQuestion(
            file,
            place.line,
            level,
            place.source,
            place.item,
            place.value,
            reason,
            tuple(people),
            asked=bool(level) and reason not in _NO_CELL,
        )
    )


def _clashing(cells: Sequence[Examined], refused: Sequence[Finding], index: Index) -> Iterator[OpenQuestion]:
    """Cells that were readable, and refused because the same source and document stand twice with other content."""
    lines = {finding.line: finding.reason for finding in refused if finding.severity is Severity.REFUSED}
    for each in cells:
        row = each.row
        if isinstance(row, MatrixCell) and row.line in lines:
            people = sorted(index.holders.get((row.level, row.source), ()))
            yield OpenQuestion(
                row.file,
                row.line,
                row.level,
                row.source,
                row.document,
                each.key_value,
                lines[row.line],
                tuple(people),
            )


def _columns(sheet: Sheet) -> Iterator[tuple[int, str]]:
    """Positions and codes of the columns that require something: all but Document and Title."""
    for position, title in enumerate(sheet.rows[0]):
        if position > 0 and title.strip() != "Title":
            yield position, title.strip()


def _places(sheet: Sheet) -> Iterator[_Place]:
    columns = list(_columns(sheet))
    for number, row in enumerate(sheet.rows[1:], start=1):
        for position, source in columns:
            value = row[position] if position < len(row) else ""
            covered = (number, position) in sheet.covered
            if value.strip() or covered:
                yield _Place(
                    cell_address(sheet.name, number, position), source, row[0].strip(), value, covered
                )


def cell_address(sheet: str, row: int, column: int) -> str:
    """`sheet!cell` of a 0-based row and column (C-35): ("By area", 4, 27) -> `By area!AB5`."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{sheet}!{letters}{row + 1}"


KIND = WorkbookKind(
    file="matrix.xlsx",
    row=MatrixCell,
    order=410,
    owner="matrix",
    stage=Stage.MATRIX,
    reasons=MatrixReason,
    read=_read,
    clashing=_clashing,
    questions="questions",
)
