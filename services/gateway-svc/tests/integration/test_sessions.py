"""Logging in and out: cookies, locks, how long a session lasts."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import pytest
from gateway_svc.domain import lockout
from gateway_svc.front import identity
from gateway_testing import PASSWORD, Browser, Platform, code_of
from servicekit.db.glance import Glances

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.part("PL-32", "a log in gives a cookie that scripts and other sites cannot use")
async def test_a_log_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(
    attest: Platform, ana: Browser
) -> None:
    answer = await attest.browser().log_in(ana.username)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("attest=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    # The names of the secret and of the session differ, and only the hash of the secret is stored.
    secret = cookie.split(";")[0].partition("=")[2]
    assert len(secret) == 43
    assert attest.sql("SELECT count(*) AS n FROM app.session WHERE secret_hash = %s", secret) == [{"n": 0}]
    me = answer.json()
    assert (me["person"], me["printed_name"], me["roles"], me["mode"]) == (
        ana.person,
        "Ana Alvarez",
        ["operator"],
        "test",
    )
    assert "record.sign_own" in me["actions"]
    assert "account.write" not in me["actions"]
    assert me["idle_seconds"] == 900
    again = await ana.get("/api/session")
    assert again.json()["csrf"] == ana.csrf != me["csrf"]


@pytest.mark.part("PL-32", "an unknown name and a wrong password get the same answer")
async def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(
    attest: Platform, ana: Browser
) -> None:
    wrong = await attest.browser().log_in(ana.username, "not her password")
    unknown = await attest.browser().log_in("nobody", "not her password")
    assert code_of(wrong) == code_of(unknown) == (401, "login-refused")
    assert wrong.json() == unknown.json()
    assert "set-cookie" not in wrong.headers

    async def took(name: str) -> float:
        began = time.perf_counter()
        await attest.browser().log_in(name, "not her password")
        return time.perf_counter() - began

    # A name that nobody has costs the same hash; without it the answer would come ten times sooner.
    known = statistics.median([await took(ana.username) for _ in range(3)])
    nobody = statistics.median([await took(f"nobody{n}") for n in range(3)])
    assert nobody > known / 3


@pytest.mark.part("PL-32", "five failures lock the name for thirty minutes")
@pytest.mark.part("SR-04", "five wrong passwords lock the name")
async def test_five_failures_lock_the_name_for_thirty_minutes(attest: Platform, ana: Browser) -> None:
    for _ in range(5):
        assert code_of(await attest.browser().log_in(ana.username, "wrong wrong wrong")) == (
            401,
            "login-refused",
        )
    locked = await attest.browser().log_in(ana.username)
    assert code_of(locked) == (429, "locked")
    assert 1700 < int(locked.headers["retry-after"]) <= 1801
    assert len(attest.trail("login_failed", ana.account)) == 5
    assert len(attest.trail("login_locked", ana.account)) == 1
    # Who is logged in stays so, and other names are not concerned.
    assert (await ana.get("/api/session")).status_code == 200
    attest.age_attempts(ana.username, 29 * 60)
    assert code_of(await attest.browser().log_in(ana.username)) == (429, "locked")
    attest.age_attempts(ana.username, 2 * 60)
    assert (await attest.browser().log_in(ana.username)).status_code == 200


@pytest.mark.part("PL-32", "control: without the lock a guesser goes on until a guess is right")
@pytest.mark.part("SR-04", "control: without the lock, a guesser goes on until a guess is right")
async def test_control_without_the_lock_a_guesser_goes_on_until_a_guess_is_right(
    attest: Platform, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockout, "locked_until", lambda failures: None)
    monkeypatch.setattr(lockout, "LIMIT", 10**6)
    for number in range(3 * 5):
        guess = await attest.browser().log_in(ana.username, f"guess number {number:02}")
        assert code_of(guess) == (401, "login-refused")
    assert (await attest.browser().log_in(ana.username)).status_code == 200


@pytest.mark.part("PL-32", "names that nobody has are locked too")
async def test_names_that_nobody_has_are_locked_too(attest: Platform) -> None:
    for _ in range(5):
        await attest.browser().log_in("nobody", "wrong wrong wrong")
    assert code_of(await attest.browser().log_in("nobody")) == (429, "locked")
    assert "nobody" not in str(attest.sql("SELECT subject FROM app.attempt"))


@pytest.mark.part("PL-32", "many guesses at once count like many in turn")
async def test_many_guesses_at_once_count_like_many_in_turn(
    attest: Platform, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    from gateway_svc.handlers import passwords

    real = passwords.verify

    async def counting(password: str, password_hash: str | None) -> bool:
        looked.append(password)
        return await real(password, password_hash)

    monkeypatch.setattr(passwords, "verify", counting)
    answers = await asyncio.gather(
        *(attest.browser().log_in(ana.username, f"guess number {n:02}") for n in range(20))
    )
    assert len(looked) == 5
    assert sorted({answer.status_code for answer in answers}) == [401, 429]


@pytest.mark.part("PL-32", "a success ends the count")
async def test_a_success_ends_the_count(attest: Platform, ana: Browser) -> None:
    for _ in range(4):
        await attest.browser().log_in(ana.username, "wrong wrong wrong")
    assert (await attest.browser().log_in(ana.username)).status_code == 200
    for _ in range(4):
        assert (await attest.browser().log_in(ana.username, "wrong wrong wrong")).status_code == 401
    assert (await attest.browser().log_in(ana.username)).status_code == 200


@pytest.mark.part("PL-32", "an idle session ends")
@pytest.mark.part("SR-19", "an idle session ends by itself")
@pytest.mark.parametrize(("kiosk", "lasts", "ends"), [(False, 890, 901), (True, 55, 61)])
async def test_an_idle_session_ends(
    attest: Platform, ana: Browser, kiosk: bool, lasts: int, ends: int
) -> None:
    await ana.log_in(ana.username, kiosk=kiosk)
    attest.age(ana, "last_seen_at", lasts)
    assert (await ana.get("/api/qualification/cells")).status_code == 200
    # That was a sign of life: the time begins anew.
    attest.age(ana, "last_seen_at", lasts)
    assert (await ana.get("/api/qualification/cells")).status_code == 200
    attest.age(ana, "last_seen_at", ends)
    assert code_of(await ana.get("/api/qualification/cells")) == (401, "unauthenticated")
    assert code_of(await ana.post("/api/password", {"current": PASSWORD, "new": "another password"})) == (
        401,
        "unauthenticated",
    )


@pytest.mark.part("PL-32", "what a page asks by itself keeps nobody logged in")
@pytest.mark.parametrize(
    ("path", "headers", "alive"),
    [
        ("/api/session", {}, False),
        ("/api/clock", {}, False),
        ("/api/qualification/cells", {"x-attest-background": "1"}, False),
        ("/api/qualification/cells", {}, True),
    ],
)
async def test_what_a_page_asks_by_itself_keeps_nobody_logged_in(
    attest: Platform, ana: Browser, path: str, headers: dict[str, str], alive: bool
) -> None:
    attest.age(ana, "last_seen_at", 600)
    assert (await ana.get(path, headers=headers)).status_code == 200
    attest.age(ana, "last_seen_at", 600)
    assert ((await ana.get("/api/session")).status_code == 200) is alive


@pytest.mark.part("PL-32", "a session ends after twelve hours whatever is done")
async def test_a_session_ends_after_twelve_hours_whatever_is_done(attest: Platform, ana: Browser) -> None:
    attest.age(ana, "expires_at", 43_140)
    assert (await ana.get("/api/session")).status_code == 200
    attest.age(ana, "expires_at", 120)
    assert (await ana.get("/api/session")).status_code == 401


@pytest.mark.part("PL-32", "a log in gives a new session and ends the old one")
async def test_a_log_in_gives_a_new_session_and_ends_the_old_one(attest: Platform, ana: Browser) -> None:
    old = ana.secret
    assert (await ana.log_in(ana.username)).status_code == 200
    assert ana.secret != old
    thief = attest.client(cookies={"attest": old})
    assert (await thief.get("/api/session")).status_code == 401
    planted = attest.client(cookies={"attest": "chosen-by-somebody-else-" + "x" * 20})
    answer = await planted.post("/api/session", json={"username": ana.username, "password": PASSWORD})
    assert answer.status_code == 200
    assert "chosen" not in answer.headers["set-cookie"]


async def test_log_out_ends_the_session_on_the_server(attest: Platform, ana: Browser) -> None:
    secret = ana.secret
    answer = await ana.send("DELETE", "/api/session")
    assert answer.status_code == 204
    assert 'attest=""' in answer.headers["set-cookie"]
    assert (await attest.client(cookies={"attest": secret}).get("/api/session")).status_code == 401
    assert len(attest.trail("logged_out", ana.account)) == 1


@pytest.mark.part("PL-32", "a new password ends every other session")
async def test_a_new_password_ends_every_other_session(attest: Platform, ana: Browser) -> None:
    other = attest.browser()
    await other.log_in(ana.username)
    wrong = await ana.post("/api/password", {"current": "not it at all", "new": "a brand new password"})
    assert code_of(wrong) == (422, "invalid")
    assert wrong.json()["errors"][0]["field"] == "current"
    for new in ("short", PASSWORD, f"{ana.username}-has-her-name", "aaaaaaaaaaaaaa"):
        answer = await ana.post("/api/password", {"current": PASSWORD, "new": new})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "new"), new
    answer = await ana.post("/api/password", {"current": PASSWORD, "new": "a brand new password"})
    assert answer.status_code == 200
    ana.csrf = answer.json()["csrf"]
    assert (await ana.get("/api/session")).status_code == 200
    assert (await other.get("/api/session")).status_code == 401
    assert code_of(await attest.browser().log_in(ana.username)) == (401, "login-refused")
    assert (await attest.browser().log_in(ana.username, "a brand new password")).status_code == 200


@pytest.mark.part("PL-32", "guesses of the current password are counted")
async def test_guesses_of_the_current_password_are_counted(attest: Platform, ana: Browser) -> None:
    for _ in range(5):
        await ana.post("/api/password", {"current": "a wrong guess", "new": "a brand new password"})
    answer = await ana.post("/api/password", {"current": PASSWORD, "new": "a brand new password"})
    assert code_of(answer) == (429, "locked")


@pytest.mark.parametrize("act", ["lock", "disable"])
@pytest.mark.part("PL-06", "a locked account is out with the next request")
async def test_a_locked_account_is_out_with_the_next_request(
    attest: Platform, admin: Browser, ana: Browser, act: str
) -> None:
    await admin.done(f"/api/accounts/{ana.account}/{act}")
    assert (await ana.get("/api/session")).status_code == 401
    assert code_of(await attest.browser().log_in(ana.username)) == (401, "login-refused")


@pytest.mark.part("PL-06", "a role that is taken away is gone with the next request")
async def test_a_role_that_is_taken_away_is_gone_with_the_next_request(
    attest: Platform, admin: Browser, ana: Browser
) -> None:
    assert (await ana.get("/api/qualification/cells")).status_code == 200
    [grant] = ana.me["grants"]
    await admin.done(f"/api/accounts/{ana.account}/grants/{grant['grant']}/revoke")
    assert code_of(await ana.get("/api/qualification/cells")) == (403, "not-allowed")


async def test_passwords_are_stored_as_argon2id_and_stay_out_of_the_trail(
    attest: Platform, ana: Browser
) -> None:
    rows = attest.sql("SELECT password_hash FROM app.credential")
    assert all(row["password_hash"].startswith("$argon2id$") for row in rows)
    bodies: Any = "".join(row["body"] for row in attest.sql("SELECT body FROM audit.entry"))
    stored = attest.sql("SELECT coalesce(string_agg(response, ''), '') AS all FROM app.idempotency")[0]["all"]
    for secret in ("argon2", PASSWORD, ana.secret):
        assert secret not in bodies
        assert secret not in stored
    assert "logged_in" in bodies


async def test_a_malformed_cookie_is_no_identity(attest: Platform) -> None:
    for cookie in ("attest=", "attest", "attest=a; attest=b", f"{identity.SECURE_COOKIE}=x", "=;;"):
        answer = await attest.client(headers={"cookie": cookie}).get("/api/session")
        assert answer.status_code == 401


async def test_a_database_that_was_started_again_costs_nobody_the_session(
    attest: Platform, ana: Browser
) -> None:
    kill = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE application_name = %s"
    assert attest.sql(kill, "gateway-svc-identity")[0]["n"] >= 1
    assert (await ana.get("/api/qualification/cells")).status_code == 200


async def test_a_database_that_is_away_is_said_to_be(
    attest: Platform, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = attest.app.state.identities
    await identities.close()
    monkeypatch.setattr(
        identities, "_glances", Glances("postgresql://127.0.0.1:1/nothing", application_name="x")
    )
    answer = await ana.get("/api/qualification/cells")
    assert code_of(answer) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"
