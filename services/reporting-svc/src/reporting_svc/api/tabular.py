"""The compliance report as CSV: what it is as of, the totals with everything that they leave out, then every row.

Cells that a spreadsheet would take for a formula are defused.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from defusedcsv import csv

from reporting_svc.api import schemas

MEDIA_TYPE = "text/csv"
COLUMNS = [name for name in schemas.ComplianceRow.model_fields if name != "reasons"] + ["reasons"]


def lines(rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def header(report: schemas.Compliance) -> list[Sequence[Any]]:
    """Lines that begin with `#`, and the names of the columns."""
    totals = report.totals
    found: list[Sequence[Any]] = [
        ["# Compliance report"],
        ["# As of", _text(report.at)],
        ["# As known at", _text(report.known_at)],
        ["# Complete up to", _text(report.complete_up_to)],
        ["# Provisional", _text(report.provisional)],
        *(["# Filter " + name, value] for name, value in report.filters.items()),
        ["# Cells", totals.cells],
        ["# Numerator", totals.numerator],
        ["# Denominator", totals.denominator],
        ["# Percent", _text(totals.percent)],
        ["# In the denominator only: conditional", totals.conditional],
        ["# In the denominator only: suspended by hold", totals.held],
        *(["# Excluded: " + name, count] for name, count in totals.excluded.items()),
        ["# Overdue", totals.overdue],
        ["# Approaching", totals.approaching],
        ["# Withdrawn assignments, not counted", totals.withdrawn_assignments],
        COLUMNS,
    ]
    return found


def row(one: schemas.ComplianceRow) -> list[Any]:
    values: Mapping[str, Any] = {name: getattr(one, name) for name in COLUMNS}
    return [_text(values[name]) for name in COLUMNS]


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(_reason(each) for each in value)
    return "" if value is None else value


def _reason(value: Any) -> str:
    if isinstance(value, schemas.Reason):
        return value.code if value.detail is None else f"{value.code}:{value.detail}"
    return str(value)
