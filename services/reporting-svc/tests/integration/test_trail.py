"""One trail across services: from the assignment to the signature (RP-06)."""

from __future__ import annotations

from typing import Any

import pytest
from reporting_testing import AUDITOR, Reporting, caller, entry, event, fixture_f, record, utc

PATH = "/api/audit"
REQUEST, IMPORT = "c-sign", "c-import"


async def story(reporting: Reporting) -> None:
    await fixture_f(reporting)
    opened, signed = utc("2026-03-02T10:00:00Z"), utc("2026-03-12T21:30:00Z")
    made = record("rec-1", "ANA", "SOP-101", 4, "2026-03-12T21:30:00Z", assignment="a-1")
    closing = {"column": "state", "before": "OPEN", "after": "CLOSED", "personal": False}
    grants = [{"grant": "g", "role": "operator", "scope": {"site": "NL1"}}]
    await reporting.tell(
        event("gateway.account", {"account": "acc-1", "person": "ANA", "status": "ACTIVE", "grants": grants}, opened),
        event("records.training-record", made, signed),
        event("assignment.audit", entry(1, "assignment", "a-1", opened, {"person": "ANA", "state": "OPEN"}, correlation="c-revision"), opened),
        event("records.audit", entry(1, "training_record", "rec-1", signed, {"person": "ANA", "result": "PASS"}, correlation=REQUEST, actor="account/acc-1", reason="I have read it"), signed),
        event("records.audit", entry(2, "sign.signature", "s-1", signed, {"meaning": "read_and_understood", "time_zone": "Europe/Amsterdam"}, correlation=REQUEST, actor="account/acc-1"), signed),
        event("records.audit", entry(3, "training_record", "rec-2", signed, {"person": "BEN"}, correlation=REQUEST), signed),
        event("assignment.audit", entry(2, "app.assignment", "a-1", signed, {}, correlation=REQUEST, op="UPDATE", version=2, changes=[closing]), signed),
        event("qms.audit", entry(1, "change", "CC-7", opened, {"title": "Revision"}, correlation="c-cc7"), opened),
    )  # fmt: skip


def steps(answer: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(one["service"], one["entity"], one["key"], one["op"]) for one in answer["items"]]


@pytest.mark.part("RP-06", "the trail of a record from assignment to signature")
async def test_the_trail_of_a_record_from_assignment_to_signature(reporting: Reporting) -> None:
    await story(reporting)
    answer = await reporting.get(PATH, entity="training_record", id="rec-1")
    assert steps(answer) == [
        ("assignment", "assignment", "a-1", "INSERT"),
        ("assignment", "assignment", "a-1", "UPDATE"),
        ("records", "training_record", "rec-1", "INSERT"),
        ("records", "sign.signature", "s-1", "INSERT"),
    ]
    closed, made = answer["items"][1:3]
    assert closed["changes"] == [{"column": "state", "before": "OPEN", "after": "CLOSED", "personal": False}]
    assert (made["at"], made["zone"]) == ("2026-03-12T22:30:00+01:00", "Europe/Amsterdam")
    # The row of a signature is about nobody, and says itself by which clocks it was made (21 CFR 11.50).
    signature = answer["items"][3]
    assert (signature["at"], signature["person"]) == ("2026-03-12T22:30:00+01:00", None)
    assert (made["actor"], made["actor_person"], made["actor_name"], made["actor_roles"]) == (
        "account/acc-1",
        "ANA",
        "Ana Jansen",
        ["operator"],
    )
    assert (made["reason"], made["person"]) == ("I have read it", "ANA")
    assert steps(await reporting.get(PATH, entity="record", id="rec-1")) == steps(answer)
    # The other way round: an assignment leads to the record that fulfilled it.
    assert ("records", "training_record", "rec-1", "INSERT") in steps(await reporting.get(PATH, id="a-1"))
    alone = await reporting.get(PATH, entity="training_record", id="rec-1", related="false")
    assert steps(alone) == [("records", "training_record", "rec-1", "INSERT")]


@pytest.mark.part("RP-06", "by correlation and by person")
async def test_by_correlation_and_by_person(reporting: Reporting) -> None:
    await story(reporting)
    by_request = steps(await reporting.get(PATH, correlation=REQUEST))
    assert len(by_request) == 4
    by_person = steps(await reporting.get(PATH, person="ANA"))
    # The closing of the assignment does not name ANA again, and is hers all the same.
    assert [one for one in by_person if one[0] == "assignment"] == [
        ("assignment", "assignment", "a-1", "INSERT"),
        ("assignment", "assignment", "a-1", "UPDATE"),
    ]
    assert not any(one[2] == "rec-2" for one in by_person)
    first = await reporting.get(PATH, person="ANA", limit=2)
    rest = await reporting.get(PATH, person="ANA", limit=2, cursor=first["next"])
    assert steps(first) + steps(rest) == by_person


@pytest.mark.part("RP-06", "a bulk operation is not taken in whole")
async def test_a_bulk_operation_is_not_taken_in_whole(reporting: Reporting) -> None:
    await fixture_f(reporting)
    at = utc("2026-03-01T09:00:00Z")
    batch = [
        entry(n, "training_record", f"m-{n}", at, {"person": "ANA"}, correlation=IMPORT)
        for n in range(1, 252)
    ]
    await reporting.tell(*(event("records.audit", one, at) for one in batch))
    assert steps(await reporting.get(PATH, id="m-1")) == [("records", "training_record", "m-1", "INSERT")]
    assert len((await reporting.get(PATH, correlation=IMPORT, limit=500))["items"]) == 251


@pytest.mark.part("RP-06", "a record without an assignment has its trail and a wrong word is no empty one")
async def test_a_record_without_an_assignment_has_its_trail_and_a_wrong_word_is_no_empty_one(
    reporting: Reporting,
) -> None:
    await fixture_f(reporting)
    at = utc("2026-03-01T09:00:00Z")
    migrated = entry(1, "training_record", "m-1", at, {"person": "ANA"}, correlation=IMPORT)
    await reporting.tell(event("records.audit", migrated, at))
    for entity in ("record", "training_record"):
        found = steps(await reporting.get(PATH, entity=entity, id="m-1"))
        assert found == [("records", "training_record", "m-1", "INSERT")]
    refused = await reporting.ask(AUDITOR, PATH, "application/json", entity="recrod", id="m-1")
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["field"], error["reason"]) == ("entity", "unknown")
    assert "training_record" in error["message"]


@pytest.mark.part("PL-06", "each role sees the trail of its scope")
@pytest.mark.part("RP-06", "each role sees the trail of its scope")
async def test_who_reads_which_trail(reporting: Reporting) -> None:
    await story(reporting)
    here, elsewhere = caller("qa_approver", site="NL1"), caller("qa_approver", site="US1")
    assert len(steps(await reporting.get(PATH, here, person="ANA"))) == 3
    assert steps(await reporting.get(PATH, elsewhere, person="ANA")) == []
    assert steps(await reporting.get(PATH, elsewhere, id="CC-7")) == [("qms", "change", "CC-7", "INSERT")]
    assert (await reporting.ask(caller("operator", subject="ANA"), PATH, id="rec-1")).status_code == 403
    for bad in ({}, {"entity": "training_record"}):
        assert (await reporting.ask(AUDITOR, PATH, "application/json", **bad)).status_code == 422
