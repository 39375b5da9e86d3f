"""What must not be left to defaults: of the client, of topics, of partitions; and the hook for faults."""

from __future__ import annotations

import os
import signal

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from servicekit.bus.faults import CrashPoint
from servicekit.bus.kafka_settings import BATCH_BYTES, CONSUMER, MAX_EVENT_BYTES, PRODUCER
from servicekit.bus.partitioner import partition_of
from servicekit.bus.topics import PlainTopic, TopicDiffersError, ensure_topics

pytestmark = pytest.mark.part("PL-24", "settings of client, topics and partitions are explicit")


async def test_every_default_that_loses_data_is_pinned() -> None:
    assert PRODUCER["acks"] == "all"
    assert PRODUCER["enable_idempotence"] is True
    assert CONSUMER["enable_auto_commit"] is False
    assert CONSUMER["auto_offset_reset"] == "none"
    assert CONSUMER["isolation_level"] == "read_committed"
    assert CONSUMER["check_crcs"] is True
    # A fetch must hold the largest batch, and a batch the largest event.
    assert (
        CONSUMER["max_partition_fetch_bytes"] > PRODUCER["max_request_size"] > MAX_EVENT_BYTES > BATCH_BYTES
    )
    # And the client takes them as they are meant.
    producer = AIOKafkaProducer(**PRODUCER)
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None
    assert producer._txn_manager.transactional_id is None
    consumer = AIOKafkaConsumer(**CONSUMER)
    assert consumer._auto_offset_reset == "none"
    assert not consumer._enable_auto_commit
    await producer.stop()
    await consumer.stop()


async def test_the_partition_is_the_one_that_kafkas_clients_choose(kafka: str, make_topics) -> None:
    [topic] = make_topics("keys", partitions=12)
    keys = [*(f"E{n:05}" for n in range(150)), "", "ü", "x" * 300, "a/b/c", "🙂"]
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        sent = [await producer.send(topic, b"x", key=key.encode()) for key in keys]
        chosen = [(await future).partition for future in sent]
    assert chosen == [partition_of(key, 12) for key in keys]
    assert len(set(chosen)) == 12


async def test_topics_are_made_from_their_specification_and_held_against_it(
    kafka: str, topic_prefix: str
) -> None:
    specs = [PlainTopic("a", 3, {"retention.ms": "86400000"}), PlainTopic("b", 1)]
    assert await ensure_topics(kafka, specs, topic_prefix) == [f"{topic_prefix}a", f"{topic_prefix}b"]
    assert await ensure_topics(kafka, specs, topic_prefix) == []
    other = [PlainTopic("a", 4, {"retention.ms": "-1"}), PlainTopic("b", 1, {"cleanup.policy": "compact"})]
    with pytest.raises(TopicDiffersError) as caught:
        await ensure_topics(kafka, other, topic_prefix)
    assert caught.value.differences == [
        f"{topic_prefix}a: 3 partitions, specified are 4",
        f"{topic_prefix}a: retention.ms is 86400000, specified is -1",
        f"{topic_prefix}b: cleanup.policy is delete, specified is compact",
    ]


@pytest.mark.parametrize(
    ("mode", "point", "dies"),
    [
        ("test", "in_tx", True),
        ("test", "in_tx:2", True),
        ("test", "in_tx:3", False),
        ("test", "after_send", False),
        ("production", "in_tx", False),
        ("demo", "in_tx", False),
        ("", "in_tx", False),
    ],
)
def test_the_hook_for_faults_works_in_tests_alone(
    mode: str, point: str, dies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: killed.append((pid, number)))
    environment = {"SERVICEKIT_CRASH_AT": point} | ({"ATTEST_MODE": mode} if mode else {})
    crash = CrashPoint(environment)
    crash.pass_by("after_commit")
    crash.pass_by("in_tx")
    crash.pass_by("in_tx")
    assert killed == ([(os.getpid(), signal.SIGKILL)] if dies else [])
