"""The assignment source report: every assignment with why it was opened; the sum over triggers is all of them (RP-05)."""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from datetime import datetime
from typing import Any

from plantkit.scope import VisibleSql
from servicekit.db import Tx
from servicekit.http.paging import decode, encode

from reporting_svc.projections.asof import AsOf

_FILTERS = {
    "trigger": "a.trigger = :trigger",
    "person": "a.person = :person",
    "item": "a.item = :item",
    "site": "a.place = :site",
    "change": "a.change = :change",
    "since": "a.opened_at >= :since",
    "until": "a.opened_at < :until",
}


async def assignments(
    tx: Tx,
    asof: AsOf,
    seen: VisibleSql,
    *,
    limit: int,
    cursor: str | None = None,
    **filters: str | datetime | None,
) -> tuple[list[dict[str, Any]], str | None, dict[str, int], int]:
    """Rows by opening, the cursor, counts by trigger over all rows, and how many were withdrawn and so not counted.

    filters: of `_FILTERS`; since and until: `[since, until)` of the opening. seen: of the person `a.person`.
    """
    given = {name: value for name, value in filters.items() if value is not None}
    where = [asof.known("a"), *(_FILTERS[name] for name in given)]
    parameters = given | asof.knowing | seen.parameters
    source = f"FROM app.assignment a WHERE {' AND '.join(where)} AND {seen.sql}"
    counts = await tx.rows(
        "SELECT a.trigger, count(*) FILTER (WHERE a.closing_reason IS DISTINCT FROM 'WITHDRAWN') AS counted,"
        f" count(*) FILTER (WHERE a.closing_reason = 'WITHDRAWN') AS withdrawn {source} GROUP BY 1 ORDER BY 1",
        parameters,
    )
    after = ""
    if cursor is not None:
        after = " AND (a.opened_at, a.assignment) > (CAST(:last_at AS timestamptz), :last_id)"
        parameters |= dict(zip(("last_at", "last_id"), decode(cursor, 2), strict=True))
    rows = await tx.rows(
        f"SELECT a.* {source} AND a.closing_reason IS DISTINCT FROM 'WITHDRAWN'{after}"
        " ORDER BY a.opened_at, a.assignment LIMIT :limit",
        parameters | {"limit": limit + 1},
    )
    shown = [{name: row[name] for name in row if name != "recorded"} for row in rows[:limit]]
    following = None
    if len(rows) > limit:
        following = encode([shown[-1]["opened_at"].isoformat(), shown[-1]["assignment"]])
    by_trigger = {row["trigger"]: row["counted"] for row in counts if row["counted"]}
    return shown, following, by_trigger, sum(row["withdrawn"] for row in counts)
