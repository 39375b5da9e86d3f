"""Derives the cells of the people whose lanes are claimed, writes the differences, announces them.

The facts of a chunk are read in one statement, one snapshot; nothing changed -> nothing is written, nothing announced.
Record time is stamped after the lanes' locks, never before the facts it rests on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

import orjson
from attest_contracts.outgoing import Announcement
from servicekit.bus.outbox import announce, claim
from servicekit.context import Context
from servicekit.db import Tx
from servicekit.lanes import Mark

from assignment_svc import outbound, registry, wire
from assignment_svc.db.base import ALL_ITEMS
from assignment_svc.domain.assignments import Assignment
from assignment_svc.domain.closing import Change, Closed, Opened, Updated
from assignment_svc.domain.facts import CellFacts
from assignment_svc.domain.qualification import RULES, Outcome, derive, reconcile
from assignment_svc.domain.vocabulary import AssignmentState
from assignment_svc.source import Cell, Snapshot
from assignment_svc.sources import obligations, units

TZDATA = version("tzdata")

# An item that the person never owed has no cell, and its facts are not read. An import brings the history of a plant
# before the obligations.
_LOAD = f"""
WITH marked AS (
  SELECT * FROM unnest(%b::text[], %b::text[]) AS m (person, item)
), wanted AS MATERIALIZED (
  SELECT person, item FROM marked JOIN app.obligation USING (person, item)
  UNION SELECT o.person, o.item FROM app.obligation o JOIN marked m ON m.item = '*' AND m.person = o.person
  UNION SELECT c.person, c.item FROM app.cell c JOIN marked m ON m.item = '*' AND m.person = c.person
), people AS (SELECT DISTINCT person FROM marked)
SELECT 'wanted' AS what, person AS key, item AS key2, NULL::jsonb AS body, NULL::timestamptz AS at FROM wanted
UNION ALL SELECT 'cell', c.person, c.item,
  jsonb_build_object('place', c.place, 'digest', c.digest, 'next_look', c.next_look), NULL
  FROM app.cell c JOIN wanted USING (person, item)
UNION ALL SELECT 'assignment', a.person, a.item, jsonb_build_object('version', a.version, 'body', a.body), NULL
  FROM app.assignment a JOIN wanted USING (person, item)
UNION ALL {registry.loads()}
""".encode()  # noqa: S608 - our own text


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
    stored: Mapping[str, Any] | None
    """Digest and next look of the cell as it is stored; None: it is new."""
    known: Mapping[str, Mapping[str, Any]]
    """Every assignment of the cell that is stored, by id."""

    @property
    def changed(self) -> bool:
        return self.stored is None or self.stored["digest"] != self.digest

    @property
    def look_changed(self) -> bool:
        return self.stored is not None and wire.instant(self.stored["next_look"]) != self.outcome.next_look

    def look(self) -> dict[str, Any]:
        return {
            "person": self.person,
            "item": self.item,
            "place": self.place,
            "next_look": wire.wire(self.outcome.next_look),
        }


async def load(tx: Tx, marks: Iterable[tuple[str, str]]) -> Snapshot:
    """marks: (person, item), item `*` for all of them."""
    found = Snapshot()
    pairs = sorted(set(marks))
    # By the driver itself: a chunk is thousands of rows, and wrapping each would cost as much as deriving from it.
    driver = await tx.driver()
    cursor = await driver.execute(_LOAD, [[person for person, _ in pairs], [item for _, item in pairs]])
    for what, key, key2, body, at in await cursor.fetchall():
        found.add(what, key, key2, body, at)
    return found


def derive_all(found: Snapshot, now: datetime) -> list[Derived]:
    """Every cell of the wanted pairs: at the places where it is or was owed, or of which something is stored; with an
    open question of the matrix, wherever the person is."""
    derived: list[Derived] = []
    for person, item in found.keys("wanted"):
        state, obligation = found.one("person", person), found.one("obligation", person, item)
        if state is None or obligation is None:
            # Facts of one topic may come before another's: the later one marks again.
            continue
        stored = {row["place"]: row for row in found.all("cell", person, item)}
        known = _by_place(found.all("assignment", person, item))
        for code in sorted(obligations.places(state, obligation) | stored.keys()):
            place = units.place(found, code)
            if place is not None:
                cell = registry.cell_facts(Cell(person, item, place), found)
                derived.append(_derived(cell, stored.get(code), known.get(code, {}), now))
    return derived


def _derived(
    cell: CellFacts, stored: Mapping[str, Any] | None, known: Mapping[str, Mapping[str, Any]], now: datetime
) -> Derived:
    outcome = derive(cell, now)
    segments = [wire.segment_state(s) for s in outcome.timeline]
    changes = reconcile(cell, outcome, _open(known), now)
    key = (cell.person.person, cell.item, cell.place.code)
    return Derived(*key, outcome, segments, _digest(segments), changes, stored, known)


def _by_place(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    found: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        found[row["body"]["place"]][row["body"]["assignment"]] = row
    return found


def _open(known: Mapping[str, Mapping[str, Any]]) -> list[Assignment]:
    bodies = (row["body"] for row in known.values())
    return [wire.assignment_of(body) for body in bodies if body["state"] != AssignmentState.CLOSED]


def _digest(segments: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(orjson.dumps(segments, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _text(rows: object) -> str:
    return orjson.dumps(rows).decode()


async def derive_chunk(tx: Tx, marks: Mapping[str, Sequence[Mark]]) -> None:
    """The handler of the lanes."""
    found = await load(tx, [(person, mark.key) for person, those in marks.items() for mark in those])
    derived = derive_all(found, tx.now)
    changed = [d for d in derived if d.changed]
    assigned = [d for d in derived if d.changes]
    looks = [d for d in derived if not d.changed and d.look_changed]
    if changed or assigned:
        await _write(tx, marks, found.latest, changed, assigned)
    if looks:
        await tx.execute(
            "UPDATE app.cell c SET next_look = l.next_look FROM jsonb_to_recordset(CAST(:looks AS jsonb))"
            " AS l (person text, item text, place text, next_look timestamptz)"
            " WHERE c.person = l.person AND c.item = l.item AND c.place = l.place",
            {"looks": _text([d.look() for d in looks])},
        )


async def _write(
    tx: Tx,
    marks: Mapping[str, Sequence[Mark]],
    latest: datetime | None,
    changed: Sequence[Derived],
    assigned: Sequence[Derived],
) -> None:
    subjects = [(outbound.QUALIFICATION, f"{d.person}/{d.item}/{d.place}") for d in changed]
    subjects += [(outbound.ASSIGNMENT, str(c.assignment.id)) for d in assigned for c in d.changes]
    recorded_at = await claim(tx, subjects, caused_at=latest)
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
                "rows": _text([{**d.look(), "segments": d.segments, "digest": d.digest} for d in changed]),
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
        for change in d.changes:
            event, body = _assignment(change)
            before = d.known.get(body["assignment"])
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
    """The last mark of the cell itself or, if there is none, a mark of all items. The derived event keeps its cause (law 2)."""
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
