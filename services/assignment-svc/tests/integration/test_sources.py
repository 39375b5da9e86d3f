"""Facts that no service announces yet, through the real intake: what the engine makes of them on fixture F."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import assignment_fixture_f as fixture_f
import pytest
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
nl = fixture_f.nl


async def cell(service: RunningService, person: str, at: datetime, item: str = "SOP-101") -> dict[str, Any]:
    params = {"person": person, "item": item, "at": at.isoformat()}
    answer = await service.client("auditor").get("/api/qualification/cells", params=params)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["items"]
    return row


async def status(service: RunningService, person: str, at: str) -> str:
    """The status and, if it is SUSPENDED, why. at: local time of NL1."""
    row = await cell(service, person, nl(at))
    return row["status"] if row["status"] != "SUSPENDED" else row["reasons"][0]["code"]


async def assignments(service: RunningService, person: str) -> dict[str, dict[str, Any]]:
    answer = await service.client("auditor").get("/api/assignments", params={"person": person})
    return {row["trigger"]: row for row in answer.json()["items"]}


ORDER = {
    "order": "CAPA-12-1",
    "kind": "CAPA",
    "origin": "CAPA-12",
    "item": "SOP-101",
    "people": ["ANA", "BEN"],
    "version": 3,
    "ordered_at": "2026-03-01T08:00:00Z",
    "due_on": "2026-03-10",
    "suspend": "due",
    "recorded_at": "2026-03-01T08:00:00Z",
}


async def give(service: RunningService, **more: Any) -> None:
    """The order, or its next announcement."""
    state = ORDER | more
    await service.feed("qms.retraining", "qms.retraining-ordered.v1", "CAPA-12-1", state, time=BEGIN)
    await service.settled()


@pytest.mark.part("R-72", "an order that is not satisfied suspends from its due instant, or at once")
@pytest.mark.part("R-26", "records from before the order do not satisfy it, one from after it does")
async def test_an_order_of_retraining_is_a_need_beside_a_valid_record(service: RunningService) -> None:
    await fixture_f.import_fixture(service, time=BEGIN)
    await give(service)
    assert await status(service, "ANA", "2026-03-10T23:59:59") == "QUALIFIED"
    assert await status(service, "ANA", "2026-03-11T00:00:00") == "RETRAINING_OVERDUE"
    assert await status(service, "FAY", "2026-03-11T00:00:00") == "QUALIFIED", "not in scope"
    task = (await assignments(service, "ANA"))["CAPA"]
    assert (task["state"], task["cause"]["id"]) == ("OPEN", "CAPA-12-1")
    assert datetime.fromisoformat(task["due_at"]) == nl("2026-03-11T00:00:00")

    await give(service, suspend="now")
    assert await status(service, "ANA", "2026-03-05T00:00:00") == "RETRAINING_ORDERED"

    record = fixture_f.record("ANA", 3, "2026-03-01T09:30:00+01:00", "ANA-again")
    signed = "records.training-record-signed.v1"
    moment = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    await service.move_clock(moment)
    await service.feed("records.training-record", signed, "ANA-again", record, key="ANA", time=moment)
    await service.settled()
    assert await status(service, "ANA", "2026-03-11T00:00:00") == "QUALIFIED"
    assert await status(service, "BEN", "2026-03-11T00:00:00") == "RETRAINING_OVERDUE"
    task = (await assignments(service, "ANA"))["CAPA"]
    assert (task["state"], task["closing_reason"]) == ("CLOSED", "COMPLETED")


@pytest.mark.part(
    "R-72", "an order that is called off, or whose scope no longer holds the person, suspends nobody"
)
async def test_an_order_that_ends_or_loses_somebody_is_heard(service: RunningService) -> None:
    await fixture_f.import_fixture(service, time=BEGIN)
    await give(service)
    await give(service, people=["BEN"])
    assert await status(service, "ANA", "2026-03-11T00:00:00") == "QUALIFIED"
    assert (await assignments(service, "ANA"))["CAPA"]["state"] == "CLOSED"
    assert await status(service, "BEN", "2026-03-11T00:00:00") == "RETRAINING_OVERDUE"
    await give(service, people=["BEN"], ended={"at": "2026-03-01T08:00:00Z", "reason": "other cause"})
    assert await status(service, "BEN", "2026-03-11T00:00:00") == "QUALIFIED"
    task = (await assignments(service, "BEN"))["CAPA"]
    assert (task["closing_reason"], task["closing_detail"]) == ("CANCELLED", "other cause")


@pytest.mark.part(
    "QM-06", "a gated version governs from its release alone, and its planned date is used by dues"
)
async def test_a_gated_version_does_not_govern_until_it_is_released(service: RunningService) -> None:
    await fixture_f.import_fixture(service, time=BEGIN)

    async def announce(**more: Any) -> None:
        said = {"place": "*", "recorded_at": "2026-03-01T08:00:00Z", "planned_on": "2026-03-16"}
        v4 = fixture_f.version(4, approved_at="2026-03-01T08:00:00Z")
        v4["effective"] = [said, *([said | more] if more else [])]
        document = fixture_f.document(fixture_f.V3, v4)
        await service.feed("qms.document", "qms.document-changed.v1", "SOP-101", document, time=BEGIN)
        await service.settled()

    await announce()
    assert await status(service, "BEN", "2026-03-15T23:59:59") == "IN_WINDOW"
    assert await status(service, "BEN", "2026-03-20T00:00:00") == "IN_WINDOW", "v3 governs: v4 is held"
    due = nl("2026-03-15T14:00:00")
    assert datetime.fromisoformat((await assignments(service, "BEN"))["REVISION"]["due_at"]) == due

    # At the planned instant: released. The due stays, since no date was moved.
    await announce(at="2026-03-15T23:00:00Z", recorded_at="2026-03-15T23:00:00Z")
    assert await status(service, "BEN", "2026-03-16T00:00:00") == "SUPERSEDED"
    assert datetime.fromisoformat((await assignments(service, "BEN"))["REVISION"]["due_at"]) == due

    # Held at the planned instant, released by an override at 09:30.
    await announce(at="2026-03-16T08:30:00Z", recorded_at="2026-03-16T08:30:00Z")
    assert await status(service, "BEN", "2026-03-16T09:29:59") == "IN_WINDOW"
    assert await status(service, "BEN", "2026-03-16T09:30:00") == "SUPERSEDED"


async def sign_on_the_job(service: RunningService, level: str | None) -> None:
    """BEN's record of training on the job, as it is after its next announcement."""
    record = fixture_f.record("BEN", 3, "2026-02-20T10:00:00+01:00", "BEN-ojt") | {"methods": ["O"]}
    record |= {"source_class": "NATIVE"} | ({"level": level} if level else {})
    signed = "records.training-record-signed.v1"
    await service.feed("records.training-record", signed, "BEN-ojt", record, key="BEN", time=BEGIN)
    await service.settled()


