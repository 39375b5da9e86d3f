"""Each rule of segregation in the policy file about this service: broken through the real signing path, and gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from attest_contracts import policy
from qms_svc.main import SPEC
from qms_testing import EVA, QUE, Qms, draft_cc7

RULES = {
    rule["id"]: rule for rule in policy.load()["segregation"] if rule["action"].split(".")[0] == "change"
}


async def _own_change(qms: Qms) -> httpx.Response:
    return await qms.prepare(QUE, "CC-7")


async def _approved_twice(qms: Qms) -> httpx.Response:
    qms.sql("ALTER TABLE app.change DISABLE TRIGGER USER")
    qms.sql("UPDATE app.change SET required_approvals = 3")
    qms.sql("ALTER TABLE app.change ENABLE TRIGGER USER")
    await qms.approve(EVA, "CC-7")
    return await qms.prepare(EVA, "CC-7")


async def _own_date(qms: Qms) -> httpx.Response:
    await qms.approve(EVA, "CC-7")
    inputs = {"place": "NL1", "on": "2027-02-10"}
    return await qms.prepare(QUE, "SOP-101/4", kind="effective_date", inputs=inputs)


BREAK: dict[str, Callable[[Qms], Awaitable[httpx.Response]]] = {
    "own-change": _own_change,
    "one-signature-each": _approved_twice,
    "own-effective-date": _own_date,
}


def test_every_rule_about_changes_is_broken_here() -> None:
    assert set(BREAK) == set(RULES)


@pytest.mark.part("PL-06", "whoever breaks a rule of segregation about changes is refused")
@pytest.mark.parametrize("rule", RULES)
async def test_whoever_breaks_the_rule_is_refused_with_its_code(qms: Qms, rule: str) -> None:
    await draft_cc7(qms)
    answer = await BREAK[rule](qms)
    assert (answer.status_code, answer.json()["type"], answer.json()["detail"]) == (
        RULES[rule].get("status", 403),
        f"urn:attest:problem:{RULES[rule]['code']}",
        RULES[rule]["message"],
    )


@pytest.mark.parametrize("rule", RULES)
async def test_control_without_the_rule_it_is_allowed(
    qms: Qms, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [each for each in SPEC.policy.segregation if each.id != rule]
    monkeypatch.setattr(SPEC.policy, "segregation", others)
    await draft_cc7(qms)
    answer = await BREAK[rule](qms)
    assert answer.status_code == 200, answer.text
