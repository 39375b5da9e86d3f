"""The ceremony of a signature: what must fail to sign, and what a signature bears."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from gateway_svc.domain import lockout
from gateway_svc.handlers import intents
from gateway_testing import PASSWORD, REASON, Browser, Platform, asked, code_of, confirm, intent, signatures
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.policy import Policy
from servicekit.signing import (
    Prepared,
    Signable,
    Signature,
    Statement,
    insert_signature,
    prepare,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.part("SR-04", "what must fail to sign, and what a signature contains"),
    pytest.mark.part("R-50", "a signature needs a fresh authentication"),
]
_notes = (f"N{n}" for n in itertools.count(1))
WRONG = "not the password"


@pytest.fixture
def note() -> str:
    """A note that nobody has signed."""
    return next(_notes)


async def test_a_signature_bears_who_what_when_and_its_meaning(
    attest: Platform, ana: Browser, note: str
) -> None:
    made = await intent(ana, note, inputs={"remark": "seen"})
    assert made["display"] == {"text": "Wash your hands."}
    assert made["meaning_text"] == "I have read and understood this note."
    assert (made["printed_name"], made["time_zone"]) == ("Ana Alvarez", "Europe/Amsterdam")
    assert len(made["id"]) == 43
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert 290 < left.total_seconds() <= 301
    answer = await confirm(ana, made)
    assert answer.status_code == 200, answer.text
    signed = answer.json()
    assert (signed["signer"], signed["printed_name"], signed["digest"]) == (
        ana.person,
        "Ana Alvarez",
        made["digest"],
    )
    [row] = signatures(attest, note)
    assert (row["intent"], row["account"]) == (made["id"], f"account/{ana.account}")
    assert row["auth_method"] == intents.FIRST_METHOD
    assert abs((datetime.now(UTC) - row["auth_time"]).total_seconds()) < 30
    [stored] = attest.sql("SELECT * FROM app.signing_intent WHERE id = %s", made["id"])
    assert (stored["state"], stored["version"], stored["signature"]["id"]) == ("SIGNED", 2, signed["id"])


async def test_a_later_signing_of_a_series_is_told_from_the_first(attest: Platform, ana: Browser) -> None:
    async def method() -> str:
        note = next(_notes)
        assert (await confirm(ana, await intent(ana, note))).status_code == 200
        return signatures(attest, note)[0]["auth_method"]

    assert [await method(), await method()] == [intents.FIRST_METHOD, intents.LATER_METHOD]
    # Any failure, a pause of ten minutes, or half an hour ends the series.
    await confirm(ana, await intent(ana, next(_notes)), WRONG)
    assert [await method(), await method()] == [intents.FIRST_METHOD, intents.LATER_METHOD]
    attest.age(ana, "series_last_at", 601)
    assert await method() == intents.FIRST_METHOD
    attest.age(ana, "series_began_at", 1801)
    assert await method() == intents.FIRST_METHOD


async def test_a_bare_click_signs_nothing(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    assert (await confirm(ana, made)).status_code == 200
    later = next(_notes)
    made = await intent(ana, later)
    for body in ({}, {"password": ""}, {"password": None}):
        answer = await ana.post(f"/api/signing/intents/{made['id']}/confirm", body)
        assert answer.status_code in (401, 422)
    assert signatures(attest, later) == []


async def test_a_wrong_password_signs_nothing(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    assert code_of(await confirm(ana, made, WRONG)) == (401, "authentication-failed")
    assert signatures(attest, note) == []
    assert (await confirm(ana, made)).status_code == 200


async def stolen(attest: Platform, signer: Browser) -> Browser:
    """Whoever has the cookie of a session that is logged in, and everything but the password."""
    thief = attest.browser()
    thief.client.cookies.set("attest", signer.secret)
    thief.csrf = (await thief.get("/api/session")).json()["csrf"]
    return thief


async def test_a_stolen_session_signs_nothing(attest: Platform, ana: Browser, note: str) -> None:
    # Ana has just signed: her series goes on, and still each signing needs the password.
    assert (await confirm(ana, await intent(ana, next(_notes)))).status_code == 200
    thief = await stolen(attest, ana)
    made = await intent(thief, note)
    assert code_of(await confirm(thief, made, WRONG)) == (401, "authentication-failed")
    assert signatures(attest, note) == []


async def test_control_without_the_fresh_authentication_a_stolen_session_signs(
    attest: Platform, ana: Browser, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def as_if_just_logged_in(*_: object) -> None:
        """The session alone says who signs."""

    monkeypatch.setattr(intents, "_authenticate", as_if_just_logged_in)
    thief = await stolen(attest, ana)
    assert (await confirm(thief, await intent(thief, note), WRONG)).status_code == 200
    [row] = signatures(attest, note)
    assert row["signer"] == ana.person


@pytest.mark.parametrize("place", ["at the confirm", "at a new intent"])
async def test_five_failures_lock_signing_and_nothing_else(
    attest: Platform, ana: Browser, note: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await intent(ana, note)
    answers = [await confirm(ana, made, WRONG) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 423]
    if place == "at the confirm":
        answer = await confirm(ana, made)
    else:
        answer = await ana.post("/api/signing/intents", asked(note))
    assert code_of(answer) == (423, "signing-locked")
    assert 1700 < int(answer.headers["retry-after"]) <= 1801
    assert signatures(attest, note) == []
    # The trail has each failure and the lock; the alert is in the log at once and names no one.
    assert len(attest.trail("signing_failed", ana.account)) == 5
    [lock] = attest.trail("signing_locked", ana.account)
    entries = attest.sql("SELECT body FROM audit.entry WHERE key = %s", str(lock["id"]))
    assert "signing_locked" in entries[0]["body"]
    printed = capsys.readouterr()
    alerts = [line for line in (printed.out + printed.err).splitlines() if "security-alert" in line]
    assert len(alerts) == 1
    assert ana.account in alerts[0]
    assert ana.username not in alerts[0].replace(ana.account, "")
    # Logging in still works, in this session and in a new one.
    assert (await ana.get("/api/session")).status_code == 200
    assert (await attest.browser().log_in(ana.username)).status_code == 200
    attest.sql(
        "UPDATE app.attempt SET at = at - interval '31 minutes' WHERE purpose = 'signing' AND subject = %s",
        ana.account,
    )
    assert (await confirm(ana, await intent(ana, note))).status_code == 200


async def test_the_lock_is_what_stops_the_sixth(
    attest: Platform, ana: Browser, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without a lock the right password signs after any number of guesses."""
    monkeypatch.setattr(lockout, "locked_until", lambda failures: None)
    monkeypatch.setattr(lockout, "LIMIT", 10**6)
    made = await intent(ana, note)
    for _ in range(6):
        assert (await confirm(ana, made, WRONG)).status_code == 401
    assert (await confirm(ana, made)).status_code == 200


