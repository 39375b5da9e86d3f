"""The whole service on real Kafka: what is announced is in the next answer, and its own trail comes back to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from reporting_svc.main import SPEC
from reporting_testing import document, person, qualification, segment, site, utc
from servicekit.context import Context
from servicekit.db.audit import announce_audit
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import RunningService, running
from servicekit.testing.polling import eventually

AT = utc("2026-03-20T12:00:00Z")
KNOWN = utc("2026-03-01T08:00:00Z")


async def feed(
    service: RunningService,
    topic: str,
    subject: str,
    state: dict[str, Any],
    *,
    key: str | None = None,
    at: datetime = KNOWN,
) -> str:
    return await service.feed(topic, f"{topic}-changed.v1", subject, state, key=key, time=at)


@pytest.mark.part("RP-02", "an event from Kafka changes the answer")
@pytest.mark.part("RP-03", "from kafka to the answer")
@pytest.mark.part("PL-10", "reading a cell of another is logged")
async def test_from_kafka_to_the_answer(databases: DatabaseFactory, kafka: str, topic_prefix: str) -> None:
    async with running(SPEC, databases, kafka, topic_prefix) as service:
        client = service.client("auditor", subject="AUD")
        await feed(service, "matrix.organisation", "site/NL1", site("NL1", "Europe/Amsterdam"))
        await feed(service, "qms.document", "SOP-101", document("SOP-101"))
        await feed(service, "matrix.person", "ANA", person("ANA"))
        timeline = qualification("ANA", "SOP-101", [segment(KNOWN, None, "LAPSED", 3, 3)])
        await feed(service, "assignment.qualification", "ANA/SOP-101/NL1", timeline, key="ANA")
        await service.settled()
        query = {"at": AT.isoformat(), "site": "NL1"}
        before = (await client.get("/api/reports/compliance", params=query)).json()
        assert [(row["person"], row["status"]) for row in before["items"]] == [("ANA", "LAPSED")]
        # A training is signed: a question asked one second later knows it (RP-02).
        later = KNOWN + timedelta(days=1)
        timeline = qualification("ANA", "SOP-101", [segment(KNOWN, None, "QUALIFIED", 3, 3)])
        await feed(service, "assignment.qualification", "ANA/SOP-101/NL1", timeline, key="ANA", at=later)

        async def shown() -> bool:
            answer = (await client.get("/api/reports/compliance", params=query)).json()
            return answer["totals"]["numerator"] == 1

        await eventually(shown, deadline=30)
        known = {**query, "known_at": KNOWN.isoformat()}
        then = (await client.get("/api/reports/compliance", params=known)).json()
        assert then["items"] == before["items"]
        assert then["provisional"] is True
        await service.beat(later + timedelta(days=1))

        async def final() -> bool:
            return (await client.get("/api/reports/compliance", params=known)).json()["provisional"] is False

        await eventually(final, deadline=30)
        # Its own trail is announced, consumed and answered like that of any other service.
        taken = await client.get("/api/reports/compliance", params=query, headers={"accept": "text/csv"})
        assert taken.status_code == 200

        found: list[dict[str, Any]] = []

        async def trail() -> bool:
            async with service.database.read() as tx:
                export = await tx.scalar("SELECT CAST(id AS text) FROM app.export")
            answer = await client.get("/api/audit", params={"entity": "export", "id": export})
            found[:] = answer.json()["items"]
            return bool(found)

        async with service.database.transaction(Context("system/reporting", "announces", "c")) as tx:
            await announce_audit(tx)
        await eventually(trail, deadline=30)
        assert [(one["service"], one["actor"], one["op"]) for one in found] == [
            ("reporting", "account/AUD", "INSERT")
        ]
        async with service.database.read() as tx:
            archived = await tx.rows(
                "SELECT topic, count(*) AS events FROM archive.event GROUP BY 1 ORDER BY 1"
            )
        assert {row["topic"]: row["events"] for row in archived} == {
            "assignment.qualification": 2,
            "matrix.organisation": 1,
            "matrix.person": 1,
            "qms.document": 1,
            "reporting.audit": 1,
        }
