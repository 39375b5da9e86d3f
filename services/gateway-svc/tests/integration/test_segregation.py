"""Each rule of segregation in the policy file about accounts: broken through the API, and gone.

The rule about imports is broken in `imports/test_jobs.py`, through the signing path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from attest_contracts import policy
from gateway_svc.main import SPEC
from gateway_testing import REASON, Browser, Platform

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = {
    rule["id"]: rule for rule in policy.load()["segregation"] if rule["action"].split(".")[0] == "account"
}


async def _own_account(admin: Browser, ana: Browser) -> httpx.Response:
    return await admin.post(f"/api/accounts/{admin.account}/unlock", {"reason": REASON})


async def _own_reset(admin: Browser, ana: Browser) -> httpx.Response:
    await admin.done(f"/api/accounts/{ana.account}/password-reset")
    return await admin.post(f"/api/accounts/{ana.account}/holder-proved", {"reason": REASON})


BREAK: dict[str, Callable[[Browser, Browser], Awaitable[httpx.Response]]] = {
    "own-grant": _own_account,
    "own-reset": _own_reset,
}


async def test_every_rule_about_accounts_is_broken_here() -> None:
    assert set(BREAK) == set(RULES)


@pytest.mark.part("PL-06", "whoever breaks a rule of segregation about accounts is refused")
@pytest.mark.parametrize("rule", RULES)
async def test_whoever_breaks_the_rule_is_refused_with_its_code(
    attest: Platform, admin: Browser, ana: Browser, rule: str
) -> None:
    answer = await BREAK[rule](admin, ana)
    assert (answer.status_code, answer.json()["type"], answer.json()["detail"]) == (
        403,
        f"urn:attest:problem:{RULES[rule]['code']}",
        RULES[rule]["message"],
    )


@pytest.mark.parametrize("rule", RULES)
async def test_control_without_the_rule_it_is_allowed(
    attest: Platform, admin: Browser, ana: Browser, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [each for each in SPEC.policy.segregation if each.id != rule]
    monkeypatch.setattr(SPEC.policy, "segregation", others)
    answer = await BREAK[rule](admin, ana)
    assert answer.status_code == 200, answer.text
