"""The service and the contracts say the same."""

from typing import Any

import pytest
from assignment_svc.domain import vocabulary
from assignment_svc.inbound import INBOUND
from assignment_svc.main import SPEC
from assignment_svc.outbound import OUTBOUND
from attest_contracts import enums, policy, topics

pytestmark = pytest.mark.part("PL-24", "assignment and the contracts agree")


def test_the_tables_of_topics_are_those_of_the_contracts() -> None:
    assert set(INBOUND) == {topic.name for topic in topics.consumed_by("assignment")}
    assert set(OUTBOUND) == {t.name for t in topics.topics_of("assignment") if not t.name.endswith(".audit")}


def test_every_signature_is_an_action_of_the_policy() -> None:
    known = policy.load()["actions"]
    assert {signable.action for signable in SPEC.signables.values()} <= set(known)


@pytest.mark.parametrize(
    ("ours", "contract"),
    [
        (vocabulary.Status, enums.Status),
        (vocabulary.Verdict, enums.Verdict),
        (vocabulary.Trigger, enums.Trigger),
        (vocabulary.ClosingReason, enums.ClosingReason),
        (vocabulary.AssignmentState, enums.AssignmentState),
        (vocabulary.Method, enums.Method),
        (vocabulary.SourceClass, enums.SourceClass),
        (vocabulary.TrainingDecision, enums.TrainingDecision),
    ],
)
def test_restated_enums_are_those_of_the_contracts(ours: Any, contract: Any) -> None:
    assert {member.value for member in ours} == {member.value for member in contract}
