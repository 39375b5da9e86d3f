"""The service and the contracts say the same."""

from __future__ import annotations

import ast
from enum import Enum
from pathlib import Path

import pytest
import reporting_svc
from attest_contracts import enums, policy, topics
from fastapi.routing import APIRoute
from reporting_svc.domain.vocabulary import Status, Trigger, Verdict
from reporting_svc.inbound import AUDIT_TOPICS, INBOUND, NAMES
from reporting_svc.main import SPEC
from reporting_svc.outbound import OUTBOUND
from servicekit.bus import Subscription

pytestmark = pytest.mark.part("PL-24", "reporting and the contracts agree")


def test_the_tables_of_topics_are_those_of_the_contracts() -> None:
    assert set(INBOUND) == {topic.name for topic in topics.consumed_by("reporting")}
    assert set(OUTBOUND) == {t.name for t in topics.topics_of("reporting") if not t.name.endswith(".audit")}
    assert set(AUDIT_TOPICS) == {name for name in topics.load() if name.endswith(".audit")}


def test_every_version_is_folded_but_of_names() -> None:
    every = {
        topic
        for topic, fold in INBOUND.items()
        if isinstance(fold, Subscription) and fold.versions == "every"
    }
    assert set(INBOUND) - every == {NAMES}


@pytest.mark.parametrize(
    ("ours", "contract"), [(Status, enums.Status), (Verdict, enums.Verdict), (Trigger, enums.Trigger)]
)
def test_restated_enums_are_those_of_the_contracts(ours: type[Enum], contract: type[Enum]) -> None:
    assert {member.value for member in ours} == {member.value for member in contract}


def test_the_addresses_that_others_call() -> None:
    paths = {
        (method, route.path)
        for router in SPEC.routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert paths == {
        ("GET", "/api/qualification/cells"),
        ("GET", "/api/qualification/timeline"),
        ("GET", "/api/reports/compliance"),
        ("GET", "/api/reports/differences"),
        ("GET", "/api/reports/assignments"),
        ("GET", "/api/audit"),
    }
    assert {"report.read", "report.export", "audit.read", "qualification.read"} <= set(
        policy.load()["actions"]
    )


def test_the_domain_imports_the_standard_library_and_whenever_alone() -> None:
    folder = Path(reporting_svc.__file__).parent / "domain"
    ours = (
        "reporting_svc.domain",
        "whenever",
        "__future__",
        "collections",
        "dataclasses",
        "datetime",
        "enum",
        "typing",
    )
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
                assert name.startswith(ours), f"{file.name} imports {name}"
