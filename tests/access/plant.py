"""A small plant in four services at once: the matrix announces its people, the others fold what it announced.

Everybody has one cell, one assignment, one record, one late entry and one entry of the trail. It is 1 March 2026 02:00
UTC: at NL1 it is 1 March, at US1 still 28 February.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from servicekit.testing.harness import RunningService

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
SOP = "SOP-101"
PEOPLE = {
    # person: site, area, job function, supervisor, hired on
    "SAM": ("NL1", "GA", "SUP", None, "2025-01-10"),
    "LEE": ("US1", "GX", "SUP", None, "2025-01-10"),
    "ANA": ("NL1", "GA", "OPR", "SAM", "2025-01-10"),
    "BEN": ("NL1", "GB", "OPR", "SAM", "2025-01-10"),
    "CHI": ("NL1", "GA", "QCA", "LEE", "2025-01-10"),
    "GIL": ("US1", "GX", "OPR", "LEE", "2025-01-10"),
    "FAY": ("NL1", "GA", "OPR", "SAM", "2025-01-10"),
    "KIM": ("NL1", "GA", "OPR", "LEE", "2025-01-10"),
    "DEV": ("NL1", "GA", "OPR", "SAM", "2026-04-01"),
    "MOV": ("NL1", "GA", "OPR", "LEE", "2025-01-10"),
    "PAM": ("US1", "GX", "QCA", "LEE", "2025-01-10"),
}
SITES = {"NL1": "Europe/Amsterdam", "US1": "America/New_York"}


def id_of(kind: str, person: str) -> str:
    """The id of the person's assignment, record or late entry."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{person}"))


async def fill_matrix(matrix: RunningService) -> None:
    """Hires everybody. BEN holds two functions; FAY has left, KIM's function is over, DEV has yet to begin; MOV and PAM
    change sites on 1 March, which has begun at NL1 and not at US1."""
    client = matrix.client("coordinator", subject="COR")
    units: list[dict[str, Any]] = [
        {"kind": "site", "code": code, "title": code, "time_zone": zone} for code, zone in SITES.items()
    ]
    units += [
        {"kind": "area", "code": area, "site": site, "title": area}
        for site, area in (("NL1", "GA"), ("NL1", "GB"), ("US1", "GX"))
    ]
    units += [
        {"kind": "job_function", "code": code, "title": code, "department": "Production"}
        for code in ("SUP", "OPR", "QCA")
    ]
    for unit in units:
        await _post(client, "/api/organisation/units", unit)
    for person, (site, area, function, supervisor, hired) in PEOPLE.items():
        hire = {
            "person": person,
            "given_name": person.title(),
            "family_name": "Jansen",
            "site": site,
            "area": area,
            "department": "Production",
            "job_function": function,
            "supervisor": supervisor,
            "hired_on": hired,
        }
        await _post(client, "/api/people", hire)
    await _post(
        client, "/api/people/BEN/functions", {"job_function": "QCA", "from": "2025-06-01", "ends": None}
    )
    await _post(client, "/api/people/FAY/end", {"ended_on": "2026-02-01"})
    kim = (await client.get("/api/people/KIM")).json()
    await _post(client, f"/api/people/KIM/spells/{kim['functions'][0]['id']}/end", {"to": "2026-02-15"})
    for person, site, area in (("MOV", "US1", "GX"), ("PAM", "NL1", "GB")):
        move = {
            "site": site,
            "area": area,
            "department": "Production",
            "from": "2026-03-01",
            "ends": "current",
        }
        await _post(client, f"/api/people/{person}/places", move)


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    answer = await client.post(path, json={**body, "reason": "set-up"})
    assert answer.is_success, (path, answer.text)


async def follow(matrix: RunningService, *others: RunningService) -> None:
    """Hands what the matrix announced of its units and people to the other services."""
    for topic in ("matrix.organisation", "matrix.person"):
        states = [envelope["data"]["state"] for envelope in await matrix.announced(topic)]
        for service in others:
            await service.fold(topic, *states)


