"""After a database was restored from a backup: what it announces from then on outranks what others have heard of it.

    await raise_epoch(owner_url)                 # with the service stopped
    await announce_again(database, context)      # the state of every subject, as the restored database knows it

Consumers compare (epoch, sequence): without a new epoch the sequences that were lost with the database would be given
out a second time, and what they say would be taken for known. Subjects that exist for others alone are not healed
here: what their state is to be from then on is for whoever knows what it means.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg

from servicekit.bus.envelope import Event, decode
from servicekit.bus.intake import Contracts, Intake
from servicekit.bus.outbox import Announcement, announce, claim
from servicekit.context import Context
from servicekit.db.database import Database

_BLOCK = 2_000


async def raise_epoch(owner_url: str) -> int:
    """Raises the epoch of a restored database; returns the new one. The runtime role may not do it."""
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as connection:
        cursor = await connection.execute("UPDATE bus.epoch SET epoch = epoch + 1 RETURNING epoch")
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def announce_again(
    database: Database,
    context: Context,
    *,
    contracts: Contracts | None = None,
    without: Collection[str] = (),
) -> int:
    """Announces the last state of every subject once more, in the present epoch; returns how many.

    May be repeated: subjects that were announced in this epoch already are left out. contracts: bring what an earlier
    release announced to the major version of this one; without them it is announced as it was. without: topics whose subjects
    never change (an audit entry is one): what others have heard of them is right.
    """
    total = 0
    while True:
        async with database.transaction(context) as tx:
            rows = await tx.rows(
                "SELECT s.topic, o.envelope FROM bus.subject s CROSS JOIN LATERAL ("
                "  SELECT epoch, envelope FROM bus.outbox o WHERE o.topic = s.topic AND o.subject = s.subject"
                "  ORDER BY o.id DESC LIMIT 1) o"
                " WHERE o.epoch < (SELECT epoch FROM bus.epoch) AND s.topic <> ALL(:without) LIMIT :block",
                {"block": _BLOCK, "without": list(without)},
            )
            events = [decode(row["envelope"].encode(), row["topic"]) for row in rows]
            found = [event for event in events if isinstance(event, Event)]
            await claim(tx, [(event.topic, event.subject) for event in found])
            await announce(tx, [_again(event, contracts) for event in found])
        total += len(found)
        if len(found) < _BLOCK:
            return total


def _again(event: Event, contracts: Contracts | None) -> Announcement:
    if contracts is None:
        return Announcement(event.topic, event.type, event.subject, event.key, event.state, event.change)
    data = Intake(contracts).typed(event).data
    name = f"{event.type.rpartition('.v')[0]}.v{contracts.major(event.topic)}"
    return Announcement(event.topic, name, event.subject, event.key, data["state"], data["change"])
