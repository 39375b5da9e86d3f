"""The topics that this service consumes. `INBOUND` at the foot is the table: topic -> fold."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import matrix_person_name, matrix_person_v2
from servicekit.bus.envelope import Event
from servicekit.db import Tx
from sqlalchemy.dialects.postgresql import insert

from gateway_svc.db import tables


async def people(tx: Tx, events: Sequence[Event[matrix_person_v2.State]]) -> None:
    """The known people. A person who has left keeps the account until an administrator disables it."""
    rows = [{"person": event.state.person} for event in events]
    await tx.execute(insert(tables.person).values(rows).on_conflict_do_nothing())


async def names(tx: Tx, events: Sequence[Event[matrix_person_name.State]]) -> None:
    """Printed names, for signatures and for the pages."""
    rows = [
        {
            "person": event.state.person,
            "given_name": event.state.given_name,
            "family_name": event.state.family_name,
        }
        for event in events
    ]
    statement = insert(tables.person_name).values(rows)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["person"],
            set_={name: statement.excluded[name] for name in ("given_name", "family_name")},
        )
    )


INBOUND = {"matrix.person": people, "matrix.person-name": names}
