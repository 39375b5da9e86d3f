"""A fact that is true from before and known only later: what was said then stands beside what is said now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import assignment_fixture_f as fixture_f
import pytest
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
nl = fixture_f.nl
IN, S, SUP = "IN_WINDOW", "SUSPENDED", "SUPERSEDED"


async def told(service: RunningService, person: str, at: datetime, known_at: datetime) -> str:
    """The status at an instant by the last timeline that had been announced at another: what was known then."""
    timelines = [
        e["data"]["state"]
        for e in await service.announced("assignment.qualification")
        if e["data"]["state"]["person"] == person and datetime.fromisoformat(e["time"]) <= known_at
    ]
    (status,) = [
        segment["status"]
        for segment in timelines[-1]["segments"]
        if datetime.fromisoformat(segment["from"]) <= at
        and (segment["to"] is None or at < datetime.fromisoformat(segment["to"]))
    ]
    return status


@pytest.mark.part("R-13", "a leave keyed late changes what is known now and not what was known then")
@pytest.mark.part("R-33", "a leave keyed late changes what is known now and not what was known then")
@pytest.mark.part("C-14", "a leave keyed late changes what is known now and not what was known then")
@pytest.mark.part("C-22", "a leave keyed late changes what is known now and not what was known then")
async def test_a_leave_keyed_late_changes_what_is_known_now_and_not_what_was_known_then(
    service: RunningService,
) -> None:
    """BEN was away from 5 to 17 March, which HR tells on the 20th."""
    await fixture_f.import_fixture(service, time=BEGIN)
    await service.settled()
    approved = datetime(2026, 3, 2, 10, tzinfo=UTC)
    await service.move_clock(approved)
    revised = fixture_f.document(fixture_f.V3, fixture_f.V4)
    await service.feed("qms.document", "qms.document-version-approved.v1", "SOP-101", revised, time=approved)
    await service.settled()
    keyed = nl("2026-03-20T09:00:00")
    await service.move_clock(keyed)
    state = fixture_f.person("BEN")
    leave = {"id": "BEN-late", "kind": "medical", "from": "2026-03-05", "to": "2026-03-18"}
    state["leaves"] = [{**leave, "recorded_at": fixture_f.utc(keyed.isoformat())}]
    await service.feed("matrix.person", "matrix.person-leave-recorded.v2", "BEN", state, time=keyed)
    await service.settled()
    then, now = nl("2026-03-19T12:00:00"), keyed + timedelta(hours=1)
    days = ["2026-03-04T23:59:59", "2026-03-05T00:00:00", "2026-03-17T23:59:59", "2026-03-18T00:00:00"]
    known_then = [await told(service, "BEN", nl(day), then) for day in days]
    known_now = [await told(service, "BEN", nl(day), now) for day in days]
    assert known_then == [IN, IN, SUP, SUP]
    assert known_now == [IN, S, S, SUP]
    client = service.client("auditor")
    for day, status in zip(days, known_now, strict=True):
        asked = {"person": "BEN", "item": "SOP-101", "at": nl(day).isoformat()}
        (row,) = (await client.get("/api/qualification/cells", params=asked)).json()["items"]
        assert row["status"] == status, day
    # He came back on the 18th: his due is the seventh day after, no longer the shift that he was not there for.
    # What opened and closed while the fixture's facts were still arriving is history, and not counted.
    tasks = (await client.get("/api/assignments", params={"person": "BEN"})).json()["items"]
    (task,) = [one for one in tasks if one["closing_reason"] != "WITHDRAWN"]
    assert (task["state"], datetime.fromisoformat(task["due_at"])) == ("OPEN", nl("2026-03-26T00:00:00"))
