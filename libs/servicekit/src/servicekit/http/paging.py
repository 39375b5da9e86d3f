"""Keyset paging: a list never skips or repeats a row because another was inserted (no OFFSET).

A list answers `{items, next, complete_up_to}`; `next` is an opaque cursor, the sort key of the last row shown.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import ColumnElement, tuple_

from servicekit.problems import invalid

LARGEST_PAGE = 500
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
Cursor = Annotated[str | None, Query(max_length=2000)]


def encode(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key), default=str).encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[Any]:
    """The sort key inside a cursor. Raises a 422 problem for anything that is not one."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, UnicodeDecodeError):
        raise invalid("cursor", "not-a-cursor", "use the `next` of the page before") from None
    if not isinstance(key, list) or len(key) != length:
        raise invalid("cursor", "not-a-cursor", "use the `next` of the page before")
    return key


def after(cursor: str | None, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """The condition that continues behind the cursor, ascending by `columns`; none on the first page."""
    if cursor is None:
        return []
    return [tuple_(*columns) > tuple_(*decode(cursor, len(columns)))]


def page(rows: Sequence[Any], limit: int, key: Sequence[str]) -> tuple[Sequence[Any], str | None]:
    """The first `limit` of up to `limit` + 1 rows, and the cursor of the next page when there is one."""
    if len(rows) <= limit:
        return rows, None
    shown = rows[:limit]
    return shown, encode([shown[-1][name] for name in key])
