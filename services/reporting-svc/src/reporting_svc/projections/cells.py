"""Cells as of (at, known_at): the answer of C-26 with `known_at`, and the bars of a person's timeline."""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from plantkit.scope import VisibleSql
from servicekit.db import Tx
from servicekit.http.paging import decode, encode

from reporting_svc.domain.vocabulary import Status, Verdict
from reporting_svc.projections.asof import AsOf

type Cell = dict[str, Any]

UNTRAINED = frozenset({Status.LAPSED, Status.SUPERSEDED, Status.INCOMPLETE, Status.NEVER_TRAINED})

_SEGMENT = """s.status, s.verdict, s.flags, s.governing_version, s.completed_version, s.completed_at, s.expires_at,
    s.records, s.reasons, s.sources, lower(s.valid) AS since, nullif(upper(s.valid), 'infinity') AS until"""


async def cells(
    tx: Tx,
    asof: AsOf,
    seen: VisibleSql,
    *,
    person: str | None = None,
    item: str | None = None,
    place: str | None = None,
    not_required: bool = False,
    limit: int = 200,
    cursor: str | None = None,
) -> tuple[list[Cell], str | None]:
    """By person, item, place. Of both person and item: one row a place, NOT_REQUIRED included; none when either was
    not known. seen: of the person `c.person`."""
    if person is not None and item is not None:
        if not await known(tx, asof, person, item):
            return [], None
        not_required = True
    where = ["true"]
    parameters: dict[str, Any] = {**asof.parameters, **seen.parameters, "limit": limit + 1}
    for name, value in (("person", person), ("item", item), ("place", place)):
        if value is not None:
            where.append(f"c.{name} = :{name}")
            parameters[name] = value
    if cursor is not None:
        where.append("(c.person, c.item, c.place) > (:last_person, :last_item, :last_place)")
        parameters |= dict(zip(("last_person", "last_item", "last_place"), decode(cursor, 3), strict=True))
    if not_required:
        query = f"""
            SELECT c.person, c.item, c.place, {_SEGMENT},
                (SELECT min(lower(n.valid)) FROM app.segment n WHERE n.person = c.person AND n.item = c.item
                    AND n.place = c.place AND {asof.known("n")}) AS begins
            FROM app.timeline c LEFT JOIN LATERAL (
                SELECT * FROM app.segment s WHERE s.person = c.person AND s.item = c.item AND s.place = c.place
                    AND {asof.held("s")} AND {asof.known("s")}) s ON true
            WHERE {" AND ".join(where)} AND {asof.known("c")} AND {seen.sql}
            ORDER BY c.person, c.item, c.place LIMIT :limit"""
    else:
        query = f"""
            SELECT c.person, c.item, c.place, {_SEGMENT.replace("s.", "c.")}, NULL::timestamptz AS begins
            FROM app.segment c
            WHERE {" AND ".join(where)} AND {asof.held("c")} AND {asof.known("c")} AND {seen.sql}
                AND c.status <> 'NOT_REQUIRED'
            ORDER BY c.person, c.item, c.place LIMIT :limit"""
    rows = [dict(row) for row in await tx.rows(query, parameters)]
    if not rows and person is not None and item is not None and cursor is None:
        rows = await _places_of(tx, asof, seen, person, item, place)
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        following = encode([shown[-1][name] for name in ("person", "item", "place")])
    found = [_cell(row, asof.at) for row in shown]
    await _add_due(tx, asof, found)
    await _add_unqualified(tx, asof, found)
    return found, following


async def known(tx: Tx, asof: AsOf, person: str, item: str) -> bool:
    """Whether both were known, which is another matter than what held at the instant."""
    row = await tx.one(
        f"SELECT EXISTS (SELECT FROM app.person p WHERE p.person = :person AND {asof.known('p')})"
        f" AND EXISTS (SELECT FROM app.document d WHERE d.document = :item AND {asof.known('d')}) AS both",
        {"person": person, "item": item} | asof.knowing,
    )
    return bool(row and row["both"])


async def _places_of(
    tx: Tx, asof: AsOf, seen: VisibleSql, person: str, item: str, place: str | None
) -> list[dict[str, Any]]:
    """Of a person who never owed the item: NOT_REQUIRED where the person works, or worked last."""
    rows = await tx.rows(
        f"""SELECT c.person, :item AS item, c.place, NULL AS status, NULL::timestamptz AS begins FROM (
                SELECT w.person, w.value AS place FROM app.person_spell w
                LEFT JOIN app.unit u ON u.unit = 'site/' || w.value AND {asof.known("u")}
                WHERE w.person = :person AND w.kind = 'place' AND {asof.known("w")}
                ORDER BY w.days @> CAST(:at AT TIME ZONE coalesce(u.time_zone, 'UTC') AS date) DESC,
                    lower(w.days) DESC LIMIT 1) c
            WHERE (CAST(:place AS text) IS NULL OR c.place = :place) AND {seen.sql}""",
        {"person": person, "item": item, "place": place} | asof.parameters | seen.parameters,
    )
    return [dict(row) for row in rows]


