"""Answering: cells and authorisation checks. A cell with an open mark is derived in the request; nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from plantkit.scope import PRESENT
from plantkit.time import start_of_day
from servicekit.db import Database, Tx

from assignment_svc import wire
from assignment_svc.db.base import ALL_ITEMS
from assignment_svc.domain.authorisation import (
    ActiveSpell,
    CheckFacts,
    Decision,
    Supervisor,
    TaskFacts,
    decide,
)
from assignment_svc.domain.facts import Place
from assignment_svc.domain.timeline import Segment
from assignment_svc.handlers.derive import derive_all, load
from assignment_svc.inbound import INBOUND
from assignment_svc.sources import units

CONSUMER = "assignment"
TRAINER_OVERLAY = "TRN"
_NEVER = datetime.min.replace(tzinfo=UTC)

type Cells = dict[str, dict[str, Sequence[Segment]]]
"""Timelines by item and place."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question of C-27. at: now, when it is left out."""

    person: str
    task: str | None
    items: Sequence[str]
    site: str | None = None
    asset: str | None = None
    supervised_by: str | None = None
    at: datetime | None = None


_FACTS = f"""
WITH of_asset AS MATERIALIZED (
  SELECT item, state -> 'spans' AS spans FROM app.obligation
  WHERE person = %(person)s AND state -> 'spans' @> CAST(%(of_asset)s AS jsonb)
), wanted AS MATERIALIZED (
  SELECT unnest(%(items)s::text[]) AS item
  UNION SELECT jsonb_array_elements_text(state -> 'items') FROM app.task WHERE task = %(task)s
  UNION SELECT item FROM of_asset
)
SELECT 'now' AS what, NULL AS key, NULL AS key2, NULL::jsonb AS body, app.clock() AS at
UNION ALL SELECT 'unit', unit, NULL, state, NULL FROM app.unit
  WHERE state ->> 'kind' = 'site' OR unit = %(asset)s
UNION ALL SELECT 'person', person, NULL, state, NULL FROM app.person WHERE person = ANY(%(people)s)
UNION ALL SELECT 'scope', person, NULL, to_jsonb(present), NULL FROM ({PRESENT}) present WHERE person = %(person)s
UNION ALL SELECT 'task', task, NULL, state, NULL FROM app.task WHERE task = %(task)s
UNION ALL SELECT 'of_asset', item, NULL, spans, NULL FROM of_asset
UNION ALL SELECT 'document', document, NULL, NULL, NULL FROM app.document WHERE document IN (SELECT item FROM wanted)
UNION ALL SELECT DISTINCT 'mark', lane, key, NULL::jsonb, NULL::timestamptz FROM app.dirty
  WHERE lane = ANY(%(people)s) AND (key = '*' OR key IN (SELECT item FROM wanted))
UNION ALL SELECT 'cell', person, item, jsonb_build_object('place', place, 'segments', segments), NULL FROM app.cell
  WHERE person = ANY(%(people)s) AND item IN (SELECT item FROM wanted)
UNION ALL SELECT 'watermark', topic, NULL, NULL, CASE WHEN bool_and(watermark IS NOT NULL) THEN min(watermark) END
  FROM bus.consumed WHERE consumer = %(consumer)s GROUP BY topic
"""  # noqa: S608 - our own text


@dataclass(slots=True)
class Facts:
    """Reads the facts of a check in one statement, so that they are of one snapshot and take one trip to the database.

    now: `app.clock()`. marked: (person, item) of the cells to be derived again.
    """

    now: datetime = _NEVER
    marked: set[tuple[str, str]] = field(default_factory=set)
    places: dict[str, Place] = field(default_factory=dict)
    assets: set[str] = field(default_factory=set)
    people: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    scope: Mapping[str, Any] | None = None
    """Where the person of the question belongs today (`plantkit.scope`)."""
    task: Mapping[str, Any] | None = None
    of_asset: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Item -> all spans of the person's obligation, of the items that the asset has ever required of them."""
    known_items: set[str] = field(default_factory=set)
    cells: dict[str, Cells] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    """By person."""
    watermarks: dict[str, datetime | None] = field(default_factory=dict)

    @property
    def complete_up_to(self) -> datetime | None:
        """The record time up to which every input of this service is complete."""
        marks = [self.watermarks.get(topic) for topic in INBOUND]
        return None if any(m is None for m in marks) else min(m for m in marks if m is not None)


async def glance(database: Database, question: Check) -> Facts:
    """The facts of a question in one trip to the database, or, with an open mark among them, those of `facts_of`."""
    found = _sorted(await database.glances.rows(_FACTS, _asked(question)), question)
    if not found.marked:
        return found
    async with database.read() as tx:
        return await facts_of(tx, question)


async def facts_of(tx: Tx, question: Check) -> Facts:
    """The facts of a question. A cell with an open mark is derived now: what is stored of it may be old."""
    found = _sorted(await tx.driver_rows(_FACTS, _asked(question)), question)
    found.now = tx.now
    if found.marked:
        for derived in derive_all(await load(tx, sorted(found.marked)), tx.now):
            found.cells[derived.person][derived.item][derived.place] = derived.outcome.timeline
    return found


def _asked(question: Check) -> dict[str, Any]:
    return {
        "items": list(question.items),
        "task": question.task,
        "asset": f"equipment/{question.asset}" if question.asset else None,
        "person": question.person,
        "of_asset": orjson.dumps([_of_asset(question.asset)]).decode() if question.asset else None,
        "people": [question.person, *([question.supervised_by] if question.supervised_by else [])],
        "consumer": CONSUMER,
    }


