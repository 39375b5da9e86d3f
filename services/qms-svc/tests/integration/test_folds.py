"""Sites, people and the progress of changes: the same tables after any delivery (law 3)."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest
import pytest_asyncio
from attest_contracts import files, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from hypothesis import given
from qms_svc.inbound import INBOUND
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.folds import (
    BEGIN,
    Case,
    Kind,
    Reader,
    cases,
    folding,
    in_order,
    replayed,
    stream,
    without_memory,
)

TOPICS = topics.load()
TABLES = ["app.assignment", "app.site", "app.person"]


def _example(topic: str, name: str) -> dict[str, Any]:
    return json.loads(files.read("examples", topic, topics.load()[topic].major, f"{name}.json"))["data"][
        "state"
    ]


OPEN, PAUSED, DONE, SUPERSEDED = (
    _example("assignment.assignment", name)
    for name in ("opened", "paused", "closed-completed", "closed-superseded")
)
SITE, OVERLAY = _example("matrix.organisation", "site-nl1"), _example("matrix.organisation", "overlay")
CHI = _example("matrix.person", "leave-recorded")


def assignment(code: str, variant: int) -> dict[str, Any]:
    """Opened, paused, due another day, closed in two ways; whose it is and for which version never changes."""
    later = OPEN | {"due_at": "2026-04-20T22:00:00Z"}
    constant = {name: OPEN[name] for name in ("item", "place", "target_version")}
    state = [OPEN, PAUSED, later, DONE, SUPERSEDED][variant]
    return state | constant | {"assignment": str(uuid.uuid5(uuid.NAMESPACE_OID, code)), "person": code}


def unit(code: str, variant: int) -> dict[str, Any]:
    """Sites are renamed and get another zone; an overlay is none of our business."""
    if code == "TRN":
        return OVERLAY
    zone = ["Europe/Amsterdam", "Europe/Brussels", "Europe/Amsterdam"][variant]
    return SITE | {"unit": f"site/{code}", "code": code, "title": f"Site {variant}", "time_zone": zone}


def person(code: str, variant: int) -> dict[str, Any]:
    """Leaves, stays after all, comes back."""
    state: dict[str, Any] = deepcopy(CHI) | {"person": code}
    first = state["employments"][0] | {"id": f"{code}-e1"}
    left = first | {"to": "2026-06-01"}
    state["employments"] = [[first], [left], [left, first | {"id": f"{code}-e2", "from": "2026-09-01"}]][
        variant
    ]
    return state


PEOPLE = ["ANA", "BEN", "CHI", "DEV", "EVA"]
SHAPE: dict[str, Any] = {"check": validate_outgoing, "subjects": (3, 4)}
KINDS = [
    Kind(TOPICS["assignment.assignment"], PEOPLE, assignment, 5, **SHAPE),
    Kind(TOPICS["matrix.organisation"], ["NL1", "US1", "TRN"], unit, 3, **SHAPE),
    Kind(TOPICS["matrix.person"], PEOPLE, person, 3, **SHAPE),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases: DatabaseFactory) -> AsyncIterator[Reader]:
    async with folding(databases, "qms_svc", INBOUND, TABLES, contracts=CONTRACTS) as found:
        yield found


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert {kind.topic.name for kind in KINDS} == set(INBOUND)


@pytest.mark.part("PL-24", "any delivery ends in the same tables")
@given(case=cases(*KINDS))
async def test_any_delivery_ends_in_the_same_tables(reader: Reader, case: Case) -> None:
    kept = await reader.after(case.batches)
    assert kept == await reader.after(in_order(case.streams))
    states = {row["assignment"]: row["state"] for row in map(json.loads, kept["app.assignment"])}
    assert states == {
        one[-1].subject: one[-1].state["state"]
        for one in case.streams
        if one[0].topic == "assignment.assignment"
    }


@pytest.mark.part("PL-24", "control: without the memory of versions a replay brings the past back")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.topic.name)
async def test_control_without_the_memory_of_versions_a_replay_brings_the_past_back(
    reader: Reader, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [stream(kind.topic, [kind.vary(kind.names[0], n) for n in (0, 1)], [BEGIN, BEGIN])]
    expected = await reader.after(in_order(streams))
    assert await reader.after(replayed(streams)) == expected
    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", without_memory)
    assert await reader.after(replayed(streams)) != expected
