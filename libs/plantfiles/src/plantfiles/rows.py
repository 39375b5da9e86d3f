"""A row of an import, typed, ready to be sent to the service that owns it. The kinds of files declare their own rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


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
