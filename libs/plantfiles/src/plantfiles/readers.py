"""Reads the files of an import. This module only decides whether the bytes are a table."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import python_calamine

from plantfiles.digests import file_digest
from plantfiles.reasons import Reason
from plantfiles.registry import KINDS, Kinds
from plantfiles.source import Line, Sheet, Source, Table, Trouble, Workbook

_FORMULA_WITHOUT_RESULT = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ADDRESS = re.compile(rb'\br="([A-Z]+[0-9]+)"')

LEFT_OUT = frozenset({"README.md", "README.txt", "README"})
"""Files that may be in the folder of an import and are not reported."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The upper limits of an import. bytes_: of one file. unpacked: bytes of a workbook's parts together."""

    bytes_: int = 100_000_000
    unpacked: int = 200_000_000
    rows: int = 1_000_000
    cells: int = 2_000_000
    sheets: int = 50
    field: int = 32_768


DEFAULT_LIMITS = Limits()


def read_directory(
    directory: Path, limits: Limits = DEFAULT_LIMITS, kinds: Kinds = KINDS
) -> dict[str, Source]:
    """Every file of a directory by name; sub-directories and hidden files are left out. Raises OSError."""
    paths = [path for path in sorted(directory.iterdir()) if path.is_file() and not path.name.startswith(".")]
    return read_files(
        {path.name: path.read_bytes() for path in paths if path.name not in LEFT_OUT}, limits, kinds
    )


def read_files(
    contents: Mapping[str, bytes], limits: Limits = DEFAULT_LIMITS, kinds: Kinds = KINDS
) -> dict[str, Source]:
    """Files by name, from their bytes. A file that cannot be read is there too and says why."""
    return {
        name: read_workbook(name, content, limits, kinds)
        if name.endswith(".xlsx")
        else read_table(name, content, limits, kinds)
        for name, content in contents.items()
        if name not in LEFT_OUT
    }


def read_table(name: str, content: bytes, limits: Limits = DEFAULT_LIMITS, kinds: Kinds = KINDS) -> Table:
    """A CSV file: UTF-8 with or without byte order mark, CRLF or LF, quoted fields may hold line ends (C-35)."""
    sha256 = file_digest(content)
    if name not in kinds:
        return Table(name, sha256, (), ())
    if len(content) > limits.bytes_:
        return _table_in_trouble(name, sha256, Reason.FILE_TOO_LARGE, f"at most {limits.bytes_:,} bytes")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _table_in_trouble(name, sha256, Reason.FILE_UNREADABLE, "UTF-16; save it as UTF-8")
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    header: tuple[str, ...] = ()
    lines: list[Line] = []
    troubles: list[Trouble] = []
    for number, item in _records(text, limits.field):
        if len(lines) + len(troubles) > limits.rows:
            return _table_in_trouble(name, sha256, Reason.FILE_TOO_LARGE, f"at most {limits.rows:,} rows")
        if isinstance(item, Trouble):
            troubles.append(item)
        elif not header:
            header = item
        elif any(not value.isascii() and _undecoded(value) for value in item):
            troubles.append(Trouble(number, Reason.NOT_UTF8))
        else:
            lines.append(Line(number, item))
    return Table(name, sha256, header, tuple(lines), tuple(troubles))


def _undecoded(value: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in value)


def _records(text: str, longest: int) -> Iterator[tuple[int, tuple[str, ...] | Trouble]]:
    # Only a line feed ends a physical line: a lone carriage return outside quotes is then an error of that line,
    # not a line more.
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    # The limit of the csv module is one for the whole process; fields are measured here instead.
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            end = reader.line_num
            detail = f"{error}; read to line {end}" if end > number else str(error)
            yield number, Trouble(number, Reason.ROW_MALFORMED, detail=detail)
            continue
        if not values:
            continue
        if any(len(value) > longest for value in values):
            yield number, Trouble(number, Reason.VALUE_TOO_LONG, detail=f"at most {longest:,} characters")
            continue
        yield number, tuple(values)


def read_workbook(
    name: str, content: bytes, limits: Limits = DEFAULT_LIMITS, kinds: Kinds = KINDS
) -> Workbook:
    """An xlsx workbook: the value of every cell as text, from A1 on."""
    sha256 = file_digest(content)
    if name not in kinds:
        return Workbook(name, sha256, ())
    trouble = _workbook_trouble(content, limits)
    if trouble:
        return Workbook(name, sha256, (), (trouble,))
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = workbook.sheet_names
        if len(names) > limits.sheets:
            detail = f"at most {limits.sheets} sheets"
            return Workbook(name, sha256, (), (Trouble(0, Reason.FILE_TOO_LARGE, detail=detail),))
        sheets: list[Sheet] = []
        cells = 0
        for sheet_name in names:
            sheet = workbook.get_sheet_by_name(sheet_name)
            cells += (sheet.total_height + 1) * (sheet.total_width + 1)
            if cells > limits.cells:
                detail = f"at most {limits.cells:,} cells"
                return Workbook(name, sha256, (), (Trouble(0, Reason.FILE_TOO_LARGE, detail=detail),))
            rows = tuple(
                tuple(_text(value) for value in row) for row in sheet.to_python(skip_empty_area=False)
            )
            sheets.append(Sheet(sheet_name, rows, _covered(sheet, rows)))
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        return Workbook(name, sha256, (), (Trouble(0, Reason.FILE_UNREADABLE, detail=str(error)[:200]),))
    return Workbook(name, sha256, tuple(sheets))


def _workbook_trouble(content: bytes, limits: Limits) -> Trouble | None:
    """A workbook is a zip: what it unpacks to is bounded before anything is unpacked."""
    if len(content) > limits.bytes_:
        return Trouble(0, Reason.FILE_TOO_LARGE, detail=f"at most {limits.bytes_:,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
            if unpacked > limits.unpacked:
                return Trouble(0, Reason.FILE_TOO_LARGE, detail=f"unpacks to {unpacked:,} bytes")
            formula = _uncalculated(archive)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError) as error:
        return Trouble(0, Reason.FILE_UNREADABLE, detail=str(error)[:200])
    if formula is not None:
        detail = f"{formula} has a formula that was never calculated; open and save it in a spreadsheet"
        return Trouble(0, Reason.FILE_UNREADABLE, detail=detail)
    return None


def _uncalculated(archive: zipfile.ZipFile) -> str | None:
    """A cell whose formula has no stored result: it would read as empty, that is, as "not required"."""
    for name in archive.namelist():
        if not name.startswith("xl/worksheets/"):
            continue
        for cell in _FORMULA_WITHOUT_RESULT.finditer(archive.read(name)):
            # A formula whose result is the empty text is of type "str": nothing is required there.
            if b't="str"' not in cell[1]:
                address = _ADDRESS.search(cell[1])
                return f"{name}, cell {address[1].decode() if address else '?'}"
    return None


def _covered(
    sheet: python_calamine.CalamineSheet, rows: tuple[tuple[str, ...], ...]
) -> frozenset[tuple[int, int]]:
    """Cells under a merged cell, without its first: they read as empty and yet say something.

    Only as far as the sheet has cells: a merged range may claim millions of empty ones.
    """
    height, width = len(rows), max((len(row) for row in rows), default=0)
    return frozenset(
        (row, column)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
        for row in range(top, min(bottom + 1, height))
        for column in range(left, min(right + 1, width))
        if (row, column) != (top, left)
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return str(value)


def _table_in_trouble(name: str, sha256: str, reason: Reason, detail: str) -> Table:
    return Table(name, sha256, (), (), (Trouble(0, reason, detail=detail),))
