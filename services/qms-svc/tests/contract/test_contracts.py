"""The service and the contracts say the same."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import qms_svc
from attest_contracts import enums, policy, topics
from qms_svc.api import schemas
from qms_svc.domain.control import ChangeState
from qms_svc.domain.version import ChangeClass, TrainingDecision, VersionState
from qms_svc.inbound import INBOUND
from qms_svc.main import SPEC
from qms_svc.outbound import OUTBOUND
from qms_testing import EVA, QUE, Qms, draft_cc7

pytestmark = pytest.mark.part("PL-24", "qms and the contracts agree")


def test_the_tables_of_topics_are_those_of_the_contracts() -> None:
    assert set(INBOUND) == {topic.name for topic in topics.consumed_by("qms")}
    owned = {t.name for t in topics.topics_of("qms") if not t.name.endswith(".audit")}
    # Nothing in this service gives retraining orders yet; the engine is ready for them.
    assert set(OUTBOUND) | {"qms.retraining"} == owned


@pytest.mark.parametrize(
    ("ours", "shown", "contract"),
    [
        (VersionState, schemas.VersionState, enums.DocumentVersionState),
        (ChangeClass, schemas.ChangeClass, enums.ChangeClass),
        (TrainingDecision, schemas.TrainingDecision, enums.TrainingDecision),
        (ChangeState, schemas.ChangeState, enums.ChangeState),
    ],
)
def test_restated_enums_are_those_of_the_contracts(ours: Any, shown: Any, contract: Any) -> None:
    assert {member.value for member in ours} == {member.value for member in contract}
    assert set(get_args(shown)) == {member.value for member in contract}


def test_every_signature_is_an_action_of_the_policy() -> None:
    known = policy.load()["actions"]
    assert {SPEC.signables[kind].action for kind in SPEC.signables} <= set(known)
    assert known[SPEC.signables["change"].action]["kind"] == "sign"


def test_the_domain_imports_pure_modules_alone() -> None:
    folder = Path(qms_svc.__file__).parent / "domain"
    allowed = {"whenever", "qms_svc.domain", "servicekit.domain", "__future__"}
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                ours = name.startswith("qms_svc.domain")
                third_party = name.split(".")[0] in {
                    "sqlalchemy",
                    "pydantic",
                    "fastapi",
                    "servicekit",
                    "attest_contracts",
                }
                assert ours or name in allowed or not (third_party or name.startswith("qms_svc")), (
                    f"{file.name}: {name}"
                )


async def test_every_event_type_of_the_service_is_announced_and_no_other(qms: Qms) -> None:
    """Each state was checked against its schema, undeclared fields refused, when it was written."""
    retire = "/api/documents/SOP-101/retire"
    body = {"revision": 1, "title": "Filling", "reason": "shorter"}
    await qms.call(QUE, "PATCH", "/api/documents/SOP-101", json=body)
    await draft_cc7(qms)
    await qms.post(QUE, "/api/changes/CC-7/submit")
    qms.sql("ALTER TABLE app.change DISABLE TRIGGER ALL")
    qms.sql("UPDATE app.change SET required_approvals = 2")
    qms.sql("ALTER TABLE app.change ENABLE ALWAYS TRIGGER audit_update")
    await qms.approve(EVA, "CC-7")
    qms.sql("ALTER TABLE app.change DISABLE TRIGGER ALL")
    qms.sql("UPDATE app.change SET required_approvals = 1, approvals = '[]'")
    qms.sql("ALTER TABLE app.change ENABLE ALWAYS TRIGGER audit_update")
    await qms.approve(EVA, "CC-7")
    await qms.move(EVA, "SOP-101/4", "NL1", "2027-02-01")
    await qms.post(EVA, retire, {"on": "2027-03-01"})
    await qms.post(EVA, "/api/changes/CC-7/cancel")
    for topic in OUTBOUND:
        announced = {event["type"] for event in qms.events(topic)}
        assert announced == set(topics.load()[topic].event_types)
    sequences = [event["sequence"] for event in qms.events("qms.document")]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_an_undeclared_field_would_not_leave(qms: Qms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qms_svc.outbound.happened", lambda *_, **__: {"kind": "x", "secret": 1})
    body = {"document": "X", "title": "X", "document_type": "SOP", "framework": "GMP", "reason": "a test"}
    assert (await qms.call(QUE, "POST", "/api/documents", json=body)).status_code == 500
    assert qms.sql("SELECT 1 AS one FROM app.document WHERE document = 'X'") == []


def test_the_openapi_document_shows_what_commands_answer() -> None:
    from fastapi import FastAPI

    app = FastAPI()
    for router in SPEC.routers:
        app.include_router(router)
    paths = app.openapi()["paths"]
    assert {path for path in paths if path.startswith("/api")} == {
        "/api/documents",
        "/api/documents/{document}",
        "/api/documents/{document}/retire",
        "/api/documents/{document}/versions/{version}",
        "/api/documents/{document}/versions/{version}/files/{language}",
        "/api/documents/{document}/versions/{version}/withdraw",
        "/api/changes",
        "/api/changes/{change}",
        "/api/changes/{change}/versions",
        "/api/changes/{change}/submit",
        "/api/changes/{change}/recall",
        "/api/changes/{change}/cancel",
        "/api/content/{sha256}",
    }
    for path, operations in paths.items():
        for method, operation in operations.items():
            good = operation["responses"].get("200") or operation["responses"]["201"]
            [content, *_] = good["content"].values()
            assert content.get("schema") or path == "/api/content/{sha256}", f"{method} {path}"


async def test_livez_answers_without_anything_else(bare: Qms) -> None:
    assert datetime.now(UTC)
    assert (await bare.client().get("/livez")).json() == {"status": "alive"}
