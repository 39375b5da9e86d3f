"""The state of one partition in a consumer: its position, the check that the log is still the same, and its backlog.

An offset is valid only in the log in which it was read. Reading therefore begins one record early: the record before
the position must have the id that it had. The consumer checks that record again whenever the next record was sent by
another connection of the relay, or does not follow the last one: between two fetches a log may be replaced by another
log that is longer than the position.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from servicekit.bus.envelope import Heartbeat, decode, identity
from servicekit.bus.queue import Part
from servicekit.bus.relay import SESSION_HEADER

type Record = ConsumerRecord[bytes | None, bytes | None]


class Mode(Enum):
    NEW = auto()
    """The position is not known yet: every delivered record is dropped."""
    VERIFY = auto()
    """The record before the position is awaited."""
    READ = auto()
    GAP = auto()
    """The log begins after the position: nothing is read until the producer's history begins in it."""


class Verdict(Enum):
    """What the consumer must do after a delivery."""

    NOTHING = auto()
    TAKEN = auto()
    LOOK_AGAIN = auto()
    """Seek to one before the position."""
    ANOTHER_LOG = auto()
    HISTORY_BEGINS = auto()
    """The gap is closed; begin at `read_next` and deliver again."""


class PartitionState:
    """One assigned partition. `read_next` runs ahead of `done_next`, which is what the database says."""

    def __init__(self, tp: TopicPartition, part: Part) -> None:
        self.tp = tp
        self.part = part
        self.mode = Mode.NEW
        self.read_next = 0
        self.done_next = 0
        self.buffer: deque[Record] = deque()
        self.worker: asyncio.Task[None] | None = None
        self.paused = False
        self.trouble: str | None = None
        self._last: Record | None = None
        self._last_id: str | None = None
        self._session: bytes | None = None
        self._any_session = True

    def begin(self, offset: int, last_id: str | None, *, verify: bool) -> int:
        """Positions it; returns where to seek."""
        self.buffer.clear()
        self.read_next = self.done_next = offset
        self._last, self._last_id = None, last_id
        self._any_session = True
        self.mode = Mode.VERIFY if verify else Mode.READ
        return offset - 1 if verify else offset

    def look_again(self) -> int:
        """Returns where to seek so that the next delivery shows whether the log is the same."""
        self.mode = Mode.READ if self.last_id is None else Mode.VERIFY
        return self.read_next if self.last_id is None else self.read_next - 1

    def wait_in_gap(self, begin: int) -> int:
        self.buffer.clear()
        self.mode = Mode.GAP
        return begin

    def forget(self) -> None:
        self.buffer.clear()
        self.mode = Mode.NEW

    @property
    def last_id(self) -> str | None:
        """The id of the record before `read_next`."""
        return self._last_id if self._last is None else identity(self._last.value)

    def deliver(self, records: Sequence[Record]) -> Verdict:
        """Takes what Kafka gave, all of one fetch, into the buffer, or says why not."""
        if self.mode is Mode.NEW or not records:
            return Verdict.NOTHING
        if self.mode is Mode.GAP:
            return self._search(records)
        first = records[0]
        if self.mode is Mode.VERIFY:
            if first.offset < self.read_next - 1:
                return Verdict.LOOK_AGAIN
            if first.offset > self.read_next - 1 or identity(first.value) != self.last_id:
                return Verdict.ANOTHER_LOG
            self.mode = Mode.READ
            # The rest came with it, hence out of the same log: whatever is missing is missing there.
            self._session = _session(first)
            self._any_session = False
            return self._take(records[1:])
        if first.offset != self.read_next and self.last_id is not None:
            return Verdict.LOOK_AGAIN
        if first.offset < self.read_next:
            return Verdict.LOOK_AGAIN
        if not self._any_session and _session(first) != self._session and self.last_id is not None:
            return Verdict.LOOK_AGAIN
        return self._take(records)

    def _take(self, records: Sequence[Record]) -> Verdict:
        if records:
            self.buffer.extend(records)
            self._last = records[-1]
            self.read_next = self._last.offset + 1
            self._session = _session(self._last)
            self._any_session = False
        return Verdict.TAKEN

    def _search(self, records: Sequence[Record]) -> Verdict:
        for record in records:
            if _history_begins(record):
                self.read_next = record.offset
                return Verdict.HISTORY_BEGINS
        return Verdict.NOTHING


def _session(record: Record) -> bytes | None:
    for name, value in record.headers:
        if name == SESSION_HEADER:
            return value
    return None


def _history_begins(record: Any) -> bool:
    if record.value is None or b'"history"' not in record.value:
        return False
    try:
        found = decode(record.value, record.topic)
    except ValueError:
        return False
    return isinstance(found, Heartbeat) and found.history_begins
