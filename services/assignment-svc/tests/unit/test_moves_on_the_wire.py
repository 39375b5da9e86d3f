"""What was moved, as the other services announce it, never sets a due into the past (C-23, R-08, R-70, R-76)."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import assignment_fixture_f as fixture_f
import pytest
from assignment_svc import registry
from assignment_svc.domain.qualification import derive
from assignment_svc.source import Cell, Snapshot
from assignment_svc.sources import units
from attest_contracts import validate_outgoing

NOW = datetime(2026, 3, 15, 22, tzinfo=UTC)


def due_of_v4(
    person: dict[str, Any],
    document: dict[str, Any],
    site: dict[str, Any] | None = None,
    roster: dict[str, Any] | None = None,
) -> str:
    """BEN's, in the time of the site; he has met v3."""
    for topic, state in (("matrix.person", person), ("qms.document", document)):
        validate_outgoing(topic, {"state": state, "change": {"kind": "changed"}})
    found = Snapshot()
    if roster is not None:
        validate_outgoing("matrix.roster", {"state": roster, "change": {"kind": "changed"}})
        found.add("roster", "BEN", body=roster)
    found.add("person", "BEN", body=person)
    found.add("document", "SOP-101", body=document)
    found.add("obligation", "BEN", "SOP-101", fixture_f.obligation("BEN"))
    found.add("record", "BEN", "SOP-101", fixture_f.record("BEN", 3, fixture_f.PEOPLE["BEN"][4]))
    place = units.place_of(
        site or {"code": "NL1", "time_zone": fixture_f.ZONES["NL1"], "shifts": fixture_f.SHIFTS}
    )
    facts = registry.cell_facts(Cell("BEN", "SOP-101", place), found)
    (task,) = (one for one in derive(facts, NOW).assignments if one.target_version == 4)
    assert task.due_at is not None
    return task.due_at.astimezone(fixture_f.NL).strftime("%Y-%m-%d %H:%M")


def ben(**more: Any) -> dict[str, Any]:
    return fixture_f.person("BEN") | more


DOCUMENT = fixture_f.document(fixture_f.V3, fixture_f.V4)


def test_without_a_move() -> None:
    assert due_of_v4(ben(), DOCUMENT) == "2026-03-15 14:00"


@pytest.mark.part("R-70", "a roster that frees days when their shifts were over")
@pytest.mark.part("C-20", "a roster that frees days when their shifts were over")
@pytest.mark.part("C-23", "a roster that frees days when their shifts were over")
def test_a_roster_that_frees_days_when_their_shifts_were_over() -> None:
    def due(**more: str) -> str:
        off = [{"date": f"2026-03-{day}", "shift": None, **more} for day in range(11, 16)]
        return due_of_v4(ben(), DOCUMENT, roster={"person": "BEN", "month": "2026-03", "days": off})

    assert due(moved_at="2026-03-15T13:30:00Z") == "2026-03-16 00:00"
    assert due(moved_at="2026-03-09T13:30:00Z") == "2026-03-10 14:00"
    assert due() == "2026-03-10 14:00", "it was so from the beginning"


@pytest.mark.part("R-70", "another letter told when its last shift was over")
@pytest.mark.part("C-20", "another letter told when its last shift was over")
@pytest.mark.part("C-23", "another letter told when its last shift was over")
def test_another_letter_told_when_its_last_shift_was_over() -> None:
    def nights(told: str, **ended: str | None) -> dict[str, Any]:
        (days,) = fixture_f.person("BEN")["shifts"]
        days |= {"to": "2026-03-10", "recorded_at": told, "told_at": fixture_f.IMPORTED}
        return ben(
            shifts=[days, days | {"id": "n", "shift": "N", "from": "2026-03-10", "recorded_at": told} | ended]
        )

    on_time = nights("2026-03-09T08:00:00Z", to=None, told_at="2026-03-09T08:00:00Z")
    assert due_of_v4(on_time, DOCUMENT) == "2026-03-15 06:00"
    late = nights("2026-03-15T08:00:00Z", to=None, told_at="2026-03-15T08:00:00Z")
    assert due_of_v4(late, DOCUMENT) == "2026-03-16 00:00"
    ended_late = nights("2026-03-15T08:00:00Z", to="2026-04-01", told_at="2026-03-09T08:00:00Z")
    assert due_of_v4(ended_late, DOCUMENT) == "2026-03-15 06:00", "its end says nothing new of these days"


@pytest.mark.part("R-70", "hours changed when the shift was over")
@pytest.mark.part("C-20", "hours changed when the shift was over")
@pytest.mark.part("C-23", "hours changed when the shift was over")
def test_hours_changed_when_the_shift_was_over() -> None:
    def until_13(moved_at: str) -> dict[str, Any]:
        shift = {"shift": "D", "starts": "06:00", "ends": "13:00", "moved_at": moved_at}
        return {"code": "NL1", "time_zone": fixture_f.ZONES["NL1"], "shifts": [shift]}

    assert due_of_v4(ben(), DOCUMENT, until_13("2026-03-15T11:00:00Z")) == "2026-03-15 13:00"
    assert due_of_v4(ben(), DOCUMENT, until_13("2026-03-15T12:30:00Z")) == "2026-03-16 00:00"


@pytest.mark.part("R-08", "an effective date that was stated for everywhere and moved for one site")
@pytest.mark.part("R-76", "an effective date that was stated for everywhere and moved for one site")
@pytest.mark.part("C-23", "an effective date that was stated for everywhere and moved for one site")
@pytest.mark.parametrize("first", ["*", "NL1"])
def test_an_effective_date_that_was_stated_for_everywhere_and_moved_for_one_site(first: str) -> None:
    def moved(told: str) -> dict[str, Any]:
        v4 = deepcopy(fixture_f.V4)
        v4["effective"] = [
            {"place": first, "on": "2026-03-16", "recorded_at": fixture_f.IMPORTED},
            {"place": "NL1", "on": "2026-03-11", "recorded_at": told},
        ]
        return fixture_f.document(fixture_f.V3, v4)

    assert due_of_v4(ben(), moved("2026-03-10T09:00:00Z")) == "2026-03-10 14:00"
    assert due_of_v4(ben(), moved("2026-03-10T14:00:00Z")) == "2026-03-11 00:00"


@pytest.mark.part("R-08", "two places stated at once are no move")
def test_two_places_stated_at_once_are_no_move() -> None:
    v4 = deepcopy(fixture_f.V4)
    v4["effective"] = [
        {"place": place, "on": on, "recorded_at": "2026-03-10T14:00:00Z"}
        for place, on in (("*", "2026-03-23"), ("NL1", "2026-03-11"))
    ]
    assert due_of_v4(ben(), fixture_f.document(fixture_f.V3, v4)) == "2026-03-10 14:00"
