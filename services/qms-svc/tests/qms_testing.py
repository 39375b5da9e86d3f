"""The service on a real PostgreSQL, called as the gateway calls it: with tokens of its own key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from attest_contracts import validate_envelope
from servicekit.canonical import digest
from servicekit.http.caller import Caller, Grant
from servicekit.testing.harness import RunningService

PROCEDURE = b"# Purpose\nWhy.\n\n## Interventions in grade A\nHow.\n"


def caller(person: str | None, *roles: str) -> Caller:
    return Caller(f"account/{person or 'machine'}", tuple(Grant(role) for role in roles), person)


QUE = caller("QUE", "document_author", "qa_approver")
CAM = caller("CAM", "document_author")
EVA = caller("EVA", "qa_approver")
ANA = caller("ANA", "operator")
ADMIN = caller("ADM", "administrator")
QA2 = caller("ELI", "qa_approver")
IMPORTER = caller(None, "integration")


class Qms(RunningService):
    """The service without a broker."""

    async def get(self, who: Caller, path: str, **more: Any) -> httpx.Response:
        return await self.call(who, "GET", path, **more)

    async def post(self, who: Caller, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """A command that must succeed; returns its body."""
        answer = await self.call(who, "POST", path, json={"reason": "a test", **(body or {})}, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def refused(self, who: Caller, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, str]:
        """A command that must fail; returns status and code."""
        answer = await self.call(who, "POST", path, json={"reason": "a test", **(body or {})})
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["type"].rsplit(":", 1)[1]

    async def draft(
        self, who: Caller, change: str, document: str, file: bytes = PROCEDURE, **fields: Any
    ) -> httpx.Response:
        data = {
            "document": document,
            "reason": "a test",
            **{k: json.dumps(v) if isinstance(v, list) else v for k, v in fields.items() if v is not None},
        }
        headers = data.pop("headers", {})
        return await self.call(
            who,
            "POST",
            f"/api/changes/{change}/versions",
            data=data,
            files={"file": ("x.docx", file)},
            headers=headers,
        )

    async def prepare(
        self,
        who: Caller,
        key: str,
        kind: str = "change",
        inputs: Mapping[str, Any] | None = None,
        meaning: str = "approve",
    ) -> httpx.Response:
        body = {"kind": kind, "key": key, "meaning": meaning, "inputs": dict(inputs or {})}
        return await self.call(who, "POST", "/signing/prepare", json=body)

    async def confirm(
        self,
        who: Caller,
        key: str,
        digest_shown: str,
        *,
        intent: str | None = None,
        signer: str | None = None,
        kind: str = "change",
        inputs: Mapping[str, Any] | None = None,
        meaning: str = "approve",
    ) -> httpx.Response:
        token = self.statement(
            signer or who.subject or "",
            digest_shown,
            meaning,
            intent=intent,
            printed_name=f"{(who.subject or '').title()} Tester",
            account=who.actor,
        )
        body = {
            "kind": kind,
            "key": key,
            "meaning": meaning,
            "inputs": dict(inputs or {}),
            "statement": token,
            "reason": "approved",
        }
        return await self.call(who, "POST", "/signing/sign", json=body)

    async def approve(self, who: Caller, key: str) -> dict[str, Any]:
        shown = await self.prepare(who, key)
        assert shown.status_code == 200, shown.text
        signed = await self.confirm(who, key, shown.json()["digest"])
        assert signed.status_code == 200, signed.text
        return signed.json()

    async def withdraw(self, who: Caller, key: str) -> dict[str, Any]:
        """Signs that a version ends; returns the signature."""
        shown = await self.prepare(who, key, kind="withdrawal", meaning="withdraw")
        assert shown.status_code == 200, shown.text
        signed = await self.confirm(who, key, shown.json()["digest"], kind="withdrawal", meaning="withdraw")
        assert signed.status_code == 200, signed.text
        return signed.json()

    async def move(self, who: Caller, key: str, place: str, on: str) -> dict[str, Any]:
        """Signs another effective day; returns the signature."""
        inputs = {"place": place, "on": on}
        shown = await self.prepare(who, key, kind="effective_date", inputs=inputs)
        assert shown.status_code == 200, shown.text
        signed = await self.confirm(who, key, shown.json()["digest"], kind="effective_date", inputs=inputs)
        assert signed.status_code == 200, signed.text
        return signed.json()

    async def move_refused(self, who: Caller, key: str, place: str, on: str) -> tuple[int, str]:
        """What who may not sign is not even shown; returns status and code."""
        answer = await self.prepare(who, key, kind="effective_date", inputs={"place": place, "on": on})
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["type"].rsplit(":", 1)[1]

    def events(self, topic: str) -> list[dict[str, Any]]:
        """What was announced on the topic, in order; each envelope holds to the contract."""
        rows = self.sql("SELECT envelope FROM bus.outbox WHERE topic = %s ORDER BY id", [topic])
        envelopes = [json.loads(row["envelope"]) for row in rows]
        for envelope in envelopes:
            validate_envelope(envelope)
        return envelopes

    def shown_digest(self, prepared: Mapping[str, Any], content: Mapping[str, Any]) -> str:
        return digest(
            {
                "content": dict(content),
                "content_version": prepared["content_version"],
                "meaning": prepared["meaning"],
                "meaning_text": prepared["meaning_text"],
            }
        )


NL1 = {"unit": "site/NL1", "kind": "site", "code": "NL1", "site": "NL1", "title": "Leiden", "active": True}
US1 = {"unit": "site/US1", "kind": "site", "code": "US1", "site": "US1", "title": "Durham", "active": True}
SITES = (NL1 | {"time_zone": "Europe/Amsterdam"}, US1 | {"time_zone": "America/New_York"})


def employed(person: str, *spells: Mapping[str, Any]) -> dict[str, Any]:
    """What matrix announces of a person of whom nothing but the employment matters."""
    lists = ("places", "functions", "overlays", "equipment", "leaves", "shifts")
    return {
        "person": person,
        "employment": "employee",
        "employments": [dict(spell) for spell in spells],
        **{name: [] for name in lists},
    }


START = datetime(2027, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def block(rows: Sequence[Mapping[str, Any]], file: str = "documents.csv", **more: Any) -> dict[str, Any]:
    return {
        "batch": "B-1",
        "file": file,
        "sha256": "a" * 64,
        "accepted_by": ["EVA", "COR"],
        "rows": rows,
    } | more


SOP = {
    "line": 2,
    "document": "SOP-101",
    "title": "Aseptic filling",
    "type": "SOP",
    "framework": "GMP",
    "owner_department": "Production",
}
V3 = {
    "line": "4",
    "document": "SOP-101",
    "version": 3,
    "approved_on": "2025-05-20",
    "effective_on": "2025-06-01",
    "change_class": "major",
    "retraining": "read",
    "change_control": "CC-3",
}


async def import_plant(qms: Qms) -> None:
    for kind, rows in (("documents", [SOP]), ("document_versions", [V3])):
        answer = await qms.call(
            IMPORTER, "POST", f"/internal/imports/{kind}", json=block(rows, f"{kind}.csv")
        )
        assert answer.status_code == 200, answer.text


async def prepare(qms: Qms) -> None:
    """Sites NL1 and US1, the clock at 1 January 2027, SOP-101 v3 imported."""
    qms.clock(START)
    await qms.fold("matrix.organisation", *SITES)
    await qms.settled()
    await import_plant(qms)


async def draft_cc7(qms: Qms, **fields: Any) -> dict[str, Any]:
    """CC-7 with SOP-101 v4, effective 16 January at NL1 and 23 January at US1."""
    body = {"change": "CC-7", "title": "Record interventions at once", "reason": "deviation trend"}
    await qms.post(QUE, "/api/changes", body)
    plan = {
        "change_class": "major",
        "training_decision": "read",
        "effective": [{"place": "NL1", "on": "2027-01-16"}, {"place": "US1", "on": "2027-01-23"}],
        "summary": "Interventions are recorded at once.",
        "minutes": 25,
    }
    answer = await qms.draft(QUE, "CC-7", "SOP-101", **(plan | fields))
    assert answer.status_code == 201, answer.text
    return answer.json()
