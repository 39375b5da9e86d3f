"""The assignments that the engine wants open, against the reference of due dates: target, trigger, state and due."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from assignment_svc import registry
from assignment_svc.domain.assignments import Assignment
from assignment_svc.domain.due import before
from assignment_svc.domain.facts import CellFacts
from assignment_svc.domain.qualification import derive
from assignment_svc.domain.vocabulary import AssignmentState
from assignment_svc.source import Cell, Snapshot
from assignment_svc.sources import units

from tests.agreement.plant import KNOWN, Plant
from tests.agreement.test_agreement import EXAMPLES, EXPORTED, SHARDS, of_shard
from tests.reference import model, plant_a
from tests.reference.due import due
from tests.reference.facts import World
from tests.reference.fixture_f import fixture_f

type Open = tuple[int, str, str, datetime | None]
"""Target version, trigger, state, due."""


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant(EXAMPLES, EXPORTED)


@pytest.fixture(scope="module")
def world() -> World:
    """As known from the import on: a due may depend on when a spell was told (C-21)."""
    return plant_a.load(EXAMPLES, EXPORTED, KNOWN)[0]


def key(cell: CellFacts) -> tuple[str, str, str]:
    return cell.person.person, cell.item, cell.place.code


def told(one: Assignment) -> Open:
    return one.target_version, one.trigger.value, one.state.value, one.due_at


def by_engine(cell: CellFacts, now: datetime) -> tuple[list[Open], list[Assignment]]:
    """What is open, and what is UPCOMING: the reference tells of a need from the instant at which it is true."""
    wanted = derive(cell, now).assignments
    upcoming = [one for one in wanted if one.state is AssignmentState.UPCOMING]
    return sorted(told(one) for one in wanted if one not in upcoming), upcoming


def by_reference(world: World, cell: CellFacts, now: datetime) -> list[Open]:
    return sorted(
        (int(one.target), one.trigger, one.state, one.due_at) for one in due(world, *key(cell), now)
    )


def nows(rng: random.Random, world: World, cell: CellFacts, often: list[datetime]) -> Iterator[datetime]:
    """Instants of all cells, and of this one some at which something changes, and one second before."""
    yield from often
    edges = model.edges(world, *key(cell))
    for edge in rng.sample(edges, min(2, len(edges))):
        yield from (edge, edge - timedelta(seconds=1))


@pytest.mark.slow
@pytest.mark.part("C-20", "engine and reference want the same assignments on plant A")
@pytest.mark.part("C-21", "engine and reference want the same assignments on plant A")
@pytest.mark.part("C-22", "engine and reference want the same assignments on plant A")
@pytest.mark.part("C-24", "engine and reference want the same assignments on plant A")
@pytest.mark.part("R-01", "engine and reference want the same assignments on plant A")
@pytest.mark.part("R-13", "engine and reference want the same assignments on plant A")
@pytest.mark.part("R-40", "engine and reference want the same assignments on plant A")
@pytest.mark.part("R-73", "engine and reference want the same assignments on plant A")
@pytest.mark.part("R-74", "engine and reference want the same assignments on plant A")
@pytest.mark.part("AE-08", "due dates of engine and reference are equal on plant A")
@pytest.mark.part("AE-10", "engine and reference want the same assignments on plant A")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_engine_and_reference_want_the_same_assignments(plant: Plant, world: World, shard: int) -> None:
    rng = random.Random(shard)
    start = datetime(2022, 1, 1, tzinfo=UTC)
    often = [start + timedelta(seconds=rng.randrange(6 * 365 * 86_400)) for _ in range(2)]
    wrong: list[str] = []
    cells = asked = compared = upcoming = 0
    seen: set[tuple[str, str]] = set()
    for cell in of_shard(plant, shard):
        cells += 1
        for now in nows(rng, world, cell, often):
            asked += 1
            mine, ahead = by_engine(cell, now)
            other = by_reference(world, cell, now)
            compared += len(other)
            seen |= {(trigger, state) for _, trigger, state, _ in other}
            if mine != other:
                wrong.append(f"{key(cell)} at {now.isoformat()}: engine {mine}, reference {other}")
            for one in ahead:
                # Told before its day, it is what the reference says on its day; in leave that has no due.
                upcoming += 1
                then = by_reference(world, cell, one.opened_at)
                wanted = (one.target_version, one.trigger.value)
                if not any(t[:2] == wanted and t[3] in (one.due_at, None) for t in then):
                    wrong.append(
                        f"{key(cell)} ahead at {now.isoformat()}: engine {told(one)}, reference {then}"
                    )
    assert not wrong, f"{len(wrong)} of {asked} answers differ:\n" + "\n".join(wrong[:20])
    assert cells > 1_700
    assert asked > 6_000
    assert compared > 1_500
    assert upcoming > 150
    assert seen >= {(trigger, "OPEN") for trigger in ("REVISION", "NEW_HIRE", "ROLE_CHANGE", "RECURRENCE")}
    assert any(state == "PAUSED" for _, state in seen)


def fixture_f_cells() -> Iterator[CellFacts]:
    """Fixture F as the services announce it, after DEV and ANA have signed v4."""
    path = Path(__file__).parents[2] / "services/assignment-svc/tests/assignment_fixture_f.py"
    spec = importlib.util.spec_from_file_location("fixture_f_for_dues", path)
    assert spec is not None
    assert spec.loader is not None
    told = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(told)
    signed = {"DEV": "2026-03-12T10:00:00+01:00", "ANA": "2026-03-12T22:30:00+01:00"}
    for name, (site, *_, met, _overlays, _leaves) in told.PEOPLE.items():
        place = units.place_of({"code": site, "time_zone": told.ZONES[site], "shifts": told.SHIFTS})
        found = Snapshot()
        found.add("person", name, body=told.person(name))
        found.add("document", "SOP-101", body=told.document(told.V3, told.V4))
        found.add("obligation", name, "SOP-101", told.obligation(name))
        if met:
            found.add("record", name, "SOP-101", told.record(name, 3, met))
        if name in signed:
            found.add("record", name, "SOP-101", told.record(name, 4, signed[name]))
        yield registry.cell_facts(Cell(name, "SOP-101", place), found)


@pytest.mark.part("C-20", "engine and reference want the same assignments of the fixture")
@pytest.mark.part("C-21", "engine and reference want the same assignments of the fixture")
@pytest.mark.part("C-22", "engine and reference want the same assignments of the fixture")
@pytest.mark.part("C-24", "engine and reference want the same assignments of the fixture")
@pytest.mark.part("AE-01", "engine and reference want the same assignments of the fixture")
@pytest.mark.part("AE-10", "engine and reference want the same assignments of the fixture")
def test_both_want_the_same_of_fixture_f() -> None:
    world = fixture_f()
    rng = random.Random(101)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    often = [start + timedelta(seconds=rng.randrange(3 * 365 * 86_400)) for _ in range(200)]
    seen: set[tuple[str, str]] = set()
    compared = 0
    for cell in fixture_f_cells():
        edges = [edge for edge in model.edges(world, *key(cell)) if edge > start]
        for now in [*often, *(e for edge in edges for e in (edge, edge - timedelta(seconds=1)))]:
            mine, other = by_engine(cell, now)[0], by_reference(world, cell, now)
            assert mine == other, (key(cell), now)
            compared += len(other)
            seen |= {(trigger, state) for _, trigger, state, _ in other}
    assert compared > 500
    assert seen == {
        ("REVISION", "OPEN"),
        ("REVISION", "PAUSED"),
        ("NEW_HIRE", "OPEN"),
        ("RECURRENCE", "OPEN"),
    }


def test_a_planted_difference_is_found(plant: Plant, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: an engine that knows no shifts is caught."""
    found = next(
        (cell, now)
        for cell in plant.cells()
        for now in model.edges(world, *key(cell))
        if any(
            trigger == "REVISION" and by is not None for _, trigger, _, by in by_reference(world, cell, now)
        )
    )
    cell, now = found
    assert by_engine(cell, now)[0] == by_reference(world, cell, now)
    idle = replace(cell, person=replace(cell.person, shifts=()))
    assert before(idle, now + timedelta(days=5), now).at != before(cell, now + timedelta(days=5), now).at
    assert by_engine(idle, now)[0] != by_reference(world, cell, now)
