"""The service on a real PostgreSQL, called as the gateway calls it: with tokens of its own key."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import httpx
from attest_contracts import validate_envelope
from servicekit.http.caller import Caller, Grant
from servicekit.testing.harness import RunningService

PDF = b"%PDF-1.7\nsigned on paper\n"
EN, NL = "1" * 64, "2" * 64


def caller(person: str | None, *roles: str, **scope: str) -> Caller:
    return Caller(
        f"account/{(person or 'machine').lower()}", tuple(Grant(role, scope) for role in roles), person
    )


ANA = caller("ANA", "operator")
BEN = caller("BEN", "operator")
CHI = caller("CHI", "operator")
FAY = caller("FAY", "operator")
GIL = caller("GIL", "operator")
SAM = caller("SAM", "supervisor")
COR = caller("COR", "coordinator")
EVA = caller("EVA", "qa_approver")
QUE = caller("QUE", "qa_approver")
AUD = caller("AUD", "auditor")
ADMIN = caller("ADM", "administrator")
IMPORTER = caller(None, "integration")


class Records(RunningService):
    """The service without a broker. names: the printed names of signers, where they are not the usual ones."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.names: dict[str, str] = {}

    def put_back(self, state: str) -> Self:
        self.names.clear()
        return super().put_back(state)

    async def get(self, who: Caller, path: str, **params: Any) -> Any:
        """A read that must succeed; returns its body."""
        answer = await self.call(who, "GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, who: Caller, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """A command that must succeed; returns its body."""
        answer = await self.call(who, "POST", path, json={"reason": "a test", **(body or {})}, **more)
        assert answer.is_success, answer.text
        return answer.json()

    async def opened(self, who: Caller, section: str, version: int = 4, language: str | None = None) -> Any:
        path = f"/api/reading/SOP-101/{version}/sections/{section}/opened"
        answer = await self.call(who, "POST", path, json={"language": language} if language else {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def prepare(
        self, who: Caller, key: str, kind: str = "reading", meaning: str = "", **inputs: Any
    ) -> httpx.Response:
        body = {"kind": kind, "key": key, "meaning": meaning or MEANING[kind], "inputs": inputs}
        return await self.call(who, "POST", "/signing/prepare", json=body)

    async def confirm(
        self,
        who: Caller,
        key: str,
        digest: str,
        kind: str = "reading",
        *,
        intent: str | None = None,
        signer: str | None = None,
        **inputs: Any,
    ) -> httpx.Response:
        person = who.subject or ""
        token = self.statement(
            signer or person,
            digest,
            MEANING[kind],
            intent=intent,
            printed_name=self.names.get(person, f"{person.title()} Tester"),
            account=who.actor,
        )
        body = {
            "kind": kind,
            "key": key,
            "meaning": MEANING[kind],
            "inputs": inputs,
            "statement": token,
            "reason": "signs",
        }
        return await self.call(who, "POST", "/signing/sign", json=body)

    async def signed(self, who: Caller, key: str, kind: str = "reading", **inputs: Any) -> Any:
        """Both steps, which must succeed; returns the signature."""
        shown = await self.prepare(who, key, kind, **inputs)
        assert shown.status_code == 200, shown.text
        signed = await self.confirm(who, key, shown.json()["digest"], kind, **inputs)
        assert signed.status_code == 200, signed.text
        return signed.json()

    async def read_and_sign(self, who: Caller, version: int = 4) -> str:
        """Opens both sections and signs; returns the record's id."""
        for section in ("s1", "s2"):
            await self.opened(who, section, version)
        await self.signed(who, f"SOP-101/{version}")
        listed = await self.get(who, "/api/records", person=who.subject, version=version)
        return listed["items"][0]["record"]

    async def propose(self, who: Caller, scan: bytes = PDF, **fields: Any) -> httpx.Response:
        """A late entry of BEN's reading of v4, unless the fields say otherwise; None leaves one out."""
        data = {
            "person": "BEN",
            "document": "SOP-101",
            "version": "4",
            "methods": "R",
            "ink_signed_at": "2027-03-10T13:50:00+01:00",
            "reason": "the terminal was down",
        } | fields
        return await self.call(
            who,
            "POST",
            "/api/records/late-entries",
            data={name: value for name, value in data.items() if value is not None},
            files={"scan": ("form.pdf", scan)},
        )

    def events(self) -> list[dict[str, Any]]:
        """What was announced, in order; each envelope holds to the contract."""
        rows = self.sql("SELECT envelope FROM bus.outbox ORDER BY id")
        envelopes = [json.loads(row["envelope"]) for row in rows]
        for envelope in envelopes:
            validate_envelope(envelope)
        return envelopes


MEANING = {"reading": "read_and_understood", "late_entry": "verify", "record_error": "mark_in_error"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[1]


def bad_fields(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


START = datetime(2027, 3, 12, 21, 30, tzinfo=UTC)
"""12 March 22:30 at NL1: the window of v4 is open, v3 governs."""
KNOWN = "2027-03-01T08:00:00Z"


def site(code: str, title: str, zone: str) -> dict[str, Any]:
    return {
        "unit": f"site/{code}",
        "kind": "site",
        "code": code,
        "site": code,
        "title": title,
        "time_zone": zone,
        "active": True,
    }


SITES = (site("NL1", "Leiden", "Europe/Amsterdam"), site("US1", "Durham", "America/New_York"))


def person(who: str, at: str = "NL1", *, language: str = "en", **more: Any) -> dict[str, Any]:
    """Hired on 10 January 2025; SAM's. more: `ended_on`, `leaves`, `area`, further fields of the contract."""
    spell = {"from": "2025-01-10", "to": more.pop("ended_on", None), "recorded_at": KNOWN}
    return {
        "person": who,
        "employment": "employee",
        "language": language,
        "supervisor": "SAM" if who not in ("SAM", "EVA", "QUE", "COR") else None,
        "employments": [{"id": f"{who}-e"} | spell],
        "places": [
            {"id": f"{who}-p", "site": at, "department": None, "area": more.pop("area", None)} | spell
        ],
        "functions": [],
        "overlays": [],
        "equipment": [],
        "leaves": more.pop("leaves", []),
        "shifts": [],
    } | more


PEOPLE = (
    person("ANA"),
    person("BEN", language="nl", area="GA"),
    person(
        "CHI",
        leaves=[
            {"id": "CHI-l", "kind": "leave", "from": "2027-03-01", "to": "2027-04-16", "recorded_at": KNOWN}
        ],
    ),
    person("FAY", ended_on="2027-03-20"),
    person("GIL", "US1"),
    person("SAM"),
    person("EVA"),
    person("QUE"),
    person("COR"),
)


def version(number: int, **more: Any) -> dict[str, Any]:
    return {
        "version": number,
        "state": "APPROVED",
        "change_class": "major",
        "training_decision": "read",
        "change": None,
        "approved_at": None,
        "approved_on": None,
        "effective": [],
        "ends": [],
        "withdrawn_at": None,
        "content": [file(EN, "en"), file(NL, "nl")],
        "sections": [{"id": "s1", "title": "Purpose"}, {"id": "s2", "title": "Interventions in grade A"}],
        "minutes": 25,
        "summary": "Interventions are recorded at once.",
        "recorded_at": KNOWN,
    } | more


def file(sha256: str, language: str) -> dict[str, Any]:
    return {"sha256": sha256, "size": 48213, "media_type": "text/markdown", "language": language}


def effective(place: str, on: str | None) -> dict[str, Any]:
    return {"place": place, "on": on, "at": None, "recorded_at": KNOWN}


V2 = version(2, approved_on="2025-01-01", effective=[effective("*", "2025-01-02")])
V3 = version(3, approved_on="2026-05-20", effective=[effective("*", "2026-06-01")])
V4 = version(
    4,
    approved_at="2027-03-02T10:00:00Z",
    effective=[effective("NL1", "2027-03-16"), effective("US1", "2027-03-23")],
    change="CC-7",
)
V5 = version(5, state="DRAFT")


def document(*versions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "document": "SOP-101",
        "title": "Aseptic filling on line 1",
        "document_type": "SOP",
        "framework": "GMP",
        "category": None,
        "owner_department": None,
        "retired": [],
        "versions": list(versions or (V2, V3, V4, V5)),
    } | more


def assignment(who: str, number: int = 4, **more: Any) -> dict[str, Any]:
    return {
        "assignment": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{who}/{number}")),
        "person": who,
        "item": "SOP-101",
        "place": "NL1",
        "target_version": number,
        "trigger": "REVISION",
        "state": "OPEN",
        "opened_at": "2027-03-02T10:00:00Z",
        "due_at": "2027-03-15T05:00:00Z",
        "due_zone": "Europe/Amsterdam",
        "first_due_was_past": False,
        "closed_at": None,
        "closing_reason": None,
        "methods": ["R"],
        "change": "CC-7",
    } | more


def history(number: int, **more: Any) -> dict[str, Any]:
    """A row as the importer sends it."""
    return {
        "file": "training_history.csv",
        "line": str(number + 1),
        "key": f"LEG-{number:07}",
        "digest": f"{number:064x}",
        "employee_no": "ANA",
        "document": "SOP-101",
        "version": 3,
        "completed_at": "2026-05-27T22:40:00+02:00",
        "completed_at_text": "2026-05-27T22:40:00+02:00",
        "methods": ["R", "Q"],
        "score": "92.5",
        "evaluator_no": None,
        "source_record": f"LEG-{number:07}",
        "site": "NL1",
        "time_zone": "Europe/Amsterdam",
        "zone_rule": None,
    } | more


def block(rows: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "batch": "B-1",
        "file": "training_history.csv",
        "sha256": "a" * 64,
        "accepted_by": ["EVA", "COR"],
        "rows": list(rows),
    } | more


async def prepare(records: Records) -> None:
    """The people of two sites, SOP-101 with v2 and v3, v4 in its window and v5 in draft; ANA is to train v4."""
    records.clock(START)
    await records.fold("matrix.organisation", *SITES)
    await records.fold("matrix.person", *PEOPLE)
    await records.fold("qms.document", document())
    await records.fold("assignment.assignment", assignment("ANA"))
    await records.settled()
