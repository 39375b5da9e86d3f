"""Each rule of segregation in the policy file about records: broken through the real signing path, and gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from attest_contracts import policy
from records_svc.main import SPEC
from records_testing import ANA, EVA, SAM, Records, caller

RULES = {
    rule["id"]: rule for rule in policy.load()["segregation"] if rule["action"].split(".")[0] == "record"
}


async def _checked(records: Records, person: str) -> httpx.Response:
    proposed = await records.propose(SAM)
    return await records.prepare(caller(person, "qa_approver"), proposed.json()["late_entry"], "late_entry")


async def _own_late_entry(records: Records) -> httpx.Response:
    return await _checked(records, "BEN")


async def _checked_by_the_first(records: Records) -> httpx.Response:
    return await _checked(records, "SAM")


async def _marked(records: Records, person: str) -> httpx.Response:
    record = await records.read_and_sign(ANA)
    await records.post(EVA, f"/api/records/{record}/entered-in-error")
    return await records.prepare(caller(person, "qa_approver"), record, "record_error")


async def _own_error(records: Records) -> httpx.Response:
    return await _marked(records, "ANA")


async def _marked_by_the_first(records: Records) -> httpx.Response:
    return await _marked(records, "EVA")


BREAK: dict[str, Callable[[Records], Awaitable[httpx.Response]]] = {
    "own-late-entry": _own_late_entry,
    "late-entry-two-people": _checked_by_the_first,
    "own-error": _own_error,
    "error-two-people": _marked_by_the_first,
}


def test_every_rule_about_records_is_broken_here() -> None:
    assert set(BREAK) == set(RULES)


@pytest.mark.part("PL-06", "whoever breaks a rule of segregation about records is refused")
@pytest.mark.parametrize("rule", RULES)
async def test_whoever_breaks_the_rule_is_refused_with_its_code(records: Records, rule: str) -> None:
    answer = await BREAK[rule](records)
    assert (answer.status_code, answer.json()["type"], answer.json()["detail"]) == (
        403,
        f"urn:attest:problem:{RULES[rule]['code']}",
        RULES[rule]["message"],
    )


@pytest.mark.parametrize("rule", RULES)
async def test_control_without_the_rule_it_is_allowed(
    records: Records, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [each for each in SPEC.policy.segregation if each.id != rule]
    monkeypatch.setattr(SPEC.policy, "segregation", others)
    answer = await BREAK[rule](records)
    assert answer.status_code == 200, answer.text
