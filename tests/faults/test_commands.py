"""What enterprise IT types to let a machine in, as the README says it: `attest token create`."""

from __future__ import annotations

import httpx
import pytest
from attest import cli

from tests.e2e.api import PASSWORD
from tests.faults.conftest import World, new_employee, nl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]


@pytest.mark.part("PL-06", "a machine gets a token for one site and loses it")
@pytest.mark.part("PL-25", "a machine gets a token for one site and loses it")
def test_a_machine_gets_a_token_for_one_site_and_loses_it(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTEST_USER", "administrator")
    monkeypatch.setenv("ATTEST_PASSWORD", PASSWORD)
    where = ["--state-dir", str(world.state)]
    made = ["--role", "integration", "--scope", "site=NL1", "--name", "MES", "--reason", "line 2"]
    assert cli.main(["token", "create", *made, *where]) == 0
    secret = capsys.readouterr().out.strip()
    assert len(secret) > 20
    assert len(secret.split()) == 1, "it stands alone on standard output"

    machine = httpx.Client(
        base_url=world.base, headers={"authorization": f"Bearer {secret}"}, timeout=30, trust_env=False
    )
    with machine:
        asked = {"person": "ANA", "items": ["SOP-101"], "at": nl("2026-03-02T10:00:00").isoformat()}
        answer = machine.post("/api/authorizations/check", json=asked)
        assert (answer.status_code, answer.json()["verdict"]) == (200, "ALLOW"), answer.text
        elsewhere = machine.post("/api/authorizations/check", json={**asked, "person": "GIL"})
        assert elsewhere.json().get("verdict") != "ALLOW", "GIL works at US1"
        # Out of scope is not told to exist.
        hired = machine.post("/api/people", json={**new_employee("MES-US"), "site": "US1"})
        assert hired.status_code == 404, hired.text

        assert cli.main(["token", "list", *where]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "MES" in line]
        assert "site=NL1" in line
        assert secret not in line
        assert cli.main(["token", "revoke", line.split()[0], *where]) == 0
        assert machine.post("/api/authorizations/check", json=asked).status_code == 401


def test_a_scope_that_is_none_is_told_in_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--state-dir", str(world.state), "--user", "administrator"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTEST_PASSWORD", PASSWORD)
        assert cli.main(["token", "create", "--scope", "NL1", *where]) == 1
    assert capsys.readouterr().err.strip() == "attest: --scope NL1: KEY=VALUE, e.g. site=NL1"
