"""What a consumer knows of each subject: the newest (epoch, sequence) that it has folded."""

from __future__ import annotations

from collections.abc import Mapping

from servicekit.db.database import Tx


async def note_seen(
    tx: Tx, consumer: str, topic: str, newest: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[int, int] | None]:
    """Raises what is known of each subject to (epoch, sequence); returns what was known before: (0, 0) for a new
    subject, None where nothing was newer."""
    driver = await tx.driver()
    ordered = sorted(newest.items())
    cursor = await driver.execute(
        "INSERT INTO bus.seen AS s (consumer, topic, subject, epoch, sequence)"
        " SELECT %s, %s, n.* FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS n(subject, epoch, sequence)"
        " ON CONFLICT (consumer, topic, subject) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence"
        " WHERE (s.epoch, s.sequence) < (excluded.epoch, excluded.sequence)"
        " RETURNING new.subject, coalesce(old.epoch, 0), coalesce(old.sequence, 0)",
        [consumer, topic, [s for s, _ in ordered], [v[0] for _, v in ordered], [v[1] for _, v in ordered]],
    )
    known: dict[str, tuple[int, int] | None] = dict.fromkeys(newest)
    known.update({subject: (epoch, sequence) for subject, epoch, sequence in await cursor.fetchall()})
    return known
