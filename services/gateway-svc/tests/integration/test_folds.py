"""Accounts rest on who is known and on printed names: the same tables after any delivery (law 3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from attest_contracts import files, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from gateway_svc.inbound import INBOUND
from hypothesis import HealthCheck, given, settings
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.folds import Case, Kind, Reader, cases, folding, in_order, replayed, without_memory

TOPICS = topics.load()
PEOPLE = ["ANA", "BEN", "CHI", "DEV", "EVA", "FAY"]


def _example(topic: str, name: str) -> dict[str, Any]:
    return json.loads(files.read("examples", topic, topics.load()[topic].major, f"{name}.json"))["data"][
        "state"
    ]


HIRED, NAMED = _example("matrix.person", "hired"), _example("matrix.person-name", "ana")


def person(code: str, variant: int) -> dict[str, Any]:
    spell = {**HIRED["employments"][0], "to": [None, "2026-06-01"][variant]}
    return {**HIRED, "person": code, "employments": [spell]}


def name(code: str, variant: int) -> dict[str, Any]:
    """Renamed, corrected, and back again."""
    given = ["Annelies", "Anne-Lies", "Annelies", "Ann"][variant]
    return {**NAMED, "person": code, "given_name": given, "family_name": ["Duarte", "Rao"][variant % 2]}


KINDS = [
    Kind(TOPICS["matrix.person"], PEOPLE, person, 2, validate_outgoing),
    Kind(TOPICS["matrix.person-name"], PEOPLE, name, 4, validate_outgoing),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases: DatabaseFactory) -> AsyncIterator[Reader]:
    names = ["app.person", "app.person_name"]
    async with folding(databases, "gateway_svc", INBOUND, names, contracts=CONTRACTS) as found:
        yield found


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert {kind.topic.name for kind in KINDS} == set(INBOUND)


@pytest.mark.part("PL-24", "any delivery ends in the same tables")
@given(case=cases(*KINDS))
async def test_any_delivery_ends_in_the_same_tables(reader: Reader, case: Case) -> None:
    assert await reader.after(case.batches) == await reader.after(in_order(case.streams))


@pytest.mark.part("PL-24", "the last version of each is what is kept")
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(case=cases(*KINDS))
async def test_the_last_version_of_each_is_what_is_kept(reader: Reader, case: Case) -> None:
    kept = await reader.after(case.batches)
    named = {row["person"]: row["given_name"] for row in map(json.loads, kept["app.person_name"])}
    assert named == {
        one[-1].subject: one[-1].state["given_name"]
        for one in case.streams
        if one[0].topic == "matrix.person-name"
    }


@pytest.mark.part("PL-24", "control: without the memory of versions a replay brings an old name back")
async def test_control_without_the_memory_of_versions_a_replay_brings_an_old_name_back(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    from servicekit.testing.folds import BEGIN, stream

    streams = [stream(TOPICS["matrix.person-name"], [name("ANA", 0), name("ANA", 1)], [BEGIN, BEGIN])]
    expected = await reader.after(in_order(streams))
    assert await reader.after(replayed(streams)) == expected
    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", without_memory)
    assert await reader.after(replayed(streams)) != expected
