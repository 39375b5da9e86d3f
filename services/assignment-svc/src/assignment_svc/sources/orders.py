"""Retraining orders of a CAPA, a deviation or an audit finding (`qms.retraining`; C-24 c, R-26, R-72)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from attest_contracts.models import qms_retraining
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import RetrainingOrder
from assignment_svc.domain.vocabulary import Method, SuspendPolicy, Trigger
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import at, day, instant

TABLE = replica(
    "retraining_order",
    Column("order", Text, primary_key=True),
    Column("item", Text, nullable=False),
    Column("people", ARRAY(Text), nullable=False),
    indexes=(Index("retraining_order_of_item", "item"),),
)

LOADS = {
    # The scope may be long and is not needed again.
    "order": "SELECT w.person, w.item, o.state - 'people', o.event_at"
    " FROM app.retraining_order o JOIN wanted w ON w.item = o.item AND w.person = ANY(o.people)"
}


async def fold(tx: Tx, events: Sequence[Event[qms_retraining.State]]) -> None:
    """Marks everybody in scope, and everybody who was in scope until now."""
    concerned: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in await tx.rows(
        'SELECT "order", item, people FROM app.retraining_order WHERE "order" = ANY(:orders)',
        {"orders": [event.subject for event in events]},
    ):
        concerned[row["order"]] |= {(person, row["item"]) for person in row["people"]}
    for event in events:
        concerned[event.subject] |= {(person, event.state.item) for person in event.state.people}
    await marking.keep(tx, TABLE, events)
    await marking.mark_each(tx, events, lambda state: sorted(concerned[state.order]))


def facts(cell: Cell, found: Snapshot) -> Facts:
    return {"orders": tuple(order_of(state) for state in found.all("order", cell.person, cell.item))}


def order_of(state: Json) -> RetrainingOrder:
    ended = state.get("ended")
    methods = state.get("methods")
    return RetrainingOrder(
        id=state["order"],
        trigger=Trigger(state["kind"]),
        start=at(state["ordered_at"]),
        due_on=day(state.get("due_on")),
        version=state.get("version"),
        this_version_only=state.get("this_version_only") is True,
        suspend=_suspend(state["suspend"]),
        methods=None if methods is None else frozenset(Method(m) for m in methods),
        ended_at=None if ended is None else instant(ended["at"]),
        ended_reason=None if ended is None else ended["reason"],
    )


def _suspend(word: str) -> SuspendPolicy:
    """A policy of a later release that is not known here denies work, as an unknown status does."""
    return SuspendPolicy(word) if word in set(SuspendPolicy) else SuspendPolicy.NOW


SOURCE = Source(tables=[TABLE], folds={"qms.retraining": fold}, loads=LOADS, facts=facts)
