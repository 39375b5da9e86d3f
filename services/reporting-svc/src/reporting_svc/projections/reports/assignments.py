"""The assignment source report: every assignment with why it was opened; the sum over triggers is all of them (RP-05)."""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from typing import Annotated

from plantkit.scope import VisibleSql
from pydantic import AwareDatetime, Field
from servicekit.db import Tx
from servicekit.http.paging import decode, encode

from reporting_svc.domain.report import Column, Kind, Layout
from reporting_svc.domain.vocabulary import Trigger
from reporting_svc.projections.asof import AsOf
from reporting_svc.projections.names import names_of
from reporting_svc.projections.report import Page, Parameters, Report

_FILTERS = {
    "trigger": "a.trigger = :trigger",
    "person": "a.person = :person",
    "item": "a.item = :item",
    "site": "a.place = :site",
    "change": "a.change = :change",
    "since": "a.opened_at >= :since",
    "until": "a.opened_at < :until",
}


class AssignmentParameters(Parameters):
    trigger: Trigger | None = None
    change: str | None = None
    since: Annotated[AwareDatetime | None, Field(description="Opened at this instant or later.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Opened before this instant.")] = None


async def rows(
    tx: Tx, asof: AsOf, seen: VisibleSql, asked: AssignmentParameters, limit: int, cursor: str | None
) -> Page:
    """By opening. Withdrawn assignments are counted and not shown. seen: of the person `a.person`."""
    given = {name: value for name in _FILTERS if (value := getattr(asked, name)) is not None}
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
    read = await tx.rows(
        f"SELECT a.* {source} AND a.closing_reason IS DISTINCT FROM 'WITHDRAWN'{after}"
        " ORDER BY a.opened_at, a.assignment LIMIT :limit",
        parameters | {"limit": limit + 1},
    )
    shown = [{name: row[name] for name in row if name != "recorded"} for row in read[:limit]]
    following = None
    if len(read) > limit:
        following = encode([shown[-1]["opened_at"].isoformat(), shown[-1]["assignment"]])
    names = await names_of(tx, {row["person"] for row in shown})
    for row in shown:
        row["name"] = names.get(row["person"])
    by_trigger = {row["trigger"]: row["counted"] for row in counts if row["counted"]}
    total = sum(by_trigger.values())
    withdrawn = sum(row["withdrawn"] for row in counts)
    return Page(shown, total, following, {"total": total, "by_trigger": by_trigger, "withdrawn": withdrawn})


REPORT = Report(
    Layout(
        name="assignments",
        title="Assignments by what opened them",
        schema="AssignmentSources",
        columns=(
            Column("assignment", "Assignment", Kind.TEXT),
            Column("person", "Person", Kind.TEXT),
            Column("name", "Name", Kind.TEXT, optional=True),
            Column("item", "Item", Kind.TEXT),
            Column("place", "Place", Kind.TEXT),
            Column("target_version", "Target version", Kind.NUMBER),
            Column("trigger", "Trigger", Kind.TEXT),
            Column("cause", "Cause", Kind.OBJECT, optional=True),
            Column("change", "Change", Kind.TEXT, optional=True),
            Column("state", "State", Kind.TEXT),
            Column("opened_at", "Opened at", Kind.INSTANT),
            Column("due_at", "Due at", Kind.INSTANT, optional=True),
            Column("first_due_was_past", "First due was past", Kind.FLAG),
            Column("closed_at", "Closed at", Kind.INSTANT, optional=True),
            Column("closing_reason", "Closing reason", Kind.TEXT, optional=True),
            Column("closing_detail", "Closing detail", Kind.TEXT, optional=True),
            Column("methods", "Methods", Kind.CODES),
        ),
        totals=(
            Column("total", "Assignments", Kind.NUMBER),
            Column("by_trigger", "By trigger", Kind.COUNTS),
            Column("withdrawn", "Withdrawn assignments, not counted", Kind.NUMBER),
        ),
        totals_beside=True,
    ),
    about="Assignments by when they were opened, with why; by_trigger counts all rows and sums up to total (RP-05)."
    " `Accept: text/csv`: every row, as a file.",
    parameters=AssignmentParameters,
    rows=rows,
    person="a.person",
)
