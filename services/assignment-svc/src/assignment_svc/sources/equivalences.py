"""Rules by which records of one item credit another (`matrix.equivalence`; MX-15, R-11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from attest_contracts.models import matrix_equivalence, records_training_record
from plantkit.time import start_of_day
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Index, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import Equivalence
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.sources.records import record_of
from assignment_svc.wire import day

TABLE = replica(
    "equivalence",
    Column("equivalence", Text, primary_key=True),
    Column("source_item", Text, nullable=False),
    Column("target_item", Text, nullable=False),
    indexes=(
        Index("equivalence_of_source", "source_item"),
        Index("equivalence_of_target", "target_item"),
    ),
)

LOADS = {
    "equivalence": "SELECT e.target_item, NULL, e.state, e.event_at FROM app.equivalence e"
    " WHERE e.target_item IN (SELECT item FROM wanted)",
    "equivalent_record": "SELECT r.person, r.item, r.state, r.event_at FROM app.record r JOIN ("
    "SELECT DISTINCT w.person, e.source_item FROM wanted w JOIN app.equivalence e ON e.target_item = w.item"
    ") s ON s.person = r.person AND s.source_item = r.item",
}


async def fold(tx: Tx, events: Sequence[Event[matrix_equivalence.State]]) -> None:
    """A rule concerns everybody who owes the item that it credits, or that it credited until now."""
    rows = await tx.rows(
        "SELECT equivalence, target_item FROM app.equivalence WHERE equivalence = ANY(:rules)",
        {"rules": [event.subject for event in events]},
    )
    before = {row["equivalence"]: row["target_item"] for row in rows}
    await marking.keep(tx, TABLE, events)
    for event in events:
        item = event.state.target_item
        for one in sorted({item, before.get(event.subject, item)}):
            await marking.mark_obliged(tx, event, one)


async def mark_credited(tx: Tx, events: Sequence[Event[records_training_record.State]]) -> None:
    """A record of a source item changes the person's cells of the items that it credits."""
    rows = await tx.rows(
        "SELECT source_item, target_item FROM app.equivalence WHERE source_item = ANY(:items)",
        {"items": sorted({event.state.item for event in events})},
    )
    targets: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        targets[row["source_item"]].add(row["target_item"])

    def credited(state: records_training_record.State) -> Iterable[tuple[str, str]]:
        return [(state.person, item) for item in sorted(targets.get(state.item, ()))]

    await marking.mark_each(tx, events, credited)


def facts(cell: Cell, found: Snapshot) -> Facts:
    rules = found.all("equivalence", cell.item)
    return {"equivalences": tuple(_equivalence(rule, cell, found) for rule in rules)}


def _equivalence(rule: Json, cell: Cell, found: Snapshot) -> Equivalence:
    zone = cell.place.zone
    to = day(rule.get("to"))
    records = found.all("equivalent_record", cell.person, rule["source_item"])
    return Equivalence(
        id=rule["equivalence"],
        targets=frozenset(rule["target_versions"]),
        start=start_of_day(date.fromisoformat(rule["from"]), zone),
        end=None if to is None else start_of_day(to, zone),
        source_item=rule["source_item"],
        source_versions=frozenset(rule["source_versions"]),
        records=tuple(record_of(state, zone) for state in records),
    )


SOURCE = Source(
    tables=[TABLE],
    folds={"matrix.equivalence": fold, "records.training-record": mark_credited},
    loads=LOADS,
    facts=facts,
)
