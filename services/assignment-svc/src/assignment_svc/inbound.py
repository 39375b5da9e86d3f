"""What this service listens to. An inbound fact is kept as it was said and its cells are marked, set-wise.

`INBOUND` at the foot is the table: topic -> fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from servicekit.bus.envelope import Event
from servicekit.db import Tx
from servicekit.lanes import BULK, ONE, Mark, mark
from servicekit.lanes.marks import notify

from assignment_svc.db.tables import ALL_ITEMS, LANES

_FEW = 20
"""More events than this in a batch are bulk: marks of one person go before them."""


async def _keep(tx: Tx, table: str, keys: Sequence[str], events: Sequence[Event]) -> None:
    """Upserts the states; `keys` are fields of the state that are the columns of the table's key, and more columns."""
    primary = keys[:1] if table != "obligation" else keys
    rows = [
        {**{k: e.state[k] for k in keys}, "state": e.state, "event_id": e.id, "event_at": e.time.isoformat()}
        for e in events
    ]
    columns = ", ".join(keys)
    types = ", ".join(f"{k} text" for k in keys)
    await tx.execute(
        f"INSERT INTO app.{table} ({columns}, state, event_id, event_at)"  # noqa: S608 - our own identifiers
        f" SELECT {columns}, state, event_id, event_at FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
        f" AS r ({types}, state jsonb, event_id text, event_at timestamptz)"
        f" ON CONFLICT ({', '.join(primary)}) DO UPDATE SET state = excluded.state, event_id = excluded.event_id,"
        " event_at = excluded.event_at",
        {"rows": orjson.dumps(rows).decode()},
    )


def _priority(events: Sequence[Event]) -> int:
    return ONE if len(events) <= _FEW else BULK


async def units(tx: Tx, events: Sequence[Event]) -> None:
    """Zones, shifts and expiry leads: a change of one touches every cell of the site or category."""
    before = {
        row["unit"]: row["state"]
        for row in await tx.rows(
            "SELECT unit, state FROM app.unit WHERE unit = ANY(:units)",
            {"units": [e.subject for e in events]},
        )
    }
    await _keep(tx, "unit", ["unit"], events)
    for event in events:
        known = before.get(event.subject)
        if event.state["kind"] == "site" and known is None:
            await _mark_obliged_at(tx, event)
        elif event.state["kind"] == "site" and _differs(known, event, "time_zone", "shifts"):
            await tx.execute(
                "INSERT INTO app.dirty (lane, key, cause, correlation, priority)"
                " SELECT DISTINCT person, '*', :cause, :correlation, CAST(:bulk AS smallint) FROM app.cell"
                " WHERE place = :place",
                {
                    "cause": event.id,
                    "correlation": event.correlation,
                    "bulk": BULK,
                    "place": event.state["code"],
                },
            )
        if event.state["kind"] == "training_category" and _differs(known, event, "expiry_lead_days"):
            await _mark_items(
                tx,
                event,
                "SELECT document FROM app.document WHERE state ->> 'category' = :key",
                event.state["code"],
            )
    await notify(tx, LANES)


def _differs(known: dict[str, Any] | None, event: Event, *fields: str) -> bool:
    return known is None or any(known.get(name) != event.state.get(name) for name in fields)


async def _mark_obliged_at(tx: Tx, event: Event) -> None:
    """What is owed at a site that was not known has no cell yet, since nobody could tell its zone."""
    await tx.execute(
        "INSERT INTO app.dirty (lane, key, cause, correlation, priority)"
        " SELECT person, item, :cause, :correlation, CAST(:bulk AS smallint) FROM app.obligation"
        " WHERE state -> 'spans' @> CAST(:there AS jsonb) OR state -> 'unresolved_spans' @> CAST(:there AS jsonb)"
        # An open question that does not say where it holds concerns the person wherever they work (C-34).
        " OR (state @> '{\"unresolved\": true}' AND coalesce(state -> 'unresolved_spans', 'null') = 'null'"
        " AND EXISTS (SELECT FROM app.person p WHERE p.person = obligation.person"
        " AND p.state -> 'places' @> CAST(:works AS jsonb)))",
        {
            "cause": event.id,
            "correlation": event.correlation,
            "bulk": BULK,
            "there": orjson.dumps([{"place": event.state["code"]}]).decode(),
            "works": orjson.dumps([{"site": event.state["code"]}]).decode(),
        },
    )


async def people(tx: Tx, events: Sequence[Event]) -> None:
    await _keep(tx, "person", ["person"], events)
    await mark(
        tx,
        LANES,
        [Mark(e.state["person"], ALL_ITEMS, e.id, _priority(events), e.correlation) for e in events],
    )


async def obligations(tx: Tx, events: Sequence[Event]) -> None:
    await _keep(tx, "obligation", ["person", "item"], events)
    await mark(
        tx,
        LANES,
        [Mark(e.state["person"], e.state["item"], e.id, _priority(events), e.correlation) for e in events],
    )


async def records(tx: Tx, events: Sequence[Event]) -> None:
    await _keep(tx, "record", ["record", "person", "item"], events)
    await mark(
        tx,
        LANES,
        [Mark(e.state["person"], e.state["item"], e.id, _priority(events), e.correlation) for e in events],
    )


async def documents(tx: Tx, events: Sequence[Event]) -> None:
    """A revision concerns everyone obliged on the item: one INSERT ... SELECT a document."""
    await _keep(tx, "document", ["document"], events)
    for event in events:
        await _mark_items(tx, event, "SELECT CAST(:key AS text)", event.state["document"])
    await notify(tx, LANES)


async def tasks(tx: Tx, events: Sequence[Event]) -> None:
    await _keep(tx, "task", ["task"], events)


async def _mark_items(tx: Tx, event: Event, items: str, key: str) -> None:
    await tx.execute(
        "INSERT INTO app.dirty (lane, key, cause, correlation, priority)"  # noqa: S608 - our own constants
        f" SELECT person, item, :cause, :correlation, CAST(:bulk AS smallint) FROM app.obligation WHERE item IN ({items})",
        {"cause": event.id, "correlation": event.correlation, "bulk": BULK, "key": key},
    )


INBOUND = {
    "matrix.organisation": units,
    "matrix.person": people,
    "matrix.obligation": obligations,
    "matrix.task": tasks,
    "qms.document": documents,
    "records.training-record": records,
}
