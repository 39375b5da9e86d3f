"""The topic files: explicit, consistent with the schemas, and named by the rules."""

import re

import pytest
from attest_contracts import files, topics, validation
from attest_contracts.tools.models import schema_names
from attest_contracts.topics import Topic

pytestmark = pytest.mark.part("PL-24", "topic files are explicit and fit their schemas")

TRANSPORT = {"envelope.v1", "heartbeat.v1"}
SERVICES = {"matrix", "qms", "assignment", "records", "reporting", "gateway"}
# The listeners of the design, restated by hand: the topic files must say the same.
LISTENS = {
    "matrix": {"qms.document"},
    "qms": {"matrix.organisation", "matrix.person", "assignment.assignment"},
    "assignment": {
        "matrix.organisation",
        "matrix.person",
        "matrix.roster",
        "matrix.obligation",
        "matrix.task",
        "matrix.equivalence",
        "qms.document",
        "qms.retraining",
        "records.training-record",
    },
    "records": {"assignment.assignment", "matrix.organisation", "qms.document", "matrix.person"},
    "gateway": {"matrix.person", "matrix.person-name"},
}

every_topic = pytest.mark.parametrize("topic", topics.load().values(), ids=lambda topic: topic.name)


def test_every_schema_is_of_a_topic_or_of_the_transport():
    """In every major version up to that of the topic: consumers meet old events for good."""
    majors = {
        f"{base}.v{major}"
        for topic in topics.load().values()
        for base, _, last in [topic.schema.rpartition(".v")]
        for major in range(1, int(last) + 1)
    }
    assert majors | TRANSPORT == set(schema_names())


@every_topic
def test_a_topic_file_bears_the_name_of_its_topic(topic: Topic):
    assert f"{topic.name}.yaml" in files.names("topics", ".yaml")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", topic.name)
    assert topic.name.split(".")[0] == topic.owner


@every_topic
def test_what_a_topic_is_created_with_is_explicit(topic: Topic):
    raw = files.read("topics", f"{topic.name}.yaml")
    for name in ("key:", "subject:", "partitions:", "retention_ms:", "cleanup_policy:", "external:"):
        assert re.search(f"^{name}", raw, re.MULTILINE), name
    assert topic.partitions == 12
    config = topic.kafka_config()
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["cleanup.policy"] in ("delete", "compact")
    assert all(isinstance(value, str) for value in config.values())


def test_the_names_alone_are_compacted_and_kept():
    compacted = {topic.name for topic in topics.load().values() if topic.cleanup_policy == "compact"}
    assert compacted == {"matrix.person-name"}
    assert topics.load()["matrix.person-name"].retention_ms == -1
    thirty_days = 30 * 24 * 3600 * 1000
    assert {t.retention_ms for t in topics.load().values() if t.name not in compacted} == {thirty_days}


@every_topic
def test_key_and_subject_are_fields_that_every_state_has(topic: Topic):
    required = set(validation.schema(topic.schema)["$defs"]["State"]["required"])
    named = set(re.findall(r"\{(\w+)\}", topic.subject))
    assert named
    assert {topic.key, *named} <= required


@every_topic
def test_a_topic_has_its_owner_as_only_producer(topic: Topic):
    assert topic.external or topic.producers == (topic.owner,)
    assert topic.owner in SERVICES
    assert set(topic.consumers) <= SERVICES
    assert len(set(topic.consumers)) == len(topic.consumers)


@every_topic
def test_event_types_are_named_by_topic_and_participle(topic: Topic):
    assert topic.event_types
    for kind in topic.event_types:
        assert re.fullmatch(re.escape(topic.name) + r"(-[a-z]+)+\." + topic.major, kind), kind
        assert topic.event_descriptions[kind].endswith(".")


def test_an_event_type_belongs_to_one_topic():
    declared = [kind for topic in topics.load().values() for kind in topic.event_types]
    assert len(declared) == len(set(declared)) == len(topics.by_event_type())


@pytest.mark.parametrize("service", sorted(LISTENS))
def test_services_listen_to_what_the_design_says(service: str):
    assert {topic.name for topic in topics.consumed_by(service)} == LISTENS[service]


def test_reporting_listens_to_everything():
    assert set(topics.consumed_by("reporting")) == set(topics.load().values())


def test_every_service_announces_its_audit_trail():
    audits = {topic.owner: topic for topic in topics.load().values() if topic.name.endswith(".audit")}
    assert set(audits) == SERVICES == set(topics.services())
    assert {topic.schema for topic in audits.values()} == {"audit.v1"}


def test_topics_of_an_owner():
    assert {topic.name for topic in topics.topics_of("gateway")} == {"gateway.account", "gateway.audit"}
    assert topics.topics_of("nobody") == ()


def test_the_readme_lists_every_event_type_and_no_other():
    readme = (files.source_root() / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z.-]+\.v\d+)` \|", readme, re.MULTILINE)
    assert sorted(listed) == sorted(topics.by_event_type())
