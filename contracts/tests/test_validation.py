"""The three readings of a schema, and what an error says."""

import copy
import json
from typing import Any

import pytest
from attest_contracts import (
    ContractError,
    files,
    topics,
    validate,
    validate_envelope,
    validate_heartbeat,
    validate_incoming,
    validate_outgoing,
)
from attest_contracts.models import assignment_qualification, envelope, matrix_person_v2

pytestmark = pytest.mark.part("PL-24", "three validators agree on each schema")


def example(topic: str, name: str) -> dict[str, Any]:
    return json.loads(files.read("examples", topic, topics.load()[topic].major, f"{name}.json"))


@pytest.fixture
def timeline() -> dict[str, Any]:
    return copy.deepcopy(example("assignment.qualification", "ana")["data"])


@pytest.fixture
def person() -> dict[str, Any]:
    return copy.deepcopy(example("matrix.person", "hired")["data"])


def test_an_unknown_field_is_tolerated_but_never_sent(timeline: dict[str, Any]):
    timeline["state"]["segments"][0]["added_later"] = 1
    validate("assignment.qualification", timeline)
    validate_incoming("assignment.qualification", timeline)
    with pytest.raises(ContractError, match="added_later"):
        validate_outgoing("assignment.qualification", timeline)


def test_a_model_drops_an_unknown_field(person: dict[str, Any]):
    person["state"]["added_later"] = 1
    assert "added_later" not in matrix_person_v2.Data.from_wire(person).to_wire()["state"]


def test_an_unknown_verdict_can_be_read_but_not_written(timeline: dict[str, Any]):
    timeline["state"]["segments"][0]["verdict"] = "PERHAPS"
    validate_incoming("assignment.qualification", timeline)
    data = assignment_qualification.Data.from_wire(timeline)
    assert data.state.segments[0].verdict == "PERHAPS"
    for strict in (validate, validate_outgoing):
        with pytest.raises(ContractError) as error:
            strict("assignment.qualification", timeline)
        assert error.value.path == "/state/segments/0/verdict"


def test_an_open_list_takes_new_values_in_every_reading(timeline: dict[str, Any]):
    timeline["state"]["segments"][0]["flags"] = ["A_FLAG_OF_NEXT_YEAR"]
    validate_outgoing("assignment.qualification", timeline)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d["state"].pop("employment"), "/state"),
        (lambda d: d["state"].update(person=7), "/state/person"),
        (lambda d: d["state"]["employments"][0].update({"from": "10-03-2026"}), "/state/employments/0/from"),
        (
            lambda d: d["state"]["employments"][0].update(recorded_at="2026-03-01T10:30:00+01:00"),
            "/state/employments/0/recorded_at",
        ),
        (
            lambda d: d["state"]["employments"][0].update(recorded_at="2026-02-30T10:30:00Z"),
            "/state/employments/0/recorded_at",
        ),
        (lambda d: d.pop("change"), ""),
        (lambda d: d["change"].update(valid_from="soon"), "/change/valid_from"),
    ],
    ids=["required", "type", "day", "offset", "instant", "change", "valid_from"],
)
def test_an_error_names_the_place(person: dict[str, Any], change: Any, path: str):
    change(person)
    for reading in (validate, validate_outgoing, validate_incoming):
        with pytest.raises(ContractError) as error:
            reading("matrix.person", person)
        assert error.value.path == path


@pytest.mark.part("PL-31", "a reason of a refusal never quotes the value")
def test_a_reason_never_quotes_the_value(person: dict[str, Any]):
    person["state"]["person"] = "secret name"
    with pytest.raises(ContractError) as error:
        validate("matrix.person", person)
    assert "secret" not in str(error.value)


def test_null_and_absent_are_the_same_for_an_optional_field(person: dict[str, Any]):
    person["state"]["supervisor"] = None
    validate_outgoing("matrix.person", person)
    del person["state"]["supervisor"]
    validate_outgoing("matrix.person", person)


def test_an_unknown_topic_is_a_lookup_error():
    with pytest.raises(LookupError, match=r"no\.topic"):
        validate("no.topic", {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        ("specversion", "0.3"),
        ("type", "matrix.person_hired.v1"),
        ("type", "matrix.person-hired"),
        ("time", "2026-03-01T09:30:00+01:00"),
        ("sequence", 0),
        ("epoch", 0),
        ("actor", "Annelies Duarte"),
        ("dataschema", "matrix.person"),
        ("traceparent", "00-abc"),
        ("data", {"state": {}}),
    ],
)
def test_a_wrong_envelope_is_refused(field: str, value: Any):
    event = example("matrix.person", "hired")
    validate_envelope(event)
    with pytest.raises(ContractError) as error:
        validate_envelope({**event, field: value})
    assert error.value.path.startswith(f"/{field}")


def test_an_envelope_has_a_model():
    event = example("matrix.person", "hired")
    message = envelope.Message.from_wire(event)
    assert message.id == event["id"]
    assert message.data.state["person"] == "DEV"


def test_a_heartbeat_is_a_watermark():
    validate_heartbeat({"watermark": "2026-03-01T08:00:00Z"})
    with pytest.raises(ContractError):
        validate_heartbeat({})
    with pytest.raises(ContractError):
        validate_envelope({"watermark": "2026-03-01T08:00:00Z"})
