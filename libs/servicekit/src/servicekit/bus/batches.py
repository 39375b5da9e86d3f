"""Applies the records of a partition: a batch in one transaction or, when that fails, each record in its own. An event
that keeps failing is parked.

A failure of the infrastructure is retried without end. Only a failure of one event alone counts against that event.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from servicekit.bus.errors import named, passes
from servicekit.bus.faults import crash
from servicekit.bus.inbox import Inbox
from servicekit.bus.intake import Intake, Received
from servicekit.bus.partition import Mode, PartitionState
from servicekit.bus.positions import FenceError
from servicekit.bus.spans import batch_span
from servicekit.retries import until_it_succeeds

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """max_batch: records of a transaction. max_buffered: records in memory, of all partitions. concurrency: transactions at a time, fewer than the pool has connections.
    attempts: tries of one event alone before it is parked. parked_in_a_row: so many of one topic stop the consumer.
    group: whether several processes share the partitions. kafka: further settings of aiokafka, for tests.
    Durations are seconds.
    """

    max_batch: int = 500
    max_buffered: int = 20_000
    concurrency: int = 4
    attempts: int = 3
    parked_in_a_row: int = 10
    group: bool = True
    stop_timeout: float = 10.0
    kafka: Mapping[str, Any] = field(default_factory=dict)


class Batches:
    """Applies batches; at most `settings.concurrency` transactions at a time."""

    def __init__(self, name: str, inbox: Inbox, intake: Intake, settings: ConsumerSettings) -> None:
        self.name = name
        self.inbox = inbox
        self.intake = intake
        self.settings = settings
        self.halted: str | None = None
        """Why the consumer has stopped for good; a restart begins anew."""
        self.slots = asyncio.Semaphore(settings.concurrency)
        self._one_at_a_time = asyncio.Lock()
        self._in_a_row: dict[str, int] = {}

    async def process(self, state: PartitionState, records: list[Received], first: int) -> int:
        """Applies what was read, as a whole or, when that fails, one by one; returns the next offset.

        The caller holds a slot; it is free for others while infrastructure is waited for.
        """
        for record in records:
            self.intake.read(record)
        records = self._up_to_limit(records)
        if await self._applied(state, records, first, alone=len(records) == 1) is None:
            self._tally(records)
            return records[-1].offset + 1
        for record in records:
            if self.halted or state.mode is Mode.NEW:
                break
            error = await self._applied(state, [record], first, alone=True)
            if error is None:
                self._tally([record])
            else:
                # One after the other, so that not more are parked in a row than may be.
                async with self._one_at_a_time:
                    if self.halted:
                        break
                    await self._park(state, record, first, error)
                    self._tally([record])
            first = record.offset + 1
        return first

    async def _applied(
        self, state: PartitionState, records: list[Received], first: int, *, alone: bool
    ) -> Exception | None:
        """None when it is done; the failure when it is the events' own. Infrastructure is waited for."""
        tries = 0
        pause = 0.05
        while True:
            try:
                with batch_span(self.name, state.part.topic, records):
                    await self.inbox.apply(state.part, records, first)
                crash.pass_by("after_commit")
                state.trouble = None
                return None
            except FenceError:
                raise
            except Exception as error:
                if passes(error):
                    state.trouble = f"waits for {named(error)}"
                    log.warning("a batch waits", topic=state.part.topic, error=named(error))
                else:
                    tries += 1
                    log.warning("a fold failed", topic=state.part.topic, events=len(records), tries=tries,
                                error=type(error).__name__)  # fmt: skip
                    if not alone or tries >= self.settings.attempts:
                        return error
            if state.mode is Mode.NEW:
                raise FenceError("the position was taken back meanwhile")
            self.slots.release()
            try:
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311
            finally:
                await self.slots.acquire()
            pause = min(pause * 2, 5.0)

    async def _park(self, state: PartitionState, record: Received, first: int, error: Exception) -> None:
        def waits(again: Exception) -> bool:
            if not passes(again):
                return False
            state.trouble = f"waits for {named(again)}"
            return True

        async for attempt in until_it_succeeds(waits, first=0.05, most=5.0):
            with attempt:
                await self.inbox.park(state.part, record, first, error, self.settings.attempts)
        log.error("an event is parked", topic=state.part.topic, id=record.id, error=named(error))

    def _up_to_limit(self, records: list[Received]) -> list[Received]:
        """Up to the event with which too many would be parked in a row."""
        row = self._in_a_row.get(records[0].topic, 0)
        for position, record in enumerate(records):
            if record.problem is not None:
                row += 1
                if row >= self.settings.parked_in_a_row:
                    return records[: position + 1]
            elif record.event is not None:
                row = 0
        return records

    def _tally(self, records: Sequence[Received]) -> None:
        topic = records[0].topic
        row = self._in_a_row.get(topic, 0)
        for record in records:
            if record.outcome == "parked":
                row += 1
            elif record.outcome == "new" and record.event is not None:
                row = 0
            if row >= self.settings.parked_in_a_row and not self.halted:
                self.halted = f"consumer {self.name}: {row} events of {topic} parked in a row"
                log.error("the consumer stops", consumer=self.name, topic=topic, parked=row)
        self._in_a_row[topic] = row
