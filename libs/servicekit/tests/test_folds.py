"""The deliveries that the law of folds is tried with are what they say: ordered, whole, with repeats and cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from servicekit.bus.envelope import Event
from servicekit.testing.folds import BEGIN, Case, Kind, cases, in_order, replayed, stream


@dataclass(frozen=True)
class Toys:
    name: str
    owner: str = "toys"
    event_types: Sequence[str] = ("toys.toy-changed.v1",)
    dataschema: str = "urn:toy"

    def subject_of(self, state: Mapping[str, Any]) -> str:
        return state["toy"]

    def key_of(self, state: Mapping[str, Any]) -> str:
        return state["box"]


def toy(name: str, variant: int) -> dict[str, Any]:
    return {"toy": name, "box": "b", "variant": variant}


KINDS = [Kind(Toys(name), ["a", "b", "c", "d"], toy, 3) for name in ("toys.toy", "toys.other")]


def delivered(case: Case, topic: str) -> list[Event]:
    return [event for batch in case.batches if batch.topic == topic for event in batch.events]


@given(case=cases(*KINDS))
def test_each_subject_comes_first_in_its_own_order_and_whole(case: Case) -> None:
    for one in case.streams:
        first = dict.fromkeys(e.id for e in delivered(case, one[0].topic) if e.subject == one[0].subject)
        assert list(first) == [event.id for event in one]
        versions = [(event.epoch, event.sequence) for event in one]
        assert versions == sorted(set(versions))
        assert all(before.time <= after.time for before, after in pairwise(one))
    assert all({event.topic for event in batch.events} == {batch.topic} for batch in case.batches)


def features(case: Case) -> set[str]:
    order = [(event.subject, event.sequence) for event in delivered(case, "toys.toy")]
    found = {
        "an event twice in a row": any(one == two for one, two in pairwise(order)),
        "a step back": any(one[0] == two[0] and one[1] > two[1] for one, two in pairwise(order)),
        "two subjects again": order.count(("a", 1)) > 1 and order.count(("b", 1)) > 1,
        "many batches": len(case.batches) > 5,
        "one batch a topic": len(case.batches) == 2,
        "subjects mixed": len({subject for subject, _ in order[:3]}) == 3,
        "a restored producer": any(one[-1].epoch == 2 for one in case.streams),
        "topics mixed": sum(one.topic != two.topic for one, two in pairwise(case.batches)) > 1,
    }
    return {name for name, there in found.items() if there}


def test_there_are_duplicates_replays_cuts_mixed_subjects_and_restored_producers() -> None:
    found: dict[str, int] = {}

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(case=cases(*KINDS))
    def collect(case: Case) -> None:
        for name in features(case):
            found[name] = found.get(name, 0) + 1

    collect()
    assert len(found) == 8, found
    assert min(found.values()) >= 2, found


def test_the_plain_delivery_and_the_one_of_the_control() -> None:
    streams = [stream(Toys("toys.toy"), [toy(n, 0), toy(n, 1)], [BEGIN, BEGIN]) for n in "ab"]
    assert [[(e.subject, e.sequence) for e in batch.events] for batch in in_order(streams)] == [
        [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    ]
    assert [[(e.subject, e.sequence) for e in batch.events] for batch in replayed(streams)] == [
        [("a", 1), ("a", 2), ("b", 1), ("b", 2)],
        [("a", 1), ("b", 1)],
    ]
