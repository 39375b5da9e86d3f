"""A report as data: its columns, its totals, and the answer that a renderer turns into JSON or a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a value is. The kind decides its type in JSON, how it is shown, and its form in a text file (`text`).

    INSTANT: an aware instant, shown with the offset of the row's place. REASONS: {code, detail} each.
    COUNTS: class -> number; only totals have it.
    """

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    PERCENT = "PERCENT"
    INSTANT = "INSTANT"
    FLAG = "FLAG"
    CODES = "CODES"
    REASONS = "REASONS"
    COUNTS = "COUNTS"
    OBJECT = "OBJECT"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the rows, or one number of the totals.

    key: its name in JSON and in a CSV file. title: what a reader sees. optional: the value may be absent.
    in_files: False leaves it out of every file.
    """

    key: str
    title: str
    kind: Kind
    optional: bool = False
    in_files: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """What a renderer knows of a report.

    name: stands in the address and in file names. schema: the name of its answer in the OpenAPI document.
    totals_beside: in JSON the totals stand beside the rows instead of under `totals`.
    """

    name: str
    title: str
    schema: str
    columns: Sequence[Column]
    totals: Sequence[Column]
    totals_beside: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a report. at: instant of the plant; known_at: of the system.

    provisional: an earlier event may still come. count: rows on all pages. totals: over all rows, whatever the page.
    """

    at: datetime
    known_at: datetime
    complete_up_to: datetime | None
    provisional: bool
    filters: Mapping[str, str]
    totals: Mapping[str, Any]
    count: int
    rows: Sequence[Mapping[str, Any]]
    next: str | None


def text(kind: Kind, value: Any) -> str | int | float:
    """The form of a value in a text file. An absent value is empty; numbers stay numbers."""
    if value is None:
        return ""
    match kind:
        case Kind.INSTANT:
            return value.isoformat()
        case Kind.FLAG:
            return "yes" if value else "no"
        case Kind.CODES:
            return " ".join(value)
        case Kind.REASONS:
            return " ".join(_reason(one) for one in value)
        case Kind.COUNTS | Kind.OBJECT:
            return " ".join(f"{name}:{one}" for name, one in value.items())
        case Kind.TEXT | Kind.NUMBER | Kind.PERCENT:
            return value


def _reason(reason: Mapping[str, Any]) -> str:
    detail = reason.get("detail")
    return reason["code"] if detail is None else f"{reason['code']}:{detail}"
