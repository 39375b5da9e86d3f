"""The story: a procedure is revised, everyone concerned is assigned before it takes effect, an operator reads and
signs, the record stands, the report shows it, for any date. Through HTTP, Kafka and PostgreSQL; steps build on each
other and run in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.api import Api, until
from tests.e2e.conftest import Platform
from tests.e2e.pages import (
    approve_on_the_page,
    check_late_on_the_page,
    draft_on_the_page,
    enter_late_on_the_page,
    hire_on_the_page,
    read_in_the_browser,
)

FIXTURE_F = Path(__file__).parents[2] / "examples" / "fixture-f"
NL, US = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
PROCEDURE = """# Purpose
How to fill aseptically.

# Steps
1. Sanitise gloves.
2. Check the isolator pressure every 30 minutes.

# Records
Fill in form F-101.
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("journeys")]


def nl(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NL)


def us(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=US)


def move(platform: Platform, to: datetime) -> None:
    platform.user("admin").post("/api/clock", {"now": to.astimezone(UTC).isoformat(), "reason": "story"})


@pytest.mark.part("PL-29", "importing twice changes nothing the second time")
@pytest.mark.part("R-62", "importing twice changes nothing the second time")
@pytest.mark.part("R-35", "importing twice changes nothing the second time")
def test_1_import_twice_changes_nothing_the_second_time(platform: Platform) -> None:
    coordinator, second = platform.user("coordinator"), platform.user("second")
    job = coordinator.upload(FIXTURE_F, export_date="2026-03-01", reason="day one")
    coordinator.sign("gateway", "import_batch", job["id"], "accept")
    second.sign("gateway", "import_batch", job["id"], "accept")
    done = until(
        lambda: coordinator.get(f"/api/imports/{job['id']}"), lambda j: j["state"] in ("DONE", "FAILED"), 120
    )
    assert done["state"] == "DONE", done
    platform.memory["job"] = job["id"]
    for file in done["files"]:
        assert file["rows"] == file["taken"] + file["refused"] + file["identical"]
        assert file["refused"] == 0
    again = coordinator.upload(FIXTURE_F, export_date="2026-03-01", reason="again", dry_run="true")
    assert sum(f["taken"] for f in again["files"]) == 0
    assert sum(f["identical"] for f in again["files"]) == sum(f["rows"] for f in done["files"])
    assert coordinator.cell("ANA", "SOP-101", nl("2026-03-01T10:00:00"))["status"] == "QUALIFIED"


@pytest.mark.part("AE-01", "a hire in the running platform")
@pytest.mark.part("AE-03", "a hire in the running platform")
@pytest.mark.part("MX-01", "a hire in the running platform")
def test_2_hire_dev(platform: Platform, tmp_path: Path) -> None:
    coordinator = platform.user("coordinator")
    hire_on_the_page(platform.base, "coordinator", tmp_path)
    twice = coordinator.raw(
        "POST",
        "/api/people",
        json={
            "person": "DEV",
            "given_name": "Devi",
            "family_name": "Rao",
            "site": "NL1",
            "job_function": "OPR",
            "hired_on": "2026-03-10",
            "reason": "by the interface, what the page has done",
        },
    )
    assert twice.status_code == 409, twice.text
    owed = until(
        lambda: coordinator.get("/api/people/DEV/obligations")["items"], lambda items: len(items) > 0, 5
    )
    assert [o["item"] for o in owed] == ["SOP-101"]

    def check(at: datetime) -> dict[str, Any]:
        return coordinator.post(
            "/api/authorizations/check", {"person": "DEV", "task": "RUN-FILL", "at": at.isoformat()}
        )

    after = until(
        lambda: check(nl("2026-03-10T08:00:00")),
        lambda d: "NOT_OBLIGED" not in {r["code"] for r in d["reasons"]},
        5,
    )
    assert after["verdict"] == "DENY"
    assert [(r["item"], r["code"]) for r in after["reasons"]] == [("SOP-101", "NEVER_TRAINED")]
    before = check(nl("2026-03-09T08:00:00"))
    assert before["verdict"] == "DENY"
    assert "NO_ACTIVE_SPELL" in {r["code"] for r in before["reasons"]}
    assert "NEVER_TRAINED" not in {r["code"] for r in before["reasons"]}


