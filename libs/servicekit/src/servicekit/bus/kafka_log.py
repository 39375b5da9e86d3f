"""Looking at the logs of Kafka: whether what was acknowledged is still where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from servicekit.bus.envelope import identity
from servicekit.bus.kafka_settings import CONSUMER
from servicekit.bus.queue import Part, Stretch


class LogReader:
    """A consumer without a group, for a look at single records."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._prefix = prefix
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **CONSUMER)

    async def __aenter__(self) -> LogReader:
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    def _tp(self, part: Part) -> TopicPartition:
        return TopicPartition(self._prefix + part.topic, part.partition)

    async def ends(self, parts: Sequence[Part]) -> dict[Part, int]:
        """The offset that the next record of each partition will get."""
        found = await self._consumer.end_offsets([self._tp(part) for part in parts])
        return {part: found[self._tp(part)] for part in parts}

    async def begins(self, parts: Sequence[Part]) -> dict[Part, int]:
        """The offset of the oldest record of each partition."""
        found = await self._consumer.beginning_offsets([self._tp(part) for part in parts])
        return {part: found[self._tp(part)] for part in parts}

    async def records_at(
        self, offsets: Mapping[Part, int], deadline: float = 15.0
    ) -> dict[Part, tuple[int, str]]:
        """For each partition the first record at or after an offset that is in its log: (its offset, its id)."""
        if not offsets:
            return {}
        by_tp = {self._tp(part): part for part in offsets}
        self._consumer.assign(list(by_tp))
        for tp, part in by_tp.items():
            self._consumer.seek(tp, offsets[part])
        found: dict[Part, tuple[int, str]] = {}
        async with asyncio.timeout(deadline):
            while len(found) < len(offsets):
                missing = [tp for tp, part in by_tp.items() if part not in found]
                for tp, records in (
                    await self._consumer.getmany(*missing, timeout_ms=200, max_records=len(missing))
                ).items():
                    found.setdefault(by_tp[tp], (records[0].offset, identity(records[0].value)))
                    self._consumer.pause(tp)
        return found


async def surviving_ends(
    log: LogReader, known: Mapping[Part, Sequence[Stretch]], ends: Mapping[Part, int]
) -> dict[Part, int]:
    """For each partition that lost something: the offset up to which the log is the one that was written.

    A lower end is a lost tail. A record that bears another id is another log, however long it has grown.
    known: newest stretch first.
    """
    begins = await log.begins(list(known))
    left = {part: list(stretches) for part, stretches in known.items()}
    lost: dict[Part, int] = {}
    while left:
        questions: dict[Part, int] = {}
        for part, stretches in list(left.items()):
            while stretches and stretches[0].last >= ends[part]:
                lost[part] = 0
                stretches.pop(0)
            if not stretches:
                del left[part]
            elif stretches[0].last < begins[part]:
                # Deleted by age: nothing can be said against it.
                if part in lost:
                    lost[part] = begins[part]
                del left[part]
            else:
                questions[part] = stretches[0].last
        for part, (offset, event_id) in (await log.records_at(questions)).items():
            stretch = left[part][0]
            # In a compacted topic the record itself may be gone.
            if offset == stretch.last and event_id != stretch.event_id:
                lost[part] = 0
                left[part].pop(0)
                continue
            if part in lost:
                lost[part] = stretch.last + 1
            del left[part]
    return lost
