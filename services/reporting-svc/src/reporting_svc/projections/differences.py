"""What made two answers about one cell differ: the training records and events that became known in between (N-02)."""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from servicekit.db import Tx

from reporting_svc.projections.trail import add_actors


async def records(tx: Tx, ids: Sequence[str], until: datetime | None) -> list[dict[str, Any]]:
    """Training records as known at `until` (None: now), each with the record time at which it became known."""
    known = "upper_inf(r.recorded)" if until is None else "r.recorded @> :until"
    rows = await tx.rows(
        f"""SELECT r.record, r.version, r.methods, r.result, r.completed_at, r.valid_from, r.source_class,
                r.late_entry, r.entered_in_error, r.evaluator, r.place, lower(r.recorded) AS recorded_at,
                (SELECT min(lower(f.recorded)) FROM app.training_record f WHERE f.record = r.record) AS known_from
            FROM app.training_record r WHERE r.record = ANY(:ids) AND {known} ORDER BY r.record""",
        {"ids": list(ids), "until": until},
    )
    return [dict(row) for row in rows]


async def causes(
    tx: Tx, person: str, item: str, place: str, after: datetime, until: datetime
) -> list[dict[str, Any]]:
    """The versions of a cell's timeline that became known in (after, until], oldest first, each with the event that
    caused it, where the archive has it, and who did that."""
    rows = await tx.rows(
        """SELECT lower(t.recorded) AS recorded_at, t.event_id, t.cause, t.correlation, a.topic, a.envelope
        FROM app.timeline t LEFT JOIN LATERAL (
            SELECT e.topic, e.envelope FROM archive.event e
            WHERE t.cause IS NOT NULL AND e.source = ANY(ARRAY['/attest/matrix', '/attest/qms', '/attest/records',
                '/attest/assignment', '/attest/gateway']) AND e.id = t.cause LIMIT 1) a ON true
        WHERE t.person = :person AND t.item = :item AND t.place = :place
            AND lower(t.recorded) > :after AND lower(t.recorded) <= :until
        ORDER BY lower(t.recorded)""",
        {"person": person, "item": item, "place": place, "after": after, "until": until},
    )
    found = [
        {
            "recorded_at": row["recorded_at"],
            "event": str(row["event_id"]),
            "cause": row["cause"],
            "correlation": row["correlation"],
        }
        | _event(row["envelope"])
        for row in rows
    ]
    await add_actors(tx, [one for one in found if one["actor"] is not None])
    return found


def _event(envelope: str | None) -> dict[str, Any]:
    if envelope is None:
        return dict.fromkeys(("at", "type", "subject", "actor", "actor_person", "actor_name")) | {
            "actor_roles": []
        }
    body = json.loads(envelope)
    return {
        "at": datetime.fromisoformat(body["time"]),
        "type": body["type"],
        "subject": body["subject"],
        "actor": body["actor"],
    }
