"""The access log (PL-10): who looked at somebody else's record, when and for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.bus import claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from sqlalchemy import insert

from records_svc.db import tables


async def log_access(tx: Tx, caller: Caller, row: Mapping[Any, Any], purpose: str) -> None:
    """Nothing for a look at one's own record. row: a training record."""
    if caller.subject == row["person"]:
        return
    at = await claim(tx, [])
    await tx.execute(
        insert(tables.access_entry).values(
            id=new_id(),
            record=str(row["record"]),
            person=row["person"],
            reader=caller.subject or caller.actor,
            purpose=purpose,
            rows=1,
            recorded_at=at,
        )
    )
