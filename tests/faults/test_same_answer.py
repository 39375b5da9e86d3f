"""C-26: the answer at `at` = now is the same from every service: whole rows, of assignment and of reporting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.api import until
from tests.faults.conftest import World, nl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]

type Row = dict[str, Any]
type Pair = tuple[list[Row], list[Row]]

QUESTIONS: list[dict[str, str]] = [
    {},
    {"include": "not_required"},
    {"place": "US1", "include": "not_required"},
    {"person": "ANA"},
    {"item": "SOP-101", "include": "not_required"},
    {"person": "CHI", "item": "SOP-101"},
    {"person": "LIA", "item": "SOP-101"},
    # Never owed it: NOT_REQUIRED where she works; and nobody.
    {"person": "EVA", "item": "SOP-101"},
    {"person": "NOBODY", "item": "SOP-101"},
    {"person": "ANA", "item": "SOP-999"},
    {"person": "ANA", "item": "SOP-101", "place": "US1"},
]


def pages(world: World, user: str, **asked: str) -> list[Row]:
    """Every row of every page."""
    found: list[Row] = []
    cursor: str | None = None
    while True:
        answer = world.user(user).raw("GET", "/api/qualification/cells", params=_given(asked, cursor))
        if answer.status_code == 404:
            return [{"problem": 404}]
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def _given(asked: dict[str, str], cursor: str | None) -> dict[str, str]:
    return asked | {"limit": "3"} | ({"cursor": cursor} if cursor else {})


def complete(world: World, since: datetime) -> datetime:
    """An instant after `since` up to which reporting knows everything: final for it as `known_at`."""

    def known() -> datetime | None:
        told = world.user("coordinator").get("/api/qualification/cells", known_at=since.isoformat())
        return datetime.fromisoformat(told["complete_up_to"]) if told["complete_up_to"] else None

    found = until(known, lambda at: at is not None and at > since)
    assert found is not None
    return found - timedelta(microseconds=1)


def both(world: World, at: datetime, known_at: datetime, user: str = "coordinator", **asked: str) -> Pair:
    question = asked | {"at": at.isoformat()}
    return pages(world, user, **question), pages(world, user, **question, known_at=known_at.isoformat())


def different(mine: list[Row], other: list[Row]) -> list[Row]:
    """The rows that only one of them gives, as it gives them."""
    found = [{"only": "assignment"} | row for row in mine if row not in other]
    found += [{"only": "reporting"} | row for row in other if row not in mine]
    return found or ([] if mine == other else [{"order": [row["person"] for row in mine]}])


def now_of(world: World) -> datetime:
    return datetime.fromisoformat(
        world.user("coordinator").get("/api/qualification/cells", person="ANA", item="SOP-101")["known_at"]
    )


@pytest.fixture(scope="module")
def settled(world: World) -> datetime:
    """A hold, a hire to come and a hire of today beside the fixture; all of it known to reporting up to this instant."""
    held = {"person": "BEN", "items": ["SOP-101"], "reason": "failed process simulation"}
    world.user("eva").post("/api/holds", held, expect=201)
    world.hire("LIA", "2026-04-01")
    world.hire("MIA", "2026-03-01")

    def derived() -> list[str]:
        return [
            world.cells("BEN", nl("2026-05-01T00:00:00"))[0]["status"],
            *(row["trigger"] or "" for row in world.cells("LIA", nl("2026-04-01T00:00:00"))),
        ]

    until(derived, lambda told: told == ["SUSPENDED", "NEW_HIRE"])
    return complete(world, now_of(world))


@pytest.mark.part("RP-03", "every service gives the same rows")
@pytest.mark.part("PL-24", "every service gives the same rows")
@pytest.mark.part("C-26", "every service gives the same rows")
@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: " ".join(asked.values()) or "everything")
def test_whole_rows_are_the_same(world: World, settled: datetime, asked: dict[str, str]) -> None:
    instants = [
        settled,
        nl("2024-12-31T23:59:59"),
        nl("2026-03-01T00:00:00"),
        nl("2026-04-01T00:00:00"),
        nl("2026-04-16T00:00:00"),
        nl("2027-09-01T12:00:00"),
    ]
    for user in ("coordinator", "sam"):
        for at in instants:
            until(
                lambda at=at, user=user: different(*both(world, at, settled, user, **asked)), lambda d: not d
            )
    everything, _ = both(world, settled, settled, include="not_required")
    assert {"QUALIFIED", "SUSPENDED", "NEVER_TRAINED", "NOT_REQUIRED"} <= {
        row["status"] for row in everything
    }
    assert any(row["due_at"] and row["trigger"] for row in everything)


@pytest.mark.part("C-26", "control: rows known earlier differ")
@pytest.mark.part("R-71", "control: rows known earlier differ")
def test_control_rows_known_earlier_differ(world: World, settled: datetime) -> None:
    """What was known before the hold, against what is known now: the comparison sees it."""
    imported = pages(world, "coordinator", person="BEN", item="SOP-101", at=settled.isoformat())
    (entry,) = [reason for row in imported for reason in row["reasons"] if reason["code"] == "HOLD"]
    assert entry["detail"]
    before = datetime.fromisoformat(imported[0]["since"]) - timedelta(milliseconds=1)
    mine, other = both(world, settled, before, person="BEN", item="SOP-101")
    assert (mine[0]["status"], other[0]["status"]) == ("SUSPENDED", "QUALIFIED")
