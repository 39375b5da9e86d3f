"""How a test's events reach the service: through its intake and inbox in the test's own task, or over Kafka."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from servicekit.bus.inbox import Inbox
from servicekit.bus.intake import Received
from servicekit.bus.queue import Part
from servicekit.bus.subscription import Fold, Subscription
from servicekit.context import Context
from servicekit.db.database import Database
from servicekit.ids import new_id
from servicekit.service import Service
from servicekit.testing.polling import eventually

type Message = tuple[bytes | None, bytes]
"""Key and value."""


def inbox_of(
    consumer: str, database: Database, inbound: Mapping[str, Fold | Subscription], **more: Any
) -> Inbox:
    """The inbox that a service with this table of folds has."""
    subscriptions = {
        topic: fold if isinstance(fold, Subscription) else Subscription(fold)
        for topic, fold in inbound.items()
    }
    return Inbox(consumer, database, subscriptions, **more)


async def positions(inbox: Inbox, topics: Collection[str]) -> dict[str, int]:
    """Where the next batch of each topic begins; what was never read begins at 0."""
    context = Context(f"system/{inbox.database.source}", "begins to read", new_id())
    async with inbox.database.transaction(context) as tx:
        rows = await tx.rows(
            "INSERT INTO bus.consumed AS c (consumer, topic, partition, next)"
            " SELECT :consumer, unnest(CAST(:topics AS text[])), 0, 0"
            " ON CONFLICT (consumer, topic, partition) DO UPDATE SET next = coalesce(c.next, 0)"
            " RETURNING topic, next",
            {"consumer": inbox.consumer, "topics": sorted(topics)},
        )
    return {row["topic"]: row["next"] for row in rows}


class Delivery(Protocol):
    """What a service under test is fed by."""

    async def deliver(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        """Hands messages over as one batch; returns how many were parked, as far as that is known at once."""
        ...

    async def settle(self, deadline: float) -> None:
        """Returns when everything delivered is folded and every mark is worked off."""
        ...

    async def close(self) -> None: ...


class InProcess:
    """The service's own intake, inbox and lanes, called in the test's task."""

    def __init__(self, service: Service) -> None:
        spec = service.spec
        self._service = service
        self._inbox = inbox_of(spec.name, service.database, spec.inbound, archive=spec.archive)

    async def deliver(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        first = (await positions(self._inbox, {topic}))[topic]
        records = [
            Received(topic, partition, first + number, key, value)
            for number, (key, value) in enumerate(messages)
        ]
        for record in records:
            self._service.intake.read(record)
        return await self._inbox.apply(Part(topic, partition), records, first)

    async def settle(self, deadline: float) -> None:
        service = self._service
        if service.work is None:
            return
        failures = service.work.lanes.stats.failures
        while True:
            await service.work.lanes.drain(service.work.handler)
            assert service.work.lanes.stats.failures == failures, "a lane failed"
            if service.spec.look is None or not await service.spec.look(service.runtime):
                return

    async def close(self) -> None:
        """Nothing to close."""


class OverKafka:
    """A producer beside the running service."""

    def __init__(self, service: Service, kafka: str, prefix: str) -> None:
        self._service = service
        self._kafka = kafka
        self._prefix = prefix
        self._producer: AIOKafkaProducer | None = None
        self._last: dict[tuple[str, int], int] = {}
        """The last offset delivered to each partition: what is settled lies behind it."""

    async def deliver(self, topic: str, partition: int, messages: Sequence[Message]) -> int:
        if self._producer is None:
            self._producer = AIOKafkaProducer(bootstrap_servers=self._kafka)
            await self._producer.start()
        for key, value in messages:
            sent = await self._producer.send_and_wait(
                self._prefix + topic, value, key=key, partition=partition
            )
            self._last[topic, partition] = sent.offset
        return 0

    async def settle(self, deadline: float) -> None:
        """Waits for the events that the service announced to be sent, too."""
        await eventually(self._idle, deadline=deadline)

    async def _idle(self) -> bool:
        service = self._service
        consumer = service.consumer
        if consumer is not None:
            if consumer.readiness():
                return False
            lag = consumer.lag()
            wanted = sum(service.spec.topics[t].partitions for t in service.spec.inbound)
            if len(lag) < wanted or any(lag.values()):
                return False
        async with service.database.read() as tx:
            # The consumer knows its lag from its last fetch alone: the database says what was folded.
            rows = await tx.rows("SELECT topic, partition, next FROM bus.consumed")
            folded = {(row["topic"], row["partition"]): row["next"] or 0 for row in rows}
            if any(folded.get(part, 0) <= offset for part, offset in self._last.items()):
                return False
            if await tx.scalar("SELECT EXISTS (SELECT FROM bus.outbox_pending)"):
                return False
            if service.work is not None:
                dirty = service.work.lanes.tables.dirty.fullname
                return not await tx.scalar(f"SELECT EXISTS (SELECT FROM {dirty})")  # noqa: S608
        return True

    async def close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()


async def published(
    kafka: str, topic: str, enough: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """The envelopes on a topic from its beginning, as soon as they are enough; heartbeats are left out.

    Raises TimeoutError with what was there after 30 s.
    """
    found: list[dict[str, Any]] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()

    async def read() -> bool:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            messages = [json.loads(record.value) for record in records if record.value]
            found.extend(message for message in messages if "specversion" in message)
        return enough(found)

    try:
        await eventually(read, deadline=30, what=f"enough on {topic}")
    finally:
        await consumer.stop()
    return found
