"""The first start: one administrator, and a password that is no secret for long."""

from __future__ import annotations

import pytest
from gateway_svc.handlers.bootstrap import ensure_first_administrator, first_log_in
from gateway_testing import PASSWORD, Platform, code_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.part("PL-06", "the first administrator is made once and must choose a password")
async def test_the_first_administrator_is_made_once_and_must_choose_a_password(attest: Platform) -> None:
    file = attest.settings.state_dir / "secrets" / "first-administrator.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    username, password = (line.split(": ", 1)[1] for line in file.read_text().splitlines())
    browser = attest.browser()
    answer = await browser.log_in(username, password)
    assert answer.json()["must_change_password"] is True
    assert answer.json()["roles"] == ["administrator"]
    assert code_of(await browser.get("/api/accounts")) == (403, "password-change-required")
    assert code_of(await browser.get("/api/qualification/cells")) == (403, "password-change-required")
    changed = await browser.post("/api/session/password", {"current": password, "new": PASSWORD})
    assert changed.status_code == 200
    assert (await browser.get("/api/accounts")).status_code == 200
    assert not file.exists()

    # Made once: a second start makes neither another account nor another file.
    await ensure_first_administrator(attest.database, attest.settings)
    assert attest.sql("SELECT count(*) AS n FROM app.account") == [{"n": 1}]
    assert not first_log_in(attest.settings.state_dir).exists()
