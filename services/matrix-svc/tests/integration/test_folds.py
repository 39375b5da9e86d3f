"""The items that rules may name: the same table after any delivery (law 3)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from attest_contracts import files, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from hypothesis import given
from matrix_svc.inbound import INBOUND
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
STATE = json.loads(files.read("examples", "qms.document", "v1", "version-moved.json"))["data"]["state"]


def document(code: str, variant: int) -> dict[str, Any]:
    """Renamed, reclassified, of another framework, and as it was before."""
    return STATE | {
        "document": code,
        "title": ["Aseptic filling", "Aseptic filling on line 1", "Aseptic filling", "Filling"][variant],
        "document_type": ["SOP", "SOP", "WI", "SOP"][variant],
        "framework": ["GMP", "GMP", "ISO", "EHS"][variant],
        "category": ["aseptic", None, "aseptic", "safety"][variant],
    }


CODES = ["SOP-101", "SOP-102", "WI-145", "POL-1", "EHS-7", "SOP-222"]
KINDS = [Kind(TOPICS["qms.document"], CODES, document, 4, validate_outgoing)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases: DatabaseFactory) -> AsyncIterator[Reader]:
    async with folding(databases, "matrix_svc", INBOUND, ["app.item"], contracts=CONTRACTS) as found:
        yield found


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert {kind.topic.name for kind in KINDS} == set(INBOUND)


@pytest.mark.part("PL-24", "any delivery ends in the same table")
@pytest.mark.part("MX-09", "a renamed document is followed whatever the order of delivery")
@given(case=cases(*KINDS))
async def test_any_delivery_ends_in_the_same_table(reader: Reader, case: Case) -> None:
    kept = await reader.after(case.batches)
    assert kept == await reader.after(in_order(case.streams))
    titles = {row["item"]: row["title"] for row in map(json.loads, kept["app.item"])}
    assert titles == {one[-1].subject: one[-1].state["title"] for one in case.streams}


@pytest.mark.part("PL-24", "control: without the memory of versions a replay brings an old title back")
async def test_control_without_the_memory_of_versions_a_replay_brings_an_old_title_back(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [stream(TOPICS["qms.document"], [document("SOP-101", n) for n in (0, 1)], [BEGIN, BEGIN])]
    expected = await reader.after(in_order(streams))
    assert await reader.after(replayed(streams)) == expected
    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", without_memory)
    assert await reader.after(replayed(streams)) != expected
