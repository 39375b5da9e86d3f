"""The gateway on a real Kafka: names come in, accounts go out, the trail says nothing that is private."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from attest_contracts import files, topics, validate_envelope, validate_outgoing
from gateway_svc.handlers import accounts, bootstrap
from gateway_svc.main import SPEC
from gateway_testing import PASSWORD, REASON, Browser
from servicekit.context import Context
from servicekit.db.audit import announce_audit
from servicekit.http.caller import new_key
from servicekit.ids import new_id
from servicekit.settings import Mode
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import running
from servicekit.testing.polling import eventually


def example(topic: str) -> dict[str, Any]:
    """The state of one of the contract's examples."""
    name = files.names(f"examples/{topic}/v1", ".json")[0]
    return json.loads(files.read("examples", topic, topics.load()[topic].major, name))["data"]["state"]


async def test_people_arrive_and_accounts_leave(
    databases: DatabaseFactory, kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    key = tmp_path / "internal-key.json"
    key.write_text(json.dumps(new_key("test").as_dict(private=True)))
    async with running(SPEC, databases, kafka, topic_prefix, internal_key_file=key) as service:
        await service.feed(
            "matrix.person",
            "matrix.person-hired.v2",
            "ANA",
            example("matrix.person") | {"person": "ANA"},
        )
        await service.feed(
            "matrix.person-name",
            "matrix.person-name-changed.v1",
            "ANA",
            {"person": "ANA", "given_name": "Ana", "family_name": "Alvarez"},
        )

        async def known() -> str | None:
            async with service.database.read() as tx:
                return await tx.scalar(
                    "SELECT given_name FROM app.person JOIN app.person_name USING (person)"
                )

        assert await eventually(known, deadline=30) == "Ana"
        context = Context(actor="account/first", reason=REASON, correlation=new_id())
        async with service.database.transaction(context) as tx:
            made = await accounts.create(tx, username="Ana.A", person="ANA", password_hash="$argon2id$x")
            await accounts.grant(tx, bootstrap.SYSTEM, made["account"], "operator", {"site": "NL1"})
        envelopes = await service.announced("gateway.account")
        for envelope in envelopes:
            validate_envelope(envelope)
            validate_outgoing("gateway.account", envelope["data"])
        assert [e["data"]["change"]["kind"] for e in envelopes] == ["created", "grant_added"]
        context = Context(actor="system/gateway", reason=REASON, correlation=new_id())
        async with service.database.transaction(context) as tx:
            await announce_audit(tx)
        trail = await service.announced("gateway.audit")
        for envelope in trail:
            validate_outgoing("gateway.audit", envelope["data"])
        await service.settled()
        assert {e["data"]["state"]["entity"] for e in trail} >= {"account", "role_grant"}
        assert "ana.a" not in json.dumps(trail)
        assert "argon2" not in json.dumps(trail)


async def test_demo_accounts_need_no_log_in_of_an_administrator(
    databases: DatabaseFactory, kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The handler as the command line of a demonstration calls it."""
    key = tmp_path / "internal-key.json"
    key.write_text(json.dumps(new_key("test").as_dict(private=True)))
    async with running(SPEC, databases, kafka, topic_prefix, internal_key_file=key) as service:
        wanted = [{"username": "auditor", "password": PASSWORD, "grants": [{"role": "auditor"}]}]
        made = [
            await bootstrap.ensure_demo_accounts(
                service.database, Mode.TEST, bootstrap.SYSTEM, wanted, reason=REASON, correlation=new_id()
            )
            for _ in range(2)
        ]
        assert made[0][0]["account"] == made[1][0]["account"]


async def test_a_parked_event_is_shown_and_given_up_with_a_reason(
    databases: DatabaseFactory, kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    key = tmp_path / "internal-key.json"
    key.write_text(json.dumps(new_key("test").as_dict(private=True)))
    async with running(SPEC, databases, kafka, topic_prefix, internal_key_file=key) as service:
        # The gateway calls itself with tokens of its own key: the one that its verifier knows.
        service.app.state.services.issuer = service.issuer
        wanted = [{"username": "root", "password": PASSWORD, "grants": [{"role": "administrator"}]}]
        await bootstrap.ensure_demo_accounts(
            service.database, Mode.TEST, bootstrap.SYSTEM, wanted, reason=REASON, correlation=new_id()
        )
        await service.feed("matrix.person", "matrix.person-hired.v2", "BEN", {"person": "BEN"})
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            root = Browser(client)
            assert (await root.log_in("root")).status_code == 200

            async def parked() -> list[dict[str, Any]]:
                answer = await root.get("/api/dead-letters", params={"service": "gateway"})
                assert answer.status_code == 200, answer.text
                return answer.json()["items"]

            await eventually(parked, deadline=60)
            [letter] = await parked()
            assert (letter["service"], letter["topic"], letter["subject"]) == (
                "gateway",
                "matrix.person",
                "BEN",
            )
            [health] = (await root.get("/api/health")).json()["services"]
            [shown] = health["parked"]
            assert (shown["id"], shown["subject"]) == (str(letter["id"]), "BEN")
            assert shown["attempts"] >= 1
            body = {"service": "gateway", "id": letter["id"]}
            assert (await root.post("/api/dead-letters/discard", body)).status_code == 422
            assert (await root.refused("/api/dead-letters/discard", body | {"service": "evil"}))[0] == 422
            again = await root.done("/api/dead-letters/retry", body)
            assert (again["applied"], again["failed"]) == (0, 1)
            await root.done("/api/dead-letters/discard", body)
            assert await parked() == []
