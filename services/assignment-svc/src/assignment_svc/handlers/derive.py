"""Derives the cells of the people whose lanes are claimed, writes the differences, announces them.

The facts of a chunk are read in one statement, one snapshot; nothing changed -> nothing is written, nothing announced.
Record time is stamped after the lanes' locks, never before the facts it rests on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import orjson
from attest_contracts.outgoing import Announcement
from plantkit.governing import Timeline, prepare
from servicekit.bus.outbox import announce, claim
from servicekit.context import Context
from servicekit.db import Tx
from servicekit.lanes import Mark

from assignment_svc import outbound, wire
from assignment_svc.db.tables import ALL_ITEMS
from assignment_svc.domain.assignments import Assignment
from assignment_svc.domain.closing import Change, Closed, Opened, Updated
from assignment_svc.domain.facts import PersonFacts, Place, Version
from assignment_svc.domain.qualification import RULES, Outcome, derive, reconcile
from assignment_svc.domain.vocabulary import AssignmentState

TZDATA = version("tzdata")
_NO_VERSIONS: Timeline[Version] = prepare(())

# What was never owed has no cell: its facts are not read. A plant's history comes before what its people owe.
_LOAD = b"""
WITH marked AS (
  SELECT * FROM unnest(%b::text[], %b::text[]) AS m (person, item)
), wanted AS MATERIALIZED (
  SELECT person, item FROM marked JOIN app.obligation USING (person, item)
  UNION SELECT o.person, o.item FROM app.obligation o JOIN marked m ON m.item = '*' AND m.person = o.person
  UNION SELECT c.person, c.item FROM app.cell c JOIN marked m ON m.item = '*' AND m.person = c.person
), people AS (SELECT DISTINCT person FROM marked)
SELECT 'wanted' AS what, person AS key, item AS key2, NULL::jsonb AS body, NULL::timestamptz AS at FROM wanted
UNION ALL SELECT 'person', p.person, NULL, p.state, p.event_at FROM app.person p JOIN people USING (person)
UNION ALL SELECT 'obligation', o.person, o.item, o.state, o.event_at FROM app.obligation o JOIN wanted USING (person, item)
UNION ALL SELECT 'record', r.person, r.item, r.state, r.event_at FROM app.record r JOIN wanted USING (person, item)
UNION ALL SELECT 'document', d.document, d.event_id, d.state, d.event_at FROM app.document d
  WHERE d.document IN (SELECT item FROM wanted)
UNION ALL SELECT 'cell', c.person, c.item, jsonb_build_object('place', c.place, 'digest', c.digest, 'next_look', c.next_look),
  NULL FROM app.cell c JOIN wanted USING (person, item)
UNION ALL SELECT 'assignment', a.person, a.item, jsonb_build_object('version', a.version, 'body', a.body), NULL
  FROM app.assignment a JOIN wanted USING (person, item)
UNION ALL SELECT 'hold', h.person, NULL, jsonb_build_object('id', h.id, 'items', h.items, 'from_at', h.from_at,
    'to_at', r.to_at), greatest(h.recorded_at, r.recorded_at) FROM app.hold h LEFT JOIN app.hold_release r ON r.hold = h.id
  JOIN people USING (person)
UNION ALL SELECT 'unit', u.unit, NULL, u.state, u.event_at FROM app.unit u
  WHERE u.state ->> 'kind' IN ('site', 'training_category')
"""


@dataclass
class Loaded:
    """The facts of a chunk, by person and item."""

    wanted: set[tuple[str, str]] = field(default_factory=set)
    people: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    obligations: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    records: dict[tuple[str, str], list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    documents: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    cells: dict[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    assignments: dict[tuple[str, str, str], dict[str, Mapping[str, Any]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    holds: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    places: dict[str, Place] = field(default_factory=dict)
    lead_days: dict[str, int] = field(default_factory=dict)
    latest: datetime | None = None
    """The latest record time among the facts."""


@dataclass(slots=True)
class Derived:
    """A cell as it follows from its facts, beside what is stored of it."""

    person: str
    item: str
    place: str
    outcome: Outcome
    segments: list[dict[str, Any]]
    digest: str
    changes: list[Change]


async def load(tx: Tx, marks: Iterable[tuple[str, str]]) -> Loaded:
    """marks: (person, item), item `*` for all of them."""
    found = Loaded()
    pairs = sorted(set(marks))
    # By the driver itself: a chunk is thousands of rows, and wrapping each would cost as much as deriving from it.
    driver = await tx.driver()
    cursor = await driver.execute(_LOAD, [[person for person, _ in pairs], [item for _, item in pairs]])
    for what, key, key2, body, at in await cursor.fetchall():
        if at is not None and (found.latest is None or at > found.latest):
            found.latest = at
        match what:
            case "wanted":
                found.wanted.add((key, key2))
            case "person":
                found.people[key] = body
            case "obligation":
                found.obligations[key, key2] = body
            case "record":
                found.records[key, key2].append(body)
            case "document":
                found.documents[key] = (key2, body)
            case "cell":
                found.cells[key, key2, body["place"]] = body
            case "assignment":
                found.assignments[key, key2, body["body"]["place"]][body["body"]["assignment"]] = body
            case "hold":
                found.holds[key].append(body)
            case "unit" if body["kind"] == "site":
                found.places[body["code"]] = wire.place_of(body)
            case "unit" if body.get("expiry_lead_days") is not None:
                found.lead_days[body["code"]] = body["expiry_lead_days"]
    return found


class _Timelines:
    """The governing timeline of an item at a place, prepared once for everybody obliged on it."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._prepared: dict[tuple[str, str], Timeline[Version]] = {}

    def of(self, item: str, place: Place) -> Timeline[Version]:
        known = self._prepared.get((item, place.code))
        if known is None:
            document = self._loaded.documents.get(item)
            if document is None:
                known = _NO_VERSIONS
            else:
                known = _kept(document[0], orjson.dumps(document[1]), place.code, place.zone)
            self._prepared[item, place.code] = known
        return known


