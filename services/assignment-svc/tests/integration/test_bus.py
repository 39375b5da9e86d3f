"""The assignment service on a real Kafka: facts come in, verdicts and assignments go out."""

from __future__ import annotations

from datetime import UTC, datetime

import assignment_fixture_f as fixture_f
from assignment_svc.main import SPEC
from attest_contracts import validate_envelope, validate_outgoing
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.delivery import published
from servicekit.testing.harness import running

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


async def test_facts_become_verdicts_and_assignments(
    databases: DatabaseFactory, kafka: str, topic_prefix: str
) -> None:
    async with running(SPEC, databases, kafka, topic_prefix, clock=BEGIN) as service:
        await fixture_f.import_fixture(service, time=BEGIN)
        await fixture_f.hire_dev(service, time=BEGIN)
        await service.settled()
        told = await published(
            kafka,
            f"{topic_prefix}assignment.qualification",
            lambda e: len({one["subject"] for one in e}) == 6,
        )
        opened = await published(kafka, f"{topic_prefix}assignment.assignment", bool)
    for topic, events in (("assignment.qualification", told), ("assignment.assignment", opened)):
        for event in events:
            validate_envelope(event)
            validate_outgoing(topic, event["data"])
    last = {event["subject"]: event["data"]["state"]["segments"] for event in told}
    statuses = {segment["status"] for segment in last["ANA/SOP-101/NL1"]}
    assert statuses >= {"NOT_REQUIRED", "QUALIFIED", "LAPSED"}
    assert "DEV" in {event["data"]["state"]["person"] for event in opened}
