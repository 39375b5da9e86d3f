"""Sites with their zones and shifts, and training categories with their expiry leads (`matrix.organisation`).

Equipment is kept as well: an authorisation check asks whether it is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

import orjson
from attest_contracts.models import matrix_organisation
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import CategoryPolicy, Place, ShiftHours
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import instant

TABLE = replica("unit", Column("unit", Text, primary_key=True))

_DEFAULT = CategoryPolicy()

LOADS = {
    "site": "SELECT state ->> 'code', NULL, state, event_at FROM app.unit WHERE state ->> 'kind' = 'site'",
    "category": "SELECT state ->> 'code', NULL, state, event_at FROM app.unit"
    " WHERE state ->> 'kind' = 'training_category'",
}

# Nobody could tell the zone of a site that was not known, so what is owed there has no cell yet. An open question that
# does not say where it holds concerns the person wherever they work (C-34).
_OWED_AT_SITE = """
SELECT person, item FROM app.obligation
WHERE state -> 'spans' @> CAST(:there AS jsonb) OR state -> 'unresolved_spans' @> CAST(:there AS jsonb)
  OR (state @> '{"unresolved": true}' AND coalesce(state -> 'unresolved_spans', 'null') = 'null'
    AND EXISTS (SELECT FROM app.person p WHERE p.person = obligation.person
      AND p.state -> 'places' @> CAST(:works AS jsonb)))
"""
_CELLS_AT_SITE = "SELECT DISTINCT person, '*' FROM app.cell WHERE place = :place"
_OBLIGED_IN_CATEGORY = """
SELECT person, item FROM app.obligation
WHERE item IN (SELECT document FROM app.document WHERE state ->> 'category' = :category)
"""


async def fold(tx: Tx, events: Sequence[Event[matrix_organisation.State]]) -> None:
    """A change of a zone, a shift or a lead marks every cell of the site or category."""
    before = {
        row["unit"]: row["state"]
        for row in await tx.rows(
            "SELECT unit, state FROM app.unit WHERE unit = ANY(:units)",
            {"units": [event.subject for event in events]},
        )
    }
    await marking.keep(tx, TABLE, events)
    for event in events:
        known, state = before.get(event.subject), event.state
        if state.kind == "site" and known is None:
            values = {
                "there": orjson.dumps([{"place": state.code}]).decode(),
                "works": orjson.dumps([{"site": state.code}]).decode(),
            }
            await marking.mark_found(tx, event, _OWED_AT_SITE, values)
        elif state.kind == "site" and _differs(known, event, "time_zone", "shifts"):
            await marking.mark_found(tx, event, _CELLS_AT_SITE, {"place": state.code})
        elif state.kind == "training_category" and _differs(known, event, "expiry_lead_days"):
            await marking.mark_found(tx, event, _OBLIGED_IN_CATEGORY, {"category": state.code})


def _differs(known: Mapping[str, Any] | None, event: Event, *fields: str) -> bool:
    return known is None or any(known.get(name) != event.raw_state.get(name) for name in fields)


def place(found: Snapshot, code: str) -> Place | None:
    """A site by its code; None: it is not known yet."""
    unit = found.one("site", code)
    return None if unit is None else found.once(("site", code), lambda: place_of(unit))


def place_of(unit: Json) -> Place:
    return Place(
        code=unit["code"],
        zone=unit["time_zone"],
        shifts={
            s["shift"]: ShiftHours(
                time.fromisoformat(s["starts"]), time.fromisoformat(s["ends"]), instant(s.get("moved_at"))
            )
            for s in unit.get("shifts") or []
        },
    )


def facts(cell: Cell, found: Snapshot) -> Facts:
    """The policy of the category that the item's document names."""
    document = found.one("document", cell.item)
    category = found.one("category", (document or {}).get("category") or "")
    lead_days = (category or {}).get("expiry_lead_days")
    return {"policy": _DEFAULT if lead_days is None else CategoryPolicy(expiry_lead_days=lead_days)}


SOURCE = Source(tables=[TABLE], folds={"matrix.organisation": fold}, loads=LOADS, facts=facts)
