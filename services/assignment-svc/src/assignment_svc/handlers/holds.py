"""Holds: facts of this service that suspend a person on items (R-71). A release is a fact of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from assignment_svc.db import tables
from servicekit.bus.outbox import claim
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.lanes import Mark, mark
from servicekit.problems import conflict
from sqlalchemy import insert


async def put(tx: Tx, person: str, items: Sequence[str] | None, from_at: datetime) -> dict[str, Any]:
    await claim(tx, [])
    row = {
        "id": new_id(),
        "person": person,
        "items": None if items is None else list(items),
        "from_at": from_at,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.hold), row)
    await _mark(tx, person, items, row["id"])
    return row


async def release(tx: Tx, hold: Mapping[str, Any]) -> dict[str, Any]:
    await claim(tx, [])
    known = await tx.one("SELECT 1 FROM app.hold_release WHERE hold = :id", {"id": hold["id"]})
    if known is not None:
        raise conflict("released", "the hold has been released already")
    row = {"hold": hold["id"], "to_at": tx.recorded_at, "recorded_at": tx.recorded_at}
    await tx.execute(insert(tables.hold_release), row)
    await _mark(tx, hold["person"], hold["items"], str(hold["id"]))
    return row


async def _mark(tx: Tx, person: str, items: Sequence[str] | None, cause: str) -> None:
    keys = [tables.ALL_ITEMS] if items is None else items
    await mark(tx, tables.LANES, [Mark(person, key, cause) for key in keys])
