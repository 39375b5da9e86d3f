"""The topics that this service consumes. `INBOUND` at the foot is the table: topic -> fold."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import matrix_organisation, matrix_person_v2
from servicekit.bus.envelope import Event
from servicekit.db import Tx
from sqlalchemy.dialects.postgresql import insert

from qms_svc.db import tables
from qms_svc.projections.progress import assignments


async def organisation(tx: Tx, events: Sequence[Event[matrix_organisation.State]]) -> None:
    """Sites and their zones: where an effective date can be, and when its day begins there."""
    rows = [
        {
            "site": event.state.site or event.state.code,
            "title": event.state.title,
            "time_zone": event.state.time_zone,
        }
        for event in events
        if event.state.kind == "site" and event.state.time_zone
    ]
    if not rows:
        return
    statement = insert(tables.site).values(rows)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["site"],
            set_={name: statement.excluded[name] for name in ("title", "time_zone")},
        )
    )


async def people(tx: Tx, events: Sequence[Event[matrix_person_v2.State]]) -> None:
    """When each person is employed: who has left approves nothing any more."""
    rows = [
        {
            "person": event.state.person,
            "employments": [
                {"from": spell.from_.isoformat(), "to": spell.to and spell.to.isoformat()}
                for spell in event.state.employments
            ],
        }
        for event in events
    ]
    statement = insert(tables.person).values(rows)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["person"], set_={"employments": statement.excluded.employments}
        )
    )


INBOUND = {
    "assignment.assignment": assignments,
    "matrix.organisation": organisation,
    "matrix.person": people,
}
