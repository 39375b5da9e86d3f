"""Assignments by person and version: which of them a reading fulfils, and when they are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from attest_contracts.models import assignment_assignment
from servicekit.bus import Event
from servicekit.db import Tx

from records_svc.db import tables


@dataclass(frozen=True, slots=True)
class Assignment:
    """due_at: None while paused. due_zone: IANA zone of the day behind it."""

    assignment: str
    person: str
    item: str
    number: int
    place: str
    state: str
    trigger: str
    due_at: datetime | None
    due_zone: str | None

    @property
    def is_open(self) -> bool:
        return self.state != "CLOSED"


async def assignments(tx: Tx, events: Sequence[Event[assignment_assignment.State]]) -> None:
    """Set-wise: a revision brings thousands at once."""
    rows = [
        {
            "assignment": event.state.assignment,
            "person": event.state.person,
            "item": event.state.item,
            "number": event.state.target_version,
            "place": event.state.place,
            "state": event.state.state,
            "trigger": event.state.trigger,
            "due_at": event.state.due_at,
            "due_zone": event.state.due_zone,
            "opened_at": event.state.opened_at,
            "closing_reason": event.state.closing_reason,
            "change": event.state.change,
        }
        for event in events
    ]
    await tx.execute(_FOLD, {"rows": orjson.dumps(rows).decode()})


async def assignment_of(tx: Tx, assignment: str) -> Assignment | None:
    row = await tx.one(f"{_SELECT} WHERE assignment = :assignment", {"assignment": assignment})
    return None if row is None else Assignment(**row)


async def open_assignment(tx: Tx, person: str, item: str, number: int) -> Assignment | None:
    """The open assignment that training on the version fulfils; the one due first when there are several."""
    row = await tx.one(
        f"{_SELECT} WHERE person = :person AND item = :item AND number = :number AND state <> 'CLOSED'"
        " ORDER BY due_at NULLS LAST, assignment LIMIT 1",
        {"person": person, "item": item, "number": number},
    )
    return None if row is None else Assignment(**row)


_SELECT = "SELECT assignment::text, person, item, number, place, state, trigger, due_at, due_zone FROM app.assignment"


_NAMES = [column.name for column in tables.assignment.c]
_FOLD = (
    f"INSERT INTO app.assignment ({', '.join(_NAMES)}) SELECT {', '.join(_NAMES)}"  # noqa: S608 - our own names
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (assignment uuid, person text, item text, number int,"
    " place text, state text, trigger text, due_at timestamptz, due_zone text, opened_at timestamptz,"
    " closing_reason text, change text) ORDER BY assignment ON CONFLICT (assignment) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "assignment")
)
