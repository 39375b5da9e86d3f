"""The end of the story, when its last leave has ended: runs after the pages were looked at in March."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.e2e.api import until
from tests.e2e.conftest import Platform
from tests.e2e.test_story import PEOPLE, SIGNED, Q, move, nl, row_of, table, table_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("journeys")]


@pytest.mark.part("RP-03", "at the end every cell is said to have been what was said then")
@pytest.mark.part("RP-04", "at the end every cell is said to have been what was said then")
@pytest.mark.part("AE-10", "at the end every cell is said to have been what was said then")
@pytest.mark.part("R-13", "at the end every cell is said to have been what was said then")
@pytest.mark.part("AE-16", "at the end every cell is said to have been what was said then")
def test_at_the_end_every_cell_is_said_to_have_been_what_was_said_then(platform: Platform) -> None:
    """When the last leave has ended: each instant with itself as what was known."""
    coordinator = platform.user("coordinator")
    move(platform, nl("2026-04-17T09:00:00"))
    expected = table_of(platform)
    last = expected[-1][0]
    until(
        lambda: coordinator.get(
            "/api/qualification/cells", person="ANA", item="SOP-101", known_at=last.isoformat()
        ),
        lambda answer: datetime.fromisoformat(answer["complete_up_to"]) > last,
        60,
    )
    keyed = nl("2026-03-20T09:00:00")
    # Since his paper form was keyed BEN is known to have been trained before the version took effect.
    expected = [(at, ana, Q if at > keyed else ben, *rest) for at, ana, ben, *rest in expected]
    derived = {platform.memory[name]: timedelta(minutes=1) for name in SIGNED}
    assert [row_of(coordinator, at, at + derived.get(at, timedelta(0))) for at, *_ in expected] == expected
    known = nl("2026-03-17T12:00:00")
    assert table(coordinator, [at for at, *_ in expected], known) == platform.memory["as_known_on_the_17th"]
    # How the assignments have ended, and whose goes on.
    found = {
        (a["person"], a["target_version"]): a
        for a in coordinator.get("/api/assignments", item="SOP-101")["items"]
        if a["person"] in PEOPLE
    }
    closed = {key: a["closing_reason"] for key, a in found.items() if a["state"] == "CLOSED"}
    assert closed == {
        ("ANA", 4): "COMPLETED",
        ("BEN", 4): "COMPLETED",
        ("DEV", 3): "SUPERSEDED_BY",
        ("DEV", 4): "COMPLETED",
        ("FAY", 4): "SEPARATED",
    }
    assert found["CHI", 4]["state"] == "OPEN"
    assert datetime.fromisoformat(found["CHI", 4]["due_at"]) == nl("2026-04-24T00:00:00")
