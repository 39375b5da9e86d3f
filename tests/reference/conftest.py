"""The plant's files, read once for all tests of the reference."""

from __future__ import annotations

import pytest

from .facts import World
from .plant_a import Report, default_directory, load


@pytest.fixture(scope="session")
def plant_a() -> tuple[World, Report]:
    """`ATTEST_PLANT_A`, or `examples/plant-a`; without files there is nothing to compare with."""
    directory = default_directory()
    if not directory.is_dir():
        pytest.skip(f"no plant files in {directory}")
    return load(directory)