@lru_cache(maxsize=2000)
def _kept(event_id: str, document: bytes, code: str, zone: str) -> Timeline[Version]:
    """A revision of 50,000 people prepares its timeline once a process, not once a chunk."""
    return wire.timeline_of(orjson.loads(document), Place(code, zone))


def derive_all(loaded: Loaded, now: datetime) -> list[Derived]:
    """Every cell of the wanted pairs: at the places where it is or was owed, or of which something is stored; with an
    open question of the matrix, wherever the person is."""
    timelines = _Timelines(loaded)
    people: dict[str, PersonFacts] = {}
    found: list[Derived] = []
    stored: dict[tuple[str, str], set[str]] = defaultdict(set)
    for person, item, place in loaded.cells:
        stored[person, item].add(place)
    for person, item in sorted(loaded.wanted):
        state = loaded.people.get(person)
        obligation = loaded.obligations.get((person, item))
        if state is None or obligation is None:
            # Facts of one topic may come before another's: the later one marks again.
            continue
        facts = people.get(person)
        if facts is None:
            facts = people[person] = wire.person_of(state)
        category = loaded.documents[item][1].get("category") if item in loaded.documents else None
        codes = {s["place"] for s in obligation["spans"]} | stored[person, item]
        codes |= wire.places_of_questions(obligation, state)
        for code in sorted(codes):
            place = loaded.places.get(code)
            if place is None:
                continue
            cell = wire.cell_facts(
                facts,
                item,
                place,
                timelines.of(item, place),
                obligation["spans"],
                loaded.records.get((person, item), ()),
                loaded.holds.get(person, ()),
                lead_days=loaded.lead_days.get(category or ""),
                questions=wire.questions_of(obligation, code, state),
            )
            outcome = derive(cell, now)
            previous = _open_assignments(loaded, person, item, code)
            segments = [wire.segment_state(s) for s in outcome.timeline]
            found.append(
                Derived(
                    person,
                    item,
                    code,
                    outcome,
                    segments,
                    _digest(segments),
                    reconcile(cell, outcome, previous, now),
                )
            )
    return found


def _open_assignments(loaded: Loaded, person: str, item: str, place: str) -> list[Assignment]:
    bodies = (row["body"] for row in loaded.assignments.get((person, item, place), {}).values())
    return [wire.assignment_of(body) for body in bodies if body["state"] != AssignmentState.CLOSED]