def fill_assignment(service: RunningService) -> None:
    """A cell and an open assignment of everybody, without a mark that would derive them anew."""
    segment = {
        "from": "2025-01-01T00:00:00Z",
        "to": None,
        "status": "NEVER_TRAINED",
        "verdict": "DENY",
        "flags": [],
        "governing_version": 1,
        "completed_version": None,
        "completed_at": None,
        "expires_at": None,
        "records": [],
        "reasons": [],
        "sources": [],
    }
    service.tamper("DELETE FROM app.dirty")
    service.tamper(
        "INSERT INTO app.document (document, state, event_id, event_at) VALUES (%s, '{}', 'e', now())", [SOP]
    )
    for person, (site, *_) in PEOPLE.items():
        service.tamper(
            "INSERT INTO app.cell (person, item, place, segments, digest, rule_version, recorded_at)"
            " VALUES (%s, %s, %s, %s, 'd', 'r', now())",
            [person, SOP, site, json.dumps([segment])],
        )
        body = assignment(person)
        service.tamper(
            "INSERT INTO app.assignment (assignment, version, person, item, place, target_version, trigger, state,"
            " opened_at, body, recorded_at, actor, reason, correlation)"
            " VALUES (%s, 1, %s, %s, %s, 1, 'NEW_HIRE', 'OPEN', now(), %s, now(), 'system/test', 'a test', 'c')",
            [body["assignment"], person, SOP, site, json.dumps(body)],
        )


def assignment(person: str) -> dict[str, Any]:
    return {
        "assignment": id_of("assignment", person),
        "person": person,
        "item": SOP,
        "place": PEOPLE[person][0],
        "target_version": 1,
        "trigger": "NEW_HIRE",
        "cause": None,
        "state": "OPEN",
        "opened_at": "2026-02-01T00:00:00Z",
        "due_at": None,
        "due_on": None,
        "due_zone": None,
        "first_due_was_past": False,
        "closed_at": None,
        "closing_reason": None,
        "closing_detail": None,
        "methods": ["R"],
        "change": None,
    }


def fill_records(service: RunningService) -> None:
    """A migrated record and a late entry of everybody."""
    service.tamper(
        "INSERT INTO app.import_file (batch, file_sha256, file, accepted_by, recorded_at)"
        " VALUES ('b', 'f', 'training_history.csv', '{EVA,COR}', now())"
    )
    for person, (site, *_) in PEOPLE.items():
        service.tamper(
            "INSERT INTO app.training_record (record, person, item, number, methods, result, completed_at, valid_from,"
            " source_class, source_record, source_digest, source_batch, source_file_sha256, source_line,"
            " completed_at_text, recorded_at)"
            " VALUES (%s, %s, %s, 1, '{R}', 'PASS', now(), now(), 'MIGRATED', %s, 'd', 'b', 'f', '2', '', now())",
            [id_of("record", person), person, SOP, person],
        )
        service.tamper(
            "INSERT INTO app.late_entry (late_entry, person, item, number, methods, result, ink_signed_at, place,"
            " time_zone, scan_sha256, scan_media_type, scan_size, entry_reason, proposed_by, recorded_at)"
            " VALUES (%s, %s, %s, 1, '{R}', 'PASS', now(), %s, %s, 's', 'application/pdf', 1, 'r', 'EVA', now())",
            [id_of("late", person), person, SOP, site, SITES[site]],
        )


async def fill_reporting(service: RunningService) -> None:
    """A timeline, an assignment and an entry of the trail of everybody."""
    document = {"document": SOP, "title": "Gowning", "document_type": "SOP", "framework": "GMP"}
    await service.fold("qms.document", document | {"retired": [], "versions": []})
    for number, (person, (site, *_)) in enumerate(PEOPLE.items(), start=1):
        segment = {
            "from": "2025-01-01T00:00:00Z",
            "to": None,
            "status": "NEVER_TRAINED",
            "verdict": "DENY",
            "flags": [],
            "governing_version": 1,
            "records": [],
            "reasons": [],
            "sources": [],
        }
        timeline = {"person": person, "item": SOP, "place": site, "segments": [segment]}
        await service.fold(
            "assignment.qualification", timeline | {"rule_version": "cells-2", "tzdata_version": "2026a"}
        )
        await service.fold("assignment.assignment", assignment(person))
        service.tamper(
            "INSERT INTO app.audit_entry (service, epoch, entry, entity, key, at, op, actor, reason, correlation,"
            " person, changes, body_sha256)"
            " VALUES ('matrix', 1, %s, 'person', %s, now(), 'INSERT', 'system/test', 'r', 'hired', %s, '[]', '')",
            [number, person, person],
        )
