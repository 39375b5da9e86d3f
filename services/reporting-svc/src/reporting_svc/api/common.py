"""What the routes share: the two times of a question, and answers with the offsets of their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime
from servicekit.db import Tx

from reporting_svc.projections.asof import AsOf, Zones, complete_up_to

At = Annotated[
    AwareDatetime | None, Query(description="Instant of the plant, with its offset; default: now.")
]
KnownAt = Annotated[
    AwareDatetime | None,
    Query(description="Instant of the system, with its offset; default: all that is known by now."),
]

_TIMES = (
    "completed_at",
    "expires_at",
    "due_at",
    "since",
    "until",
    "unqualified_since",
    "opened_at",
    "closed_at",
)


def asof(tx: Tx, at: datetime | None, known_at: datetime | None) -> AsOf:
    return AsOf(at or tx.now, tx.now, known_at)


async def answered(tx: Tx, asked: AsOf, zones: Zones, place: str | None = None) -> dict[str, Any]:
    """The fields of `AsOfOut`. place: whose offset the instant is shown with, where there is one."""
    complete = await complete_up_to(tx)
    return {
        "at": zones.local(asked.at, place),
        "known_at": zones.local(asked.shown_known_at, place),
        "complete_up_to": complete,
        "provisional": asked.provisional(complete),
    }


def local(row: Mapping[str, Any], zones: Zones, place: str) -> dict[str, Any]:
    """The row with every instant of it at the offset of the place."""
    found = dict(row)
    for name in _TIMES:
        if name in found:
            found[name] = zones.local(found[name], place)
    return found


def located(rows: Iterable[Mapping[str, Any]], zones: Zones) -> list[dict[str, Any]]:
    return [local(row, zones, row["place"]) for row in rows]