def _of_asset(asset: str) -> dict[str, str]:
    return {"source_kind": "equipment", "source": asset}


def _required_by_asset(facts: Facts, asset: str, at: datetime) -> tuple[set[str], list[datetime]]:
    """The items that the asset itself requires of the person at that instant, and when it will require more (MX-03)."""
    source = _of_asset(asset).items()
    now: set[str] = set()
    later: list[datetime] = []
    for item, spans in facts.of_asset.items():
        for span in spans:
            if source <= span.items() and (span.get("valid_to") is None or at < wire.at(span["valid_to"])):
                begins = wire.at(span["valid_from"])
                if begins <= at:
                    now.add(item)
                else:
                    later.append(begins)
    return now, later


def _sorted(rows: Iterable[Mapping[str, Any]], question: Check) -> Facts:
    """The rows by what they are. Cells with an open mark are left out."""
    found = Facts()
    marked: dict[str, set[str]] = defaultdict(set)
    stored: list[tuple[str, str, Mapping[str, Any]]] = []
    for row in rows:
        key, body = row["key"], row["body"]
        match row["what"]:
            case "now":
                found.now = row["at"]
            case "unit" if body["kind"] == "site":
                found.places[body["code"]] = units.place_of(body)
            case "unit":
                found.assets.add(key)
            case "person":
                found.people[key] = body
            case "scope":
                found.scope = body
            case "task":
                found.task = body
            case "of_asset":
                found.of_asset[key] = body
            case "document":
                found.known_items.add(key)
            case "mark":
                marked[key].add(row["key2"])
            case "cell":
                stored.append((key, row["key2"], body))
            case "watermark":
                found.watermarks[key] = row["at"]
    wanted = {*question.items, *(found.task["items"] if found.task else ()), *found.of_asset}
    found.marked = {
        (person, item) for person, keys in marked.items() for item in (wanted if ALL_ITEMS in keys else keys)
    }
    for person, item, body in stored:
        if (person, item) not in found.marked:
            found.cells[person][item][body["place"]] = [wire.segment_of(s) for s in body["segments"]]
    return found


async def timelines(tx: Tx, person: str, items: Sequence[str]) -> Cells:
    """The cells of a person on the items; those with an open mark are derived now."""
    return (await facts_of(tx, Check(person, None, items))).cells[person]


def check(facts: Facts, question: Check, *, max_staleness: timedelta) -> Decision:
    """C-27: fails closed."""
    person = facts.people.get(question.person)
    task = _task(facts, question)
    at = question.at or facts.now
    of_asset, later = _required_by_asset(facts, question.asset, at) if question.asset else (set(), [])
    further = {*question.items, *of_asset}
    wanted = {*(task.items if task else ()), *further}
    supervisor = None
    if question.supervised_by:
        supervising = facts.people.get(question.supervised_by)
        spells = _spells(supervising, "overlays", "overlay", facts.places) if supervising else ()
        supervisor = Supervisor(
            question.supervised_by,
            facts.cells[question.supervised_by],
            tuple(s for s in spells if s.code == TRAINER_OVERLAY),
        )
    asked = CheckFacts(
        person=question.person,
        person_known=person is not None,
        task=task,
        cells=_at_site(facts.cells[question.person], question.site),
        functions=_spells(person, "functions", "job_function", facts.places) if person else (),
        equipment=_spells(person, "equipment", "equipment", facts.places) if person else (),
        asset=question.asset,
        asset_known=f"equipment/{question.asset}" in facts.assets if question.asset is not None else None,
        items=tuple(sorted(further)),
        further_from=tuple(later),
        unknown_items=frozenset(wanted - facts.known_items),
        supervisor=supervisor,
        # An input without any watermark was never complete: as stale as can be (law 7).
        watermarks={topic: facts.watermarks.get(topic) or _NEVER for topic in INBOUND},
    )
    return decide(asked, at, facts.now, max_staleness)


def _task(facts: Facts, question: Check) -> TaskFacts | None:
    if question.task is None:
        # Items alone: a task of no function, asked for by its items.
        return TaskFacts(task="", items=tuple(question.items)) if question.items else None
    state = facts.task
    if state is None:
        return None
    return TaskFacts(
        task=state["task"],
        items=tuple(state["items"]),
        job_function=state.get("job_function"),
        equipment=frozenset(state.get("equipment") or ()),
        active=state["active"],
    )


def _at_site(cells: Cells, site: str | None) -> Cells:
    if site is None:
        return cells
    return {item: {p: t for p, t in places.items() if p == site} for item, places in cells.items()}


def _spells(
    person: Mapping[str, Any], name: str, field: str, places: Mapping[str, Place]
) -> tuple[ActiveSpell, ...]:
    """Spells as instants, cut to employment, at the zone of the place that the person has then."""
    found = []
    for spell in person[name]:
        for zone, first, last in _stretches(person, spell, places):
            found.append(
                ActiveSpell(
                    spell[field],
                    start_of_day(first, zone),
                    None if last is None else start_of_day(last, zone),
                )
            )
    return tuple(found)


def _stretches(
    person: Mapping[str, Any], spell: Mapping[str, Any], places: Mapping[str, Place]
) -> Iterable[tuple[str, Any, Any]]:
    for place in person["places"]:
        site = places.get(place["site"])
        if site is None:
            continue
        for employment in person["employments"]:
            three = (spell, place, employment)
            first = max(wire.day(s["from"]) for s in three)  # pyright: ignore[reportArgumentType]
            last = min((d for d in (wire.day(s.get("to")) for s in three) if d is not None), default=None)
            if last is None or last > first:
                yield site.zone, first, last