@pytest.mark.part("MX-13", "a record of training on the job at level supervised allows supervised work alone")
async def test_training_on_the_job_at_level_supervised_allows_supervised_work(
    service: RunningService,
) -> None:
    await fixture_f.import_fixture(service, time=BEGIN)
    owed = fixture_f.obligation("BEN")
    owed["spans"][0]["methods"] = ["R", "O"]
    changed = "matrix.obligation-changed.v1"
    await service.feed("matrix.obligation", changed, "BEN/SOP-101", owed, key="BEN", time=BEGIN)
    await sign_on_the_job(service, "supervised")
    row = await cell(service, "BEN", nl("2026-03-01T09:00:00"))
    assert (row["status"], row["verdict"]) == ("SUPERVISED_ONLY", "ALLOW_WITH_CONDITION")
    await sign_on_the_job(service, "independent")
    assert await status(service, "BEN", "2026-03-01T09:00:00") == "QUALIFIED"
    await sign_on_the_job(service, "a level of a later release")
    assert await status(service, "BEN", "2026-03-01T09:00:00") == "SUPERVISED_ONLY"


RULE = {
    "equivalence": "EQ-1",
    "source_item": "WI-145",
    "source_versions": [2, 3],
    "target_item": "SOP-101",
    "target_versions": [3],
    "from": "2026-01-01",
    "recorded_at": "2026-03-01T08:00:00Z",
}


@pytest.mark.part(
    "MX-15", "records of the source credit the target while the rule holds, whichever comes last"
)
@pytest.mark.part("R-11", "an equivalence is directed, and its end takes no credit from the past")
@pytest.mark.parametrize("last", ["rule", "record"])
async def test_a_record_of_another_item_credits_this_one(service: RunningService, last: str) -> None:
    await fixture_f.import_fixture(service, time=BEGIN)
    await fixture_f.hire_dev(service, time=BEGIN)
    record = fixture_f.record("DEV", 3, "2026-02-03T10:00:00+01:00", "DEV-wi") | {"item": "WI-145"}
    imported = "records.training-record-imported.v1"

    async def feed_rule(**more: Any) -> None:
        state = RULE | more
        await service.feed("matrix.equivalence", "matrix.equivalence-changed.v1", "EQ-1", state, time=BEGIN)
        await service.settled()

    async def feed_record() -> None:
        await service.feed("records.training-record", imported, "DEV-wi", record, key="DEV", time=BEGIN)
        await service.settled()

    await service.settled()
    for feed in (feed_record, feed_rule) if last == "rule" else (feed_rule, feed_record):
        assert await status(service, "DEV", "2026-03-10T00:00:00") == "NEVER_TRAINED"
        await feed()
    assert await status(service, "DEV", "2026-03-10T00:00:00") == "QUALIFIED"
    await feed_rule(to="2026-07-01")
    row = await cell(service, "DEV", nl("2026-06-30T23:59:59"))
    assert (row["verdict"], row["expires_at"]) == ("ALLOW", "2026-07-01T00:00:00+02:00")
    assert await status(service, "DEV", "2026-07-01T00:00:00") == "LAPSED"
    await feed_rule(source_item="SOP-101", target_item="WI-145")
    assert await status(service, "DEV", "2026-03-10T00:00:00") == "NEVER_TRAINED", "it is directed"