def _cell(row: Mapping[str, Any], at: datetime) -> Cell:
    if row["status"] is not None:
        return {name: row[name] for name in row if name != "begins"}
    return {
        "person": row["person"],
        "item": row["item"],
        "place": row["place"],
        "status": Status.NOT_REQUIRED.value,
        "verdict": Verdict.NONE.value,
        "flags": [],
        "governing_version": None,
        "completed_version": None,
        "completed_at": None,
        "expires_at": None,
        "records": [],
        "reasons": [{"code": "NO_SOURCE", "detail": None}],
        "sources": [],
        "since": at,
        "until": row["begins"],
    }


async def _add_due(tx: Tx, asof: AsOf, found: Sequence[Cell]) -> None:
    """Of each cell the assignment open at the instant that is due first; one of a role to come only beside no other."""
    if not found:
        return
    rows = await tx.rows(
        "SELECT DISTINCT ON (a.person, a.item, a.place) a.person, a.item, a.place, a.due_at, a.trigger"
        f" FROM app.assignment a WHERE a.person = ANY(:people) AND a.item = ANY(:items) AND {open_at(asof)}"
        " ORDER BY a.person, a.item, a.place, a.state = 'UPCOMING', a.due_at NULLS LAST, a.target_version",
        {
            "people": sorted({cell["person"] for cell in found}),
            "items": sorted({cell["item"] for cell in found}),
        }
        | asof.parameters,
    )
    due = {(row["person"], row["item"], row["place"]): row for row in rows}
    for cell in found:
        row = due.get((cell["person"], cell["item"], cell["place"]))
        cell["due_at"] = row["due_at"] if row else None
        cell["trigger"] = row["trigger"] if row else None


async def _add_unqualified(tx: Tx, asof: AsOf, found: Sequence[Cell]) -> None:
    """Since when without interruption not trained for what governs: the end of the last segment that says otherwise,
    or the beginning of the timeline (R-06)."""
    keys = [(c["person"], c["item"], c["place"]) for c in found if c["status"] in UNTRAINED]
    rows = [] if not keys else await tx.rows(
        "SELECT s.person, s.item, s.place, coalesce(max(upper(s.valid)) FILTER ("
        "   WHERE upper(s.valid) <= :at AND s.status <> ALL(CAST(:untrained AS text[]))), min(lower(s.valid))) AS since"
        " FROM app.segment s JOIN unnest(CAST(:people AS text[]), CAST(:items AS text[]), CAST(:places AS text[]))"
        f"  AS k (person, item, place) USING (person, item, place) WHERE {asof.known('s')} GROUP BY 1, 2, 3",
        dict(zip(("people", "items", "places"), map(list, zip(*keys, strict=True)), strict=True))
        | {"untrained": sorted(UNTRAINED)}
        | asof.parameters,
    )  # fmt: skip
    since = {(row["person"], row["item"], row["place"]): row["since"] for row in rows}
    for cell in found:
        cell["unqualified_since"] = since.get((cell["person"], cell["item"], cell["place"]))


def open_at(asof: AsOf) -> str:
    """The condition that assignment `a` was open at the instant. What was withdrawn was never meant (R-59)."""
    return (
        f"{asof.known('a')} AND a.opened_at <= :at AND (a.closed_at IS NULL OR a.closed_at > :at)"
        " AND a.closing_reason IS DISTINCT FROM 'WITHDRAWN'"
    )


async def bars(
    tx: Tx,
    asof: AsOf,
    seen: VisibleSql,
    person: str,
    *,
    item: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> tuple[list[Cell], str | None]:
    """Every cell of the person with all its segments, as known; by item, place. seen: of the person `c.person`."""
    where, parameters = ["c.person = :person"], {"person": person, "limit": limit + 1}
    if item is not None:
        where.append("c.item = :item")
        parameters["item"] = item
    if cursor is not None:
        where.append("(c.item, c.place) > (:last_item, :last_place)")
        parameters |= dict(zip(("last_item", "last_place"), decode(cursor, 2), strict=True))
    rows = await tx.rows(
        f"""SELECT c.item, c.place, lower(c.recorded) AS recorded_at, c.rule_version, c.tzdata_version,
                (SELECT d.title FROM app.document d WHERE d.document = c.item AND {asof.known("d")} LIMIT 1) AS title
            FROM app.timeline c WHERE {" AND ".join(where)} AND {asof.known("c")} AND {seen.sql}
            ORDER BY c.item, c.place LIMIT :limit""",
        parameters | asof.knowing | seen.parameters,
    )
    shown = [dict(row) for row in rows[:limit]]
    segments = await tx.rows(
        f"""SELECT s.item, s.place, {_SEGMENT} FROM app.segment s
            WHERE s.person = :person AND s.item = ANY(:items) AND {asof.known("s")}
            ORDER BY s.item, s.place, lower(s.valid)""",
        {"person": person, "items": sorted({row["item"] for row in shown})} | asof.knowing,
    )
    by_cell: dict[tuple[str, str], list[Cell]] = {}
    for segment in segments:
        by_cell.setdefault((segment["item"], segment["place"]), []).append(dict(segment))
    for row in shown:
        row["segments"] = by_cell.get((row["item"], row["place"]), [])
    following = encode([shown[-1]["item"], shown[-1]["place"]]) if len(rows) > limit else None
    return shown, following
