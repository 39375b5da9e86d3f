"""The state of the bus as plain numbers, for telemetry and for the health page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from servicekit.bus.positions import watermarks
from servicekit.db.database import Tx


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """pending: events that Kafka has not acknowledged. age: seconds since the oldest of them was recorded, 0 without."""

    pending: int
    age: float


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    """parked: open dead letters, those included that wait behind another. watermark_ages: seconds, by topic; None
    while a partition has none. restarts: how often a log was not the one we knew. positions: next offset by
    topic and partition."""

    parked: int
    parked_subjects: int
    restarts: int
    watermarks: dict[str, datetime | None] = field(default_factory=dict)
    watermark_ages: dict[str, float | None] = field(default_factory=dict)
    positions: dict[str, dict[int, int | None]] = field(default_factory=dict)


_QUEUE = """
SELECT (SELECT count(*) FROM bus.outbox_pending) AS pending,
  (SELECT min(o.at) FROM (SELECT min(id) AS id FROM bus.outbox_pending GROUP BY topic, partition) AS heads
     JOIN bus.outbox o USING (id)) AS since
"""


async def queue_of(tx: Tx) -> tuple[int, datetime | None]:
    """How many events Kafka has not acknowledged, and the record time of the oldest at the head of a partition."""
    row = await tx.one(_QUEUE)
    assert row is not None
    return row["pending"], row["since"]


async def outbox_health(tx: Tx) -> OutboxHealth:
    pending, since = await queue_of(tx)
    return OutboxHealth(pending, 0.0 if since is None else max(0.0, (tx.now - since).total_seconds()))


async def consumer_health(tx: Tx, consumer: str) -> ConsumerHealth:
    row = await tx.one(
        "SELECT count(*) AS parked, count(DISTINCT (topic, subject)) AS subjects FROM bus.dead_letter"
        " WHERE consumer = :consumer AND resolved_at IS NULL",
        {"consumer": consumer},
    )
    assert row is not None
    rows = await tx.rows(
        "SELECT topic, partition, next, restarts FROM bus.consumed WHERE consumer = :consumer",
        {"consumer": consumer},
    )
    found: dict[str, dict[int, int | None]] = {}
    for each in rows:
        found.setdefault(each["topic"], {})[each["partition"]] = each["next"]
    marks = await watermarks(tx, consumer)
    return ConsumerHealth(
        parked=row["parked"],
        parked_subjects=row["subjects"],
        restarts=sum(each["restarts"] for each in rows),
        watermarks=marks,
        watermark_ages={
            topic: None if mark is None else max(0.0, (tx.now - mark).total_seconds())
            for topic, mark in marks.items()
        },
        positions=found,
    )
