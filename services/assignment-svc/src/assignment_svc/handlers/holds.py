"""Holds: facts of this service that suspend a person on items (R-71). A release is a fact of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from servicekit.bus.outbox import claim
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.lanes import Mark, mark
from servicekit.problems import conflict, invalid
from sqlalchemy.dialects.postgresql import insert

from assignment_svc.db.base import ALL_ITEMS, LANES
from assignment_svc.sources.holds import HOLD, RELEASE


async def put(tx: Tx, person: str, items: Sequence[str] | None, from_at: datetime) -> dict[str, Any]:
    """items None: everything. An item that nobody knows is refused: the hold would suspend nothing, in silence."""
    if items is not None:
        await _refuse_unknown(tx, items)
        items = sorted(set(items))
    await claim(tx, [])
    row = {
        "id": new_id(),
        "person": person,
        "items": items,
        "from_at": from_at,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(HOLD), row)
    await _mark(tx, person, items, row["id"])
    return row


async def release(tx: Tx, hold: Mapping[str, Any]) -> dict[str, Any]:
    await claim(tx, [])
    row = {"hold": hold["id"], "to_at": tx.recorded_at, "recorded_at": tx.recorded_at}
    # If two people release the hold at the same time, the primary key lets only one through; a read before would not.
    statement = insert(RELEASE).on_conflict_do_nothing().returning(RELEASE.c.hold)
    if await tx.one(statement, row) is None:
        raise conflict("released", "the hold has been released already")
    await _mark(tx, hold["person"], hold["items"], str(hold["id"]))
    return row


async def _refuse_unknown(tx: Tx, items: Sequence[str]) -> None:
    rows = await tx.rows(
        "SELECT document FROM app.document WHERE document = ANY(:items)", {"items": list(items)}
    )
    known = {row["document"] for row in rows}
    for number, item in enumerate(items):
        if item not in known:
            raise invalid(f"items.{number}", "unknown-item", f"{item} is not a known document")


async def _mark(tx: Tx, person: str, items: Sequence[str] | None, cause: str) -> None:
    keys = [ALL_ITEMS] if items is None else items
    await mark(tx, LANES, [Mark(person, key, cause) for key in keys])
