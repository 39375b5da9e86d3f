"""A small plant for tests of the matrix service: two sites, a document or two, one signed rule."""

from __future__ import annotations

from typing import Any

from servicekit.testing.harness import RunningService

HIRE = {
    "person": "DEV",
    "given_name": "Devi",
    "family_name": "Rao",
    "site": "NL1",
    "area": "GA",
    "department": "Production",
    "job_function": "OPR",
    "shift": "D",
    "hired_on": "2026-03-10",
    "reason": "hired for line 1",
}


async def organisation(service: RunningService) -> None:
    """Sites, an area, functions, an overlay, equipment, and two documents."""
    client = service.client("coordinator", subject="COR")
    units = [
        {
            "kind": "site",
            "code": "NL1",
            "title": "Leiden",
            "time_zone": "Europe/Amsterdam",
            "shifts": [
                {"shift": "D", "starts": "06:00", "ends": "14:00"},
                {"shift": "N", "starts": "22:00", "ends": "06:00"},
            ],
        },
        {"kind": "site", "code": "US1", "title": "Raleigh", "time_zone": "America/New_York"},
        {"kind": "area", "code": "GA", "site": "NL1", "title": "Filling"},
        {"kind": "job_function", "code": "OPR", "title": "Operator", "department": "Production"},
        {"kind": "job_function", "code": "QCA", "title": "Analyst", "department": "Quality Control"},
        {"kind": "overlay", "code": "TRN", "title": "Trainer"},
        {"kind": "equipment", "code": "FILL-02", "site": "NL1", "title": "Filling line 2"},
    ]
    for unit in units:
        answer = await client.post("/api/organisation/units", json={**unit, "reason": "set-up"})
        assert answer.status_code == 200, answer.text
    for number, document in enumerate(["SOP-101", "SOP-222"]):
        await service.feed(
            "qms.document",
            "qms.document-registered.v1",
            document,
            {
                "document": document,
                "title": f"Title {number}",
                "document_type": "SOP",
                "framework": "GMP",
                "retired": [],
                "versions": [],
            },
        )
    await service.settled()


async def sign_first_matrix(service: RunningService) -> None:
    """Operators are to read SOP-101 each year."""
    await sign_matrix(
        service,
        [
            {
                "source_kind": "job_function",
                "source": "OPR",
                "item": "SOP-101",
                "methods": ["R"],
                "interval_months": 12,
            }
        ],
    )


async def sign_matrix(service: RunningService, cells: list[dict[str, Any]]) -> dict[str, Any]:
    author = service.client("coordinator", subject="QUE")
    drafted = await author.post(
        "/api/matrix/versions", json={"title": "first", "cells": cells, "reason": "operators fill"}
    )
    assert drafted.status_code == 201, drafted.text
    number = drafted.json()["number"]
    approver = service.client("qa_approver", subject="EVA")
    signed = await service.sign(approver, "matrix_version", str(number), "approve", signer="EVA")
    assert signed.status_code == 200, signed.text
    await service.settled()
    return drafted.json()


async def announced_spans(service: RunningService, person: str) -> list[tuple[Any, ...]]:
    """What the last announcements say that a person owes: item, place, source, trigger, from, to."""
    last = {e["subject"]: e["data"]["state"] for e in await service.announced("matrix.obligation")}
    return sorted(
        (s["item"], p["place"], p["source"], p["trigger"], p["valid_from"], p["valid_to"])
        for s in last.values()
        if s["person"] == person
        for p in s["spans"]
    )
