"""A report as CSV: what it is as of, the totals with everything that they leave out, then every row.

Cells that a spreadsheet would take for a formula are defused.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from defusedcsv import csv

from reporting_svc.api.renderers.file import Renderer
from reporting_svc.domain.report import Answer, Kind, Layout, text


async def render(layout: Layout, pages: AsyncIterator[Answer]) -> AsyncIterator[str]:
    """The head from the first page, then the rows of each."""
    begun = False
    async for page in pages:
        if not begun:
            yield lines(head(layout, page))
            begun = True
        yield lines(rows(layout, page))


def lines(cells: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(cells)
    return out.getvalue()


def head(layout: Layout, answer: Answer) -> Iterator[Sequence[Any]]:
    """Lines that begin with `#`, and the keys of the columns."""
    yield [f"# {layout.title}"]
    yield ["# As of", text(Kind.INSTANT, answer.at)]
    yield ["# As known at", text(Kind.INSTANT, answer.known_at)]
    yield ["# Complete up to", text(Kind.INSTANT, answer.complete_up_to)]
    yield ["# Provisional", text(Kind.FLAG, answer.provisional)]
    yield from ([f"# Filter {name}", value] for name, value in answer.filters.items())
    for total in layout.totals:
        if not total.in_files:
            continue
        value = answer.totals[total.key]
        if total.kind is Kind.COUNTS:
            yield from ([f"# {total.title}: {name}", count] for name, count in value.items())
        else:
            yield [f"# {total.title}", text(total.kind, value)]
    yield [column.key for column in layout.columns if column.in_files]


def rows(layout: Layout, answer: Answer) -> Iterator[Sequence[Any]]:
    shown = [(column.key, column.kind) for column in layout.columns if column.in_files]
    for row in answer.rows:
        yield [text(kind, row[key]) for key, kind in shown]


RENDERER = Renderer("text/csv", "text/csv; charset=utf-8", "csv", render)
