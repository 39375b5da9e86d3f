"""The whole service on a real Kafka: what it announces arrives, what others announce is counted."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from attest_contracts import topics, validate_envelope, validate_outgoing
from qms_svc.main import SPEC
from qms_testing import EVA, QUE, Qms, draft_cc7
from servicekit.bus import Event, ensure_topics
from servicekit.bus.envelope import encode
from servicekit.db.audit import announce_audit_forever
from servicekit.service import Service
from servicekit.testing.polling import eventually


@pytest.fixture
async def running(qms: Qms, kafka: str, topic_prefix: str) -> AsyncIterator[Qms]:
    """Relay, consumer and audit announcements beside the API of `qms`."""
    await ensure_topics(kafka, list(topics.load().values()), prefix=topic_prefix)
    settings = qms.settings.model_copy(update={"kafka": kafka, "topic_prefix": topic_prefix})
    service = Service(SPEC, settings, frozenset({"relay", "worker"}))
    assert service.relay is not None
    assert service.consumer is not None
    tasks = [
        asyncio.ensure_future(part)
        for part in (service.relay.run(), service.consumer.run(), announce_audit_forever(service.database))
    ]
    yield qms
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    await service.database.close()


@pytest.mark.req("QM-02", "PL-24")
async def test_an_approval_leaves_and_its_progress_comes_back(
    running: Qms, kafka: str, topic_prefix: str
) -> None:
    await draft_cc7(running)
    await running.approve(EVA, "CC-7")
    names = [topic_prefix + name for name in ("qms.document", "qms.change", "qms.audit")]
    consumer = AIOKafkaConsumer(*names, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    seen: dict[str, list[dict]] = {name: [] for name in names}

    async def approved() -> bool:
        for batch in (await consumer.getmany(timeout_ms=100)).values():
            for record in batch:
                message = json.loads(record.value or b"{}")
                if "specversion" in message:
                    validate_envelope(message)
                    validate_outgoing(record.topic.removeprefix(topic_prefix), message["data"])
                    seen[record.topic].append(message)
        return any(e["type"] == "qms.change-approved.v1" for e in seen[names[1]]) and any(
            "sign.signature" in json.dumps(e["data"]["state"]) for e in seen[names[2]]
        )

    try:
        await eventually(approved, deadline=60, what="the approval on Kafka")
    finally:
        await consumer.stop()
    document = seen[names[0]][-1]
    assert (document["type"], document["subject"]) == ("qms.document-version-approved.v1", "SOP-101")
    trail = json.dumps(seen[names[2]])
    assert "Eva Tester" not in trail, "the printed name stays in this database"
    assert "CC-7" in trail

    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        event = Event(
            id=str(uuid.uuid4()),
            source="/attest/assignment",
            type="assignment.assignment-opened.v1",
            topic="assignment.assignment",
            subject=str(uuid.uuid4()),
            key="ANA",
            time=datetime.now(UTC) + timedelta(days=400),
            epoch=1,
            sequence=1,
            correlation=str(uuid.uuid4()),
            cause=None,
            actor="system/assignment",
            traceparent=None,
            dataschema="urn:attest:schema:assignment.assignment:v1",
            state={
                "assignment": str(uuid.uuid4()),
                "person": "ANA",
                "item": "SOP-101",
                "place": "NL1",
                "target_version": 4,
                "trigger": "REVISION",
                "state": "OPEN",
                "opened_at": "2027-01-02T10:00:00Z",
                "first_due_was_past": False,
                "methods": ["R"],
            },
            change={"kind": "opened"},
        )
        await producer.send_and_wait(
            topic_prefix + "assignment.assignment", encode(event).encode(), key=b"ANA"
        )
    finally:
        await producer.stop()

    async def counted() -> bool:
        change = (await running.get(QUE, "/api/changes/CC-7")).json()
        return change["progress"]["open"] == 1

    await eventually(counted, deadline=60, what="the assignment in the progress of CC-7")
