"""Helpers for the folds of the sources: they keep states and mark cells, one statement for many rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from servicekit.bus import Event
from servicekit.db import Tx
from servicekit.lanes import BULK, ONE, Mark, mark
from servicekit.lanes.marks import notify
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from assignment_svc.db.base import LANES

_FEW = 20
"""More marks than this at once are bulk: marks of one person go before them."""
_DIALECT = postgresql.dialect()


async def keep(tx: Tx, table: Table, events: Sequence[Event]) -> None:
    """Inserts or replaces the states in a replica (`db.base.replica`), one row for each event."""
    own = ("state", "event_id", "event_at")
    columns = {_quoted(column.name): column.type.compile(_DIALECT) for column in table.columns}
    fields = [str(column.name) for column in table.columns if column.name not in own]
    keys = [_quoted(column.name) for column in table.primary_key]
    rows = [
        {
            **{name: event.raw_state.get(name) for name in fields},
            "state": event.raw_state,
            "event_id": event.id,
            "event_at": event.time.isoformat(),
        }
        for event in events
    ]
    names = ", ".join(columns)
    types = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in keys)
    await tx.execute(
        f"INSERT INTO {table.fullname} ({names}) SELECT {names}"  # noqa: S608 - our own identifiers
        f" FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r ({types})"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {replaced}",
        {"rows": orjson.dumps(rows).decode()},
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


async def mark_each[State](
    tx: Tx, events: Sequence[Event[State]], keys_of: Callable[[State], Iterable[tuple[str, str]]]
) -> None:
    """Marks the (person, item) pairs that each state names; item `ALL_ITEMS` for every item of the person."""
    pairs = [(event, person, item) for event in events for person, item in keys_of(event.state)]
    priority = ONE if len(pairs) <= _FEW else BULK
    await mark(tx, LANES, [Mark(person, item, e.id, priority, e.correlation) for e, person, item in pairs])


async def mark_found(tx: Tx, event: Event, pairs: str, values: Mapping[str, Any]) -> None:
    """Marks the (person, item) pairs that a query finds, for a fact that concerns many people: one INSERT ... SELECT.

    pairs: a SELECT of two text columns; values: its parameters.
    """
    await tx.execute(
        "INSERT INTO app.dirty (lane, key, cause, correlation, priority)"  # noqa: S608 - our own constants
        " SELECT found.person, found.item, :cause, :correlation, CAST(:bulk AS smallint)"
        f" FROM ({pairs}) AS found (person, item)",
        {"cause": event.id, "correlation": event.correlation, "bulk": BULK, **values},
    )
    await notify(tx, LANES)


async def mark_obliged(tx: Tx, event: Event, item: str) -> None:
    """Marks everybody who owes the item."""
    await mark_found(tx, event, "SELECT person, item FROM app.obligation WHERE item = :item", {"item": item})
