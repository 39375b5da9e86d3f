"""Dated rosters by month (`matrix.roster`): ten years of them, in any order, and on a database that was there before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import assignment_fixture_f as fixture_f
import psycopg
import pytest
from servicekit.db.migrate import down, migrate
from servicekit.db.testing import service_database
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
APPROVED = datetime(2026, 3, 2, 10, tzinfo=UTC)
LARGEST = 5_000
"""Bytes of one month; Kafka refuses a message of 1 MB."""
BEFORE = "5f0e93a7c618"
"""The revision ahead of the table of rosters."""


def days(first: date, count: int, shift: str | None) -> list[dict[str, Any]]:
    return [{"date": (first + timedelta(days=number)).isoformat(), "shift": shift} for number in range(count)]


def months(rostered: list[dict[str, Any]], person: str = "BEN") -> list[dict[str, Any]]:
    """The states of `matrix.roster` that hold these days."""
    by_month: dict[str, list[dict[str, Any]]] = {}
    for day in rostered:
        by_month.setdefault(day["date"][:7], []).append(day)
    return [{"person": person, "month": month, "days": found} for month, found in sorted(by_month.items())]


async def revised(service: RunningService) -> None:
    """Fixture F, with v4 of SOP-101 approved for 16 March."""
    await fixture_f.import_fixture(service, time=BEGIN)
    await service.move_clock(APPROVED)
    state = fixture_f.document(fixture_f.V3, fixture_f.V4)
    await service.feed("qms.document", "qms.document-version-approved.v1", "SOP-101", state, time=APPROVED)


async def tell(service: RunningService, *states: dict[str, Any]) -> None:
    for state in states:
        subject = f"{state['person']}/{state['month']}"
        await service.feed(
            "matrix.roster", "matrix.roster-changed.v1", subject, state, key=state["person"], time=APPROVED
        )


async def due(service: RunningService, person: str = "BEN") -> str:
    await service.settled()
    answer = await service.client("auditor").get("/api/assignments", params={"person": person})
    (task,) = [one for one in answer.json()["items"] if one["target_version"] == 4]
    return datetime.fromisoformat(task["due_at"]).astimezone(fixture_f.NL).strftime("%Y-%m-%d %H:%M")


def marks(service: RunningService) -> int:
    (row,) = service.sql("SELECT count(*) FROM app.dirty")
    return row["count"]


@pytest.mark.part("C-20", "a roster of ten years decides the due, and each of its months is a small event")
@pytest.mark.part("C-23", "a roster of ten years decides the due, and each of its months is a small event")
async def test_ten_years_of_rosters(service: RunningService) -> None:
    await revised(service)
    assert await due(service) == "2026-03-15 14:00", "by the shift letter"
    ten_years = days(date(2016, 4, 1), 3650, "D")
    states = months([day | {"shift": None} if day["date"] >= "2026-03-11" else day for day in ten_years])
    assert len(states) == 120
    assert max(len(json.dumps(state)) for state in states) < LARGEST
    await tell(service, *states)
    assert await due(service) == "2026-03-10 14:00", "the last rostered shift ahead of the effective day"
    # Ten years more of spells would leave the person as small as before.
    (row,) = service.sql("SELECT length(state::text) FROM app.person WHERE person = 'BEN'")
    assert row["length"] < LARGEST


async def test_a_month_that_says_the_same_again_marks_nothing(service: RunningService) -> None:
    await revised(service)
    march, april = months(days(date(2026, 3, 11), 40, None))
    await tell(service, march, april)
    await service.settled()
    await tell(service, march, april)
    assert marks(service) == 0
    await tell(service, april | {"days": []})
    assert marks(service) == 1
    assert await due(service) == "2026-03-10 14:00"
    await tell(service, march | {"days": []})
    assert await due(service) == "2026-03-15 14:00", "an emptied month leaves the shift letter"


async def test_a_roster_may_come_ahead_of_its_person(service: RunningService) -> None:
    await tell(service, *months(days(date(2026, 3, 11), 5, None)))
    await service.settled()
    await revised(service)
    assert await due(service) == "2026-03-10 14:00"


def test_an_upgrade_moves_the_days_that_a_person_brought(database_factory: Any) -> None:
    database = service_database(database_factory, "assignment_svc")
    down(database.owner_url, "assignment_svc", "test", BEFORE)
    rostered = days(date(2026, 2, 27), 4, "D") + days(date(2026, 3, 11), 2, None)
    people = {
        "ANA": fixture_f.person("ANA") | {"roster": None},
        "BEN": fixture_f.person("BEN") | {"roster": rostered},
        "CHI": fixture_f.person("CHI"),
    }
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        for person, state in people.items():
            connection.execute(
                "INSERT INTO app.person (person, state, event_id, event_at) VALUES (%s, %s, %s, %s)",
                [person, json.dumps(state), f"event of {person}", BEGIN],
            )

    def found(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    migrate(database.owner_url, "assignment_svc", "test")
    assert [row[0] for row in found("SELECT state FROM app.roster ORDER BY month")] == months(rostered)
    assert set(found("SELECT event_id, event_at FROM app.roster")) == {("event of BEN", BEGIN)}
    assert found("SELECT person FROM app.person WHERE state ? 'roster'") == []
    down(database.owner_url, "assignment_svc", "test", BEFORE)
    (back,) = found("SELECT state FROM app.person WHERE person = 'BEN'")
    assert back[0] == people["BEN"], "the earlier release finds what it knew"
