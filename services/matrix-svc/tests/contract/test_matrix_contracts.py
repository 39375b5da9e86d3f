"""The service and the contracts say the same."""

import pytest
from attest_contracts import policy, topics
from matrix_svc.inbound import INBOUND
from matrix_svc.main import SPEC
from matrix_svc.outbound import OUTBOUND

pytestmark = pytest.mark.part("PL-24", "matrix and the contracts agree")


def test_the_tables_of_topics_are_those_of_the_contracts() -> None:
    assert set(INBOUND) == {topic.name for topic in topics.consumed_by("matrix")}
    owned = {t.name for t in topics.topics_of("matrix") if not t.name.endswith(".audit")}
    # No matrix version brings rules of equivalence yet; the engine is ready for them.
    assert set(OUTBOUND) | {"matrix.equivalence"} == owned


def test_every_signature_is_an_action_of_the_policy() -> None:
    known = policy.load()["actions"]
    assert {signable.action for signable in SPEC.signables.values()} <= set(known)
