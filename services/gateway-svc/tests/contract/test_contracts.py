"""The service and the contracts say the same."""

from __future__ import annotations

import pytest
from attest_contracts import policy, topics
from attest_contracts.enums import AccountStatus as ContractStatus
from gateway_svc.domain.accounts import SCOPE_KEYS, AccountStatus
from gateway_svc.domain.routing import ROUTES
from gateway_svc.handlers.accounts import RULES
from gateway_svc.inbound import INBOUND
from gateway_svc.main import SPEC
from gateway_svc.outbound import OUTBOUND
from gateway_svc.settings import SERVICES

pytestmark = pytest.mark.part("PL-24", "gateway and the contracts agree")


def test_the_tables_of_topics_are_those_of_the_contracts() -> None:
    assert set(INBOUND) == {topic.name for topic in topics.consumed_by("gateway")}
    assert set(OUTBOUND) == {t.name for t in topics.topics_of("gateway") if not t.name.endswith(".audit")}


def test_the_states_of_an_account_are_those_of_the_contract() -> None:
    assert {status.value for status in AccountStatus} == {status.value for status in ContractStatus}


def test_a_scope_has_the_keys_of_the_contract() -> None:
    from attest_contracts.models.gateway_account import GrantScope

    assert {*SCOPE_KEYS, "own"} == set(GrantScope.model_fields)


def test_the_services_are_those_that_own_topics() -> None:
    assert {*SERVICES, "gateway"} == set(topics.services())
    targets = {target.service for target in ROUTES.values()}
    targets |= {other for t in ROUTES.values() for other in (t.with_parameter or {}).values()}
    assert targets == set(SERVICES)


def test_every_signature_is_an_action_of_the_policy() -> None:
    known = policy.load()["actions"]
    assert {signable.action for signable in SPEC.signables.values()} <= set(known)


def test_roles_are_those_of_the_policy() -> None:
    assert set(RULES.roles) == set(policy.load()["roles"])
    assert set(RULES.machines) == {"integration"}
