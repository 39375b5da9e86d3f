"""The statement of the gateway, sent straight to the owner of what is signed: what it does not say is not signed."""

from __future__ import annotations

import itertools
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from gateway_testing import REASON, Browser, Platform, intent, signatures
from servicekit.http.caller import Caller, Grant, TokenIssuer, new_key
from servicekit.signing import Statement, issue_statement

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.part("SR-04", "what must fail to sign, and what a signature contains"),
    pytest.mark.part("R-50", "a signature needs a fresh authentication"),
]
_notes = (f"N{n}" for n in itertools.count(1))


@pytest.fixture
def note() -> str:
    """A note that nobody has signed."""
    return next(_notes)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"account": "account/somebody-else"}, 403),
        ({"signer": "EVA"}, 403),
        ({"meaning": "approve"}, 409),
        ({"digest": "0" * 64}, 409),
    ],
)
async def test_a_statement_holds_for_one_signer_and_one_content(
    attest: Platform, ana: Browser, note: str, change: dict[str, Any], status: int
) -> None:
    """Straight at the owner, with the gateway's own key: what the statement does not say is not signed."""
    made = await intent(ana, note)
    services = attest.app.state.services
    facts = {
        "intent": made["id"],
        "digest": made["digest"],
        "meaning": made["meaning"],
        "signer": ana.person,
        "printed_name": "Ana Alvarez",
        "account": f"account/{ana.account}",
        "auth_time": datetime.now(UTC),
        "auth_method": "local:password",
    } | change
    statement = issue_statement(services.issuer, Statement(**facts), audience="records", now=int(time.time()))
    await _at_the_owner(attest, ana, note, statement, status)
    assert len(signatures(attest, note)) == (1 if status == 200 else 0)


@pytest.mark.parametrize("way", ["for another service", "too old", "by another key", "a call token"])
async def test_a_statement_that_the_gateway_did_not_make_for_now_and_here_is_refused(
    attest: Platform, ana: Browser, note: str, way: str
) -> None:
    made = await intent(ana, note)
    services = attest.app.state.services
    found = Statement(
        made["id"],
        made["digest"],
        made["meaning"],
        ana.person,
        "Ana Alvarez",
        f"account/{ana.account}",
        datetime.now(UTC),
        "local:password",
    )
    now = int(time.time())
    statement = {
        "for another service": lambda: issue_statement(services.issuer, found, audience="qms", now=now),
        "too old": lambda: issue_statement(services.issuer, found, audience="records", now=now - 120),
        "by another key": lambda: issue_statement(
            TokenIssuer(new_key("evil")), found, audience="records", now=now
        ),
        "a call token": lambda: services.token("records", _caller(ana)),
    }[way]()
    await _at_the_owner(attest, ana, note, statement, 401)
    assert signatures(attest, note) == []


def _caller(ana: Browser) -> Any:

    return Caller(f"account/{ana.account}", (Grant("operator"),), ana.person)


async def _at_the_owner(attest: Platform, ana: Browser, note: str, statement: str, status: int) -> None:
    services = attest.app.state.services
    async with httpx.AsyncClient() as inside:
        answer = await inside.post(
            attest.services["records"] + "/signing/sign",
            headers={"authorization": f"Bearer {services.token('records', _caller(ana))}"},
            json={
                "kind": "note",
                "key": note,
                "meaning": "read_and_understood",
                "statement": statement,
                "reason": REASON,
            },
        )
    assert answer.status_code == status, json.dumps(answer.json())
