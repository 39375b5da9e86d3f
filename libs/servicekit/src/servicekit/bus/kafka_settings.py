"""Every setting of aiokafka whose default loses, hides or reorders data, pinned in one place; a test holds them.

| setting | default of aiokafka | here | why |
|---|---|---|---|
| acks | 1 | all | an acknowledged event must survive the loss of the leader |
| enable_idempotence | False | True | a retry inside the client must not reorder a partition |
| max_batch_size | 16384 | 900 kB | one request a partition; below the 1 MB limit of a topic |
| enable_auto_commit | True | False | the position is kept in the consumer's database, with its effects |
| auto_offset_reset | latest | none | a missing position is decided by us, never skipped over |
| isolation_level | read_uncommitted | read_committed | an aborted transaction of an external producer never happened |
| check_crcs | True | True | a damaged record is an error, not an event |
| max_partition_fetch_bytes | 1 MB | 4 MB | larger than the largest batch, else a partition can stick |
"""

from __future__ import annotations

from typing import Any

MAX_EVENT_BYTES = 1_000_000
"""Largest key and envelope together that may be announced, in bytes; topics accept 1,048,588."""

BATCH_BYTES = 900_000

PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "max_batch_size": BATCH_BYTES,
    "max_request_size": 1_048_588,
    "linger_ms": 0,
    "request_timeout_ms": 15_000,
    "retry_backoff_ms": 100,
    "metadata_max_age_ms": 5_000,
}

CONSUMER: dict[str, Any] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    "check_crcs": True,
    "max_partition_fetch_bytes": 4_194_304,
    "fetch_max_bytes": 16_777_216,
    # aiokafka has one fetch in flight for a broker: a position that was just set waits for its answer. Each fetch names
    # every partition, so that ten a second of six services are a quarter of a core on a platform that does nothing.
    "fetch_max_wait_ms": 500,
    "request_timeout_ms": 15_000,
    "metadata_max_age_ms": 5_000,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 3_000,
    "max_poll_interval_ms": 300_000,
}