async def test_an_administrator_unlocks(attest: Platform, admin: Browser, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    for _ in range(5):
        await confirm(ana, made, WRONG)
    assert (await confirm(ana, made)).status_code == 423
    await admin.done(f"/api/accounts/{ana.account}/unlock")
    assert (await confirm(ana, made)).status_code == 200


async def test_a_record_that_changed_after_it_was_shown_is_not_signed(
    attest: Platform, ana: Browser, note: str
) -> None:
    made = await intent(ana, note)
    attest.records_sql("UPDATE app.note SET text = 'Do not.', version = version + 1 WHERE id = %s", note)
    assert code_of(await confirm(ana, made)) == (409, "stale")
    assert signatures(attest, note) == []
    # It stays so, even when the record is put back: the signer has to read it again.
    attest.records_sql("UPDATE app.note SET text = 'Wash your hands.', version = 1 WHERE id = %s", note)
    assert code_of(await confirm(ana, made)) == (409, "stale")
    assert (await confirm(ana, await intent(ana, note))).status_code == 200


async def test_control_without_the_digest_a_record_is_signed_that_nobody_was_shown(
    attest: Platform, ana: Browser, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prepared, "digest", property(lambda _: "a" * 64))
    made = await intent(ana, note)
    attest.records_sql("UPDATE app.note SET text = 'Do not.', version = version + 1 WHERE id = %s", note)
    assert (await confirm(ana, made)).status_code == 200
    assert len(signatures(attest, note)) == 1


async def test_what_the_signer_adds_is_part_of_what_is_bound(
    attest: Platform, ana: Browser, note: str
) -> None:
    one = await intent(ana, note, inputs={"remark": "seen"})
    other = await intent(ana, note, inputs={"remark": "not seen"})
    assert one["digest"] != other["digest"]


async def test_two_confirms_at_once_give_one_signature(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    answers = await asyncio.gather(*(confirm(ana, made) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(signatures(attest, note)) == 1
    again = await confirm(ana, made)
    assert again.json()["id"] == answers[0].json()["id"]
    assert code_of(await confirm(ana, made, WRONG)) == (401, "authentication-failed")


async def test_control_without_one_signature_an_intent_two_confirms_sign_twice(
    attest: Platform, ana: Browser, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner neither waits for, nor looks for, nor is refused a second signature of the intent."""

    async def every_time(
        tx: Tx,
        policy: Policy,
        kind: str,
        signable: Signable[Any],
        caller: Caller,
        *,
        statement: Statement,
        **asked: Any,
    ) -> Signature:
        subject, prepared = await prepare(tx, policy, kind, signable, caller, **asked, lock=True)
        once = replace(statement, intent=f"{statement.intent}-{new_id()}")
        signature = await insert_signature(tx, kind, asked["key"], prepared, once)
        await signable.apply(tx, subject, signature)
        return signature

    monkeypatch.setattr("servicekit.http.signing.sign", every_time)
    made = await intent(ana, note)
    answers = await asyncio.gather(*(confirm(ana, made) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(signatures(attest, note)) > 1


async def test_an_intent_lasts_five_minutes(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    back = "UPDATE app.signing_intent SET expires_at = expires_at - interval '%s seconds', version = version + 1 WHERE id = '%s'"
    attest.sql(back % (295, made["id"]))
    assert code_of(await confirm(ana, made, WRONG)) == (401, "authentication-failed")
    attest.sql(back % (6, made["id"]))
    assert code_of(await confirm(ana, made)) == (410, "expired")
    assert signatures(attest, note) == []
    assert attest.sql("SELECT state FROM app.signing_intent WHERE id = %s", made["id"]) == [
        {"state": "EXPIRED"}
    ]


async def test_a_declined_intent_signs_nothing(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    assert (await ana.post(f"/api/signing/intents/{made['id']}/decline", {})).status_code == 422
    assert (await ana.post(f"/api/signing/intents/{made['id']}/decline", {"reason": "no"})).status_code == 204
    assert code_of(await confirm(ana, made)) == (409, "declined")
    assert signatures(attest, note) == []


@pytest.mark.req("R-48")
async def test_an_intent_belongs_to_its_session(
    attest: Platform, admin: Browser, ana: Browser, note: str
) -> None:
    made = await intent(ana, note)
    eva = await attest.person(admin, f"{ana.person}-EVA", "operator")
    own = attest.browser()
    await own.log_in(ana.username)
    for other in (eva, own):
        assert code_of(await confirm(other, made)) == (404, "not-found")
        declined = await other.post(f"/api/signing/intents/{made['id']}/decline", {"reason": REASON})
        assert declined.status_code == 404
    assert (await confirm(ana, made)).status_code == 200


async def test_nothing_is_signed_after_the_log_out(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    path = f"/api/signing/intents/{made['id']}/confirm"
    await ana.send("DELETE", "/api/session")
    assert code_of(await ana.post(path, {"password": PASSWORD})) == (401, "unauthenticated")
    await ana.log_in(ana.username)
    assert code_of(await confirm(ana, made)) == (404, "not-found")
    assert signatures(attest, note) == []


async def test_a_confirm_needs_the_csrf_token(attest: Platform, ana: Browser, note: str) -> None:
    made = await intent(ana, note)
    answer = await ana.client.post(f"/api/signing/intents/{made['id']}/confirm", json={"password": PASSWORD})
    assert code_of(answer) == (403, "csrf")
    assert signatures(attest, note) == []


async def test_a_signer_without_the_role_signs_nothing(
    attest: Platform, admin: Browser, ana: Browser, note: str
) -> None:
    await admin.done(f"/api/accounts/{ana.account}/grants", {"role": "auditor"})
    made = await intent(ana, note)
    [grant] = ana.me["grants"]
    await admin.done(f"/api/accounts/{ana.account}/grants/{grant['grant']}/revoke")
    assert code_of(await confirm(ana, made)) == (403, "not-allowed")
    assert signatures(attest, note) == []


@pytest.mark.part("PL-06", "nobody signs what is their own")
@pytest.mark.part("R-53", "nobody signs what is their own")
async def test_nobody_signs_what_is_their_own(attest: Platform, ana: Browser, note: str) -> None:
    attest.records_sql("UPDATE app.note SET author = %s WHERE id = %s", ana.person, note)
    assert code_of(await ana.post("/api/signing/intents", asked(note))) == (403, "own-approval")
    attest.records_sql("UPDATE app.note SET author = 'BEN' WHERE id = %s", note)
    made = await intent(ana, note)
    attest.records_sql("UPDATE app.note SET author = %s WHERE id = %s", ana.person, note)
    assert code_of(await confirm(ana, made)) == (403, "own-approval")
    assert signatures(attest, note) == []


@pytest.mark.part("R-53", "an administrator and a machine sign nothing")
@pytest.mark.part("PL-06", "an administrator and a machine sign nothing")
async def test_an_administrator_and_a_machine_sign_nothing(
    attest: Platform, admin: Browser, note: str
) -> None:
    assert code_of(await admin.post("/api/signing/intents", asked(note))) == (403, "not-allowed")
    token = await admin.done("/api/tokens", {"name": "mes", "role": "integration"})
    machine = attest.client(headers={"authorization": f"Bearer {token['secret']}"})
    assert code_of(await machine.post("/api/signing/intents", json=asked(note))) == (403, "not-allowed")


@pytest.mark.part("R-51", "a password that was reset signs nothing before a proof of identity")
async def test_a_password_that_was_reset_signs_nothing_before_a_proof(
    attest: Platform, admin: Browser, ana: Browser, note: str
) -> None:
    reset = await admin.done(f"/api/accounts/{ana.account}/password-reset")
    assert (await ana.get("/api/session")).status_code == 401
    await ana.log_in(ana.username, reset["one_time_password"])
    changed = await ana.post("/api/password", {"current": reset["one_time_password"], "new": PASSWORD})
    ana.csrf = changed.json()["csrf"]
    assert code_of(await ana.post("/api/signing/intents", asked(note))) == (403, "signing-blocked")
    path = f"/api/accounts/{ana.account}/holder-proved"
    assert await admin.refused(path) == (403, "own-reset")
    second = attest.browser()
    await attest.account(admin, f"admin-{ana.username}", None, "administrator")
    await second.log_in(f"admin-{ana.username}")
    await second.done(path)
    assert (await confirm(ana, await intent(ana, note))).status_code == 200


@pytest.mark.req("R-48")
@pytest.mark.part("SR-19", "at a kiosk the session ends with the signature")
async def test_at_a_kiosk_the_session_ends_with_the_signature(
    attest: Platform, ana: Browser, note: str
) -> None:
    await ana.log_in(ana.username, kiosk=True)
    answer = await confirm(ana, await intent(ana, note))
    assert answer.status_code == 200
    assert 'attest=""' in answer.headers["set-cookie"]
    assert (await ana.get("/api/session")).status_code == 401
    # The control: elsewhere the session goes on.
    await ana.log_in(ana.username)
    assert (await confirm(ana, await intent(ana, next(_notes)))).status_code == 200
    assert (await ana.get("/api/session")).status_code == 200


async def test_a_signature_needs_a_printed_name(attest: Platform, ana: Browser, note: str) -> None:
    attest.sql("DELETE FROM app.person_name WHERE person = %s", ana.person)
    assert code_of(await ana.post("/api/signing/intents", asked(note))) == (409, "no-printed-name")


async def test_the_owner_says_what_cannot_be_signed(ana: Browser) -> None:
    assert code_of(await ana.post("/api/signing/intents", asked("nothing"))) == (404, "not-found")
    assert code_of(await ana.post("/api/signing/intents", asked("N1", kind="other")))[0] == 422
    assert code_of(await ana.post("/api/signing/intents", asked("N1", service="evil")))[0] == 422
    answer = await ana.post("/api/signing/intents", asked("N1", reason=" "))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.reason")


async def test_the_gateway_signs_what_it_owns(attest: Platform, admin: Browser, ana: Browser) -> None:
    """Its own signables are asked as those of any service are."""
    body = asked(new_id(), service="gateway", kind="import_batch", meaning="accept")
    assert code_of(await ana.post("/api/signing/intents", body)) == (403, "not-allowed")
    coordinator = await attest.person(admin, f"{ana.person}-COR", "coordinator")
    assert code_of(await coordinator.post("/api/signing/intents", body)) == (404, "not-found")
