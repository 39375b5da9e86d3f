"""The bench runs; what it measures on a quiet machine stands in the bench report, not here."""

from __future__ import annotations

import pytest
from servicekit.bus.bench import drain, latency

pytestmark = pytest.mark.part("PL-24", "the bench of the bus runs")


async def test_the_bench_measures(world) -> None:
    found = await drain(world.given["store"], world.kafka, rows=5_000)
    assert 700 < found.bytes_each < 900
    assert found.ratio > 0
    took = await latency(world.given["store"], world.given["sales"], world.kafka, events=50)
    assert 0 < took.p50 <= took.p99
    print(found, found.ratio, took)
