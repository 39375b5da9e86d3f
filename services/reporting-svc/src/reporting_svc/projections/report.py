"""What every report is made of: its layout, its parameters, and the query that gives its rows and totals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from plantkit.scope import VisibleSql
from pydantic import AwareDatetime, BaseModel, Field
from servicekit.db import Tx
from servicekit.http.paging import LARGEST_PAGE

from reporting_svc.domain.report import Layout
from reporting_svc.projections.asof import AsOf

type Instant = Annotated[
    AwareDatetime | None, Field(description="Instant of the plant, with its offset; default: now.")
]


class Parameters(BaseModel):
    """The query parameters that every report has. A report adds its own; each one that is set is a filter, which the
    answer names, but for those in `UNNAMED`."""

    UNNAMED: ClassVar[frozenset[str]] = frozenset()
    _PAGING: ClassVar[frozenset[str]] = frozenset({"at", "known_at", "purpose", "limit", "cursor"})

    site: str | None = None
    person: str | None = None
    item: str | None = None
    known_at: Annotated[
        AwareDatetime | None,
        Field(description="Instant of the system, with its offset; default: all that is known by now."),
    ] = None
    purpose: Annotated[
        str | None, Field(max_length=500, description="Why the file is taken; the audit trail keeps it.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 200
    cursor: Annotated[str | None, Field(max_length=2000)] = None

    def instant(self) -> datetime | None:
        """The instant of the plant that is asked about; None: now."""
        return None

    def filters(self) -> dict[str, str]:
        """What the rows are filtered by, for the reader."""
        names = [name for name in type(self).model_fields if name not in self._PAGING | self.UNNAMED]
        values = {name: getattr(self, name) for name in names}
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in values.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class Page:
    """rows: of this page. count: rows on all pages. totals: over all rows of the filters, by key of the layout."""

    rows: Sequence[Mapping[str, Any]]
    count: int
    next: str | None
    totals: Mapping[str, Any]


type Query[P: Parameters] = Callable[[Tx, AsOf, VisibleSql, P, int, str | None], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class Report[P: Parameters]:
    """rows: (tx, as of, whom the caller sees, parameters, limit, cursor) -> page. person: the SQL of a row's person, for
    the access scope. about: the sentence of the OpenAPI document."""

    layout: Layout
    about: str
    parameters: type[P]
    rows: Query[P]
    person: str
