"""A report as JSON: the model of its answer, made from its layout, so that schema and clients follow from the columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, create_model

from reporting_svc.api import schemas
from reporting_svc.domain.report import Answer, Column, Kind, Layout

_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.NUMBER: int,
    Kind.PERCENT: float,
    Kind.INSTANT: datetime,
    Kind.FLAG: bool,
    Kind.CODES: list[str],
    Kind.REASONS: list[schemas.Reason],
    Kind.COUNTS: dict[str, int],
    Kind.OBJECT: dict[str, Any],
}


def model(layout: Layout) -> type[BaseModel]:
    """The answer of a report: `as of`, filters, totals, count, a page of rows."""
    row = create_model(f"{layout.schema}Row", **_fields(layout.columns))
    if layout.totals_beside:
        totals = _fields(layout.totals)
    else:
        of_all = create_model(f"{layout.schema}Totals", **_fields(layout.totals))
        totals: dict[str, Any] = {"totals": (of_all, ...)}
    return create_model(
        layout.schema,
        __base__=schemas.AsOfOut,
        __doc__="count: rows on all pages together. The totals are over all rows.",
        filters=(dict[str, str], ...),
        **totals,
        count=(int, ...),
        items=(list[row], ...),  # pyright: ignore[reportInvalidTypeForm]
        next=(str | None, ...),
    )


def answer(layout: Layout, shape: type[BaseModel], found: Answer) -> BaseModel:
    totals = found.totals if layout.totals_beside else {"totals": found.totals}
    return shape(
        at=found.at,
        known_at=found.known_at,
        complete_up_to=found.complete_up_to,
        provisional=found.provisional,
        filters=found.filters,
        **totals,
        count=found.count,
        items=found.rows,
        next=found.next,
    )


def _fields(columns: Sequence[Column]) -> dict[str, Any]:
    return {column.key: _field(column) for column in columns}


def _field(column: Column) -> tuple[Any, Any]:
    kind = _TYPES[column.kind]
    return (kind | None if column.optional else kind), Field(title=column.title)
