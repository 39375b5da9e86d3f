"""Facts in any order, derived whenever: the same replicas, the same current timelines, the same open assignments."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from assignment_svc import registry
from assignment_svc.db.base import LANES
from assignment_svc.handlers.derive import derive_chunk
from assignment_svc.inbound import INBOUND
from assignment_svc.main import SPEC
from attest_contracts import files, topics, validate_outgoing
from hypothesis import given
from hypothesis import strategies as st
from servicekit.bus import configure
from servicekit.context import Context
from servicekit.lanes import Lanes
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.folds import (
    BEGIN,
    Batch,
    Case,
    Kind,
    Reader,
    Stream,
    cases,
    folding,
    in_order,
    replayed,
    stream,
    without_memory,
)

TOPICS = topics.load()
NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
DERIVED = ["app.cell", "app.assignment", "app.dirty", "app.lane"]

type Current = dict[str, list[Any]]


def _example(topic: str, name: str) -> dict[str, Any]:
    return json.loads(files.read("examples", topic, topics.load()[topic].major, f"{name}.json"))["data"][
        "state"
    ]


SITE, CATEGORY = (
    _example("matrix.organisation", "site-nl1"),
    _example("matrix.organisation", "training-category"),
)
CHI = _example("matrix.person", "leave-recorded")
OWED, TASK = _example("matrix.obligation", "ended"), _example("matrix.task", "run-fill")
SOP = _example("qms.document", "version-moved")
RECORD = _example("records.training-record", "marked-in-error")
ORDER = _example("qms.retraining", "ordered")
RULE = _example("matrix.equivalence", "made")


def unit(code: str, variant: int) -> dict[str, Any]:
    """A site gets another zone or other shifts, a category another lead."""
    if code == "aseptic":
        return {**CATEGORY, "expiry_lead_days": [30, 60, None, 90][variant]}
    site = {**deepcopy(SITE), "unit": f"site/{code}", "code": code}
    site["time_zone"] = ["Europe/Amsterdam", "America/New_York", "Europe/Amsterdam", "Asia/Tokyo"][variant]
    if variant == 2:
        site["shifts"][0]["ends"] = "15:30"
    return site


def person(code: str, variant: int) -> dict[str, Any]:
    """A leave is recorded, moved and taken back; the shift changes; the employment begins later or ends."""
    state: dict[str, Any] = deepcopy(CHI) | {"person": code}
    leave, employment, shift = state["leaves"][0], state["employments"][0], state["shifts"][0]
    if variant != 1:
        state["leaves"] = [leave | {"from": "2026-03-09", "to": None}] if variant == 2 else []
    if variant == 3:
        employment["to"] = "2026-03-10"
    if variant == 4:
        employment["from"] = state["places"][0]["from"] = "2026-02-16"
    if variant == 5:
        shift["shift"] = "N"
    return state


def roster(month: str, variant: int) -> dict[str, Any]:
    """Days off, moved when they were over; other days; none."""
    code, _, of = month.partition("/")
    off = [{"date": f"{of}-{day}", "shift": None} for day in range(11, 16)]
    days = [off, [day | {"moved_at": "2026-03-12T13:30:00Z"} for day in off], off[:2], []][variant]
    return {"person": code, "month": of, "days": days}


def obligation(pair: str, variant: int) -> dict[str, Any]:
    """Owed by function, and by area with a shorter interval; ended; taken away; owed at another site; an open question
    of the matrix alone, at another site or, as older events said it, wherever the person works."""
    code, _, item = pair.partition("/")
    state: dict[str, Any] = deepcopy(OWED) | {"person": code, "item": item}
    span = state["spans"][0] | {"id": f"{pair}-1", "valid_to": None}
    area = span | {"id": f"{pair}-2", "source_kind": "area", "source": "GA", "interval_months": 6}
    area |= {"valid_from": "2026-02-01T23:00:00Z", "recorded_at": "2026-02-01T10:00:00Z"}
    state["spans"] = [
        [span],
        [span, area],
        [span | {"valid_to": "2026-03-10T23:00:00Z"}],
        [],
        [span | {"valid_to": "2026-03-01T23:00:00Z"}, span | {"id": f"{pair}-3", "place": "US1"}],
        [],
        [],
    ][variant]
    if variant >= 5:
        asked = {name: span[name] for name in ("source_kind", "source", "valid_from", "valid_to")}
        state |= {"unresolved": True}
        state |= {"unresolved_spans": [asked | {"place": "US1"}]} if variant == 5 else {}
    return state


def task(code: str, variant: int) -> dict[str, Any]:
    return {**TASK, "task": code, "items": [["SOP-101"], ["SOP-101", "WI-145"], []][variant]}


def document(code: str, variant: int) -> dict[str, Any]:
    """v4 is approved, moved, withdrawn, made to need no training, gated; the document is retired or of another
    category."""
    state: dict[str, Any] = deepcopy(SOP) | {"document": code}
    v3, v4 = state["versions"]
    moved = [
        *v4["effective"],
        v4["effective"][0] | {"on": "2026-03-11", "recorded_at": "2026-03-04T09:00:00Z"},
    ]
    gated = v4["effective"][0] | {"on": None, "at": None, "planned_on": "2026-03-16"}
    state["versions"] = [
        [v3],
        [v3, v4 | {"effective": v4["effective"][:2]}],
        [v3, v4 | {"effective": moved}],
        [v3, v4 | {"state": "WITHDRAWN", "withdrawn_at": "2026-03-11T08:12:00Z"}],
        [v3, v4 | {"training_decision": "none"}],
        [v3],
        [v3, v4 | {"effective": [gated]}],
    ][variant]
    if variant == 5:
        state |= {"retired": [{"place": "*", "on": "2026-03-05"}], "category": None}
    return state


OF_RECORD = {
    "rec-1": ("ANA", "SOP-101", 3),
    "rec-2": ("ANA", "SOP-101", 4),
    "rec-3": ("BEN", "SOP-101", 3),
    "rec-4": ("CHI", "SOP-101", 4),
    "rec-5": ("ANA", "WI-145", 3),
    "rec-6": ("BEN", "SOP-101", 4),
}


def record(code: str, variant: int) -> dict[str, Any]:
    """Signed; a failed one, as it is after a correction; marked in error; at level supervised, on the job."""
    who, item, version = OF_RECORD[code]
    at = "2025-05-27T20:40:00Z" if version == 3 else "2026-03-06T09:00:00Z"
    state: dict[str, Any] = RECORD | {
        "record": code,
        "person": who,
        "item": item,
        "version": version,
        "methods": ["R"],
    }
    state |= {"completed_at": at, "valid_from": at, "recorded_at": at, "evaluator": None}
    error = {"at": "2026-03-11T08:00:00Z", "reason": "wrong_person", "by": "EVA"}
    return state | {
        "result": ["PASS", "FAIL", "PASS", "PASS"][variant],
        "entered_in_error": [None, None, error, None][variant],
        "level": "supervised" if variant == 3 else None,
    }


def rule(code: str, variant: int) -> dict[str, Any]:
    """Of WI-145 for SOP-101; the other way round; ended; of other versions; without any."""
    state: dict[str, Any] = RULE | {"equivalence": code, "source_versions": [3], "target_versions": [4]}
    return (
        state
        | [
            {},
            {"source_item": "SOP-101", "target_item": "WI-145", "target_versions": [3]},
            {"to": "2026-03-06"},
            {"target_versions": [3, 4], "from": "2026-02-01"},
            {"source_versions": []},
        ][variant]
    )


def order(code: str, variant: int) -> dict[str, Any]:
    """Of two people; of one; of everybody and suspending at once; without a version; ended; of another item."""
    at = "2026-03-05T08:00:00Z"
    state: dict[str, Any] = ORDER | {"order": code, "version": 3, "ordered_at": at, "due_on": "2026-03-10"}
    ended = {"at": "2026-03-11T08:00:00Z", "reason": "root cause was another"}
    return (
        state
        | [
            {},
            {"people": ["CHI"]},
            {"people": ["ANA", "BEN", "CHI"], "suspend": "now"},
            {"version": None, "due_on": None},
            {"ended": ended},
            {"item": "WI-145"},
        ][variant]
    )


PAIRS = ["ANA/SOP-101", "BEN/SOP-101", "CHI/SOP-101", "ANA/WI-145"]
SHAPE: dict[str, Any] = {"check": validate_outgoing, "versions": (2, 3)}
FEW: dict[str, Any] = SHAPE | {"subjects": (1, 2)}
KINDS = [
    Kind(TOPICS["matrix.organisation"], ["NL1", "US1", "aseptic"], unit, 4, **SHAPE),
    Kind(TOPICS["matrix.person"], ["ANA", "BEN", "CHI"], person, 6, **SHAPE),
    Kind(TOPICS["matrix.obligation"], PAIRS, obligation, 7, **SHAPE),
    Kind(TOPICS["matrix.task"], ["RUN-FILL", "CLEAN", "INSPECT"], task, 3, **SHAPE),
    Kind(TOPICS["qms.document"], ["SOP-101", "WI-145", "SOP-222"], document, 7, **SHAPE),
    Kind(TOPICS["records.training-record"], list(OF_RECORD), record, 4, **SHAPE),
    Kind(TOPICS["matrix.equivalence"], ["EQ-1", "EQ-2"], rule, 5, **FEW),
    Kind(TOPICS["qms.retraining"], ["CAPA-1", "DEV-2"], order, 6, **FEW),
    Kind(TOPICS["matrix.roster"], ["ANA/2026-03", "BEN/2026-03"], roster, 4, **FEW),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases: DatabaseFactory) -> AsyncIterator[Reader]:
    configure(SPEC.topics, validate=SPEC.validate)
    async with folding(
        databases,
        "assignment_svc",
        INBOUND,
        registry.REPLICAS,
        emptied=DERIVED,
        contracts=SPEC.contracts,
        clock=NOW,
    ) as found:
        yield found


async def drain(reader: Reader) -> None:
    lanes = Lanes(reader.database, LANES, reason="derives cells")
    await lanes.drain(derive_chunk)
    assert lanes.stats.failures == 0
    async with reader.database.read() as tx:
        assert await tx.scalar("SELECT count(*) FROM app.dirty") == 0


async def current(reader: Reader) -> Current:
    """Replicas, timelines and open assignments. A place where nothing was ever owed is no cell until something was:
    what is NOT_REQUIRED throughout, and without a flag, says the same as no row."""
    async with reader.database.read() as tx:
        cells = await tx.rows(
            "SELECT person, item, place, segments FROM app.cell WHERE EXISTS (SELECT FROM"
            " jsonb_array_elements(segments) s WHERE s ->> 'status' <> 'NOT_REQUIRED' OR s -> 'flags' <> '[]')"
            " ORDER BY 1, 2, 3"
        )
        assignments = await tx.rows(
            "SELECT assignment::text, person, item, place, target_version, trigger, body -> 'cause' AS cause, state,"
            " due_at FROM app.assignment WHERE state <> 'CLOSED' ORDER BY 1"
        )
    return {
        **await reader.tables(),
        "timelines": [tuple(row.values()) for row in cells],
        "open assignments": [tuple(row.values()) for row in assignments],
    }


async def derived_after(reader: Reader, batches: Sequence[Batch], pause: int = 0) -> Current:
    """What is current after a delivery. pause: the workers catch up after so many batches; 0: at the end alone."""
    reader.empty()
    size = pause or len(batches)
    for first in range(0, len(batches), size):
        await reader.deliver(batches[first : first + size])
        await drain(reader)
    return await current(reader)


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert {kind.topic.name for kind in KINDS} == set(INBOUND)


@pytest.mark.part("PL-24", "any delivery ends in the same timelines and open assignments")
@pytest.mark.part("R-54", "any delivery ends in the same timelines and open assignments")
@given(case=cases(*KINDS), pause=st.sampled_from((0, 1, 3)))
async def test_any_delivery_ends_in_the_same_timelines_and_open_assignments(
    reader: Reader, case: Case, pause: int
) -> None:
    expected = await derived_after(reader, in_order(case.streams))
    assert expected["timelines"] or not expected["open assignments"]
    assert await derived_after(reader, case.batches, pause) == expected


async def derived_again(reader: Reader) -> tuple[Current, int]:
    """What is current once every cell of everybody was derived again, and how many events that brought."""
    async with reader.database.transaction(Context("system/test", "derive all again", "test")) as tx:
        before = await tx.scalar("SELECT count(*) FROM bus.outbox")
        await tx.execute(
            "INSERT INTO app.dirty (lane, key, cause, correlation, priority)"
            " SELECT person, '*', 'test', 'test', 1 FROM app.person"
        )
    await drain(reader)
    async with reader.database.read() as tx:
        return await current(reader), await tx.scalar("SELECT count(*) FROM bus.outbox") - before


def _plain(kind: Kind, name: str, *variants: int) -> Stream:
    return stream(kind.topic, [kind.vary(name, v) for v in variants], [BEGIN] * len(variants))


PLAIN = [
    _plain(KINDS[0], "NL1", 0),
    _plain(KINDS[1], "ANA", 0, 1),
    _plain(KINDS[2], "ANA/SOP-101", 0, 3),
    _plain(KINDS[4], "SOP-101", 0, 1),
    _plain(KINDS[5], "rec-1", 0),
]


@pytest.mark.part("R-54", "a topic that arrives after everything was derived is taken into account")
@pytest.mark.parametrize("late", sorted({one[0].topic for one in PLAIN}))
async def test_a_topic_that_comes_after_everything_was_derived_is_heard(reader: Reader, late: str) -> None:
    """The marks of each topic alone bring what all of them bring."""
    plain = [one[:1] for one in PLAIN]
    expected = await derived_after(reader, in_order(plain))
    assert expected["timelines"]
    batches = sorted(in_order(plain), key=lambda batch: batch.topic == late)
    assert await derived_after(reader, batches, 1) == expected


@pytest.mark.part("R-54", "a site that arrives last is taken into account")
@pytest.mark.part("C-34", "a site that arrives last is taken into account")
@pytest.mark.parametrize(("variant", "site"), [(0, "NL1"), (4, "US1"), (5, "US1"), (6, "NL1")])
async def test_a_site_that_comes_after_all_that_concerns_it_is_heard(
    reader: Reader, variant: int, site: str
) -> None:
    """What is owed there, and what nobody knows to be owed there."""
    known = [
        _plain(KINDS[1], "ANA", 0),
        _plain(KINDS[2], "ANA/SOP-101", variant),
        _plain(KINDS[4], "SOP-101", 0),
    ]
    place = _plain(KINDS[0], site, 0)
    expected = await derived_after(reader, in_order([place, *known]))
    assert expected["timelines"]
    assert await derived_after(reader, [*in_order(known), *in_order([place])], 1) == expected


@pytest.mark.part("PL-24", "control: without the memory of versions an ended obligation comes back")
async def test_control_without_the_memory_of_versions_an_ended_obligation_comes_back(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    untrained = PLAIN[:-1]
    expected = await derived_after(reader, in_order(untrained))
    assert await derived_after(reader, replayed(untrained), 1) == expected
    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", without_memory)
    broken = await derived_after(reader, replayed(untrained), 1)
    assert broken["app.obligation"] != expected["app.obligation"]
    assert broken["timelines"] != expected["timelines"]
    assert broken["open assignments"] != expected["open assignments"]


@pytest.mark.part("R-54", "control: without marks, what arrives after the derivation is lost")
async def test_control_without_marks_what_comes_after_the_derivation_is_not_heard(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the pauses: marks are what makes an order of arrival and derivation mean nothing."""
    batches = in_order([one[:1] for one in PLAIN])
    expected = await derived_after(reader, batches)
    assert expected["timelines"]

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr("assignment_svc.marking.mark", nothing)
    monkeypatch.setattr("assignment_svc.marking.mark_found", nothing)
    assert (await derived_after(reader, batches, 1))["timelines"] != expected["timelines"]
    # Nor is marking complete then: deriving all again brings what was not heard.
    again, events = await derived_again(reader)
    assert again["timelines"] == expected["timelines"]
    assert events > 0
