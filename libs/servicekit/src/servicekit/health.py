"""The numbers that are watched: outbox age, lag, watermark age, dead letters, open marks; read every few seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from servicekit import telemetry
from servicekit.bus.health import ConsumerHealth, OutboxHealth, consumer_health, outbox_health
from servicekit.bus.queue import Part
from servicekit.db import Database
from servicekit.lanes import Lanes

_EVERY_SECONDS = 5.0


@dataclass
class Health:
    """The last reading."""

    outbox: OutboxHealth = field(default_factory=lambda: OutboxHealth(0, 0.0))
    consumer: ConsumerHealth | None = None
    marks: int = 0
    lanes_parked: int = 0


async def watch(
    health: Health,
    database: Database,
    consumer: str,
    lanes: Lanes | None,
    *,
    lag: Callable[[], Mapping[Part, int]] = dict,
) -> None:
    """Reads for ever; a database that is away leaves the last reading. lag: of the consumer in this process."""
    _gauges(health, lag)
    while True:
        try:
            async with database.read() as tx:
                health.outbox = await outbox_health(tx)
                health.consumer = await consumer_health(tx, consumer)
            if lanes is not None:
                backlog = await lanes.backlog()
                health.marks, health.lanes_parked = backlog.marks, backlog.parked
        except (DBAPIError, OSError):
            pass
        await asyncio.sleep(_EVERY_SECONDS)


def _by_topic(lag: Mapping[Part, int]) -> Iterable[tuple[float, Mapping[str, str]]]:
    topics: Counter[str] = Counter()
    for part, records in lag.items():
        topics[part.topic] += records
    return [(records, {"topic": topic}) for topic, records in topics.items()]


def _gauges(health: Health, lag: Callable[[], Mapping[Part, int]]) -> None:
    def one(value: float) -> Iterable[tuple[float, Mapping[str, str]]]:
        return [(value, {})]

    telemetry.gauge(
        "bus_outbox_pending", lambda: one(health.outbox.pending), "Events that Kafka has not acknowledged"
    )
    telemetry.gauge("bus_outbox_age_seconds", lambda: one(health.outbox.age), "Age of the oldest of them")
    telemetry.gauge("lanes_marks", lambda: one(health.marks), "Open marks")
    telemetry.gauge("lanes_parked", lambda: one(health.lanes_parked), "Lanes that failed again and again")
    telemetry.gauge(
        "bus_dead_letters", lambda: one(health.consumer.parked if health.consumer else 0), "Parked events"
    )
    telemetry.gauge(
        "bus_consumer_lag", lambda: _by_topic(lag()), "Records that are in Kafka and not folded yet"
    )
    telemetry.gauge(
        "bus_watermark_age_seconds",
        lambda: [
            (age, {"topic": topic})
            for topic, age in (health.consumer.watermark_ages if health.consumer else {}).items()
            if age is not None
        ],
        "How old the answer of each input may be",
    )
