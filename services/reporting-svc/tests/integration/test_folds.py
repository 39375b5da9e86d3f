"""Every topic in any delivery: the same tables with all record times; what was final stays as it was (law 3, RP-03)."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from attest_contracts import files, topics, validate_outgoing
from attest_contracts.reading import CONTRACTS
from hypothesis import given
from hypothesis import strategies as st
from reporting_svc.db.tables import PROJECTED
from reporting_svc.inbound import AUDIT_TOPICS, INBOUND
from reporting_svc.projections.archive import archive
from reporting_svc.projections.fold import BITEMPORAL as PROJECTIONS
from reporting_testing import Reporting
from servicekit.bus import Intake
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.delivery import inbox_of
from servicekit.testing.folds import (
    BEGIN,
    Batch,
    Case,
    Kind,
    Reader,
    Stream,
    cases,
    deliver,
    deliveries,
    folding,
    histories,
    in_order,
    replayed,
    stream,
    without_memory,
)

TOPICS = topics.load()
BITEMPORAL = [f"app.{table.name}" for table in PROJECTED if "recorded" in table.columns]
TABLES = [*(f"app.{table.name}" for table in PROJECTED), "app.person_name"]


def _examples(topic: str) -> list[dict[str, Any]]:
    folder = files.root().joinpath("examples", topic, TOPICS[topic].major)
    paths = sorted((path for path in folder.iterdir()), key=lambda path: path.name)
    return [json.loads(path.read_text(encoding="utf-8"))["data"]["state"] for path in paths]


def _kind(topic: str, names: list[str], identity: Callable[[str], Mapping[str, Any]], **shape: Any) -> Kind:
    """Every example of the topic in turn, as a version of the subject of the name."""
    found = _examples(topic)

    def vary(name: str, variant: int) -> dict[str, Any]:
        return {**found[variant % len(found)], **identity(name), **_changed(topic, found, variant)}

    chosen: dict[str, Any] = {"subjects": (3, 3), "versions": (2, 3), "steps": (0, 1, 1800, 3600)} | shape
    return Kind(TOPICS[topic], names, vary, max(len(found), 3), validate_outgoing, **chosen)


def _changed(topic: str, found: list[dict[str, Any]], variant: int) -> dict[str, Any]:
    """A topic with fewer than three examples: what else may change of its subjects."""
    match topic:
        case "assignment.qualification":
            segments = found[0]["segments"]
            last = segments[-1] | {"status": "SUSPENDED", "to": None}
            return {"segments": [segments, [*segments[:-1], last], segments[:0]][variant % 3]}
        case "matrix.obligation":
            return {"spans": [found[1]["spans"], found[0]["spans"], []][variant]}
        case "matrix.requirement":
            return {"frameworks": [["GMP"], ["EHS"], []][variant]}
        case "matrix.task":
            return {"items": [["SOP-101"], ["SOP-101", "WI-145"], []][variant]}
        case "matrix.roster":
            return {"days": [found[0]["days"], [], found[0]["days"][:1]][variant]}
        case "gateway.account":
            return {"status": ["ACTIVE", "DISABLED", "ACTIVE"][variant]}
        case _:
            return {}


PEOPLE, ITEMS = ["ANA", "BEN", "CHI"], ["SOP-101", "WI-145", "SOP-222"]


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


KINDS = [
    _kind("assignment.qualification", PEOPLE, lambda n: {"person": n, "item": "SOP-101", "place": "NL1"}),
    _kind("assignment.assignment", PEOPLE, lambda n: {"assignment": _id(n), "person": n}),
    _kind("matrix.organisation", PEOPLE, lambda n: {"unit": f"unit/{n}"}),
    _kind("matrix.person", PEOPLE, lambda n: {"person": n}),
    _kind("matrix.person-name", PEOPLE, lambda n: {"person": n}),
    _kind("matrix.requirement", ITEMS, lambda n: {"item": n}),
    _kind("matrix.obligation", PEOPLE, lambda n: {"person": n, "item": "SOP-101"}),
    _kind("matrix.task", ["RUN", "CLEAN", "INSPECT"], lambda n: {"task": n}),
    _kind("qms.document", ITEMS, lambda n: {"document": n}),
    _kind("qms.change", ["CC-7", "CC-8", "CC-9"], lambda n: {"change": n}),
    _kind("records.training-record", ["r-1", "r-2", "r-3"], lambda n: {"record": n}),
    _kind("gateway.account", ["acc-1", "acc-2", "acc-3"], lambda n: {"account": n}),
    _kind("matrix.roster", ["2026-01", "2026-02", "2026-03"], lambda n: {"month": n}),
    _kind("matrix.equivalence", ["EQ-1", "EQ-2", "EQ-3"], lambda n: {"equivalence": n}),
    _kind("qms.retraining", ["CAPA-1", "CAPA-2", "CAPA-3"], lambda n: {"order": n}),
    # An entry of a trail is a subject of its own and comes once.
    *(_kind(topic, ["1", "2", "3"], lambda n: {"entry": int(n)}, versions=(1, 1)) for topic in AUDIT_TOPICS),
]
TOLD = [
    kind for kind in KINDS if kind.topic.name not in AUDIT_TOPICS and kind.topic.name != "matrix.person-name"
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases: DatabaseFactory) -> AsyncIterator[Reader]:
    async with folding(
        databases,
        "reporting_svc",
        INBOUND,
        TABLES,
        emptied=["archive.event"],
        contracts=CONTRACTS,
        archive=archive,
    ) as found:
        yield found


def test_every_topic_that_is_listened_to_is_here() -> None:
    assert {kind.topic.name for kind in KINDS} == set(INBOUND)


@pytest.mark.part("PL-24", "any delivery ends in the same tables with all record times")
@pytest.mark.part("RP-03", "any delivery ends in the same tables with all record times")
@given(case=cases(*KINDS))
async def test_any_delivery_ends_in_the_same_tables_with_all_record_times(reader: Reader, case: Case) -> None:
    kept = await reader.after(case.batches)
    assert kept == await reader.after(in_order(case.streams))
    # Row by row there is something to compare: a version of each subject is open, unless it has no rows.
    assert len({row["task"] for row in map(json.loads, kept["app.task"])}) == 3
    assert len(kept["app.audit_entry"]) == 3 * len(AUDIT_TOPICS)


@pytest.mark.part("PL-24", "control: without the memory of versions a replay is told again")
@pytest.mark.part("RP-03", "control: without the memory of versions a replay is told again")
@pytest.mark.parametrize(
    "topic",
    sorted(
        kind.topic.name
        for kind in KINDS
        # What is archived alone is in no table.
        if kind.topic.name not in AUDIT_TOPICS and PROJECTIONS.get(kind.topic.name) != ()
    ),
)
async def test_control_without_the_memory_of_versions_a_replay_is_told_again(
    reader: Reader, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [kind] = [kind for kind in KINDS if kind.topic.name == topic]
    states = [kind.vary(kind.names[0], variant) for variant in (0, 1)]
    streams = [stream(kind.topic, states, [BEGIN, BEGIN + timedelta(seconds=60)])]
    expected = await reader.after(in_order(streams))
    assert await reader.after(replayed(streams)) == expected
    monkeypatch.setattr("servicekit.bus.inbox.Inbox._newer", without_memory)
    assert await reader.after(replayed(streams)) != expected


# What was final stays as it was.


def split(streams: Iterable[Stream], at: datetime) -> list[Stream]:
    """Of each stream what has an earlier record time than the watermark."""
    early = [[event for event in one if event.time < at] for one in streams]
    return [one for one in early if one]


@st.composite
def stories(draw: st.DrawFn) -> tuple[datetime, list[Batch], list[Batch]]:
    """A watermark, a delivery of what was announced before it, and a delivery of everything: of what comes after it
    for the first time, and of what comes again."""
    streams, _ = draw(histories(*TOLD))
    watermark = BEGIN + timedelta(seconds=draw(st.sampled_from((1, 2, 1800, 1801, 3600, 3601, 5400))))
    early = split(streams, watermark)
    return watermark, draw(deliveries(early)), draw(deliveries(streams))


async def fold(reporting: Reporting, batches: Iterable[Batch]) -> None:
    inbox = inbox_of("reporting", reporting.database, INBOUND, archive=archive)
    await deliver(inbox, batches, intake=Intake(CONTRACTS))


async def answers(reporting: Reporting, known_at: datetime) -> list[Any]:
    """What is answered as of some instants of the plant, as known then, and every table as known then."""
    found: list[Any] = []
    for at in ("2025-07-01T00:00:00Z", "2026-03-14T00:00:00Z", "2027-04-01T00:00:00Z"):
        query = {"at": at, "known_at": known_at.isoformat()}
        for path in ("/api/qualification/cells", "/api/reports/compliance"):
            answer = await reporting.get(path, **query)
            assert answer["provisional"] is False
            found.append({name: value for name, value in answer.items() if name != "complete_up_to"})
    every = " UNION ALL ".join(
        f"SELECT '{table}' AS name, (to_jsonb(t) - 'recorded')::text AS row FROM {table} t WHERE t.recorded @> %s"
        for table in BITEMPORAL
    )
    return [*found, reporting.sql(f"{every} ORDER BY 1, 2", [known_at] * len(BITEMPORAL))]


def begin_again(reporting: Reporting) -> None:
    reporting.put_back("empty")


@pytest.mark.part("RP-03", "an answer older than complete up to never changes")
@given(story=stories(), before=st.sampled_from((1, 1_000_000, 1_799_000_000)))
async def test_an_answer_older_than_complete_up_to_never_changes(
    reporting: Reporting, story: tuple[datetime, list[Batch], list[Batch]], before: int
) -> None:
    watermark, early, everything = story
    known_at = watermark - timedelta(microseconds=before)
    begin_again(reporting)
    await fold(reporting, early)
    await reporting.beat(watermark)
    told = await answers(reporting, known_at)
    half = len(everything) // 2
    for some in (everything[:half], everything[half:]):
        await fold(reporting, some)
        assert await answers(reporting, known_at) == told


@pytest.mark.part("RP-03", "control: an event from before the watermark changes the answer")
async def test_control_an_event_from_before_the_watermark_changes_the_answer(reporting: Reporting) -> None:
    """What the promise of the watermark is for: a producer that breaks it changes what was final."""
    [kind] = [kind for kind in TOLD if kind.topic.name == "assignment.qualification"]
    streams = [
        stream(kind.topic, [kind.vary("ANA", n) for n in (0, 1)], [BEGIN, BEGIN + timedelta(seconds=at)])
        for at in (10, 3600)
    ]
    known_at, watermark = BEGIN + timedelta(seconds=60), BEGIN + timedelta(seconds=120)
    changed: list[bool] = []
    for one in streams:
        begin_again(reporting)
        await fold(reporting, in_order([one[:1]]))
        await reporting.beat(watermark)
        told = await answers(reporting, known_at)
        await fold(reporting, in_order([one]))
        changed.append(await answers(reporting, known_at) != told)
    assert changed == [True, False]
