"""Kafka's default partition of a key (murmur2), computed when an event is written."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """The partition that every Kafka client with the default partitioner chooses for the key in UTF-8."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
