"""`GET /api/qualification/cells` without `known_at` (C-26), and tasks a person may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from plantkit.scope import VisibleSql, as_resource, resource_of, visible_sql
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from servicekit.bus import watermarks
from servicekit.db import Tx
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.http.paging import Cursor, Limit, decode, encode
from servicekit.ids import new_id

from assignment_svc import wire
from assignment_svc.domain.qualification import UNTRAINED, cell_at, unqualified_since
from assignment_svc.domain.timeline import Segment
from assignment_svc.domain.vocabulary import Status
from assignment_svc.handlers import ask
from assignment_svc.inbound import INBOUND

router = APIRouter(prefix="/api", tags=["qualification"])
READ = ("qualification.read", "qualification.read_own")


class Reason(BaseModel):
    code: str
    detail: str | None = None


class Cell(BaseModel):
    """One cell at one instant. Times have the offset of the place.

    unqualified_since: the beginning of the time, unbroken until now, in which the person is not trained for what
    governs, be it several versions one after the other (R-06).
    """

    person: str
    item: str
    place: str
    status: str
    verdict: str
    flags: list[str]
    governing_version: int | None
    completed_version: int | None
    completed_at: datetime | None
    expires_at: datetime | None
    due_at: datetime | None
    trigger: str | None
    reasons: list[Reason]
    records: list[str]
    sources: list[str]
    since: datetime
    until: datetime | None
    unqualified_since: datetime | None


class Cells(BaseModel):
    items: list[Cell]
    next: str | None
    complete_up_to: datetime | None
    known_at: datetime
    at: datetime


class CheckIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: str = Field(min_length=1, max_length=64)
    task: str | None = Field(default=None, max_length=64)
    items: list[str] = Field(default=[], max_length=200)
    site: str | None = None
    asset: str | None = None
    supervised_by: str | None = None
    at: AwareDatetime | None = None


class CheckReason(BaseModel):
    item: str
    code: str
    detail: str | None = None


class Governing(BaseModel):
    item: str
    place: str
    version: int | None


class CheckOut(BaseModel):
    verdict: str
    conditions: list[str]
    reasons: list[CheckReason]
    governing: list[Governing]
    valid_until: datetime | None
    decision_id: str
    at: datetime
    complete_up_to: datetime | None


class TaskOut(BaseModel):
    task: str
    title: str
    verdict: str
    reasons: list[CheckReason]
    valid_until: datetime | None


class Tasks(BaseModel):
    items: list[TaskOut]
    next: str | None = None
    complete_up_to: datetime | None


@router.get("/qualification/cells")
async def get_cells(
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow(*READ))],
    policy: PolicyOf,
    person: str | None = None,
    item: str | None = None,
    place: str | None = None,
    at: AwareDatetime | None = None,
    include: Annotated[str | None, Query(pattern="^not_required$")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Cells:
    """Cells as known now. With both person and item: one row a place, NOT_REQUIRED included."""
    async with database.read() as tx:
        moment = at or tx.now
        zones = await _zones(tx)
        keep_all = (person is not None and item is not None) or include == "not_required"
        rows: list[Cell] = []
        following: str | None = None
        if person is not None and item is not None:
            resource = await resource_of(tx, person)
            # Out of scope is answered as not known: `[]`, as reporting answers it (C-26).
            seen = any(policy.decide(caller, one, resource).allowed for one in READ)
            if seen and await tx.one("SELECT 1 FROM app.document WHERE document = :d", {"d": item}):
                rows = await _one(tx, person, item, moment, zones, resource)
        else:
            seen = visible_sql(policy, caller, READ, "c.person")
            rows, following = await _many(
                tx, seen, person, item, place, moment, zones, limit, cursor, keep_all=keep_all
            )
        if place is not None:
            rows = [row for row in rows if row.place == place]
        return Cells(
            items=rows,
            next=following,
            complete_up_to=await complete(tx),
            known_at=tx.now,
            at=moment,
        )


async def complete(tx: Tx) -> datetime | None:
    """The record time up to which every input of this service is complete."""
    known = await watermarks(tx, ask.CONSUMER)
    marks = [known.get(topic) for topic in INBOUND]
    return None if any(m is None for m in marks) else min(m for m in marks if m is not None)


async def _zones(tx: Tx) -> dict[str, ZoneInfo]:
    rows = await tx.rows("SELECT state FROM app.unit WHERE state ->> 'kind' = 'site'")
    return {row["state"]["code"]: ZoneInfo(row["state"]["time_zone"]) for row in rows}


async def _one(
    tx: Tx,
    person: str,
    item: str,
    moment: datetime,
    zones: Mapping[str, ZoneInfo],
    resource: Mapping[str, Any],
) -> list[Cell]:
    found = (await ask.timelines(tx, person, [item])).get(item, {})
    places = set(found) or ({resource["site"]} if resource.get("site") else set())
    due = await _due(tx, [person], [item], moment)
    rows: list[Cell] = []
    for place in sorted(places):
        key, timeline = (person, item, place), found.get(place, ())
        segment, since = cell_at(timeline, moment), unqualified_since(timeline, moment)
        rows.append(_cell(key, segment, since, zones.get(place), due.get(key)))
    return rows


_PAGE = """
SELECT c.person, c.item, c.place, s.segment, c.segments -> 0 AS first,
CASE WHEN s.segment ->> 'status' = ANY(CAST(:untrained AS text[])) THEN coalesce((
    SELECT max(CAST(other ->> 'to' AS timestamptz)) FROM jsonb_array_elements(c.segments) AS other
    WHERE CAST(other ->> 'to' AS timestamptz) <= :at AND other ->> 'status' <> ALL(CAST(:untrained AS text[]))
  ), CAST(c.segments -> 0 ->> 'from' AS timestamptz)) END AS unqualified_since, EXISTS (
  SELECT FROM app.dirty d WHERE d.lane = c.person AND d.key IN (c.item, '*')) AS marked
