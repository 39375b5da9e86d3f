"""The compliance report: rows person x item, and totals over all of them (RP-01, RP-03, RP-17, C-28).

One statement reads each selected cell once; people come first, since a filter by function, department or person names
few of many, and of each person the segments of the instant are found by the index.
"""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, ClassVar

from plantkit.scope import VisibleSql
from pydantic import Field
from servicekit.db import Tx
from servicekit.http.paging import decode, encode

from reporting_svc.domain.compliance import CLASSES, RULES, Figure, Group, Rule, counted, totals
from reporting_svc.domain.report import Column, Kind, Layout
from reporting_svc.projections.asof import AsOf
from reporting_svc.projections.names import names_of
from reporting_svc.projections.report import Instant, Page, Parameters, Report

# Pre-training for a role to come is shown, never overdue nor approaching. Of a later instant than what is
# known it cannot be said any more: there the cell itself tells whether the item is required.
UPCOMING = "(a.state = 'UPCOMING' AND :at <= CAST(:known_now AS timestamptz))"


class ComplianceParameters(Parameters):
    UNNAMED: ClassVar[frozenset[str]] = frozenset({"include", "approaching_days"})

    department: str | None = None
    job_function: str | None = None
    framework: str | None = None
    at: Instant = None
    include: Annotated[str | None, Field(pattern="^not_required$")] = None
    approaching_days: Annotated[
        int, Field(ge=0, le=365, description="How far ahead a due instant is approaching.")
    ] = 30
    figure: Annotated[
        Figure | None, Field(description="Only the rows that this number of the totals counts.")
    ] = None

    def instant(self) -> datetime | None:
        return self.at


def _sql(rule: Rule) -> str:
    """A rule of the classification as a condition over the cells `c`."""
    found = []
    if rule.verdict is not None:
        found.append(f"c.verdict = '{rule.verdict}'")
    if rule.status is not None:
        found.append(f"c.status = '{rule.status}'")
    if rule.on_leave:
        found.append("c.on_leave")
    return " AND ".join(found) or "true"


COUNTED = "CASE " + " ".join(f"WHEN {_sql(rule)} THEN '{rule.counted}'" for rule in RULES) + " END"
"""The class of a cell in SQL, made from the rules of the domain."""

_FIGURES = {
    figure: f"{COUNTED} IN ({', '.join(f"'{one}'" for one in sorted(classes))})"
    for figure, classes in CLASSES.items()
} | {
    Figure.OVERDUE: "c.overdue",
    Figure.APPROACHING: "c.approaching",
    Figure.WITHDRAWN: "c.withdrawn > 0",
}


async def rows(
    tx: Tx, asof: AsOf, seen: VisibleSql, asked: ComplianceParameters, limit: int, cursor: str | None
) -> Page:
    """By person, item, place. seen: of the person `p.person`."""
    parameters: dict[str, Any] = {
        **asof.parameters,
        **seen.parameters,
        **asked.filters(),
        "within": asked.approaching_days,
        "not_required": asked.include is not None,
        "known_now": asof.shown_known_at,
        "limit": limit + 1,
    }
    after = ""
    if cursor is not None:
        after = "AND (c.person, c.item, c.place) > (:last_person, :last_item, :last_place)"
        parameters |= dict(zip(("last_person", "last_item", "last_place"), decode(cursor, 3), strict=True))
    read = await tx.rows(_statement(asof, seen, asked, after), parameters)
    found = read[0]["groups"] or []
    groups = [Group(*one[:6]) for one in found]
    shown = [_row(dict(row)) for row in read if row["person"] is not None]
    following = None
    if len(shown) > limit:
        shown = shown[:limit]
        following = encode([shown[-1][name] for name in ("person", "item", "place")])
    await _describe(tx, asof, shown)
    withdrawn = sum(one[6] for one in found)
    return Page(shown, read[0]["shown"], following, asdict(totals(groups, withdrawn)))


