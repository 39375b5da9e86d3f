"""What a consumer concludes from a delivery, without Kafka."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from servicekit.bus.envelope import encode_heartbeat
from servicekit.bus.partition import Mode, PartitionState, Verdict
from servicekit.bus.queue import Part

pytestmark = pytest.mark.part("PL-24", "what a consumer concludes from a delivery")


def record(offset: int, name: str = "", relay: bytes | None = b"r1", value: bytes | None = None) -> Any:
    value = value if value is not None else f'{{"id":"{name or offset}"}}'.encode()
    headers = () if relay is None else (("relay", relay),)
    return ConsumerRecord("t", 0, offset, 0, 1, None, value, None, 0, len(value), headers)


@pytest.fixture
def state() -> PartitionState:
    return PartitionState(TopicPartition("t", 0), Part("t", 0))


def reading(state: PartitionState, following: int = 5) -> PartitionState:
    assert state.begin(following, str(following - 1), verify=True) == following - 1
    assert state.deliver([record(following - 1)]) is Verdict.TAKEN
    return state


def offsets(state: PartitionState) -> list[int]:
    return [r.offset for r in state.buffer]


def test_nothing_is_taken_before_the_position_is_known(state: PartitionState) -> None:
    assert state.deliver([record(0)]) is Verdict.NOTHING
    assert not state.buffer


def test_the_record_before_the_position_must_bear_its_id(state: PartitionState) -> None:
    state.begin(5, "4", verify=True)
    assert state.deliver([record(4), record(5), record(6)]) is Verdict.TAKEN
    assert offsets(state) == [5, 6]
    state.begin(5, "4", verify=True)
    assert state.deliver([record(4, "another"), record(5)]) is Verdict.ANOTHER_LOG
    state.begin(5, "4", verify=True)
    assert state.deliver([record(3)]) is Verdict.LOOK_AGAIN
    state.begin(5, "4", verify=True)
    # It is gone, which happens in a compacted log: nothing proves that the log is the same.
    assert state.deliver([record(7)]) is Verdict.ANOTHER_LOG


def test_what_follows_is_taken(state: PartitionState) -> None:
    reading(state)
    assert state.deliver([record(5), record(6)]) is Verdict.TAKEN
    assert state.deliver([record(7)]) is Verdict.TAKEN
    assert offsets(state) == [5, 6, 7]


def test_a_hole_inside_a_delivery_is_the_logs_own_and_one_between_two_is_looked_at(
    state: PartitionState,
) -> None:
    reading(state)
    assert state.deliver([record(5), record(9)]) is Verdict.TAKEN
    assert state.deliver([record(12)]) is Verdict.LOOK_AGAIN
    assert state.look_again() == 9
    assert state.mode is Mode.VERIFY
    assert state.deliver([record(9), record(12)]) is Verdict.TAKEN
    assert offsets(state) == [5, 9, 12]


def test_what_was_delivered_before_is_not_taken_again(state: PartitionState) -> None:
    reading(state)
    state.deliver([record(5), record(6)])
    assert state.deliver([record(5), record(6)]) is Verdict.LOOK_AGAIN
    assert offsets(state) == [5, 6]


def test_another_connection_of_the_relay_is_a_reason_to_look(state: PartitionState) -> None:
    """A log that was replaced and has outgrown the position continues without a hole."""
    reading(state)
    state.deliver([record(5)])
    assert state.deliver([record(6, relay=b"r2")]) is Verdict.LOOK_AGAIN
    state.look_again()
    # The same log: the relay was started anew.
    assert state.deliver([record(5), record(6, relay=b"r2")]) is Verdict.TAKEN
    assert state.deliver([record(7, relay=b"r2")]) is Verdict.TAKEN
    assert state.deliver([record(8, relay=b"r3")]) is Verdict.LOOK_AGAIN
    state.look_again()
    assert state.deliver([record(7, "another", relay=b"r3"), record(8, relay=b"r3")]) is Verdict.ANOTHER_LOG


def test_a_change_of_connection_inside_a_delivery_is_no_matter(state: PartitionState) -> None:
    reading(state)
    assert state.deliver([record(5), record(6, relay=b"r2"), record(7, relay=None)]) is Verdict.TAKEN
    assert state.deliver([record(8, relay=None)]) is Verdict.TAKEN


def test_at_the_beginning_there_is_nothing_to_look_at(state: PartitionState) -> None:
    assert state.begin(0, None, verify=False) == 0
    # The oldest records of a compacted log are gone.
    assert state.deliver([record(3), record(4)]) is Verdict.TAKEN
    assert state.look_again() == 4


def test_a_gap_ends_where_the_history_begins(state: PartitionState) -> None:
    mark = encode_heartbeat(datetime(1970, 1, 1, tzinfo=UTC), history_begins=True)
    beat = encode_heartbeat(datetime(2026, 1, 1, tzinfo=UTC))
    assert state.wait_in_gap(10) == 10
    assert state.deliver([record(10), record(11, value=beat)]) is Verdict.NOTHING
    assert state.deliver([record(12), record(13, value=mark), record(14)]) is Verdict.HISTORY_BEGINS
    assert state.read_next == 13
    assert not state.buffer