FROM app.cell c
LEFT JOIN LATERAL (
  SELECT segment FROM jsonb_array_elements(c.segments) AS segment
  WHERE CAST(segment ->> 'from' AS timestamptz) <= :at
    AND (segment ->> 'to' IS NULL OR CAST(segment ->> 'to' AS timestamptz) > :at) LIMIT 1
) AS s ON true
WHERE (CAST(:item AS text) IS NULL OR c.item = :item) AND (CAST(:place AS text) IS NULL OR c.place = :place)
  AND (CAST(:person AS text) IS NULL OR c.person = :person) AND {seen}
  AND (c.person, c.item, c.place) > (:last_person, :last_item, :last_place)
  AND (:all OR coalesce(s.segment ->> 'status', 'NOT_REQUIRED') <> 'NOT_REQUIRED')
ORDER BY c.person, c.item, c.place LIMIT :limit
"""


async def _many(
    tx: Tx,
    seen: VisibleSql,
    person: str | None,
    item: str | None,
    place: str | None,
    moment: datetime,
    zones: Mapping[str, ZoneInfo],
    limit: int,
    cursor: str | None,
    *,
    keep_all: bool,
) -> tuple[list[Cell], str | None]:
    start = decode(cursor, 3) if cursor else ["", "", ""]
    rows = await tx.rows(
        _PAGE.replace("{seen}", seen.sql),
        seen.parameters
        | {
            "at": moment,
            "item": item,
            "place": place,
            "person": person,
            "last_person": start[0],
            "last_item": start[1],
            "last_place": start[2],
            "all": keep_all,
            "untrained": sorted(UNTRAINED),
            "limit": limit + 1,
        },
    )
    shown = rows[:limit]
    due = await _due(tx, sorted({r["person"] for r in shown}), sorted({r["item"] for r in shown}), moment)
    cells: list[Cell] = []
    for row in shown:
        # Before the first segment: NOT_REQUIRED until it begins.
        stored = row["segment"] or row["first"]
        segment = cell_at([wire.segment_of(stored)] if stored else (), moment)
        since = row["unqualified_since"]
        if row["marked"]:
            fresh = (await ask.timelines(tx, row["person"], [row["item"]])).get(row["item"], {})
            segment = cell_at(fresh.get(row["place"], ()), moment)
            since = unqualified_since(fresh.get(row["place"], ()), moment)
            if segment.status is Status.NOT_REQUIRED and not keep_all:
                continue
        key = (row["person"], row["item"], row["place"])
        cells.append(_cell(key, segment, since, zones.get(row["place"]), due.get(key)))
    last = shown[-1] if len(rows) > limit else None
    return cells, None if last is None else encode([last["person"], last["item"], last["place"]])


type Due = Mapping[tuple[str, str, str], Mapping[str, Any]]


async def _due(tx: Tx, people: Sequence[str], items: Sequence[str], moment: datetime) -> Due:
    """For each cell the assignment that is open at the instant and due first. An assignment for a future role counts only
    when there is no other."""
    rows = await tx.rows(
        "SELECT DISTINCT ON (person, item, place) person, item, place, due_at, trigger FROM app.assignment"
        " WHERE person = ANY(:people) AND item = ANY(:items) AND opened_at <= :at"
        " AND (closed_at IS NULL OR closed_at > :at) AND closing_reason IS DISTINCT FROM 'WITHDRAWN'"
        " ORDER BY person, item, place, state = 'UPCOMING', due_at NULLS LAST, target_version",
        {"people": list(people), "items": list(items), "at": moment},
    )
    return {(row["person"], row["item"], row["place"]): dict(row) for row in rows}


def _cell(
    key: tuple[str, str, str],
    segment: Segment,
    unqualified: datetime | None,
    zone: ZoneInfo | None,
    task: Mapping[str, Any] | None,
) -> Cell:
    def local(value: datetime | None) -> datetime | None:
        return value if value is None or zone is None else value.astimezone(zone)

    person, item, place = key
    since = local(segment.start)
    assert since is not None
    return Cell(
        person=person,
        item=item,
        place=place,
        status=segment.status.value,
        verdict=segment.verdict.value,
        flags=[flag.value for flag in segment.flags],
        governing_version=segment.governing_version,
        completed_version=segment.completed_version,
        completed_at=local(segment.completed_at),
        expires_at=local(segment.expires_at),
        due_at=local(task["due_at"]) if task else None,
        trigger=task["trigger"] if task else None,
        reasons=[Reason(code=r.code, detail=r.detail) for r in segment.reasons],
        records=list(segment.records),
        sources=list(segment.sources),
        since=since,
        until=local(segment.end),
        unqualified_since=local(unqualified),
    )


@router.post("/authorizations/check")
async def check(
    body: CheckIn,
    request: Request,
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("authorisation.check", "qualification.read_own"))],
    policy: PolicyOf,
) -> CheckOut:
    """May this person do this task, at this place, on this asset, now or then? Fails closed (C-27)."""
    question = ask.Check(
        body.person, body.task, body.items, body.site, body.asset, body.supervised_by, body.at
    )
    facts = await ask.glance(database, question)
    moment = body.at or facts.now
    resource = None
    if body.person in facts.people:
        resource = as_resource(body.person, facts.scope)
        policy.require_any(caller, ["authorisation.check", "qualification.read_own"], resource)
    staleness = timedelta(seconds=request.app.state.settings.max_staleness)
    decision = ask.check(facts, question, max_staleness=staleness)
    zone = _zone_of(resource, facts.places)
    return CheckOut(
        verdict=decision.verdict.value,
        conditions=list(decision.conditions),
        reasons=[CheckReason(item=r.item, code=r.code, detail=r.detail) for r in decision.reasons],
        governing=[
            Governing(item=item, place=place, version=version)
            for item, at_places in sorted(decision.governing.items())
            for place, version in sorted(at_places.items())
        ],
        valid_until=_local(decision.valid_until, zone),
        decision_id=new_id(),
        at=moment if zone is None else moment.astimezone(zone),
        complete_up_to=facts.complete_up_to,
    )


@router.get("/authorizations")
async def tasks_of(
    request: Request,
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("authorisation.check", "qualification.read_own"))],
    policy: PolicyOf,
    person: str,
    site: str | None = None,
    at: AwareDatetime | None = None,
) -> Tasks:
    """Every regulated task with its verdict for the person: "you may run ..., not ... because ..."."""
    async with database.read() as tx:
        resource = await resource_of(tx, person)
        policy.require_any(caller, ["authorisation.check", "qualification.read_own"], resource)
        staleness = timedelta(seconds=request.app.state.settings.max_staleness)
        found = []
        for row in await tx.rows("SELECT state FROM app.task ORDER BY task"):
            task = row["state"]
            if not task["active"]:
                continue
            question = ask.Check(person, task["task"], [], site, at=at)
            facts = await ask.facts_of(tx, question)
            decision = ask.check(facts, question, max_staleness=staleness)
            found.append(
                TaskOut(
                    task=task["task"],
                    title=task["title"],
                    verdict=decision.verdict.value,
                    reasons=[
                        CheckReason(item=r.item, code=r.code, detail=r.detail) for r in decision.reasons
                    ],
                    valid_until=_local(decision.valid_until, _zone_of(resource, facts.places)),
                )
            )
        return Tasks(items=found, complete_up_to=await complete(tx))


def _zone_of(resource: Mapping[str, Any] | None, places: Mapping[str, Any]) -> ZoneInfo | None:
    place = places.get((resource or {}).get("site") or "")
    return None if place is None else ZoneInfo(place.zone)


def _local(value: datetime | None, zone: ZoneInfo | None) -> datetime | None:
    return value if value is None or zone is None else value.astimezone(zone)
