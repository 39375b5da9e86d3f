"""The topics that this service consumes. `INBOUND` at the foot is the table: topic -> fold."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import qms_document
from servicekit.bus.envelope import Event
from servicekit.db import Tx
from sqlalchemy.dialects.postgresql import insert

from matrix_svc.db import tables


async def documents(tx: Tx, events: Sequence[Event[qms_document.State]]) -> None:
    """Titles and types of the items that rules may name (MX-09: a rule targets the document, not a version)."""
    rows = [
        {
            "item": event.state.document,
            "title": event.state.title,
            "document_type": event.state.document_type,
            "framework": event.state.framework,
            "category": event.state.category,
        }
        for event in events
    ]
    statement = insert(tables.item).values(rows)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["item"],
            set_={
                name: statement.excluded[name] for name in ("title", "document_type", "framework", "category")
            },
        )
    )


INBOUND = {"qms.document": documents}
