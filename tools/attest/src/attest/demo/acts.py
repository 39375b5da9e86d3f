"""What people do in the story, each a few calls of the API; tests use them as the demo does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attest.client import Api, ApiError, wait_for

WAIT_SECONDS = 60.0


def import_and_accept(
    uploader: Api, signers: Sequence[Api], files: Mapping[str, bytes], *, export_date: date, reason: str
) -> dict[str, Any]:
    """Uploads, lets everybody of `signers` accept, and returns the checked job; the import is under way then.

    With nothing new in the files there is nothing to accept: the job is DONE at once.
    """
    job = uploader.upload(files, export_date=export_date, reason=reason)
    if job["state"] != "DONE":
        for signer in signers:
            signer.accept_import(job["id"])
    return job


def hire(coordinator: Api, person: Mapping[str, Any], *, reason: str = "hired") -> dict[str, Any]:
    return coordinator.post("/api/people", {**person, "reason": reason})


def obligations(api: Api, person: str) -> list[str]:
    """Items that a person must or will have to satisfy."""
    return [row["item"] for row in api.pages(f"/api/people/{person}/obligations")]


def check(
    api: Api, person: str, *, task: str | None = None, items: Sequence[str] = (), at: datetime | None = None
) -> dict[str, Any]:
    """May the person do it, at that instant?

    Just after the clock was moved every input is older than it may be: fail closed. This waits for their next sign of
    life, which comes every ten seconds.
    """
    body: dict[str, Any] = {"person": person}
    if task:
        body["task"] = task
    if items:
        body["items"] = list(items)
    if at:
        body["at"] = at.isoformat()

    def fresh() -> dict[str, Any] | None:
        answer = api.post("/api/authorizations/check", body)
        return None if "STORE_STALE" in [reason["code"] for reason in answer["reasons"]] else answer

    return wait_for(fresh, seconds=WAIT_SECONDS, what="inputs that are not stale", every=0.5)


def cell(
    api: Api, person: str, item: str, *, at: datetime | None = None, known_at: datetime | None = None
) -> dict[str, Any]:
    """The qualification of a person on an item; the first place that is answered for."""
    found = api.get(
        "/api/qualification/cells",
        person=person,
        item=item,
        at=at.isoformat() if at else None,
        known_at=known_at.isoformat() if known_at else None,
    )
    rows = found.get("items", [found])
    return rows[0]


def draft_change(
    author: Api,
    change: str,
    *,
    title: str,
    reason: str,
    document: str,
    file: tuple[str, bytes],
    effective: Mapping[str, date],
    summary: str,
    training_decision: str = "read",
    change_class: str = "major",
    minutes: int = 20,
) -> dict[str, Any]:
    """A change control with one document version, its file and its training decision, submitted for review."""
    author.post("/api/changes", {"change": change, "title": title, "reason": reason})
    version = author.send(
        f"/api/changes/{change}/versions",
        {
            "document": document,
            "change_class": change_class,
            "training_decision": training_decision,
            "effective": json.dumps(
                [{"place": place, "on": on.isoformat()} for place, on in effective.items()]
            ),
            "summary": summary,
            "minutes": str(minutes),
            "reason": reason,
        },
        [("file", file)],
    )
    author.post(f"/api/changes/{change}/submit", {"reason": "ready for review"})
    return version


def approve(approver: Api, change: str, *, reason: str = "reviewed") -> dict[str, Any]:
    return approver.sign("qms", "change", change, "approve", reason=reason)


def assignments(api: Api, **filters: str) -> list[dict[str, Any]]:
    return list(api.pages("/api/assignments", **filters))


def assigned(
    api: Api, person: str, item: str, version: int, *, seconds: float = WAIT_SECONDS
) -> dict[str, Any]:
    """The person's assignment of a version, waited for until the engine has made it and records knows it."""

    def find() -> dict[str, Any] | None:
        rows = assignments(api, person=person, item=item)
        return next((row for row in rows if row["target_version"] == version), None)

    return wait_for(find, seconds=seconds, what=f"the assignment of {item} v{version} for {person}")


def read_and_sign(
    reader: Api,
    document: str,
    version: int,
    *,
    reason: str = "read and understood",
    seconds: float = WAIT_SECONDS,
) -> dict[str, Any]:
    """Opens every section and signs. Returns the signature."""

    def there() -> dict[str, Any] | None:
        try:
            return reader.get("/api/reading", document=document, version=version)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    reading = wait_for(there, seconds=seconds, what=f"{document} v{version} to be there to be read")
    for section in reading["sections"]:
        reader.post(f"/api/reading/{document}/{version}/sections/{section['id']}/opened")
    return reader.sign("records", "reading", f"{document}/{version}", "read_and_understood", reason=reason)


def late_entry(
    keyed_by: Api,
    verified_by: Api,
    person: str,
    document: str,
    version: int,
    *,
    ink_signed_at: datetime,
    scan: bytes,
    reason: str,
) -> dict[str, Any]:
    """A paper form, signed in ink before, is keyed by one and verified by another against its scan (R-18)."""
    entry = keyed_by.send(
        "/api/records/late-entries",
        {
            "person": person,
            "document": document,
            "version": str(version),
            "methods": "R",
            "ink_signed_at": ink_signed_at.isoformat(),
            "reason": reason,
        },
        [("scan", ("form.pdf", scan))],
    )
    return verified_by.sign(
        "records", "late_entry", entry["late_entry"], "verify", reason="held against the scan"
    )


def records(api: Api, person: str, item: str) -> list[dict[str, Any]]:
    return list(api.pages("/api/records", person=person, item=item))


def records_gained(api: Api, person: str, item: str, *, at: datetime, known: datetime) -> list[str]:
    """The records that made the answer about an instant another one since `known` (N-02), once reports show them."""

    def gained() -> list[str]:
        found = api.get(
            "/api/reports/differences", person=person, item=item, at=at.isoformat(), known_a=known.isoformat()
        )
        return [record["record"] for each in found["items"] for record in each["records_gained"]]

    return wait_for(gained, seconds=WAIT_SECONDS, what=f"what came between for {person} on {item}")


def until_cell(
    api: Api,
    person: str,
    item: str,
    *,
    status: str,
    flag: str | None = None,
    at: datetime | None = None,
    seconds: float = WAIT_SECONDS,
) -> dict[str, Any]:
    """The cell, once it has the status and, when one is given, the flag."""

    def there() -> dict[str, Any] | None:
        found = cell(api, person, item, at=at)
        return found if found["status"] == status and (flag is None or flag in found["flags"]) else None

    return wait_for(there, seconds=seconds, what=f"{person} to be {status} {flag or ''} on {item}")
