"""The whole service on a real Kafka: what it announces arrives, what others announce is counted."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from attest_contracts import validate_envelope, validate_outgoing
from qms_svc.main import SPEC
from qms_testing import EVA, QUE, Qms, draft_cc7, prepare
from servicekit.db.audit import announce_audit_forever
from servicekit.tasks import end_all
from servicekit.testing import harness
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.polling import eventually


@pytest_asyncio.fixture
async def running(databases: DatabaseFactory, kafka: str, topic_prefix: str) -> AsyncIterator[Qms]:
    """All roles, the audit announcements among them."""
    async with harness.running(SPEC, databases, kafka, topic_prefix, of=Qms) as found:
        await prepare(found)
        announcing = asyncio.ensure_future(announce_audit_forever(found.database))
        yield found
        await end_all([announcing])


@pytest.mark.part("QM-02", "an approval leaves and its progress comes back")
@pytest.mark.part("PL-24", "an approval leaves and its progress comes back")
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

    assignment = str(uuid.uuid4())
    await running.feed(
        "assignment.assignment",
        "assignment.assignment-opened.v1",
        assignment,
        {
            "assignment": assignment,
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
        key="ANA",
        time=datetime.now(UTC) + timedelta(days=400),
    )

    async def counted() -> bool:
        change = (await running.get(QUE, "/api/changes/CC-7")).json()
        return change["progress"]["open"] == 1

    await eventually(counted, deadline=60, what="the assignment in the progress of CC-7")