def _statement(asof: AsOf, seen: VisibleSql, asked: ComplianceParameters, after: str) -> str:
    people = [asof.known("p"), seen.sql]
    if asked.person is not None:
        people.append("p.person = :person")
    for kind, name, column in (
        ("function", "job_function", "value"),
        ("place", "department", "department"),
    ):
        if getattr(asked, name) is not None:
            people.append(
                f"p.person IN (SELECT h.person FROM app.person_spell h WHERE h.kind = '{kind}'"
                f" AND h.{column} = :{name} AND {asof.known('h')})"
            )
    who = ["w.days @> CAST(:at AT TIME ZONE u.time_zone AS date)"]
    if asked.job_function is not None:
        who.append(":job_function = ANY(f.functions)")
    if asked.department is not None:
        who.append("w.department = :department")
    # Only these two ask where the person works at the instant; cells elsewhere are of no interest then.
    placed = asked.job_function is not None or asked.department is not None
    cell = ["s.person = q.person", asof.held("s"), asof.known("s")]
    if asked.site is not None:
        cell.append("s.place = :site")
    if asked.item is not None:
        cell.append("s.item = :item")
    if asked.framework is not None:
        cell.append(
            "s.item IN (SELECT d.document FROM app.document d"
            f" WHERE d.framework = :framework AND {asof.known('d')})"
        )
    chosen = _FIGURES[asked.figure] if asked.figure else "(:not_required OR c.verdict <> 'NONE')"
    return f"""
    WITH people AS MATERIALIZED (
        SELECT p.person FROM app.person p WHERE {" AND ".join(people)}
    ), cells AS MATERIALIZED (
        SELECT s.tid, s.person, s.item, s.place, s.status, s.verdict, s.on_leave, w.places -> s.place AS spell,
            t.due, t.withdrawn, coalesce(t.counts <= :at, false) AS overdue,
            NOT coalesce(t.counts <= :at, false)
                AND (s.expiring OR coalesce(t.counts <= :at + make_interval(days => :within), false)) AS approaching
        FROM people q
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_object_agg(w.value, jsonb_build_object(
                'department', w.department, 'area', w.area, 'job_functions', f.functions)), '{{}}') AS places
            FROM app.person_spell w
            JOIN app.unit u ON u.unit = 'site/' || w.value AND {asof.known("u")}
            CROSS JOIN LATERAL (
                SELECT array_agg(f.value ORDER BY f.value) AS functions FROM app.person_spell f
                WHERE f.person = w.person AND f.kind = 'function' AND {asof.known("f")}
                    AND f.days @> CAST(:at AT TIME ZONE u.time_zone AS date)) f
            WHERE w.person = q.person AND w.kind = 'place' AND {asof.known("w")} AND {" AND ".join(who)}
        ) w
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_object_agg(a.cell, a.due) FILTER (WHERE a.due IS NOT NULL), '{{}}') AS due,
                coalesce(jsonb_object_agg(a.cell, a.withdrawn) FILTER (WHERE a.withdrawn > 0), '{{}}') AS withdrawn
            FROM (
                SELECT a.item || '/' || a.place AS cell,
                    (array_agg(jsonb_build_array(a.due_at, a.trigger, a.assignment, a.change, {UPCOMING})
                        ORDER BY {UPCOMING}, a.due_at NULLS LAST, a.target_version)
                        FILTER (WHERE a.closing_reason IS DISTINCT FROM 'WITHDRAWN'))[1] AS due,
                    count(*) FILTER (WHERE a.closing_reason = 'WITHDRAWN') AS withdrawn
                FROM app.assignment a WHERE a.person = q.person AND a.opened_at <= :at AND {asof.known("a")}
                    AND (a.closed_at IS NULL OR a.closed_at > :at OR a.closing_reason = 'WITHDRAWN')
                GROUP BY 1) a
        ) d
        CROSS JOIN LATERAL (
            SELECT s.ctid AS tid, s.person, s.item, s.place, s.status, s.verdict, s.on_leave,
                s.status = 'EXPIRING' OR 'EXPIRING' = ANY(s.flags) AS expiring
            FROM app.segment s WHERE {" AND ".join(cell)} OFFSET 0) s
        CROSS JOIN LATERAL (
            SELECT d.due -> (s.item || '/' || s.place) AS due,
                CASE WHEN s.verdict <> 'NONE' AND NOT (d.due -> (s.item || '/' || s.place) -> 4)::boolean
                    THEN CAST(d.due -> (s.item || '/' || s.place) ->> 0 AS timestamptz) END AS counts,
                coalesce(CAST(d.withdrawn ->> (s.item || '/' || s.place) AS integer), 0) AS withdrawn OFFSET 0) t
        {"WHERE jsonb_exists(w.places, s.place)" if placed else ""}
    ), groups AS (
        SELECT jsonb_agg(jsonb_build_array(status, verdict, on_leave, cells, overdue, approaching, withdrawn)) AS found
        FROM (SELECT status, verdict, on_leave, count(*) AS cells, count(*) FILTER (WHERE overdue) AS overdue,
            count(*) FILTER (WHERE approaching) AS approaching, sum(withdrawn) AS withdrawn
            FROM cells GROUP BY 1, 2, 3) g
    ), page AS (
        SELECT c.*, row_number() OVER (ORDER BY c.person, c.item, c.place) AS number FROM (
            SELECT * FROM cells c WHERE ({chosen}) {after}
            ORDER BY c.person, c.item, c.place LIMIT :limit) c
    )
    SELECT CASE WHEN coalesce(p.number, 1) = 1 THEN (SELECT found FROM groups) END AS groups,
        CASE WHEN coalesce(p.number, 1) = 1 THEN (SELECT count(*) FROM cells c WHERE {chosen}) END AS shown,
        p.person, p.item, p.place, p.status, p.verdict, p.on_leave, p.spell, p.due, p.overdue, p.approaching, p.withdrawn,
        s.flags, s.governing_version, s.completed_version, s.completed_at, s.expires_at, s.reasons, s.sources
    FROM (SELECT) one LEFT JOIN page p ON true LEFT JOIN app.segment s ON s.ctid = p.tid
    ORDER BY p.number"""


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: row[name] for name in row if name not in ("groups", "shown", "spell", "due", "on_leave")}
    spell = row["spell"] or {}
    due_at, trigger, assignment, change, _ = row["due"] or (None, None, None, None, None)
    return found | {
        "counted": counted(row["status"], row["verdict"], on_leave=row["on_leave"]).value,
        "department": spell.get("department"),
        "area": spell.get("area"),
        "job_functions": spell.get("job_functions") or [],
        "due_at": None if due_at is None else datetime.fromisoformat(due_at),
        "trigger": trigger,
        "assignment": assignment,
        "change": change,
    }


