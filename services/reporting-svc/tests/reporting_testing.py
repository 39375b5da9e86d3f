"""The service on a real PostgreSQL: fed as the consumer feeds it, called as the gateway calls it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from attest_contracts import topics, validate_outgoing
from servicekit.bus.envelope import Event, encode
from servicekit.http.caller import Caller, Grant
from servicekit.testing.harness import RunningService

VERDICT = {
    "NOT_REQUIRED": "NONE",
    "WAIVED": "ALLOW_WITH_CONDITION",
    "SUPERVISED_ONLY": "ALLOW_WITH_CONDITION",
    "SUSPENDED": "DENY",
    "LAPSED": "DENY",
    "SUPERSEDED": "DENY",
    "INCOMPLETE": "DENY",
    "NEVER_TRAINED": "DENY",
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def wire(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def caller(*roles: str, subject: str | None = None, **scope: str) -> Caller:
    return Caller(f"account/{subject or 'tester'}", tuple(Grant(role, scope) for role in roles), subject)


AUDITOR = caller("auditor", subject="AUD")


def event(
    topic: str,
    state: Mapping[str, Any],
    at: datetime,
    sequence: int = 1,
    *,
    actor: str = "system/test",
    correlation: str | None = None,
    cause: str | None = None,
    check: bool = True,
) -> Event:
    """An event as its owner would announce it; the state is held against the contract."""
    data = {"state": dict(state), "change": {"kind": "changed", "cause": cause}}
    if check:
        validate_outgoing(topic, data)
    spec = topics.load()[topic]
    return Event(
        id=str(uuid.uuid4()),
        source=f"/attest/{spec.owner}",
        type=spec.event_types[0],
        topic=topic,
        subject=spec.subject_of(state),
        key=spec.key_of(state),
        time=at,
        epoch=1,
        sequence=sequence,
        correlation=correlation or str(uuid.uuid4()),
        cause=cause,
        actor=actor,
        traceparent=None,
        dataschema=spec.dataschema,
        state=data["state"],
        change=data["change"],
    )


def segment(
    since: str | datetime,
    until: str | datetime | None,
    status: str,
    version: int | None = None,
    completed: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    begin, end = [utc(one) if isinstance(one, str) else one for one in (since, until)]
    assert begin is not None
    return {
        "from": wire(begin),
        "to": None if end is None else wire(end),
        "status": status,
        "verdict": VERDICT.get(status, "ALLOW"),
        "flags": [],
        "governing_version": version,
        "completed_version": completed,
        "completed_at": None,
        "expires_at": None,
        "records": [],
        "reasons": [],
        "sources": ["job_function/OPR"] if status != "NOT_REQUIRED" else [],
    } | more


def qualification(person: str, item: str, segments: Sequence[Mapping[str, Any]], place: str = "NL1") -> dict:
    return {
        "person": person,
        "item": item,
        "place": place,
        "segments": [dict(one) for one in segments],
        "rule_version": "cells-2",
        "tzdata_version": "2026a",
    }


def site(code: str, zone: str) -> dict[str, Any]:
    return {
        "unit": f"site/{code}",
        "kind": "site",
        "code": code,
        "title": code,
        "time_zone": zone,
        "active": True,
    }


def document(code: str, framework: str = "GMP", title: str | None = None) -> dict[str, Any]:
    return {
        "document": code,
        "title": title or f"Title of {code}",
        "document_type": "SOP",
        "framework": framework,
        "retired": [],
        "versions": [],
    }


def person(
    code: str,
    site: str = "NL1",
    functions: Iterable[tuple[str, str, str | None]] = (("OPR", "2024-01-01", None),),
    *,
    supervisor: str | None = "SAM",
    department: str = "Production",
    area: str = "GA",
    since: str = "2024-01-01",
    until: str | None = None,
) -> dict[str, Any]:
    known = "2026-01-01T00:00:00Z"
    return {
        "person": code,
        "employment": "employee",
        "supervisor": supervisor,
        "employments": [{"id": f"{code}-e", "from": since, "to": until, "recorded_at": known}],
        "places": [
            {
                "id": f"{code}-p",
                "site": site,
                "department": department,
                "area": area,
                "from": since,
                "to": None,
                "recorded_at": known,
            }
        ],
        "functions": [
            {"id": f"{code}-f{n}", "job_function": name, "from": first, "to": last, "recorded_at": known}
            for n, (name, first, last) in enumerate(functions)
        ],
        "overlays": [],
        "equipment": [],
        "leaves": [],
        "shifts": [],
    }


def assignment(
    person: str, item: str, due: str | None, *, opened: str = "2026-03-02T10:00:00Z", **more: Any
) -> dict[str, Any]:
    return {
        "assignment": str(
            uuid.uuid5(uuid.NAMESPACE_OID, f"{person}/{item}/{opened}/{more.get('target_version')}")
        ),
        "person": person,
        "item": item,
        "place": "NL1",
        "target_version": 4,
        "trigger": "REVISION",
        "state": "OPEN",
        "opened_at": opened,
        "due_at": due,
        "first_due_was_past": False,
        "methods": ["R"],
        "change": "CC-7",
    } | more


def record(code: str, person: str, item: str, version: int, completed: str, **more: Any) -> dict[str, Any]:
    return {
        "record": code,
        "person": person,
        "item": item,
        "version": version,
        "methods": ["R"],
        "result": "PASS",
        "completed_at": completed,
        "valid_from": completed,
        "source_class": "NATIVE",
        "signatures": [],
        "recorded_at": completed,
    } | more


def entry(number: int, entity: str, key: str, at: datetime, values: Mapping[str, Any], **more: Any) -> dict:
    return {
        "entry": number,
        "entity": entity,
        "key": key,
        "version": 1,
        "at": wire(at),
        "op": "INSERT",
        "actor": "system/test",
        "reason": "a test",
        "correlation": "c",
        "changes": [
            {"column": name, "before": None, "after": value, "personal": False}
            for name, value in values.items()
        ],
        "body_sha256": "0" * 64,
    } | more


class Reporting(RunningService):
    """The service without a broker."""

    async def tell(self, *events: Event) -> None:
        """Each topic's events as one batch, in the order given."""
        by_topic: dict[str, list[bytes]] = {}
        for one in events:
            by_topic.setdefault(one.topic, []).append(encode(one).encode())
        for topic, values in by_topic.items():
            await self.deliver(topic, *values)

    async def say(
        self, topic: str, state: Mapping[str, Any], at: datetime | str, sequence: int = 1, **more: Any
    ) -> Event:
        """One event, folded."""
        found = event(topic, state, utc(at) if isinstance(at, str) else at, sequence, **more)
        await self.tell(found)
        return found

    async def ask(
        self, who: Caller, path: str, accept: str = "application/json", **query: Any
    ) -> httpx.Response:
        """A read; returns the answer, whatever it is."""
        return await self.call(who, "GET", path, params=query, headers={"accept": accept})

    async def get(self, path: str, who: Caller = AUDITOR, /, **query: Any) -> Any:
        answer = await self.ask(who, path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def cell(
        self, person: str, item: str, at: str, known_at: str | None = None
    ) -> tuple[str, Any, Any] | None:
        """(status, governing version, completed version) of the only cell; None when there is none."""
        query: dict[str, Any] = {"person": person, "item": item, "at": at} | (
            {"known_at": known_at} if known_at else {}
        )
        items = (await self.get("/api/qualification/cells", **query))["items"]
        if not items:
            return None
        [one] = items
        return one["status"], one["governing_version"], one["completed_version"]


async def fixture_f(reporting: Reporting, known: str = "2026-03-01T08:00:00Z") -> None:
    """Sites, SOP-101, and ANA, BEN and CHI with the timelines of v3 as known on 1 March."""
    at = utc(known)
    await reporting.tell(
        event("matrix.organisation", site("NL1", "Europe/Amsterdam"), at),
        event("matrix.organisation", site("US1", "America/New_York"), at),
        event("qms.document", document("SOP-101"), at),
        *(event("matrix.person", person(code), at) for code in ("ANA", "BEN", "CHI")),
        *(
            event(
                "matrix.person-name",
                {"person": code, "given_name": code.title(), "family_name": "Jansen"},
                at,
            )
            for code in ("ANA", "BEN", "CHI")
        ),
        *(
            event("assignment.qualification", qualification(code, "SOP-101", trained_v3(code)), at)
            for code in ("ANA", "BEN", "CHI")
        ),
    )


def trained_v3(code: str) -> list[dict[str, Any]]:
    """Trained on v3; CHI is on leave from 1 March to 16 April."""
    record_of = {"records": [f"rec-{code}-3"], "flags": ["MIGRATED"]}
    begins, expires = "2025-06-01T00:00+02:00", "2026-05-28T00:00+02:00"
    rest = [
        segment("2024-01-01T00:00+01:00", begins, "NOT_REQUIRED"),
        segment(begins, "2026-03-01T00:00+01:00", "QUALIFIED", 3, 3, **record_of),
    ]
    leave = ("2026-03-01T00:00+01:00", "2026-04-16T00:00+02:00")
    on_leave = {"reasons": [{"code": "ON_LEAVE", "detail": "l-1"}], **record_of}
    rest += [
        segment(*leave, "SUSPENDED", 3, 3, **on_leave)
        if code == "CHI"
        else segment(*leave, "QUALIFIED", 3, 3, **record_of),
        segment(leave[1], expires, "QUALIFIED", 3, 3, **record_of),
        segment(expires, None, "LAPSED", 3, 3, **record_of),
    ]
    return rest


DAY = timedelta(days=1)
