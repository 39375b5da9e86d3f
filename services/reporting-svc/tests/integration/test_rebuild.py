"""Archive, folds and rebuild on a real PostgreSQL: whatever the delivery, the same tables; rebuilt, hash for hash."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from reporting_svc.db.tables import PROJECTED
from reporting_svc.main import SPEC
from reporting_svc.projections.rebuild import main, rebuild
from reporting_testing import (
    Reporting,
    assignment,
    document,
    entry,
    event,
    fixture_f,
    person,
    qualification,
    record,
    segment,
    site,
    utc,
)
from servicekit.bus.envelope import Event, encode
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import in_process

T0 = utc("2026-03-01T08:00:00Z")


def history(seed: int, length: int = 60) -> dict[str, list[Event]]:
    """Of each topic its events, every subject's with rising sequence and record times that never fall."""
    dice = random.Random(seed)
    clock: dict[str, int] = {}
    sequences: dict[tuple[str, str], int] = {}
    found: dict[str, list[Event]] = {}

    def say(topic: str, state: dict[str, Any]) -> None:
        subject = f"{topic}:{sorted(str(v) for v in state.values() if isinstance(v, str))[:1]}"
        clock[topic] = clock.get(topic, 0) + dice.choice([0, 0, 1, 30])
        made = event(topic, state, T0 + timedelta(seconds=clock[topic]))
        key = (topic, made.subject)
        sequences[key] = sequences.get(key, 0) + 1
        found.setdefault(topic, []).append(
            event(topic, state, made.time, sequences[key], correlation=f"c-{subject}")
        )

    for number in range(1, length + 1):
        who, item = dice.choice(["ANA", "BEN", "CHI"]), dice.choice(["SOP-101", "SOP-102"])
        middle = T0 + timedelta(days=dice.randint(1, 300))
        status = dice.choice(["QUALIFIED", "LAPSED", "NOT_REQUIRED", "IN_WINDOW"])
        say(
            "assignment.qualification",
            qualification(
                who, item, [segment(T0, middle, "QUALIFIED", 1, 1), segment(middle, None, status, 2, 1)]
            ),
        )
        say("assignment.assignment", assignment(who, item, None, state=dice.choice(["OPEN", "PAUSED"])))
        say("matrix.person", person(who, dice.choice(["NL1", "US1"]), area=dice.choice(["GA", "GB"])))
        say("records.training-record", record(f"r-{who}-{item}", who, item, 1, "2026-03-01T08:00:00Z"))
        say("qms.document", document(item, dice.choice(["GMP", "EHS"])))
        say("matrix.organisation", site(dice.choice(["NL1", "US1"]), "Europe/Amsterdam"))
        say(
            "records.audit",
            entry(number, "training_record", f"r-{number}", T0, {"person": who, "n": 'a"\\\t\n'}),
        )
    return found


def contents(reporting: Reporting) -> dict[str, list[str]]:
    return {
        table.name: [
            row["t"] for row in reporting.sql(f"SELECT t::text AS t FROM app.{table.name} t ORDER BY 1")
        ]
        for table in PROJECTED
    }


async def deliver(reporting: Reporting, found: dict[str, list[Event]], dice: random.Random | None) -> None:
    """Without dice in order, topic by topic; with them in some other order that keeps each subject's own, in batches
    of any size, with duplicates, and all of it once more at the end."""
    for topic, events in _shuffled(list(found.items()), dice):
        order = list(events) if dice is None else _interleaved(events, dice)
        values = [encode(one).encode() for one in order]
        if dice is None:
            await reporting.deliver(topic, *values)
            continue
        while values:
            size = dice.randint(1, len(values))
            await reporting.deliver(topic, *values[:size])
            if dice.random() < 0.3:
                await reporting.deliver(topic, *values[dice.randrange(size) : size])
            values = values[size:]
    if dice is not None:
        for topic, events in found.items():
            await reporting.deliver(topic, *[encode(one).encode() for one in events])


def _shuffled(pairs: list[Any], dice: random.Random | None) -> list[Any]:
    if dice is not None:
        dice.shuffle(pairs)
    return pairs


def _interleaved(events: Sequence[Event], dice: random.Random) -> list[Event]:
    queues: dict[str, list[Event]] = {}
    for one in events:
        queues.setdefault(one.subject, []).append(one)
    order: list[Event] = []
    while queues:
        subject = dice.choice(sorted(queues))
        order.append(queues[subject].pop(0))
        if not queues[subject]:
            del queues[subject]
    return order


@pytest_asyncio.fixture
async def reporting(databases: DatabaseFactory) -> AsyncIterator[Reporting]:
    """A service of the test's own, since a rebuild swaps tables."""
    async with in_process(SPEC, databases, of=Reporting, checked=False) as found:
        found.keep("empty")
        yield found


