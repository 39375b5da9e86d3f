"""The rule of segregation in the policy file about the matrix: broken through the real signing path, and gone."""

from __future__ import annotations

import httpx
import pytest
from attest_contracts import policy
from matrix_svc.main import SPEC
from servicekit.testing.harness import RunningService

RULES = {
    rule["id"]: rule for rule in policy.load()["segregation"] if rule["action"].split(".")[0] == "requirement"
}
CELLS = [{"source_kind": "job_function", "source": "QCA", "item": "SOP-222", "methods": ["R"]}]


async def _signed_by_its_author(service: RunningService) -> httpx.Response:
    author = service.client("qa_approver", "coordinator", subject="QUE")
    drafted = await author.post(
        "/api/matrix/versions", json={"title": "second", "cells": CELLS, "reason": "r"}
    )
    number = str(drafted.json()["number"])
    return await service.sign(author, "matrix_version", number, "approve", signer="QUE")


def test_every_rule_about_the_matrix_is_broken_here() -> None:
    assert set(RULES) == {"own-requirement"}


@pytest.mark.part("PL-06", "whoever breaks a rule of segregation about the matrix is refused")
async def test_the_author_of_a_matrix_version_is_refused_with_the_rule_s_code(
    service: RunningService,
) -> None:
    answer = await _signed_by_its_author(service)
    rule = RULES["own-requirement"]
    assert (answer.status_code, answer.json()["type"], answer.json()["detail"]) == (
        403,
        f"urn:attest:problem:{rule['code']}",
        rule["message"],
    )


async def test_control_without_the_rule_the_author_signs(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SPEC.policy, "segregation", [])
    answer = await _signed_by_its_author(service)
    assert answer.status_code == 200, answer.text