async def _describe(tx: Tx, asof: AsOf, rows: Sequence[dict[str, Any]]) -> None:
    """Names as they are now, titles and frameworks as they were known."""
    names = await names_of(tx, {row["person"] for row in rows})
    documents = {
        row["document"]: dict(row)
        for row in await tx.rows(
            "SELECT d.document, d.title, d.framework FROM app.document d"
            f" WHERE d.document = ANY(:items) AND {asof.known('d')}",
            {"items": sorted({row["item"] for row in rows})} | asof.knowing,
        )
    }
    for row in rows:
        document = documents.get(row["item"], {})
        row["name"] = names.get(row["person"])
        row["title"] = document.get("title")
        row["framework"] = document.get("framework")


REPORT = Report(
    Layout(
        name="compliance",
        title="Compliance report",
        schema="Compliance",
        columns=(
            Column("person", "Person", Kind.TEXT),
            Column("name", "Name", Kind.TEXT, optional=True),
            Column("place", "Place", Kind.TEXT),
            Column("department", "Department", Kind.TEXT, optional=True),
            Column("area", "Area", Kind.TEXT, optional=True),
            Column("job_functions", "Job functions", Kind.CODES),
            Column("item", "Item", Kind.TEXT),
            Column("title", "Title", Kind.TEXT, optional=True),
            Column("framework", "Framework", Kind.TEXT, optional=True),
            Column("status", "Status", Kind.TEXT),
            Column("verdict", "Verdict", Kind.TEXT),
            Column("counted", "Counted as", Kind.TEXT),
            Column("flags", "Flags", Kind.CODES),
            Column("governing_version", "Governing version", Kind.NUMBER, optional=True),
            Column("completed_version", "Completed version", Kind.NUMBER, optional=True),
            Column("completed_at", "Completed at", Kind.INSTANT, optional=True),
            Column("expires_at", "Expires at", Kind.INSTANT, optional=True),
            Column("due_at", "Due at", Kind.INSTANT, optional=True),
            Column("trigger", "Trigger", Kind.TEXT, optional=True),
            Column("assignment", "Assignment", Kind.TEXT, optional=True),
            Column("change", "Change", Kind.TEXT, optional=True),
            Column("overdue", "Overdue", Kind.FLAG),
            Column("approaching", "Approaching", Kind.FLAG),
            Column("withdrawn", "Withdrawn assignments", Kind.NUMBER),
            Column("sources", "Sources", Kind.CODES),
            Column("reasons", "Reasons", Kind.REASONS),
        ),
        totals=(
            Column("cells", "Cells", Kind.NUMBER),
            Column("numerator", "Numerator", Kind.NUMBER),
            Column("denominator", "Denominator", Kind.NUMBER),
            Column("percent", "Percent", Kind.PERCENT, optional=True),
            Column("conditional", "In the denominator only: conditional", Kind.NUMBER),
            Column("held", "In the denominator only: suspended by hold", Kind.NUMBER),
            Column("excluded", "Excluded", Kind.COUNTS),
            Column("overdue", "Overdue", Kind.NUMBER),
            Column("approaching", "Approaching", Kind.NUMBER),
            Column("withdrawn_assignments", "Withdrawn assignments, not counted", Kind.NUMBER),
            Column("by_status", "By status", Kind.COUNTS, in_files=False),
            Column("figures", "Figures", Kind.COUNTS, in_files=False),
        ),
    ),
    about="One row a person and item, and the totals over all rows. `figure` chooses rows; the totals stay those of all"
    " rows. `Accept: text/csv`: every row, as a file.",
    parameters=ComplianceParameters,
    rows=rows,
    person="p.person",
)
