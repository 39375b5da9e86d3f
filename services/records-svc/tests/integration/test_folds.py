"""What a reading rests on, people and their places, versions, assignments: the same tables after any delivery (law 3)."""

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
from records_svc.inbound import INBOUND
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
TABLES = [
    f"app.{name}"
    for name in ("assignment", "site", "person", "person_place", "person_scope", "site_zone", "document")
]


def _example(topic: str, name: str) -> dict[str, Any]:
    return json.loads(files.read("examples", topic, topics.load()[topic].major, f"{name}.json"))["data"][
        "state"
    ]


OPEN, PAUSED, DONE = (
    _example("assignment.assignment", n) for n in ("opened-upcoming", "paused", "closed-completed")
)
SITE, AREA = _example("matrix.organisation", "site-nl1"), _example("matrix.organisation", "area")
CHI, SOP = _example("matrix.person", "leave-recorded"), _example("qms.document", "version-moved")


def assignment(code: str, variant: int) -> dict[str, Any]:
    """Opened, paused, opened again, closed."""
    state = [OPEN, PAUSED, OPEN | {"due_at": "2026-04-20T22:00:00Z", "state": "OPEN"}, DONE][variant]
    return state | {"assignment": str(uuid.uuid5(uuid.NAMESPACE_OID, code)), "person": code}


def unit(code: str, variant: int) -> dict[str, Any]:
    """Sites are renamed and get another zone; an area is none of our business."""
    if code == "GA":
        return AREA
    zone = ["Europe/Amsterdam", "Europe/Brussels", "Europe/Amsterdam"][variant]
    return SITE | {"unit": f"site/{code}", "code": code, "title": f"Site {variant}", "time_zone": zone}


def person(code: str, variant: int) -> dict[str, Any]:
    """Moves to another site and back, leaves, reads another language."""
    state: dict[str, Any] = deepcopy(CHI) | {"person": code, "language": ["nl", "en", None, "nl"][variant]}
    place = state["places"][0] | {"id": f"{code}-p1"}
    moved = [
        place | {"to": "2026-03-16"},
        place | {"id": f"{code}-p2", "site": "US1", "area": None, "from": "2026-03-16"},
    ]
    state["places"] = [[place], moved, [place], []][variant]
    state["employments"][0]["to"] = [None, None, "2026-06-01", None][variant]
    return state


def document(code: str, variant: int) -> dict[str, Any]:
    """A version is approved, moved, withdrawn; the whole is retired."""
    state: dict[str, Any] = deepcopy(SOP) | {"document": code}
    v3, v4 = state["versions"]
    withdrawn = v4 | {"state": "WITHDRAWN", "withdrawn_at": "2026-04-20T08:12:00Z"}
    state["versions"] = [[v3], [v3, v4], [v3, withdrawn], [v3]][variant]
    state["retired"] = [{"place": "*", "on": "2026-06-01"}] if variant == 3 else []
    return state


PEOPLE = ["ANA", "BEN", "CHI", "DEV", "EVA"]
SHAPE: dict[str, Any] = {"check": validate_outgoing, "subjects": (3, 4), "versions": (2, 3)}
KINDS = [
    Kind(TOPICS["assignment.assignment"], PEOPLE, assignment, 4, **SHAPE),
    Kind(TOPICS["matrix.organisation"], ["NL1", "US1", "GA"], unit, 3, **SHAPE),
    Kind(TOPICS["matrix.person"], PEOPLE, person, 4, **SHAPE),
    Kind(TOPICS["qms.document"], ["SOP-101", "WI-145", "SOP-222", "POL-1"], document, 4, **SHAPE),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases: DatabaseFactory) -> AsyncIterator[Reader]:
    async with folding(databases, "records_svc", INBOUND, TABLES, contracts=CONTRACTS) as found:
        yield found


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert {kind.topic.name for kind in KINDS} == set(INBOUND)


@pytest.mark.part("PL-24", "any delivery ends in the same tables")
@given(case=cases(*KINDS))
async def test_any_delivery_ends_in_the_same_tables(reader: Reader, case: Case) -> None:
    kept = await reader.after(case.batches)
    assert kept == await reader.after(in_order(case.streams))
    places = sorted((row["person"], row["spell"]) for row in map(json.loads, kept["app.person_place"]))
    assert places == sorted(
        (one[-1].subject, place["id"])
        for one in case.streams
        if one[0].topic == "matrix.person"
        for place in one[-1].state["places"]
    )


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
