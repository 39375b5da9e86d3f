"""Accounts, roles and tokens: who gives what to whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attest_contracts import validate_envelope, validate_outgoing
from gateway_testing import PASSWORD, REASON, Browser, Platform, code_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
CELLS = "/api/qualification/cells"


async def second_administrator(attest: Platform, admin: Browser, name: str) -> Browser:
    await attest.account(admin, name, None, "administrator")
    other = attest.browser()
    await other.log_in(name)
    return other


def announced(attest: Platform, account: str) -> list[dict[str, Any]]:
    """What was said of an account, held against the contract."""
    import json

    rows = attest.sql(
        "SELECT envelope FROM bus.outbox WHERE topic = 'gateway.account' AND subject = %s ORDER BY id",
        account,
    )
    envelopes = [json.loads(row["envelope"]) for row in rows]
    for envelope in envelopes:
        validate_envelope(envelope)
        validate_outgoing("gateway.account", envelope["data"])
    return envelopes


@pytest.mark.req("PL-01")
async def test_a_name_is_never_given_twice(
    attest: Platform, admin: Browser, ana: Browser, person: str
) -> None:
    body = {"username": ana.username.upper(), "password": PASSWORD}
    assert await admin.refused("/api/accounts", body) == (409, "username-taken")
    await admin.done(f"/api/accounts/{ana.account}/disable")
    assert await admin.refused("/api/accounts", body) == (409, "username-taken")
    assert await admin.refused(f"/api/accounts/{ana.account}/unlock") == (409, "state")
    # Nothing deletes an account: no address for it, and no right of the runtime role (the access table shows that).
    assert (await admin.send("DELETE", f"/api/accounts/{ana.account}")).status_code == 404


@pytest.mark.part("R-14", "the person of a rehire stays the same and the old account is not reused")
@pytest.mark.part("PL-01", "somebody who comes back gets another account for the same person")
async def test_whoever_comes_back_gets_another_account_for_the_same_person(
    attest: Platform, admin: Browser, ana: Browser
) -> None:
    body = {"username": f"{ana.username}-2", "person": ana.person, "password": PASSWORD}
    assert await admin.refused("/api/accounts", body) == (409, "person-has-account")
    await admin.done(f"/api/accounts/{ana.account}/disable")
    made = await admin.done("/api/accounts", body)
    assert (made["person"], made["grants"], made["must_change_password"]) == (ana.person, [], True)


@pytest.mark.part("PL-01", "two accounts for one name at once are one")
async def test_two_accounts_for_one_name_at_once_are_one(
    attest: Platform, admin: Browser, person: str
) -> None:
    body = {"username": f"twice-{person}", "password": PASSWORD, "reason": REASON}
    answers = await asyncio.gather(*(admin.post("/api/accounts", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.part("PL-08", "every act needs a reason")
async def test_every_act_needs_a_reason(attest: Platform, admin: Browser, ana: Browser) -> None:
    for path, body in {
        "/api/accounts": {"username": "x", "password": PASSWORD},
        f"/api/accounts/{ana.account}/grants": {"role": "trainer"},
        f"/api/accounts/{ana.account}/lock": {},
        "/api/tokens": {"name": "x", "role": "integration"},
    }.items():
        for reason in ({}, {"reason": ""}, {"reason": "  "}):
            answer = await admin.post(path, body | reason)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.reason"), path


async def test_what_cannot_be_is_named(attest: Platform, admin: Browser, ana: Browser, person: str) -> None:
    async def field(path: str, body: dict[str, Any]) -> str:
        answer = await admin.post(path, {"reason": REASON, **body})
        assert answer.status_code == 422, answer.text
        return answer.json()["errors"][0]["field"]

    grants = f"/api/accounts/{ana.account}/grants"
    assert await field("/api/accounts", {"username": "a b", "password": PASSWORD}) == "username"
    assert await field("/api/accounts", {"username": "ok", "password": "short"}) == "password"
    assert (
        await field("/api/accounts", {"username": "ok", "person": "NOBODY", "password": PASSWORD}) == "person"
    )
    assert await field("/api/accounts", {"username": "ok", "role": "administrator"}) == "body.role"
    assert await field(grants, {"role": "emperor"}) == "role"
    assert await field(grants, {"role": "integration"}) == "role"
    assert await field(grants, {"role": "trainer", "scope": {"area": "GA"}}) == "scope.site"
    assert await field(grants, {"role": "trainer", "scope": {"country": "NL"}}) == "body.scope.country"
    assert await field("/api/tokens", {"name": "x", "role": "operator"}) == "role"
    assert (
        await field("/api/tokens", {"name": "x", "role": "integration", "expires_in_days": 0})
        == "expires_in_days"
    )
    assert (await admin.post("/api/accounts/nobody/lock", {"reason": REASON})).status_code == 404


@pytest.mark.part("PL-06", "nobody changes their own rights")
@pytest.mark.part("R-53", "nobody changes their own rights")
async def test_nobody_changes_their_own_rights(attest: Platform, admin: Browser, person: str) -> None:
    own = f"/api/accounts/{admin.account}"
    [grant] = admin.me["grants"]
    for path, body in {
        "grants": {"role": "auditor"},
        f"grants/{grant['grant']}/revoke": {},
        "lock": {},
        "unlock": {},
        "disable": {},
        "password-reset": {},
        "holder-proved": {},
    }.items():
        assert await admin.refused(f"{own}/{path}", body) == (403, "own-grant"), path
    other = await second_administrator(attest, admin, f"second-{person}")
    assert await other.refused(f"{own}/grants", {"role": "auditor"}) == (409, "exclusive-roles")


@pytest.mark.part("PL-06", "roles that exclude each other are not given")
async def test_roles_that_exclude_each_other_are_not_given(
    attest: Platform, admin: Browser, ana: Browser
) -> None:
    grants = f"/api/accounts/{ana.account}/grants"
    answer = await admin.post(grants, {"role": "administrator", "reason": REASON})
    assert code_of(answer) == (409, "exclusive-roles")
    assert "training right" in answer.json()["detail"]
    assert await admin.refused(grants, {"role": "operator"}) == (409, "already-granted")
    await admin.done(grants, {"role": "trainer", "scope": {"site": "NL1", "area": "GA"}})
    assert await admin.refused(grants, {"role": "auditor"}) == (409, "exclusive-roles")
    nobody = await attest.account(admin, f"{ana.username}-nobody", None)
    assert (await admin.refused(f"/api/accounts/{nobody['account']}/grants", {"role": "operator"}))[0] == 422


@pytest.mark.part("PL-06", "two grants at once cannot slip past each other")
async def test_two_grants_at_once_cannot_slip_past_each_other(
    attest: Platform, admin: Browser, person: str
) -> None:
    await attest.know(person)
    made = await attest.account(admin, person, person)
    grants = f"/api/accounts/{made['account']}/grants"
    answers = await asyncio.gather(
        *(admin.post(grants, {"role": role, "reason": REASON}) for role in ("auditor", "trainer"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.part("PL-06", "a scope reaches the services")
async def test_a_scope_reaches_the_services(attest: Platform, admin: Browser, ana: Browser) -> None:
    await admin.done(
        f"/api/accounts/{ana.account}/grants",
        {"role": "supervisor", "scope": {"site": "NL1", "area": None, "job_function": "OPR"}},
    )
    await ana.get(CELLS)
    assert attest.seen["assignment"][-1]["grants"] == [
        ("operator", {}),
        ("supervisor", {"site": "NL1", "job_function": "OPR"}),
    ]
    me = (await ana.get("/api/session")).json()
    assert (me["site"], me["roles"]) == ("NL1", ["operator", "supervisor"])


@pytest.mark.part("PL-06", "only an administrator gives rights")
@pytest.mark.parametrize("role", ["operator", "qa_approver", "auditor", "coordinator"])
async def test_only_an_administrator_gives_rights(
    attest: Platform, admin: Browser, ana: Browser, person: str, role: str
) -> None:
    other = await attest.person(admin, f"{person}-{role}", role)
    for path, body in {
        "/api/accounts": {"username": "x", "password": PASSWORD},
        f"/api/accounts/{ana.account}/grants": {"role": "qa_approver"},
        f"/api/accounts/{other.account}/grants": {"role": "qa_approver"},
        f"/api/accounts/{ana.account}/lock": {},
        "/api/tokens": {"name": "x", "role": "integration"},
        "/api/demo/accounts": {"accounts": []},
        "/api/clock": {"now": "2099-01-01T00:00:00Z"},
    }.items():
        assert await other.refused(path, body) == (403, "not-allowed"), path
    shown = (await other.get("/api/accounts")).status_code
    assert shown == (200 if role in ("qa_approver", "auditor") else 403)


@pytest.mark.part("PL-06", "an administrator has no right of the plant")
@pytest.mark.part("R-53", "an administrator has no right of the plant")
async def test_an_administrator_has_no_right_of_the_plant(attest: Platform, admin: Browser) -> None:
    assert code_of(await admin.get(CELLS)) == (403, "not-allowed")
    assert not [action for action in admin.me["actions"] if action.startswith(("record", "change", "person"))]


async def test_what_happened_to_an_account_is_announced(
    attest: Platform, admin: Browser, ana: Browser
) -> None:
    grants = f"/api/accounts/{ana.account}/grants"
    granted = await admin.done(grants, {"role": "trainer", "scope": {"site": "NL1"}})
    trainer = next(g for g in granted["grants"] if g["role"] == "trainer")
    assert (trainer["granted_by"], trainer["reason"]) == (f"account/{admin.account}", REASON)
    await admin.done(f"{grants}/{trainer['grant']}/revoke")
    assert (await admin.post(f"{grants}/{trainer['grant']}/revoke", {"reason": REASON})).status_code == 404
    await admin.done(f"/api/accounts/{ana.account}/lock")
    events = announced(attest, ana.account)
    assert [event["data"]["change"]["kind"] for event in events] == [
        "created",
        "grant_added",
        "grant_added",
        "grant_ended",
        "locked",
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    last = events[-1]["data"]["state"]
    assert (last["person"], last["status"]) == (ana.person, "LOCKED")
    assert [grant["role"] for grant in last["grants"]] == ["operator"]
    assert events[-1]["actor"] == f"account/{admin.account}"
    for event in events:
        assert ana.username not in str(event)
        assert "Alvarez" not in str(event)


async def test_the_first_password_is_shown_once(attest: Platform, admin: Browser, person: str) -> None:
    made = await admin.done("/api/accounts", {"username": f"first-{person}"})
    password = made["one_time_password"]
    assert password not in str((await admin.get(f"/api/accounts/{made['account']}")).json())
    browser = attest.browser()
    assert (await browser.log_in(f"first-{person}", password)).json()["must_change_password"] is True
    stored = attest.sql("SELECT coalesce(string_agg(response, ''), '') AS all FROM app.idempotency")[0]["all"]
    assert password not in stored


async def test_a_repeated_command_acts_once(attest: Platform, admin: Browser, person: str) -> None:
    body = {"username": f"again-{person}", "password": PASSWORD, "reason": REASON}
    key = {"idempotency-key": f"k-{person}"}
    first = await admin.post("/api/accounts", body, headers=key)
    again = await admin.post("/api/accounts", body, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json()["account"] == again.json()["account"]


# --- tokens ---------------------------------------------------------------------------------------------------------


@pytest.mark.part("PL-25", "a token opens what its role and scope allow")
@pytest.mark.part("PL-32", "a token opens what its role and scope allow")
async def test_a_token_opens_what_its_role_and_scope_allow(
    attest: Platform, admin: Browser, ana: Browser
) -> None:
    made = await admin.done(
        "/api/tokens",
        {"name": "MES line 1", "role": "integration", "scope": {"site": "NL1"}, "expires_in_days": 30},
    )
    secret, token = made["secret"], made["token"]
    assert secret.startswith("attest_")
    assert len(secret) > 40
    machine = attest.client(headers={"authorization": f"Bearer {secret}"})
    assert (await machine.get(CELLS)).status_code == 200
    seen = attest.seen["assignment"][-1]
    assert (seen["actor"], seen["subject"]) == (f"machine/{token}", None)
    assert seen["grants"] == [("integration", {"site": "NL1"})]
    # No cookie, so no CSRF token; and a cookie does not add to what the token may do.
    assert (await machine.post("/api/changes/x", json={})).status_code == 200
    machine.cookies.set("attest", admin.secret)
    assert (await machine.get("/api/accounts")).status_code == 403
    assert (await machine.get("/api/session")).status_code == 403
    # Shown once, stored as a hash.
    [listed] = [t for t in (await admin.get("/api/tokens")).json()["items"] if t["token"] == token]
    assert (listed["name"], listed["scope"]["site"], listed["revoked_at"]) == ("MES line 1", "NL1", None)
    assert listed["last_used_at"] is not None
    everything = str((await admin.get("/api/tokens")).json()) + str(
        attest.sql("SELECT body FROM audit.entry") + attest.sql("SELECT * FROM app.machine_token_secret")
    )
    assert secret not in everything
    assert secret.removeprefix("attest_") not in everything
    await admin.done(f"/api/tokens/{token}/revoke")
    assert code_of(await machine.get(CELLS)) == (401, "unauthenticated")
    assert await admin.refused(f"/api/tokens/{token}/revoke") == (409, "state")
    kinds = [(e["data"]["change"]["kind"], e["data"]["state"]["status"]) for e in announced(attest, token)]
    assert kinds == [("token_created", "ACTIVE"), ("token_revoked", "DISABLED")]


@pytest.mark.part("PL-32", "a token expires")
async def test_a_token_expires(attest: Platform, admin: Browser) -> None:
    made = await admin.done("/api/tokens", {"name": "short", "role": "integration", "expires_in_days": 1})
    machine = attest.client(headers={"authorization": f"Bearer {made['secret']}"})
    # A token lives in real time: the plant's clock may be moved, a token's end not.
    assert (await machine.get(CELLS)).status_code == 200
    attest.sql(
        "UPDATE app.machine_token SET expires_at = clock_timestamp() - interval '1 second' WHERE token = %s",
        made["token"],
    )
    assert code_of(await machine.get(CELLS)) == (401, "unauthenticated")
