"""When the importer may go on, though services are asked one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from attest_contracts import topics
from gateway_svc.handlers.imports.levels import Route, Standing, open_work, parked, routes
from hypothesis import given
from hypothesis import strategies as st

PATHS = (Route("a.thing", "a", ("b",)), Route("b.thing", "b", ("a",)))


def standing(
    pending: int = 0,
    marks: int = 0,
    acked: Mapping[str, Mapping[int, int]] | None = None,
    consumed: Mapping[str, Mapping[int, int]] | None = None,
) -> Standing:
    return Standing(pending, marks, acked or {}, consumed or {})


LEVEL = {
    "a": standing(acked={"a.thing": {0: 4, 1: 0}}, consumed={"b.thing": {0: 8}}),
    "b": standing(acked={"b.thing": {0: 7}}, consumed={"a.thing": {0: 5, 1: 1}}),
}


def test_all_heard_and_nothing_to_do_is_level() -> None:
    assert open_work(LEVEL, PATHS) == {}


@pytest.mark.parametrize(
    ("service", "change", "work"),
    [
        ("a", {"pending": 3}, {"a announces": 3}),
        ("b", {"marks": 2}, {"b derives": 2}),
        ("b", {"consumed": {"a.thing": {0: 5, 1: 0}}}, {"b hears a.thing": 1}),
        ("b", {"consumed": {"a.thing": {0: 5}}}, {"b hears a.thing": 1}),
        ("b", {"consumed": {}}, {"b hears a.thing": 6}),
    ],
)
def test_what_is_not_done_is_named(service: str, change: Mapping[str, Any], work: Mapping[str, int]) -> None:
    values = {name: getattr(LEVEL[service], name) for name in ("pending", "marks", "acked", "consumed")}
    look = {**LEVEL, service: Standing(**(values | dict(change)))}
    assert open_work(look, PATHS) == work


def test_offsets_of_json_are_numbers() -> None:
    values = {
        "pending": 0,
        "marks": 0,
        "acked": {"a.thing": {"3": 7}},
        "consumed": {},
        "parked": [{"topic": "a.thing", "subject": "S1", "events": 2}],
    }
    found = Standing.from_json(values)
    assert found.acked == {"a.thing": {3: 7}}
    assert parked({"b": found}) == ["b: a.thing S1"]


def test_the_trail_is_not_waited_for() -> None:
    paths = {path.topic: path for path in routes(topics.load())}
    assert not [topic for topic in paths if topic.endswith(".audit")]
    assert set(paths["qms.document"].consumers) >= {"matrix", "assignment", "records"}


@dataclass
class World:
    """Two services that send each other work; an event can beget another one."""

    queue: dict[str, list[int]] = field(default_factory=lambda: {"a": [], "b": []})
    acked: dict[str, int] = field(default_factory=lambda: {"a": -1, "b": -1})
    consumed: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 0})

    def announce(self, service: str, depth: int) -> None:
        """An event whose consumption begets another one, `depth` times."""
        self.queue[service].append(depth)

    def move(self, service: str) -> None:
        """The other service folds the next event of this one, if there is one: begets and consumes at once."""
        other = "b" if service == "a" else "a"
        if self.queue[service]:
            depth = self.queue[service].pop(0)
            self.acked[service] += 1
            self.consumed[other] += 1
            if depth:
                self.announce(other, depth - 1)

    def look(self, service: str) -> Standing:
        other = "b" if service == "a" else "a"
        return Standing(
            pending=len(self.queue[service]),
            acked={f"{service}.thing": {0: self.acked[service]}} if self.acked[service] >= 0 else {},
            consumed={f"{other}.thing": {0: self.consumed[service]}},
        )

    @property
    def idle(self) -> bool:
        return not any(self.queue.values())


MOVES = st.lists(st.sampled_from(["a", "b"]), max_size=6)


@given(depth=st.integers(0, 6), order=st.permutations(["a", "b"]), gaps=st.tuples(MOVES, MOVES))
def test_a_look_is_never_wrong(depth: int, order: list[str], gaps: tuple[list[str], list[str]]) -> None:
    world = World()
    world.announce("b", depth)
    look: dict[str, Standing] = {}
    for service, moves in zip(order, gaps, strict=True):
        for who in moves:
            world.move(who)
        look[service] = world.look(service)
    if not open_work(look, PATHS):
        assert world.idle


def test_without_offsets_it_is_wrong() -> None:
    """The control: work moves on behind the asker, and nobody has any when asked."""
    world = World()
    world.announce("b", 2)
    look = {"a": world.look("a")}
    world.move("b")
    look["b"] = world.look("b")
    assert not any(standing.pending or standing.marks for standing in look.values())
    assert not world.idle
    assert open_work(look, PATHS) == {"a hears b.thing": 1}
