"""The derivation as a fold, pure: facts in any order, derived at any moments, end in the same cells (R-54)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from assignment_svc import wire
from assignment_svc.domain.closing import Closed
from assignment_svc.handlers.derive import derive_all
from assignment_svc.source import Snapshot
from hypothesis import given
from hypothesis import strategies as st
from servicekit.bus.envelope import Event
from servicekit.testing.folds import Batch, Case, cases, in_order


def _facts() -> ModuleType:
    path = Path(__file__).parents[1] / "integration" / "test_folds.py"
    spec = importlib.util.spec_from_file_location("facts_of_every_topic", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FACTS = _facts()

type Row = tuple[str, str, str | None]

ROWS: Mapping[str, Callable[[Mapping[str, Any]], list[Row]]] = {
    "matrix.organisation": lambda s: [("site" if s["kind"] == "site" else "category", s["code"], None)],
    "matrix.person": lambda s: [("person", s["person"], None)],
    "matrix.roster": lambda s: [("roster", s["person"], None)],
    "matrix.obligation": lambda s: [("obligation", s["person"], s["item"])],
    "matrix.equivalence": lambda s: [("equivalence", s["target_item"], None)],
    "matrix.task": lambda s: [("task", s["task"], None)],
    "qms.document": lambda s: [("document", s["document"], None)],
    "qms.retraining": lambda s: [("order", person, s["item"]) for person in s["people"]],
    "records.training-record": lambda s: [
        ("record", s["person"], s["item"]),
        ("equivalent_record", s["person"], s["item"]),
    ],
}
"""Topic -> name and keys of the rows that the load statement finds for a state."""


class Memory:
    """The tables of the engine as dictionaries. Every cell is derived at each look: marking is tried with the database."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], tuple[int, int]] = {}
        self.states: dict[str, dict[str, dict[str, Any]]] = {}
        self.cells: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self.assignments: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}

    def take(self, events: Iterable[Event], *, forgetful: bool = False) -> None:
        for event in events:
            version = (event.epoch, event.sequence)
            if not forgetful and version <= self.seen.get((event.topic, event.subject), (0, 0)):
                continue
            self.seen[event.topic, event.subject] = version
            self.states.setdefault(event.topic, {})[event.subject] = event.state

    def derive(self) -> None:
        loaded = self.loaded()
        for found in derive_all(loaded, FACTS.NOW):
            key = (found.person, found.item, found.place)
            self.cells[key] = found.segments
            known = self.assignments.setdefault(key, {})
            for change in found.changes:
                body = wire.assignment_state(change.assignment) | {"cycle": change.assignment.cycle}
                if isinstance(change, Closed):
                    body |= {"state": "CLOSED"}
                known[body["assignment"]] = {"version": 1, "body": body}

    def loaded(self) -> Snapshot:
        found = Snapshot()
        for topic, rows_of in ROWS.items():
            for state in self.states.get(topic, {}).values():
                for row in rows_of(state):
                    found.add(*row, state)
        for state in self.states.get("matrix.obligation", {}).values():
            found.add("wanted", state["person"], state["item"])
        for person, item, place in self.cells:
            found.add("cell", person, item, {"place": place, "digest": "", "next_look": None})
        for (person, item, _), bodies in self.assignments.items():
            for row in bodies.values():
                found.add("assignment", person, item, row)
        return found

    def current(self) -> tuple[Any, Any]:
        """Timelines of cells where something was ever owed, and open assignments."""
        owed = {k: v for k, v in self.cells.items() if any(s["status"] != "NOT_REQUIRED" for s in v)}
        names = ("person", "item", "place", "target_version", "trigger", "cause", "state", "due_at")
        assignments = {
            code: [row["body"][name] for name in names]
            for known in self.assignments.values()
            for code, row in known.items()
            if row["body"]["state"] != "CLOSED"
        }
        return owed, assignments


def after(batches: Sequence[Batch], pause: int = 0, *, forgetful: bool = False) -> tuple[Any, Any]:
    memory = Memory()
    size = pause or len(batches)
    for first in range(0, len(batches), size):
        for batch in batches[first : first + size]:
            memory.take(batch.events, forgetful=forgetful)
        memory.derive()
    return memory.current()


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert set(ROWS) == set(FACTS.INBOUND)


@pytest.mark.part("R-54", "any delivery derived at any moments ends in the same cells")
@pytest.mark.part("PL-24", "any delivery derived at any moments ends in the same cells")
@given(case=cases(*FACTS.KINDS), pause=st.sampled_from((0, 1, 3)))
def test_any_delivery_derived_at_any_moments_ends_in_the_same_cells(case: Case, pause: int) -> None:
    assert after(case.batches, pause) == after(in_order(case.streams))


@pytest.mark.part("R-54", "control: a reader without memory ends in other cells")
def test_control_a_reader_without_memory_ends_in_other_cells() -> None:
    streams = FACTS.PLAIN[:-1]
    expected = after(in_order(streams))
    assert after(FACTS.replayed(streams), 1) == expected
    assert after(FACTS.replayed(streams), 1, forgetful=True) != expected
