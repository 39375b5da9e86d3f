"""The matrix service on a real Kafka: a document comes in, and what a hired person owes goes out."""

from __future__ import annotations

from datetime import UTC, datetime

from attest_contracts import validate_envelope, validate_outgoing
from matrix_svc.main import SPEC
from matrix_testing import HIRE, organisation, sign_first_matrix
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.delivery import published
from servicekit.testing.harness import running

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


async def test_a_hired_person_and_what_they_owe_are_published(
    databases: DatabaseFactory, kafka: str, topic_prefix: str
) -> None:
    async with running(SPEC, databases, kafka, topic_prefix, clock=BEGIN) as service:
        await organisation(service)
        await sign_first_matrix(service)
        hired = await service.client("coordinator", subject="COR").post("/api/people", json=HIRE)
        assert hired.status_code == 201, hired.text
        owed = await published(kafka, f"{topic_prefix}matrix.obligation", bool)
        people = await published(kafka, f"{topic_prefix}matrix.person", bool)
    for topic, events in (("matrix.obligation", owed), ("matrix.person", people)):
        for event in events:
            validate_envelope(event)
            validate_outgoing(topic, event["data"])
    assert [event["subject"] for event in owed] == ["DEV/SOP-101"]
    assert [(event["type"], event["subject"]) for event in people] == [("matrix.person-hired.v2", "DEV")]