def _digest(segments: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(orjson.dumps(segments, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _text(rows: object) -> str:
    return orjson.dumps(rows).decode()


async def derive_chunk(tx: Tx, marks: Mapping[str, Sequence[Mark]]) -> None:
    """The handler of the lanes."""
    loaded = await load(tx, [(person, mark.key) for person, found in marks.items() for mark in found])
    derived = derive_all(loaded, tx.now)
    changed = [d for d in derived if _stored_digest(loaded, d) != d.digest]
    assigned = [d for d in derived if d.changes]
    written = {id(d) for d in changed}
    looks = [d for d in derived if id(d) not in written and _look_changed(loaded, d)]
    if changed or assigned:
        await _write(tx, marks, loaded, changed, assigned)
    if looks:
        await tx.execute(
            "UPDATE app.cell c SET next_look = l.next_look FROM jsonb_to_recordset(CAST(:looks AS jsonb))"
            " AS l (person text, item text, place text, next_look timestamptz)"
            " WHERE c.person = l.person AND c.item = l.item AND c.place = l.place",
            {"looks": _text([_look(d) for d in looks])},
        )


def _stored_digest(loaded: Loaded, d: Derived) -> str | None:
    stored = loaded.cells.get((d.person, d.item, d.place))
    return None if stored is None else stored["digest"]


def _look(d: Derived) -> dict[str, Any]:
    return {
        "person": d.person,
        "item": d.item,
        "place": d.place,
        "next_look": wire.wire(d.outcome.next_look),
    }


def _look_changed(loaded: Loaded, d: Derived) -> bool:
    stored = loaded.cells.get((d.person, d.item, d.place))
    return stored is not None and wire.instant(stored["next_look"]) != d.outcome.next_look


async def _write(
    tx: Tx,
    marks: Mapping[str, Sequence[Mark]],
    loaded: Loaded,
    changed: Sequence[Derived],
    assigned: Sequence[Derived],
) -> None:
    subjects = [(outbound.QUALIFICATION, f"{d.person}/{d.item}/{d.place}") for d in changed]
    subjects += [(outbound.ASSIGNMENT, str(c.assignment.id)) for d in assigned for c in d.changes]
    recorded_at = await claim(tx, subjects, caused_at=loaded.latest)
    announcements: list[Announcement] = []
    if changed:
        await tx.execute(
            "INSERT INTO app.cell (person, item, place, segments, digest, rule_version, next_look, recorded_at)"
            " SELECT person, item, place, segments, digest, :rules, next_look, :at"
            " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (person text, item text, place text, segments jsonb,"
            " digest text, next_look timestamptz) ORDER BY person, item, place"
            " ON CONFLICT (person, item, place) DO UPDATE SET segments = excluded.segments, digest = excluded.digest,"
            " rule_version = excluded.rule_version, next_look = excluded.next_look, recorded_at = excluded.recorded_at",
            {
                "rules": RULES,
                "at": recorded_at,
                "rows": _text([{**_look(d), "segments": d.segments, "digest": d.digest} for d in changed]),
            },
        )
        announcements += [
            outbound.qualification(
                d.person,
                d.item,
                d.place,
                d.segments,
                rules=RULES,
                tzdata=TZDATA,
                context=_context(tx, marks, d),
            )
            for d in changed
        ]
    rows: list[dict[str, Any]] = []
    for d in assigned:
        context = _context(tx, marks, d)
        known = loaded.assignments.get((d.person, d.item, d.place), {})
        for change in d.changes:
            event, body = _assignment(change)
            before = known.get(body["assignment"])
            rows.append(
                {
                    **{k: body[k] for k in _COLUMNS},
                    "version": 1 if before is None else before["version"] + 1,
                    "body": body,
                    "actor": context.actor,
                    "reason": context.reason,
                    "cause": context.cause,
                    "correlation": context.correlation,
                }
            )
            announcements.append(outbound.assignment(event, body, context))
    await _write_assignments(tx, rows, recorded_at)
    await announce(tx, announcements)


_COLUMNS = (
    "assignment",
    "person",
    "item",
    "place",
    "target_version",
    "trigger",
    "state",
    "opened_at",
    "due_at",
    "closed_at",
    "closing_reason",
    "change",
)
_TYPES = (
    "assignment uuid, version int, person text, item text, place text, target_version int, trigger text, state text,"
    " opened_at timestamptz, due_at timestamptz, closed_at timestamptz, closing_reason text, change text, body jsonb,"
    " actor text, reason text, cause text, correlation text"
)
_NAMES = [part.split()[0] for part in _TYPES.split(", ")]


async def _write_assignments(tx: Tx, rows: Sequence[Mapping[str, Any]], recorded_at: datetime) -> None:
    """New ones by one INSERT, known ones by one UPDATE, in key order: audited set-wise."""
    names = ", ".join(_NAMES)
    new = [row for row in rows if row["version"] == 1]
    if new:
        await tx.execute(
            f"INSERT INTO app.assignment ({names}, recorded_at) SELECT {names}, :at"  # noqa: S608 - own constants
            f" FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r ({_TYPES}) ORDER BY assignment",
            {"rows": _text(new), "at": recorded_at},
        )
    known = [row for row in rows if row["version"] > 1]
    if known:
        moved = ", ".join(f"{name} = r.{name}" for name in _NAMES if name != "assignment")
        await tx.execute(
            f"UPDATE app.assignment a SET {moved}, recorded_at = :at"  # noqa: S608 - own constants
            f" FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r ({_TYPES}) WHERE a.assignment = r.assignment",
            {"rows": _text(known), "at": recorded_at},
        )


def _assignment(change: Change) -> tuple[str, dict[str, Any]]:
    """The event's word and the body after the change."""
    body = wire.assignment_state(change.assignment) | {"cycle": change.assignment.cycle}
    match change:
        case Opened():
            return "opened", body
        case Updated(before, after):
            if before.state != after.state:
                return ("paused" if after.state == AssignmentState.PAUSED else "resumed"), body
            return ("rescheduled" if before.due_at != after.due_at else "changed"), body
        case Closed(_, at, reason, detail):
            closed = {"closed_at": wire.wire(at), "closing_reason": reason.value, "closing_detail": detail}
            return "closed", body | closed | {"state": AssignmentState.CLOSED.value}


def _context(tx: Tx, marks: Mapping[str, Sequence[Mark]], d: Derived) -> Context:
    """Of the cell's own marks the last; a mark of all items otherwise. The cause travels on (law 2)."""
    of_person = marks[d.person]
    own = (
        [m for m in of_person if m.key == d.item]
        or [m for m in of_person if m.key == ALL_ITEMS]
        or list(of_person)
    )
    last = own[-1]
    return Context(
        actor=f"system/{tx.source}",
        reason="derived from its facts",
        correlation=last.correlation or tx.context.correlation,
        cause=last.cause,
    )