@pytest.mark.part("QM-02", "a change is drafted, and approved by somebody else")
@pytest.mark.part("QM-03", "a change is drafted, and approved by somebody else")
@pytest.mark.part("R-01", "a change is drafted, and approved by somebody else")
@pytest.mark.part("R-53", "a change is drafted, and approved by somebody else")
@pytest.mark.part("PL-06", "a change is drafted, and approved by somebody else")
@pytest.mark.part("AE-04", "a change is drafted, and approved by somebody else")
def test_3_a_change_is_drafted_and_approved_by_somebody_else(platform: Platform, tmp_path: Path) -> None:
    que, eva = platform.user("que"), platform.user("eva")
    file = tmp_path / "SOP-101.md"
    file.write_text(PROCEDURE)
    effective = {"NL1": "2026-03-16", "US1": "2026-03-23"}
    draft_on_the_page(platform.base, "que", "CC-7", file, effective, tmp_path)
    que.post("/api/changes/CC-7/submit", {"reason": "ready"})
    own = que.raw(
        "POST",
        "/api/signing/intents",
        json={"service": "qms", "kind": "change", "key": "CC-7", "meaning": "approve", "reason": "mine"},
    )
    assert own.status_code == 403
    move(platform, datetime(2026, 3, 2, 10, tzinfo=UTC))
    approve_on_the_page(platform.base, "eva", "CC-7", tmp_path)
    (approval,) = eva.get("/api/changes/CC-7")["approvals"]
    assert "Eva" in approval["printed_name"]
    platform.memory["approved_at"] = datetime.fromisoformat(approval["signed_at"])
    coordinator = platform.user("coordinator")
    found = until(
        lambda: coordinator.get("/api/assignments", item="SOP-101")["items"],
        lambda items: len(items) == 7,
        10,
    )
    shown = {
        (a["person"], a["target_version"]): (
            a["trigger"],
            a["state"],
            a["due_at"] and datetime.fromisoformat(a["due_at"]),
        )
        for a in found
    }
    assert shown["ANA", 4] == ("REVISION", "OPEN", nl("2026-03-15T06:00:00"))
    assert shown["BEN", 4] == ("REVISION", "OPEN", nl("2026-03-15T14:00:00"))
    assert shown["FAY", 4] == ("REVISION", "OPEN", nl("2026-03-15T22:00:00"))
    assert shown["CHI", 4] == ("REVISION", "PAUSED", None)
    assert shown["GIL", 4] == ("REVISION", "OPEN", us("2026-03-22T14:00:00"))
    assert shown["DEV", 4] == ("NEW_HIRE", "UPCOMING", nl("2026-03-15T14:00:00"))
    assert shown["DEV", 3] == ("NEW_HIRE", "UPCOMING", nl("2026-04-10T00:00:00"))
    assert all(a["change"] == "CC-7" for a in found if a["trigger"] == "REVISION")
    for person in ("ANA", "BEN", "FAY", "GIL"):
        assert coordinator.cell(person, "SOP-101", nl("2026-03-14T10:00:00"))["governing_version"] == 3


def read_and_sign(platform: Platform, name: str, at: datetime) -> dict[str, Any]:
    user = platform.user(name)
    person = user.me["person"]
    move(platform, at)
    (assignment,) = [
        a
        for a in user.get("/api/assignments", person=person, item="SOP-101")["items"]
        if a["target_version"] == 4 and a["state"] != "CLOSED"
    ]
    reading = user.get("/api/reading", assignment=assignment["assignment"])
    for section in reading["sections"]:
        user.post(f"/api/reading/SOP-101/4/sections/{section['id']}/opened", {})
    return user.sign("records", "reading", "SOP-101/4", "read_and_understood")


