"""Training records (`records.training-record`)."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import records_training_record
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Index, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import TrainingRecord
from assignment_svc.domain.vocabulary import Method, SourceClass
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import at

TABLE = replica(
    "record",
    Column("record", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    indexes=(Index("record_of_cell", "person", "item"),),
)

LOADS = {
    "record": "SELECT r.person, r.item, r.state, r.event_at FROM app.record r JOIN wanted USING (person, item)"
}


async def fold(tx: Tx, events: Sequence[Event[records_training_record.State]]) -> None:
    await marking.keep(tx, TABLE, events)
    await marking.mark_each(tx, events, lambda state: [(state.person, state.item)])


def facts(cell: Cell, found: Snapshot) -> Facts:
    states = found.all("record", cell.person, cell.item)
    return {"records": tuple(record_of(state, cell.place.zone) for state in states)}


def record_of(state: Json, zone: str) -> TrainingRecord:
    """zone: of the place of the cell, for a record that does not say where it was made."""
    return TrainingRecord(
        id=state["record"],
        version=state["version"],
        methods=frozenset(Method(m) for m in state["methods"]),
        valid_from=at(state["valid_from"]),
        zone=state.get("time_zone") or zone,
        score=state.get("score"),
        passed=state["result"] == "PASS",
        source_class=SourceClass(state["source_class"]),
        # A level of a later release that is not known here is not taken for independent.
        supervised=state.get("level") not in (None, "independent"),
        entered_in_error=state.get("entered_in_error") is not None,
        counts=state.get("counts") is not False,
    )


SOURCE = Source(tables=[TABLE], folds={"records.training-record": fold}, loads=LOADS, facts=facts)
