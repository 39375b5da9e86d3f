"""How events become rows: every bitemporal table by the same two statements, set-wise.

A batch of one topic closes what was open of its subjects (one MERGE) and adds its versions (one COPY); see
`reporting_svc.domain.bitemporal`. The schema is a parameter, since a rebuild folds into tables beside the live ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from attest_contracts.models import matrix_person_name
from servicekit.bus import Event, Fold
from servicekit.db import Tx
from sqlalchemy import Table

from reporting_svc.db import tables
from reporting_svc.domain.bitemporal import Key, Known, Plan, Row, Version, plan
from reporting_svc.projections import wire
from reporting_svc.projections.bulk import copy_lines

LIVE = "app"


@dataclass(frozen=True, slots=True)
class Projection:
    """A bitemporal table: the fields of the state that are its key (its first columns), and its rows."""

    table: Table
    key: tuple[str, ...]
    rows: Callable[[Event], Iterable[Row]]

    def versions(self, events: Sequence[Event]) -> list[Version]:
        return [
            Version(
                tuple(getattr(event.state, name) for name in self.key),
                event.time,
                tuple(self.rows(event)),
                first=event.epoch == 1 and event.sequence == 1,
            )
            for event in events
        ]


AUDIT_TOPICS = (
    "assignment.audit",
    "gateway.audit",
    "matrix.audit",
    "qms.audit",
    "records.audit",
    "reporting.audit",
)

BITEMPORAL: dict[str, tuple[Projection, ...]] = {
    "assignment.qualification": (
        Projection(tables.segment, ("person", "item", "place"), wire.segments),
        Projection(tables.timeline, ("person", "item", "place"), wire.timelines),
    ),
    "assignment.assignment": (Projection(tables.assignment, ("assignment",), wire.assignments),),
    "matrix.organisation": (Projection(tables.unit, ("unit",), wire.units),),
    "matrix.person": (
        Projection(tables.person, ("person",), wire.people),
        Projection(tables.person_spell, ("person",), wire.person_spells),
    ),
    "matrix.requirement": (Projection(tables.requirement, ("item",), wire.requirements),),
    "matrix.obligation": (Projection(tables.obligation_source, ("person", "item"), wire.obligation_sources),),
    "matrix.task": (Projection(tables.task, ("task",), wire.tasks),),
    "qms.document": (Projection(tables.document, ("document",), wire.documents),),
    "qms.change": (Projection(tables.change_control, ("change",), wire.changes),),
    "records.training-record": (Projection(tables.training_record, ("record",), wire.training_records),),
    "gateway.account": (Projection(tables.account, ("account",), wire.accounts),),
    # No report asks for these yet. The archive holds their events, from which a projection can be folded.
    "matrix.equivalence": (),
    "matrix.roster": (),
    "qms.retraining": (),
}


def bitemporal(topic: str, schema: str = LIVE) -> Fold:
    """The fold of a topic into its tables of the schema; it takes every version in order."""
    projections = BITEMPORAL[topic]

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        for projection in projections:
            await _write(tx, schema, projection, plan(projection.versions(events)))

    return fold


def after(first: Fold, second: Fold) -> Fold:
    """The fold that applies both."""

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        await first(tx, events)
        await second(tx, events)

    return fold


async def _write(tx: Tx, schema: str, projection: Projection, change: Plan) -> None:
    table = f"{schema}.{projection.table.name}"
    if change.closes:
        await _close(tx, table, projection.key, change)
    if change.adds:
        columns = [column.name for column in projection.table.columns]
        await copy_lines(tx, table, columns, _rows(change.adds))


def _rows(adds: Iterable[Known]) -> Iterator[Row]:
    for row, since, until in adds:
        yield (*row, _recorded(since, until))


@lru_cache(maxsize=10_000)
def _recorded(since: datetime, until: datetime | None) -> str:
    return f'["{since.isoformat()}",{"" if until is None else until.isoformat()})'


async def _close(tx: Tx, table: str, key: Sequence[str], change: Plan) -> None:
    """What was replaced in the instant in which it came was known at no time, so it goes."""
    keys: list[Key] = sorted(change.closes)
    names = ", ".join(f'"{name}"' for name in key)
    match = " AND ".join(f't."{name}" = c."{name}"' for name in key)
    arrays = ", ".join("%s::text[]" for _ in key)
    driver = await tx.driver()
    await driver.execute(
        f"MERGE INTO {table} t USING unnest({arrays}, %s::timestamptz[]) AS c({names}, ends)"
        f" ON {match} AND upper_inf(t.recorded)"
        " WHEN MATCHED AND lower(t.recorded) >= c.ends THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET recorded = tstzrange(lower(t.recorded), c.ends)".encode(),
        [*([one[i] for one in keys] for i in range(len(key))), [change.closes[one] for one in keys]],
    )


def audit(schema: str = LIVE) -> Fold:
    """The fold of every audit topic: an entry is a subject of its own and comes once."""
    columns = [column.name for column in tables.audit_entry.columns]

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        await copy_lines(tx, f"{schema}.audit_entry", columns, map(wire.audit_entry, events))

    return fold


async def names(tx: Tx, events: Sequence[Event[matrix_person_name.State]]) -> None:
    """Names are current only, and kept nowhere else."""
    rows = {e.state.person: (e.state.person, e.state.given_name, e.state.family_name, e.time) for e in events}
    ordered = [rows[person] for person in sorted(rows)]
    driver = await tx.driver()
    await driver.execute(
        "INSERT INTO app.person_name (person, given_name, family_name, recorded_at)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])"
        " ON CONFLICT (person) DO UPDATE SET given_name = excluded.given_name,"
        " family_name = excluded.family_name, recorded_at = excluded.recorded_at",
        [[row[i] for row in ordered] for i in range(4)],
    )