@pytest.mark.part("SR-01", "reading and signing, by the API and in a browser")
@pytest.mark.part("SR-04", "reading and signing, by the API and in a browser")
@pytest.mark.part("SR-05", "reading and signing, by the API and in a browser")
@pytest.mark.part("SR-13", "reading and signing, by the API and in a browser")
@pytest.mark.part("RP-02", "a signature shows in the next answer")
def test_4_dev_reads_by_api_and_ana_in_the_browser(platform: Platform, tmp_path: Path) -> None:
    coordinator = platform.user("coordinator")
    receipt = read_and_sign(platform, "dev", nl("2026-03-12T10:00:00"))
    platform.memory["dev_signed_at"] = datetime.fromisoformat(receipt["signed_at"])
    move(platform, nl("2026-03-12T22:30:00"))
    early = platform.user("ana").raw(
        "POST",
        "/api/signing/intents",
        json={
            "service": "records",
            "kind": "reading",
            "key": "SOP-101/4",
            "meaning": "read_and_understood",
            "reason": "too early",
        },
    )
    assert early.status_code == 422, early.text
    assert "Purpose" in early.text, "the unopened sections are named"
    read_in_the_browser(platform.base, "ana", tmp_path)
    (record,) = [
        r
        for r in platform.user("ana").get("/api/records", person="ANA", item="SOP-101")["items"]
        if r["version"] == 4
    ]
    shown = platform.user("ana").get(f"/api/records/{record['record']}")
    signed = datetime.fromisoformat(shown["signatures"][0]["signed_at"])
    assert nl("2026-03-12T22:30:00") <= signed < nl("2026-03-12T22:35:00")
    platform.memory["record"], platform.memory["signed_at"] = record["record"], signed
    text = json.dumps(shown)
    for needed in (
        "sha256",
        "first_opened_at",
        "last_opened_at",
        "printed_name",
        "language",
        "read_and_understood",
    ):
        assert needed in text, needed
    until(
        lambda: [
            a["state"]
            for a in coordinator.get("/api/assignments", person="ANA", item="SOP-101")["items"]
            if a["target_version"] == 4
        ],
        lambda states: states == ["CLOSED"],
        5,
    )
    row = until(
        lambda: compliance(coordinator, person="ANA"), lambda rows: rows[0]["status"] == "QUALIFIED", 20
    )[0]
    assert row["governing_version"] == 3
    assert coordinator.cell("BEN", "SOP-101", nl("2026-03-13T10:00:00"))["status"] == "IN_WINDOW"


def compliance(api: Api, **filters: str) -> list[dict[str, Any]]:
    answer = api.get("/api/reports/compliance", **filters)
    return answer.get("rows") or answer["items"]


@pytest.mark.part("R-02", "the version takes effect at each site")
@pytest.mark.part("R-03", "the version takes effect at each site")
@pytest.mark.part("QM-01", "the version takes effect at each site")
def test_5_the_version_takes_effect_at_each_site(platform: Platform) -> None:
    coordinator = platform.user("coordinator")
    move(platform, nl("2026-03-16T00:00:01"))
    effective = nl("2026-03-16T00:00:00")
    ana, ben = coordinator.cell("ANA", "SOP-101", effective), coordinator.cell("BEN", "SOP-101", effective)
    assert (ana["status"], ana["governing_version"], ana["completed_version"]) == ("QUALIFIED", 4, 4)
    assert (ben["status"], ben["verdict"]) == ("SUPERSEDED", "DENY")
    check = coordinator.post("/api/authorizations/check", {"person": "BEN", "task": "RUN-FILL"})
    assert check["verdict"] == "DENY"
    assert coordinator.cell("DEV", "SOP-101", effective)["status"] == "QUALIFIED"
    assert coordinator.cell("GIL", "SOP-101", effective)["status"] == "IN_WINDOW"
    # In the same step: what v3 is at a site changes at the instant at which v4 takes effect there.
    versions = {v["version"]: v for v in coordinator.get("/api/documents/SOP-101")["versions"]}
    at_place = {n: {p["place"]: p["status"] for p in v["places"]} for n, v in versions.items()}
    assert (at_place[3]["NL1"], at_place[4]["NL1"]) == ("SUPERSEDED", "EFFECTIVE")
    assert (at_place[3]["US1"], at_place[4]["US1"]) == ("EFFECTIVE", "APPROVED_FOR_TRAINING")


