"""Heartbeats of many partitions in one transaction.

On an idle platform nothing else comes: a transaction for each partition would cost more than all the work of a quiet
night. They change positions and watermarks alone, so those that come at about the same time share one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from servicekit.bus import positions
from servicekit.bus.envelope import Heartbeat, decode
from servicekit.bus.errors import named
from servicekit.bus.intake import Received
from servicekit.bus.positions import Beat
from servicekit.bus.queue import Part
from servicekit.context import Context
from servicekit.db.database import Database

log = structlog.get_logger(__name__)

# Seconds in which heartbeats are gathered: short beside the second at which anyone looks at a watermark.
_WINDOW = 0.05


class Beats:
    """Gathers what `note` is given and writes it together. slots: the consumer's limit of transactions at a time."""

    def __init__(self, consumer: str, database: Database, slots: asyncio.Semaphore) -> None:
        self.transactions = 0
        """Since the start."""
        self._consumer = consumer
        self._database = database
        self._slots = slots
        self._waiting: list[tuple[Beat, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def note(self, part: Part, first: int, records: Sequence[Received]) -> int | None:
        """Moves the position over plain heartbeats that begin at offset `first`; returns the next offset.

        None: not moved, for whatever reason; the way of all other batches finds out what it is.
        """
        last = records[-1]
        beats = [found for r in records if isinstance(found := decode(r.value, part.topic), Heartbeat)]
        beat = Beat(part, first, last.offset, last.id, max(found.watermark for found in beats))
        moved = asyncio.get_running_loop().create_future()
        self._waiting.append((beat, moved))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return last.offset + 1 if await moved else None

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(_WINDOW)
            gathered, self._waiting = self._waiting, []
            moved: set[Part] = set()
            try:
                async with self._slots, self._database.transaction(self._context(), repeatable=True) as tx:
                    found = await positions.fence_beats(tx, self._consumer, [beat for beat, _ in gathered])
                moved = found
                self.transactions += 1
            except Exception as error:
                log.warning("heartbeats are noted one by one", consumer=self._consumer, error=named(error))
            finally:
                for beat, future in gathered:
                    with suppress(asyncio.InvalidStateError):
                        future.set_result(beat.part in moved)

    def _context(self) -> Context:
        return Context(
            actor=f"system/{self._database.source}", reason="heartbeats", correlation=self._consumer
        )
