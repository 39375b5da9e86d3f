"""Fixture F (vocabulary.md) as the other services announce it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from servicekit.testing.harness import RunningService

NL, US = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
IMPORTED = "2026-03-01T07:30:00Z"
SHIFTS = [
    {"shift": "D", "starts": "06:00", "ends": "14:00"},
    {"shift": "E", "starts": "14:00", "ends": "22:00"},
    {"shift": "N", "starts": "22:00", "ends": "06:00"},
]
ZONES = {"NL1": "Europe/Amsterdam", "US1": "America/New_York"}
PEOPLE = {
    # person: site, shift, hired, ended, v3 met, overlays, leaves
    "ANA": ("NL1", "N", "2024-01-01", None, "2025-05-27T22:40:00+02:00", [], []),
    "BEN": ("NL1", "D", "2024-01-01", None, "2025-05-28T10:00:00+02:00", ["TRN"], []),
    "CHI": ("NL1", "D", "2024-01-01", None, "2025-05-28T11:00:00+02:00", [], [("2026-03-01", "2026-04-16")]),
    "DEV": ("NL1", "D", "2026-03-10", None, None, [], []),
    "FAY": ("NL1", "E", "2024-01-01", "2026-03-20", "2025-05-29T15:00:00+02:00", [], []),
    "GIL": ("US1", "D", "2024-01-01", None, "2025-05-30T09:00:00-04:00", [], []),
}


def nl(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NL)


def us(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=US)


def utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(ZoneInfo("UTC")).isoformat().replace("+00:00", "Z")


def person(name: str) -> dict[str, Any]:
    site, shift, hired, ended, _, overlays, leaves = PEOPLE[name]

    def spell(id_: str, from_: str, to: str | None, **more: str) -> dict[str, Any]:
        return {"id": f"{name}-{id_}", "from": from_, "to": to, "recorded_at": IMPORTED, **more}

    return {
        "person": name,
        "employment": "employee",
        "supervisor": "SAM",
        "employments": [spell("employment", hired, ended)],
        "places": [spell("place", hired, None, site=site, department="Production", area="GA")],
        "functions": [spell("function", hired, None, job_function="OPR")],
        "overlays": [spell("overlay", hired, None, overlay=o) for o in overlays],
        "equipment": [],
        "leaves": [spell(f"leave-{f}", f, t, kind="parental") for f, t in leaves],
        "shifts": [spell("shift", hired, None, shift=shift)],
    }


def obligation(name: str) -> dict[str, Any]:
    site, _, hired, ended, *_ = PEOPLE[name]
    zone = ZoneInfo(ZONES[site])
    baseline = datetime(2025, 1, 1, tzinfo=zone)
    start = max(datetime.fromisoformat(hired).replace(tzinfo=zone), baseline)
    end = None if ended is None else datetime.fromisoformat(ended).replace(tzinfo=zone)
    new = start > baseline
    return {
        "person": name,
        "item": "SOP-101",
        "unresolved": False,
        "spans": [
            {
                "id": f"OPR-SOP-101@{name}",
                "place": site,
                "source_kind": "job_function",
                "source": "OPR",
                "rule": "r1",
                "rule_version": 1,
                "matrix_version": 1,
                "methods": ["R"],
                "interval_months": 12,
                "pass_mark": None,
                "valid_from": utc(start.isoformat()),
                "valid_to": None if end is None else utc(end.isoformat()),
                "trigger": "NEW_HIRE" if new else "MATRIX_ENROLMENT",
                "cause": f"{name}-employment" if new else "r1",
                "spell_from": start.date().isoformat(),
                "recorded_at": IMPORTED,
            }
        ],
    }


def record(name: str, version: int, at: str, id_: str | None = None) -> dict[str, Any]:
    return {
        "record": id_ or f"{name}-v{version}",
        "person": name,
        "item": "SOP-101",
        "version": version,
        "methods": ["R"],
        "result": "PASS",
        "completed_at": utc(at),
        "valid_from": utc(at),
        "time_zone": ZONES[PEOPLE[name][0]],
        "source_class": "MIGRATED" if version == 3 else "NATIVE",
        "signatures": [],
        "recorded_at": IMPORTED if version == 3 else utc(at),
    }


def version(
    number: int, *, approved_at: str | None = None, approved_on: str | None = None, **effective: str
) -> dict[str, Any]:
    return {
        "version": number,
        "state": "APPROVED",
        "change_class": "major",
        "training_decision": "read",
        "change": "CC-7" if number == 4 else None,
        "approved_at": approved_at,
        "approved_on": approved_on,
        "effective": [
            {"place": p.replace("all", "*"), "on": d, "recorded_at": IMPORTED} for p, d in effective.items()
        ],
        "ends": [],
        "content": [],
        "sections": [],
        "recorded_at": IMPORTED,
    }


V3 = version(3, approved_on="2025-05-20", all="2025-06-01")
V4 = version(4, approved_at="2026-03-02T10:00:00Z", NL1="2026-03-16", US1="2026-03-23")


def document(*versions: dict[str, Any]) -> dict[str, Any]:
    return {
        "document": "SOP-101",
        "title": "Aseptic filling",
        "document_type": "SOP",
        "framework": "GMP",
        "category": "aseptic",
        "retired": [],
        "versions": list(versions),
    }


async def import_fixture(service: RunningService, *, time: datetime) -> None:
    """Step 1: organisation, documents, people, history, the matrix last."""
    for site, zone in ZONES.items():
        await service.feed(
            "matrix.organisation",
            "matrix.organisation-changed.v1",
            f"site/{site}",
            {
                "unit": f"site/{site}",
                "kind": "site",
                "code": site,
                "title": site,
                "site": site,
                "time_zone": zone,
                "shifts": SHIFTS,
                "active": True,
            },
            time=time,
        )
    await service.feed("qms.document", "qms.document-registered.v1", "SOP-101", document(V3), time=time)
    await service.feed(
        "matrix.task",
        "matrix.task-changed.v1",
        "RUN-FILL",
        {
            "task": "RUN-FILL",
            "title": "Run the line",
            "job_function": "OPR",
            "items": ["SOP-101"],
            "equipment": [],
            "active": True,
        },
        time=time,
    )
    for name, (*_, met, _overlays, _leaves) in PEOPLE.items():
        if name == "DEV":
            continue
        await service.feed("matrix.person", "matrix.person-imported.v2", name, person(name), time=time)
        if met:
            state = record(name, 3, met)
            await service.feed(
                "records.training-record",
                "records.training-record-imported.v1",
                state["record"],
                state,
                key=name,
                time=time,
            )
        await service.feed(
            "matrix.obligation",
            "matrix.obligation-changed.v1",
            f"{name}/SOP-101",
            obligation(name),
            key=name,
            time=time,
        )


async def hire_dev(service: RunningService, *, time: datetime) -> None:
    await service.feed("matrix.person", "matrix.person-hired.v2", "DEV", person("DEV"), time=time)
    await service.feed(
        "matrix.obligation",
        "matrix.obligation-changed.v1",
        "DEV/SOP-101",
        obligation("DEV"),
        key="DEV",
        time=time,
    )