IN, Q, S, N, SUP, NT = "IN_WINDOW", "QUALIFIED", "SUSPENDED", "NOT_REQUIRED", "SUPERSEDED", "NEVER_TRAINED"
VERDICTS = {IN: "ALLOW", Q: "ALLOW", S: "DENY", N: "NONE", SUP: "DENY", NT: "DENY"}
SECOND = timedelta(seconds=1)
SIGNED = ("approved_at", "dev_signed_at", "signed_at")
"""What was signed, and when: what it means is known when it was derived, a moment later."""


def table_of(platform: Platform) -> list[tuple[Any, ...]]:
    """The table of the fixture. Who signs does so when he does, within the minute that the clock was set to."""
    approved, dev_signed, signed = (platform.memory[name] for name in SIGNED)
    return [
        # at, ANA, BEN, CHI, DEV, FAY, GIL
        (approved - SECOND, Q, Q, S, N, Q, Q),
        (approved, IN, IN, S, N, IN, IN),
        (nl("2026-03-09T23:59:59"), IN, IN, S, N, IN, IN),
        (nl("2026-03-10T00:00:00"), IN, IN, S, NT, IN, IN),
        (dev_signed - SECOND, IN, IN, S, NT, IN, IN),
        (dev_signed, IN, IN, S, NT, IN, IN),
        (signed - SECOND, IN, IN, S, NT, IN, IN),
        (signed, Q, IN, S, NT, IN, IN),
        (nl("2026-03-15T23:59:59"), Q, IN, S, NT, IN, IN),
        (nl("2026-03-16T00:00:00"), Q, SUP, S, Q, SUP, IN),
        (nl("2026-03-19T23:59:59"), Q, SUP, S, Q, SUP, IN),
        (nl("2026-03-20T00:00:00"), Q, SUP, S, Q, N, IN),
        (us("2026-03-22T23:59:59"), Q, SUP, S, Q, N, IN),
        (us("2026-03-23T00:00:00"), Q, SUP, S, Q, N, SUP),
        (nl("2026-04-15T23:59:59"), Q, SUP, S, Q, N, SUP),
        (nl("2026-04-16T00:00:00"), Q, SUP, SUP, Q, N, SUP),
    ]


PEOPLE = ["ANA", "BEN", "CHI", "DEV", "FAY", "GIL"]


def row_of(api: Api, at: datetime, known_at: datetime | None = None) -> tuple[Any, ...]:
    known = known_at.isoformat() if known_at else None
    found = {
        cell["person"]: cell
        for cell in api.get(
            "/api/qualification/cells",
            item="SOP-101",
            at=at.isoformat(),
            known_at=known,
            include="not_required",
        )["items"]
    }
    cells = [found[person] for person in PEOPLE]
    assert [c["verdict"] for c in cells] == [VERDICTS[c["status"]] for c in cells]
    return (at, *[c["status"] for c in cells])


def table(api: Api, instants: Iterable[datetime], known_at: datetime | None = None) -> list[tuple[Any, ...]]:
    return [row_of(api, at, known_at) for at in instants]


