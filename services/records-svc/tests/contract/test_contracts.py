"""The tables at the foot of inbound.py and outbound.py, the enumerations and the routes hold to the contracts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attest_contracts import enums, files, policy, topics
from records_svc.domain import vocabulary
from records_svc.inbound import INBOUND
from records_svc.main import SPEC
from records_svc.outbound import OUTBOUND
from records_testing import Records
from servicekit.http.app import make_app
from servicekit.http.caller import TokenVerifier, new_key, public_set

pytestmark = pytest.mark.part("PL-24", "records and the contracts agree")


def test_it_listens_to_what_the_topics_say():
    assert set(INBOUND) == {topic.name for topic in topics.consumed_by("records")}


def test_it_announces_what_the_topics_say():
    assert {*OUTBOUND, "records.audit"} == {topic.name for topic in topics.topics_of("records")}


@pytest.mark.parametrize("name", ["Method", "Result", "SourceClass"])
def test_an_enumeration_is_that_of_the_contract(name: str):
    own, contract = getattr(vocabulary, name), getattr(enums, name)
    assert {m.name: m.value for m in own} == {m.name: m.value for m in contract}


def test_every_route_and_signature_has_an_action_of_the_policy():
    make_app(
        name="records-svc",
        version=SPEC.version,
        routers=SPEC.routers,
        policy=SPEC.policy,
        verifier=TokenVerifier.from_set(public_set([new_key("k")]), audience="records"),
    )
    known = {action for actions in policy.load()["roles"].values() for action in actions}
    assert {signable.action for signable in SPEC.signables.values()} <= known


def examples(topic: str) -> list[dict[str, Any]]:
    folder = files.source_root() / "examples" / topic / topics.load()[topic].major
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


@pytest.mark.parametrize("topic", sorted(INBOUND))
async def test_every_example_of_the_contract_is_folded_and_again(bare: Records, topic: str):
    states = [example["data"]["state"] for example in examples(topic)]
    assert states
    for _ in range(2):
        for state in states:
            await bare.fold(topic, state)


async def test_folding_again_in_any_order_of_topics_gives_the_same_tables(bare: Records):
    folded = [(topic, e["data"]["state"]) for topic in sorted(INBOUND) for e in examples(topic)]

    def replicas() -> list[list[dict[str, Any]]]:
        tables = ("app.person", "app.person_place", "app.document", "app.site", "app.assignment")
        return [bare.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]

    for topic, state in folded:
        await bare.fold(topic, state)
    before = replicas()
    assert all(before)
    for topic in sorted(INBOUND, reverse=True):
        await bare.fold(
            topic, *{str(s): s for t, s in folded if t == topic and s == last_of(folded, s, t)}.values()
        )
    assert replicas() == before


def last_of(folded: list[tuple[str, dict[str, Any]]], state: dict[str, Any], topic: str) -> dict[str, Any]:
    """The last state of the same subject: what a batch hands to a fold that takes the latest version."""
    subject = topics.load()[topic].subject_of
    return [s for t, s in folded if t == topic and subject(s) == subject(state)][-1]
