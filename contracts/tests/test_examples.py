"""The examples: whole events, valid by the strict reading, one at least of each event type."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from attest_contracts import ContractError, files, topics, validate_envelope, validate_outgoing, validation
from attest_contracts.reading import CONTRACTS
from attest_contracts.topics import Topic

ROOT = files.source_root()
FILES = sorted(path for path in (ROOT / "examples").rglob("*") if path.is_file())
NAMES = "matrix.person-name"
MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def topic_of(path: Path) -> Topic:
    return topics.load()[path.relative_to(ROOT / "examples").parts[0]]


def major_of(path: Path) -> str:
    return path.relative_to(ROOT / "examples").parts[1]


EXAMPLES = [path for path in FILES if major_of(path) == topic_of(path).major]
OLDER = [path for path in FILES if path not in EXAMPLES]
"""Of an earlier major version, which consumers still read."""

every_example = pytest.mark.parametrize(
    "path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT / "examples"))
)


@every_example
@pytest.mark.req("PL-24")
def test_an_example_is_a_valid_event_of_its_topic(path: Path):
    event, topic = read(path), topic_of(path)
    validate_envelope(event)
    validate_outgoing(topic.name, event["data"])
    assert event["type"] in topic.event_types
    assert event["dataschema"] == topic.dataschema
    assert event["source"] == f"/attest/{topic.owner}"
    assert event["partitionkey"] == topic.key_of(event["data"]["state"])
    assert event["subject"] == topic.subject_of(event["data"]["state"])


@pytest.mark.parametrize("path", OLDER, ids=lambda path: str(path.relative_to(ROOT / "examples")))
@pytest.mark.part("PL-24", "an example of an earlier major version is read as the present one")
def test_an_older_example_is_valid_and_is_read_as_the_present_major(path: Path):
    event, topic = read(path), topic_of(path)
    validate_envelope(event)
    have = f"{topic.name}.{major_of(path)}"
    validation.incoming(validation.schema(have))(event["data"])
    assert event["dataschema"] == f"urn:attest:schema:{topic.name}:{major_of(path)}"
    present, model = CONTRACTS.read(topic.name, int(major_of(path)[1:]), event["data"])
    validate_outgoing(topic.name, present)
    assert model.state.model_dump(by_alias=True, exclude_unset=True).keys() == present["state"].keys()


@every_example
@pytest.mark.part("PL-24", "an example survives its model")
def test_an_example_survives_its_model(path: Path):
    event, topic = read(path), topic_of(path)
    model = import_module(f"attest_contracts.models.{topic.module}")
    data = model.Data.from_wire(event["data"])
    sent = data.to_wire()
    validate_outgoing(topic.name, sent)
    assert model.Data.from_wire(sent) == data
    assert without_nulls(normal(sent)) == without_nulls(normal(event["data"]))


@pytest.mark.part("PL-24", "every event type has an example")
def test_every_event_type_has_an_example():
    assert {read(path)["type"] for path in EXAMPLES} == set(topics.by_event_type())


@pytest.mark.part("PL-24", "no two examples share an id")
def test_no_two_examples_share_an_id():
    ids = [read(path)["id"] for path in EXAMPLES]
    assert len(ids) == len(set(ids))


@pytest.mark.part("PL-24", "every declared field is shown by some example")
def test_every_declared_field_is_shown_by_some_example():
    """A field that no example carries has never been tried by any reader."""
    for topic in topics.load().values():
        declared = {
            (name, field)
            for name, part in validation.schema(topic.schema)["$defs"].items()
            for field in part.get("properties", {})
        }
        shown = {
            key
            for path in EXAMPLES
            if topic_of(path).schema == topic.schema
            for key in keys(read(path)["data"])
        }
        missing = {f"{name}.{field}" for name, field in declared if field not in shown}
        assert not missing, topic.name


@pytest.mark.part("PL-26", "personal data is in the topic of names alone")
@pytest.mark.part("PL-31", "personal data is in the topic of names alone")
def test_personal_data_stands_in_the_names_topic_alone():
    personal = personal_values()
    assert len(personal) >= 8
    found = {
        str(path.relative_to(ROOT)): leaks
        for path in EXAMPLES
        if topic_of(path).name != NAMES and (leaks := leaked(read(path), personal))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted", ["Annelies", "duarte", "signed by A. Kostas", "B-77120", "x.y@plant.example"]
)
@pytest.mark.part("PL-26", "control: a planted name or address is found")
@pytest.mark.part("PL-31", "control: a planted name or address is found")
def test_a_planted_name_or_address_is_found(planted: str):
    """Control of the scan above: it sees what it is there to see."""
    event = read(next(path for path in EXAMPLES if topic_of(path).name == "qms.change"))
    assert not leaked(event, personal_values())
    event["data"]["state"]["approvals"] = [{"meaning": planted}]
    assert leaked(event, personal_values())


@pytest.mark.part("PL-26", "an id of a person cannot be a mail address")
def test_ids_of_people_admit_no_mail_address():
    event = read(ROOT / "examples/matrix.person/v1/hired.json")
    event["data"]["state"]["person"] = "annelies.duarte@plant.example"
    with pytest.raises(ContractError) as error:
        validate_outgoing("matrix.person", event["data"])
    assert error.value.path == "/state/person"
    event = read(ROOT / "examples/matrix.person/v1/hired.json")
    event["actor"] = "person/annelies.duarte@plant.example"
    with pytest.raises(ContractError):
        validate_envelope(event)


def personal_values() -> set[str]:
    states = [read(path)["data"]["state"] for path in EXAMPLES if topic_of(path).name == NAMES]
    fields = ("given_name", "family_name", "email", "badge")
    return {state[name] for state in states for name in fields if state.get(name)}


def leaked(event: dict[str, Any], personal: set[str]) -> list[str]:
    words = "|".join(re.escape(value) for value in sorted(personal))
    pattern = re.compile(rf"(?<!\w)({words})(?!\w)", re.IGNORECASE)
    return [text for text in texts(event) if pattern.search(text) or MAIL.search(text)]


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def keys(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
        for value in node.values():
            yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)


def without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: without_nulls(value) for key, value in node.items() if value is not None}
    return [without_nulls(value) for value in node] if isinstance(node, list) else node


def normal(node: Any) -> Any:
    """Instants written with and without their trailing zeros are equal."""
    if isinstance(node, str):
        return re.sub(r"(:\d\d\.\d*?)0+Z$", r"\1Z", node).replace(".Z", "Z")
    if isinstance(node, dict):
        return {key: normal(value) for key, value in node.items()}
    return [normal(value) for value in node] if isinstance(node, list) else node