@pytest.mark.req("RP-03")
@pytest.mark.part("RP-04", "every cell now and as known then")
@pytest.mark.part("R-18", "every cell now and as known then")
@pytest.mark.part("SR-15", "every cell now and as known then")
@pytest.mark.part("N-02", "every cell now and as known then")
@pytest.mark.part("R-05", "every cell now and as known then")
def test_6_every_cell_now_and_as_known_then(platform: Platform, tmp_path: Path) -> None:
    coordinator = platform.user("coordinator")
    expected = table_of(platform)
    instants = [at for at, *_ in expected]
    assert table(coordinator, instants) == expected
    dev_signed = platform.memory["dev_signed_at"]
    flags = [coordinator.cell("DEV", "SOP-101", at)["flags"] for at in (dev_signed - SECOND, dev_signed)]
    assert [("PRETRAINED_NEXT" in each) for each in flags] == [False, True]
    known = nl("2026-03-17T12:00:00")
    move(platform, nl("2026-03-17T13:00:00"))
    until(
        lambda: coordinator.get(
            "/api/qualification/cells", person="ANA", item="SOP-101", known_at=known.isoformat()
        ),
        lambda answer: (
            answer["complete_up_to"] is not None and datetime.fromisoformat(answer["complete_up_to"]) > known
        ),
        60,
    )
    as_known = table(coordinator, instants, known)
    assert as_known == expected

    move(platform, nl("2026-03-20T09:00:00"))
    scan = tmp_path / "form.pdf"
    scan.write_bytes(b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n")
    enter_late_on_the_page(platform.base, "sam", scan, tmp_path)
    check_late_on_the_page(platform.base, "eva", tmp_path)
    asked = nl("2026-03-17T12:00:00")
    ben = until(lambda: coordinator.cell("BEN", "SOP-101", asked), lambda c: c["status"] == Q, 10)
    assert "LATE_ENTRY" in ben["flags"]
    move(platform, nl("2026-03-21T13:00:00"))
    later = nl("2026-03-21T12:00:00")
    until(
        lambda: coordinator.get(
            "/api/qualification/cells", person="BEN", item="SOP-101", known_at=later.isoformat()
        ),
        lambda answer: datetime.fromisoformat(answer["complete_up_to"]) > later,
        60,
    )
    assert coordinator.cell("BEN", "SOP-101", asked, known)["status"] == SUP
    assert coordinator.cell("BEN", "SOP-101", asked, later)["status"] == Q
    difference = coordinator.get(
        "/api/reports/differences",
        person="BEN",
        item="SOP-101",
        at=asked.isoformat(),
        known_a=known.isoformat(),
        known_b=later.isoformat(),
    )
    (record,) = [
        r for r in coordinator.get("/api/records", person="BEN", item="SOP-101")["items"] if r["version"] == 4
    ]
    assert record["record"] in json.dumps(difference)
    assert table(coordinator, instants, known) == as_known, "what was known then never changes"
    platform.memory["as_known_on_the_17th"] = as_known


@pytest.mark.part("RP-06", "the trail from the assignment to the signature")
@pytest.mark.part("QM-02", "one trail from the approval over the assignment to the signature")
def test_7_the_trail_from_the_assignment_to_the_signature(platform: Platform) -> None:
    auditor = platform.user("auditor")
    record = platform.memory["record"]
    trail = until(
        lambda: auditor.get("/api/audit", entity="record", id=record)["items"],
        lambda items: len(items) > 0,
        20,
    )
    assert trail == sorted(trail, key=lambda entry: entry["at"])
    for entry in trail:
        assert entry["actor"]
        assert entry["reason"]
        assert datetime.fromisoformat(entry["at"]).utcoffset() is not None
        assert entry["correlation"]
    told = [(entry["service"], entry["entity"], entry["op"]) for entry in trail]
    # From the approval that caused it over the assignment to the record.
    way = [
        ("qms", "change", "UPDATE"),
        ("assignment", "assignment", "INSERT"),
        ("records", "training_record", "INSERT"),
    ]
    assert [told.index(step) for step in way] == sorted(told.index(step) for step in way), told
    (closing,) = [
        change
        for entry in trail
        if (entry["service"], entry["op"]) == ("assignment", "UPDATE")
        for change in entry["changes"]
        if change["column"] == "state" and change["after"] == "CLOSED"
    ]
    assert closing["before"] == "OPEN"
    made = [e for e in trail if e["service"] == "records" and e["op"] == "INSERT"]
    assert {e["entity"] for e in made} >= {"sign.signature", "training_record"}
    assert {e["at"][-6:] for e in made} == {"+01:00"}, "by the clocks of her place"
    written = next(e for e in trail if (e["service"], e["entity"]) == ("records", "training_record"))
    assert written["actor_person"] == "ANA"
    # One correlation: what she did, and what followed from it in another service.
    services = {entry["service"] for entry in trail if entry["correlation"] == written["correlation"]}
    assert services >= {"records", "assignment"}, services
