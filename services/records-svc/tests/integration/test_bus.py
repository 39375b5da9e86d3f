"""The records service on a real Kafka: people and documents come in, a signed training record goes out."""

from __future__ import annotations

from attest_contracts import validate_envelope, validate_outgoing
from records_svc.main import SPEC
from records_testing import ANA, Records, prepare
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.delivery import published
from servicekit.testing.harness import running


async def test_a_signed_reading_is_published(
    databases: DatabaseFactory, kafka: str, topic_prefix: str
) -> None:
    async with running(SPEC, databases, kafka, topic_prefix, of=Records) as service:
        await prepare(service)
        record = await service.read_and_sign(ANA)
        [event] = await published(kafka, f"{topic_prefix}records.training-record", bool)
    validate_envelope(event)
    validate_outgoing("records.training-record", event["data"])
    assert (event["type"], event["subject"]) == ("records.training-record-signed.v1", record)
    assert event["data"]["state"]["person"] == "ANA"
