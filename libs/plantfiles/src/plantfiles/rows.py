"""A row of an import, typed, ready to be sent to the service that owns it. The kinds of files declare their own rows."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, TypedDict, get_args, get_origin, get_type_hints


class Origin(TypedDict):
    """Where a row stood, its key (C-30) and the digest of its content."""

    file: str
    line: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Base of all rows.

    line: the 1-based physical line, or `sheet!cell`. key: of the row in its file (C-30). digest: of its content.
    Days are local days of the person's site. Where a row has `to_on`, that is the first day without; None = open
    (C-02).
    """

    file: str
    line: str
    key: str
    digest: str


def as_dict(row: Row) -> dict[str, Any]:
    """A row as JSON values: days, times and instants in ISO 8601, numbers that are decimal as text."""
    return {name: _plain(getattr(row, name)) for name, _ in _hints(type(row))}


def typed[R: Row](row: type[R], values: Mapping[str, Any]) -> R:
    """The inverse of as_dict for a row of this type. Raises KeyError for a missing value."""
    return row(**{name: _typed(hint, values[name]) for name, hint in _hints(row)})


@cache
def _hints(row: type[Row]) -> tuple[tuple[str, Any], ...]:
    """Names and types of the fields. They are cached, since to resolve them for each row takes most of the time."""
    hints = get_type_hints(row)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(row))


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _typed(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    kinds = get_args(hint) if get_origin(hint) is types.UnionType else (hint,)
    kind = next(each for each in kinds if each is not type(None))
    if get_origin(kind) is tuple:
        return tuple(value)
    if kind in (datetime, date, time):
        return kind.fromisoformat(value)
    return Decimal(value) if kind is Decimal else value
