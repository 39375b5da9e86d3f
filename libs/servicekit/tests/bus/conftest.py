"""Fixtures of the bus: the two toy services on the shared Kafka."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bus_world import SALES, STORE, World, Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    found = Zygote()
    yield found
    found.end()


@pytest.fixture
def make_world(zygote: Zygote, database_factory: Any, topic_prefix: str) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(kafka: str, topics: dict[str, int] | None = None) -> World:
        found = World(
            zygote,
            kafka,
            topic_prefix,
            database_factory(STORE),
            database_factory(SALES),
            topics or {"store.part": 3},
        )
        made.append(found)
        return found

    yield make
    for each in made:
        each.end()


@pytest.fixture
async def world(make_world: Callable[..., World], kafka: str) -> AsyncIterator[World]:
    found = make_world(kafka)
    yield found
    await found.store.close()
