"""The compliance report: rows person x item, and totals over all of them (RP-01, RP-03, RP-17, C-28).

One statement reads each selected cell once; people come first, since a filter by function, department or person names
few of many, and of each person the segments of the instant are found by the index.
"""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plantkit.scope import VisibleSql
from servicekit.db import Tx
from servicekit.http.paging import decode, encode

from reporting_svc.domain.compliance import Figure, Group, Totals, counted, totals
from reporting_svc.projections.asof import AsOf

# Pre-training for a role to come is shown, never overdue nor approaching. Of a later instant than what is
# known it cannot be said any more: there the cell itself tells whether the item is required.
UPCOMING = "(a.state = 'UPCOMING' AND :at <= CAST(:known_now AS timestamptz))"


@dataclass(frozen=True, slots=True)
class Filters:
    """None: no restriction. approaching_days: how far ahead a due instant is approaching. figure: the rows alone that
    this number of the totals counts; the totals stay those of all rows."""

    site: str | None = None
    department: str | None = None
    job_function: str | None = None
    framework: str | None = None
    person: str | None = None
    item: str | None = None
    not_required: bool = False
    approaching_days: int = 30
    figure: Figure | None = None

    def named(self) -> dict[str, str]:
        """What was filtered by, for the reader."""
        names = ("site", "department", "job_function", "framework", "person", "item", "figure")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


# A cell of no verdict is not required; one that is suspended is on leave or on hold. `counted` of the domain says the
# same of a row, and a test holds the two together.
_OUT = "(c.verdict = 'NONE' OR c.status = 'SUSPENDED' AND c.on_leave)"
_FIGURES = {
    Figure.REQUIRED: f"NOT {_OUT}",
    Figure.IN_PLACE: "c.verdict = 'ALLOW' AND c.status <> 'SUSPENDED'",
    Figure.NOT_IN_PLACE: f"NOT {_OUT} AND NOT (c.verdict = 'ALLOW' AND c.status <> 'SUSPENDED')",
    Figure.CONDITIONAL: "c.verdict = 'ALLOW_WITH_CONDITION' AND c.status <> 'SUSPENDED'",
    Figure.HELD: "c.verdict <> 'NONE' AND c.status = 'SUSPENDED' AND NOT c.on_leave",
    Figure.OVERDUE: "c.overdue",
    Figure.APPROACHING: "c.approaching",
    Figure.EXCLUDED: _OUT,
    Figure.NOT_REQUIRED: "c.verdict = 'NONE'",
    Figure.ON_LEAVE: "c.verdict <> 'NONE' AND c.status = 'SUSPENDED' AND c.on_leave",
    Figure.WITHDRAWN: "c.withdrawn > 0",
}


@dataclass(frozen=True, slots=True)
class Page:
    """count: rows on all pages. totals are over all rows of the filters, whatever the page and the figure."""

    rows: list[dict[str, Any]]
    count: int
    next: str | None
    totals: Totals
    withdrawn: int


async def compliance(
    tx: Tx, asof: AsOf, seen: VisibleSql, filters: Filters, *, limit: int, cursor: str | None = None
) -> Page:
    """By person, item, place. seen: of the person `p.person`."""
    parameters: dict[str, Any] = {
        **asof.parameters,
        **seen.parameters,
        **filters.named(),
        "within": filters.approaching_days,
        "not_required": filters.not_required,
        "known_now": asof.shown_known_at,
        "limit": limit + 1,
    }
    after = ""
    if cursor is not None:
        after = "AND (c.person, c.item, c.place) > (:last_person, :last_item, :last_place)"
        parameters |= dict(zip(("last_person", "last_item", "last_place"), decode(cursor, 3), strict=True))
    rows = await tx.rows(_statement(asof, seen, filters, after), parameters)
    found = rows[0]["groups"] or []
    groups = [Group(*one[:6]) for one in found]
    shown = [_row(dict(row)) for row in rows if row["person"] is not None]
    following = None
    if len(shown) > limit:
        shown = shown[:limit]
        following = encode([shown[-1][name] for name in ("person", "item", "place")])
    await _describe(tx, asof, shown)
    return Page(shown, rows[0]["shown"], following, totals(groups), sum(one[6] for one in found))


def _statement(asof: AsOf, seen: VisibleSql, filters: Filters, after: str) -> str:
    people = [asof.known("p"), seen.sql]
    if filters.person is not None:
        people.append("p.person = :person")
    for kind, name, column in (
        ("function", "job_function", "value"),
        ("place", "department", "department"),
    ):
        if getattr(filters, name) is not None:
            people.append(
                f"p.person IN (SELECT h.person FROM app.person_spell h WHERE h.kind = '{kind}'"
                f" AND h.{column} = :{name} AND {asof.known('h')})"
            )
    who = ["w.days @> CAST(:at AT TIME ZONE u.time_zone AS date)"]
    if filters.job_function is not None:
        who.append(":job_function = ANY(f.functions)")
    if filters.department is not None:
        who.append("w.department = :department")
    # Only these two ask where the person works at the instant; cells elsewhere are of no interest then.
    placed = filters.job_function is not None or filters.department is not None
    cell = ["s.person = q.person", asof.held("s"), asof.known("s")]
    if filters.site is not None:
        cell.append("s.place = :site")
    if filters.item is not None:
        cell.append("s.item = :item")
    if filters.framework is not None:
        cell.append(
            "s.item IN (SELECT d.document FROM app.document d"
            f" WHERE d.framework = :framework AND {asof.known('d')})"
        )
    asked = _FIGURES[filters.figure] if filters.figure else "(:not_required OR c.verdict <> 'NONE')"
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
            SELECT * FROM cells c WHERE ({asked}) {after}
            ORDER BY c.person, c.item, c.place LIMIT :limit) c
    )
    SELECT CASE WHEN coalesce(p.number, 1) = 1 THEN (SELECT found FROM groups) END AS groups,
        CASE WHEN coalesce(p.number, 1) = 1 THEN (SELECT count(*) FROM cells c WHERE {asked}) END AS shown,
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


async def names_of(tx: Tx, people: set[str]) -> dict[str, str]:
    """The present names of people; whose name is not known, or was taken away, is left out."""
    rows = await tx.rows(
        "SELECT person, given_name || ' ' || family_name AS name FROM app.person_name WHERE person = ANY(:people)",
        {"people": sorted(people)},
    )
    return {row["person"]: row["name"] for row in rows}
