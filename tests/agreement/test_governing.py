"""The quality service, the records service and the engine name the same version (C-06)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from assignment_svc.domain.facts import Place
from assignment_svc.sources import documents
from plantkit.governing import Effective
from plantkit.time import start_of_day
from qms_svc.domain import document as quality
from records_svc.domain import places, versions

ZONE = "Europe/Amsterdam"
APPROVED = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = date(2026, 3, 16)
MIDNIGHT = start_of_day(DAY, ZONE)
TICK = timedelta(microseconds=1)
# Two changes approved on one day whose versions take effect on one day: the tie goes to the highest number.
DAYS = {3: date(2026, 3, 3), 4: DAY, 5: DAY}


def in_quality(at: datetime) -> tuple[int | None, int | None]:
    found = [
        quality.Version(
            "SOP-101",
            number,
            quality.VersionState.APPROVED,
            [Effective("*", on, None, APPROVED)],
            approved_at=APPROVED,
        )
        for number, on in DAYS.items()
    ]
    present = quality.governing(found, {}, "NL1", ZONE, at)
    following = quality.upcoming(found, {}, "NL1", ZONE, at)
    return present and present[0].number, following and following[0].number


def _state(number: int, on: date) -> dict[str, Any]:
    return {
        "version": number,
        "state": "APPROVED",
        "approved_at": APPROVED.isoformat(),
        "training_decision": "read",
        "effective": [{"place": "*", "on": on.isoformat(), "recorded_at": APPROVED.isoformat()}],
        "ends": [],
    }


def in_the_engine(at: datetime) -> tuple[int | None, int | None]:
    document = {"document": "SOP-101", "versions": [_state(n, on) for n, on in DAYS.items()], "retired": []}
    stretch = documents.timeline_of(document, Place("NL1", ZONE)).at(at)
    return stretch.governing and stretch.governing.number, stretch.upcoming and stretch.upcoming.number


def in_records(at: datetime) -> int | None:
    found = [
        versions.Version(
            number, "APPROVED", APPROVED, None, None, [Effective("*", on, None, APPROVED)], {}, [], []
        )
        for number, on in DAYS.items()
    ]
    document = versions.Document("SOP-101", "", {}, found)
    present = versions.governing(document, places.Place("NL1", ZONE), at)
    return None if present is None else present.number


@pytest.mark.part("C-06", "two versions effective on one day: the same answer in every service")
@pytest.mark.parametrize(
    ("at", "present", "following"),
    [(MIDNIGHT - TICK, 3, 5), (MIDNIGHT, 5, None), (APPROVED, None, 3)],
    ids=["before", "from midnight", "at the approval"],
)
def test_of_two_versions_of_one_day_every_service_names_the_higher(
    at: datetime, present: int | None, following: int | None
) -> None:
    assert in_quality(at) == in_the_engine(at) == (present, following)
    assert in_records(at) == present
