"""Rows as JSON values: so they are sent to their owners, so they are kept, and so they are read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from plantfiles.rows import Row


def as_dict(row: Row) -> dict[str, Any]:
    """A row as JSON values: days, times and instants in ISO 8601, numbers that are decimal as text."""
    kind = type(row)
    values = _codec(kind).dump_python(row, mode="json")
    # The offset of an instant stays as Python writes it, `+00:00`; pydantic writes `Z`.
    return values | {name: getattr(row, name).isoformat() for name in _instants(kind)}


def typed[R: Row](row: type[R], values: Mapping[str, Any]) -> R:
    """The inverse of as_dict for a row of this type. Raises pydantic.ValidationError for a missing or wrong value."""
    return _codec(row).validate_python(values)


@cache
def _codec[R: Row](row: type[R]) -> TypeAdapter[R]:
    return TypeAdapter(row)


@cache
def _instants(row: type[Row]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(row).items() if hint is datetime)
