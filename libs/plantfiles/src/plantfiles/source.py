"""A file as it was read: text by line or cell, before any rule was applied."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.reasons import Reason


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the reader could not read. line: 0 = the file as a whole."""

    line: int
    reason: Reason
    value: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table. number: the 1-based physical line on which it starts (C-35)."""

    number: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file. header: empty when the file has none."""

    file: str
    sha256: str
    header: tuple[str, ...]
    lines: tuple[Line, ...]
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook from cell A1 on. covered: (row, column), 0-based, of cells under a merged cell."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    covered: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Workbook:
    file: str
    sha256: str
    sheets: tuple[Sheet, ...]
    troubles: tuple[Trouble, ...] = ()


type Source = Table | Workbook
