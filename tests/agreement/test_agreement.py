"""The engine, fed through the services' own adapters, against the slow reference written from cells.md alone."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from assignment_svc.domain.facts import CellFacts
from assignment_svc.domain.qualification import cell_at, derive
from assignment_svc.domain.timeline import Segment
from assignment_svc.domain.vocabulary import Flag

from tests.agreement.plant import Plant
from tests.reference import model, plant_a
from tests.reference.facts import World

EXAMPLES = Path(__file__).parents[2] / "examples" / "plant-a"
EXPORTED = date(2026, 11, 1)
SHARDS = 8
NOW = datetime(2026, 11, 2, tzinfo=UTC)
type Compared = tuple[str, str, int | None, int | None, datetime | None, datetime | None, tuple[str, ...]]


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant(EXAMPLES, EXPORTED)


@pytest.fixture(scope="module")
def world() -> World:
    return plant_a.load(EXAMPLES, EXPORTED)[0]


def of_shard(plant: Plant, shard: int) -> Iterator[CellFacts]:
    return plant.cells(lambda person, item: zlib.crc32(f"{person}/{item}".encode()) % SHARDS == shard)


def by_engine(segment: Segment) -> Compared:
    return (
        segment.status.value,
        segment.verdict.value,
        segment.governing_version,
        segment.completed_version,
        segment.completed_at,
        segment.expires_at,
        tuple(flag.value for flag in segment.flags),
    )


def by_reference(world: World, cell: CellFacts, at: datetime) -> Compared:
    row = model.cell(world, cell.person.person, cell.item, cell.place.code, at)
    governing, completed = row.governing_version, row.completed_version
    return (
        row.status,
        row.verdict,
        None if governing is None else int(governing),
        None if completed is None else int(completed),
        row.completed_at,
        row.expires_at,
        row.flags,
    )


def test_both_know_the_same_cells(plant: Plant, world: World) -> None:
    engine = {(c.person.person, c.item, c.place.code) for c in plant.cells()}
    assert engine == set(model.all_cells(world)) | set(model.questioned_cells(world))
    assert len(engine) > 15_000


@pytest.mark.part("PL-29", "an unreadable cell is an open question for everyone whom its source concerns")
@pytest.mark.part("C-34", "an unreadable cell is an open question for everyone whom its source concerns")
def test_an_open_question_is_said_of_everyone_whom_its_source_concerns(plant: Plant, world: World) -> None:
    flagged = {
        (cell.person.person, cell.item, cell.place.code)
        for cell in plant.cells()
        if any(Flag.MATRIX_UNRESOLVED in segment.flags for segment in derive(cell, NOW).timeline)
    }
    assert flagged == set(model.questioned_cells(world))
    assert len(flagged) > 10


@pytest.mark.slow
@pytest.mark.part("R-01", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-02", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-03", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-04", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-07", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-13", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-15", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-28", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-29", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-45", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("R-62", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.part("RP-03", "engine and reference agree at random instants and every edge of plant A")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_engine_and_reference_agree_at_random_instants_and_every_edge(
    plant: Plant, world: World, shard: int, pytestconfig: pytest.Config
) -> None:
    rng = random.Random(shard)
    start = datetime(2021, 1, 1, tzinfo=UTC)
    count = 20 if pytestconfig.getoption("--deep") else 4
    instants = [start + timedelta(seconds=rng.randrange(8 * 365 * 86_400)) for _ in range(count)]
    wrong: list[str] = []
    asked = 0
    for cell in of_shard(plant, shard):
        timeline = derive(cell, NOW).timeline
        key = (cell.person.person, cell.item, cell.place.code)
        edges = model.edges(world, *key)
        for at in [*instants, *(e for edge in edges for e in (edge, edge - timedelta(seconds=1)))]:
            asked += 1
            mine, other = by_engine(cell_at(timeline, at)), by_reference(world, cell, at)
            if mine != other:
                wrong.append(f"{key} at {at.isoformat()}: engine {mine}, reference {other}")
    assert not wrong, f"{len(wrong)} of {asked} answers differ:\n" + "\n".join(wrong[:20])
    assert asked > 10_000


@pytest.mark.slow
@pytest.mark.part("R-62", "engine and reference agree where migrated records do not count")
@pytest.mark.part("C-36", "engine and reference agree where migrated records do not count")
@pytest.mark.timeout(300)
def test_both_agree_where_migrated_records_do_not_count(plant: Plant, world: World) -> None:
    """Of a batch that was accepted with that policy: they are there, and allow nobody to work."""
    without = replace(world, migrated_counts=False, memo={})
    asked = allowed = 0
    for cell in of_shard(plant, 0):
        shown = replace(cell, records=tuple(replace(one, counts=False) for one in cell.records))
        timeline, before = derive(shown, NOW).timeline, derive(cell, NOW).timeline
        for at in model.edges(world, cell.person.person, cell.item, cell.place.code):
            asked += 1
            mine = by_engine(cell_at(timeline, at))
            assert mine == by_reference(without, cell, at), (cell.person.person, cell.item, at)
            assert mine[1] in ("DENY", "NONE")
            allowed += cell_at(before, at).verdict.value == "ALLOW"
    assert asked > 10_000
    assert allowed > 3_000


def test_a_planted_difference_is_found(plant: Plant, world: World) -> None:
    """Control: an engine that forgets one record is caught."""
    for cell in plant.cells():
        segment = cell_at(derive(cell, NOW).timeline, NOW)
        if segment.status.value == "QUALIFIED" and len(segment.records) == 1:
            forgetful = replace(cell, records=tuple(r for r in cell.records if r.id not in segment.records))
            mine = by_engine(cell_at(derive(forgetful, NOW).timeline, NOW))
            if mine != by_reference(world, cell, NOW):
                return
    pytest.fail("no planted difference was found")