@pytest.mark.part("PL-24", "any delivery ends in the same tables")
@pytest.mark.part("RP-03", "any delivery ends in the same tables")
@given(seed=st.integers(0, 10_000))
async def test_any_delivery_ends_in_the_same_tables(reporting: Reporting, seed: int) -> None:
    found = history(seed, length=12)
    reporting.put_back("empty")
    await deliver(reporting, found, None)
    expected = contents(reporting)
    assert expected["segment"]
    assert len(expected["timeline"]) > 2
    reporting.put_back("empty")
    await deliver(reporting, found, random.Random(seed))
    assert contents(reporting) == expected


@pytest.mark.part("RP-03", "a rebuild equals the live tables with all record times")
@pytest.mark.part("PL-24", "a rebuild equals the live tables with all record times")
async def test_a_rebuild_equals_the_live_tables_with_all_record_times(reporting: Reporting) -> None:
    await deliver(reporting, history(7), random.Random(7))
    before = contents(reporting)
    report = await rebuild(reporting.urls.owner_url)
    assert report.equal
    assert report.swapped
    assert {one.table for one in report.tables} == {table.name for table in PROJECTED}
    assert sum(one.live_rows for one in report.tables) == sum(len(rows) for rows in before.values())
    assert contents(reporting) == before
    # The new tables are whole: the runtime role writes and reads them, and they are what the migrations say.
    await reporting.say("qms.document", document("SOP-103"), "2027-01-01T00:00:00Z")
    assert len(contents(reporting)["document"]) == len(before["document"]) + 1
    from servicekit.db.migrate import check

    check(reporting.urls.owner_url, "reporting_svc")
    assert (await rebuild(reporting.urls.owner_url)).equal


@pytest.mark.part("RP-03", "control: a change by hand in the tables is found and put right")
async def test_a_hand_in_the_tables_is_found_and_put_right(reporting: Reporting, capsys: Any) -> None:
    """The control of the comparison, and what a rebuild is for."""
    await fixture_f(reporting)
    before = contents(reporting)
    reporting.sql(
        "UPDATE app.segment SET recorded = tstzrange(lower(recorded) - interval '1 microsecond', NULL)"
        " WHERE person = 'BEN' AND status = 'LAPSED'"
    )
    report = await rebuild(reporting.urls.owner_url)
    assert (report.equal, report.swapped) == (False, False)
    assert [one.table for one in report.tables if not one.equal] == ["segment"]
    assert contents(reporting) != before
    assert await asyncio.to_thread(main, [reporting.urls.owner_url, "--swap", "never"]) == 1
    assert '"equal": false' in capsys.readouterr().out
    assert (await rebuild(reporting.urls.owner_url, swap="always")).swapped
    assert contents(reporting) == before


@pytest.mark.part("PL-24", "what was given up is left out of a rebuild")
async def test_what_was_given_up_is_left_out_of_a_rebuild(reporting: Reporting) -> None:
    await fixture_f(reporting)
    broken = event("qms.document", {"document": "SOP-9"}, T0, check=False)
    lost = await reporting.deliver("qms.audit", b"not an event", b"\xff\x00")
    assert lost == 2
    # An event that breaks its contract is parked; the archive has it all the same.
    assert await reporting.deliver("qms.document", encode(broken).encode()) == 1
    later = event("qms.document", document("SOP-9"), T0, 2)
    await reporting.tell(later)
    archived = reporting.sql("SELECT topic, envelope, undecodable FROM archive.event ORDER BY position")
    assert {row["topic"] for row in archived[-4:]} == {"qms.audit", "qms.document"}
    assert [bytes(row["undecodable"]) for row in archived if row["undecodable"]] == [b"\xff\x00"]
    report = await rebuild(reporting.urls.owner_url)
    assert report.equal
    assert not any("SOP-9" in row for row in contents(reporting)["document"])


@pytest.mark.part("PL-24", "names are current and not in the archive")
async def test_names_are_current_and_not_in_the_archive(reporting: Reporting) -> None:
    await fixture_f(reporting)
    renamed = {"person": "ANA", "given_name": "Ana", "family_name": "Zonneveld", "email": "ana@example.com"}
    await reporting.say("matrix.person-name", renamed, "2026-03-05T00:00:00Z", 2)
    [row] = reporting.sql("SELECT * FROM app.person_name WHERE person = 'ANA'")
    assert row["family_name"] == "Zonneveld"
    archived = reporting.sql("SELECT envelope FROM archive.event WHERE topic = 'matrix.person-name'")
    assert len(archived) == 4
    text = " ".join(row["envelope"] for row in archived)
    assert "Zonneveld" not in text
    assert "Jansen" not in text
    assert "ana@example.com" not in text
    # The control: other envelopes are kept as they came.
    assert (
        "Title of SOP-101"
        in reporting.sql("SELECT envelope FROM archive.event WHERE topic = 'qms.document'")[0]["envelope"]
    )
