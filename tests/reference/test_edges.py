"""`edges` misses no change, and `all_cells` no cell, on a spread of the plant's cells."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from .facts import World
from .model import all_cells, cell, edges
from .plant_a import Report


@pytest.mark.part("C-02", "between two edges the row stays")
def test_between_two_edges_the_row_stays(plant_a: tuple[World, Report]) -> None:
    world, _ = plant_a
    changes = 0
    for key in list(all_cells(world))[::150]:
        found = edges(world, *key)
        assert cell(world, *key, found[0] - timedelta(days=1)).status == "NOT_REQUIRED"
        for start, end in pairwise(found):
            first, last = cell(world, *key, start), cell(world, *key, end - timedelta(microseconds=1))
            middle = cell(world, *key, start + (end - start) / 3)
            assert first == middle == last, (key, start, end)
            changes += last.status != cell(world, *key, end).status
    assert changes > 300, "the spread must cross many changes of status"


@pytest.mark.part("C-01", "what is not listed is never required")
@pytest.mark.part("C-05", "what is not listed is never required")
def test_what_is_not_listed_is_never_required(plant_a: tuple[World, Report]) -> None:
    world, _ = plant_a
    listed = set(all_cells(world))
    for employment in world.employments[::40]:
        for item in world.items:
            key = (employment.person, item.code, employment.place)
            statuses = {cell(world, *key, at).status for at in edges(world, *key)}
            assert (key in listed) == (statuses != {"NOT_REQUIRED"} and bool(statuses)), key
