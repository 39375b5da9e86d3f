"""The first import of an empty platform: two people accept it before anybody was ever announced."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway_testing import PASSWORD, Browser, Platform, code_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIXTURE = Path(__file__).parents[5] / "examples" / "fixture-f"


def account(person: str, *roles: str, name: tuple[str, str] | None = None) -> dict[str, object]:
    return {
        "username": person.lower(),
        "password": PASSWORD,
        "person": person,
        "name": {"given_name": name[0], "family_name": name[1]} if name else None,
        "grants": [{"role": role} for role in roles],
    }


async def logged_in(attest: Platform, username: str) -> Browser:
    browser = attest.browser()
    assert (await browser.log_in(username)).status_code == 200
    return browser


async def accept(browser: Browser, job: str) -> dict[str, str]:
    asked = {"service": "gateway", "kind": "import_batch", "key": job, "meaning": "accept"}
    intent = await browser.done("/api/signing/intents", asked)
    answer = await browser.post(f"/api/signing/intents/{intent['id']}/confirm", {"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.part("PL-29", "two people whom nobody announced accept the first import")
@pytest.mark.part("R-35", "two people whom nobody announced accept the first import")
async def test_two_people_whom_nobody_announced_accept_the_first_import(
    attest: Platform, admin: Browser
) -> None:
    people = [
        account("SAM", "supervisor", "coordinator", name=("Sam", "Brouwer")),
        account("EVA", "qa_approver", name=("Eva", "Dijkstra")),
    ]
    await admin.done("/api/demo/accounts", {"accounts": people})
    sam, eva = await logged_in(attest, "sam"), await logged_in(attest, "eva")
    answer = await sam.client.post(
        "/api/imports",
        data={"export_date": "2026-03-01", "reason": "day one"},
        files=[
            ("files", (path.name, path.read_bytes()))
            for path in FIXTURE.iterdir()
            if path.suffix in (".csv", ".xlsx")
        ],
        headers={"x-csrf-token": sam.csrf},
    )
    assert answer.status_code == 201, answer.text
    job = answer.json()["id"]
    signatures = [await accept(sam, job), await accept(eva, job)]
    assert [each["printed_name"] for each in signatures] == ["Sam Brouwer", "Eva Dijkstra"]
    shown = (await eva.get(f"/api/imports/{job}")).json()
    assert [each["person"] for each in shown["accepted_by"]] == ["SAM", "EVA"]
    assert shown["state"] not in ("CHECKED", "ACCEPTED_ONCE")


async def test_without_a_csrf_token_nothing_is_uploaded(attest: Platform, admin: Browser) -> None:
    await admin.done("/api/demo/accounts", {"accounts": [account("CSR", "coordinator", name=("Sam", "B"))]})
    sam = await logged_in(attest, "csr")
    answer = await sam.client.post(
        "/api/imports",
        data={"export_date": "2026-03-01", "reason": "day one"},
        files=[("files", ("sites.csv", b"site,name,time_zone\n"))],
    )
    assert code_of(answer) == (403, "csrf")


async def test_without_a_name_an_unknown_person_gets_no_account(attest: Platform, admin: Browser) -> None:
    refused = await admin.refused("/api/demo/accounts", {"accounts": [account("ZOE", "operator")]})
    assert refused == (422, "invalid")


async def test_what_is_announced_takes_the_place_of_what_was_vouched_for(
    attest: Platform, admin: Browser
) -> None:
    await admin.done("/api/demo/accounts", {"accounts": [account("TOM", "operator", name=("Sammy", "B"))]})
    assert (await logged_in(attest, "tom")).me["printed_name"] == "Sammy B"
    await attest.know("TOM", "Sam", "Brouwer")
    assert (await logged_in(attest, "tom")).me["printed_name"] == "Sam Brouwer"
    # The name of somebody who was announced is not the administrator's to say.
    await attest.know("IDA", "Eva", "Dijkstra")
    await admin.done("/api/demo/accounts", {"accounts": [account("IDA", "operator", name=("Mallory", "X"))]})
    assert (await logged_in(attest, "ida")).me["printed_name"] == "Eva Dijkstra"


async def test_parked_events_are_listed_and_repaired_by_the_administrator(
    attest: Platform, admin: Browser
) -> None:
    listed = (await admin.get("/api/dead-letters")).json()
    assert listed["items"] == []
    # What does not answer is named: nobody takes silence for "nothing is parked".
    assert "matrix" in listed["unknown"]
    assert code_of(await admin.get("/api/dead-letters", params={"service": "moon"})) == (422, "invalid")
    assert await admin.refused("/api/dead-letters/retry", {"service": "moon"}) == (422, "invalid")
    assert await admin.refused("/api/dead-letters/discard", {"service": "records"}) == (422, "invalid")
    operator = await attest.person(admin, "ANA", "operator")
    assert code_of(await operator.get("/api/dead-letters")) == (403, "not-allowed")
    assert await operator.refused("/api/dead-letters/retry", {"service": "records"}) == (403, "not-allowed")
