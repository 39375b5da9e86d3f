"""Generated files are in step with their sources, and the check sees it when one is not."""

import pytest
from attest_contracts import enums, files, policy, topics
from attest_contracts.tools import asyncapi, generate, models

pytestmark = pytest.mark.part("PL-24", "generated models are in step with the schemas")


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    return generate.expected()


def test_generated_files_are_in_step(wanted: dict[str, str]):
    assert generate.differences(files.source_root(), wanted) == []


def test_a_changed_missing_or_orphaned_file_is_found(tmp_path, wanted: dict[str, str]):
    generate.write(tmp_path, wanted)
    assert generate.differences(tmp_path, wanted) == []
    changed = tmp_path / "src/attest_contracts/models/matrix_person.py"
    changed.write_text(changed.read_text() + "\n")
    (tmp_path / "asyncapi/asyncapi.yaml").unlink()
    (tmp_path / "src/attest_contracts/models/old_topic.py").write_text("")
    assert generate.differences(tmp_path, wanted) == [
        "src/attest_contracts/models/matrix_person.py: not in step with its sources",
        "asyncapi/asyncapi.yaml: missing",
        "src/attest_contracts/models/old_topic.py: has no source any more",
    ]
    generate.write(tmp_path, wanted)
    assert generate.differences(tmp_path, wanted) == []


def test_enumerations_are_those_of_the_schemas():
    closed, opened = models.enumerations()
    for found in (closed, opened):
        for name, (_, values) in found.items():
            assert tuple(getattr(enums, name)) == values
    assert {kind.__name__ for kind in enums.OPEN_ENUMERATIONS} == set(opened)


@pytest.mark.part("C-03", "the closed lists have the agreed length")
@pytest.mark.part("C-25", "the closed lists have the agreed length")
@pytest.mark.part("AE-05", "the closed lists have the agreed length")
def test_the_lists_that_the_rules_close_have_their_length():
    assert len(enums.Status) == 12
    assert len(enums.Verdict) == 4
    assert len(enums.Trigger) == 14
    assert len(enums.ClosingReason) == 8
    assert {trigger.value for trigger in enums.SpanTrigger} <= {trigger.value for trigger in enums.Trigger}


@pytest.mark.part("PL-06", "the roles of the contract are those of the policy")
def test_roles_of_the_contract_are_those_of_the_policy():
    assert [role.value for role in enums.Role] == list(policy.load()["roles"])


def test_one_name_cannot_list_two_things(monkeypatch):
    schemas = {
        "a.v1": {"$defs": {"State": {"enum": ["X"], "description": "."}}},
        "b.v1": {"$defs": {"State": {"enum": ["Y"], "description": "."}}},
    }
    monkeypatch.setattr(models, "schema_names", lambda: list(schemas))
    monkeypatch.setattr(models.validation, "schema", schemas.__getitem__)
    with pytest.raises(ValueError, match="other values"):
        models.enumerations()


def test_asyncapi_holds_every_topic_event_type_and_example():
    document = asyncapi.document()
    assert {channel["address"] for channel in document["channels"].values()} == set(topics.load())
    messages = document["components"]["messages"]
    assert {m["name"] for m in messages.values()} == {*topics.by_event_type(), "heartbeat"}
    assert all(message["examples"] for message in messages.values() if message["name"] != "heartbeat")
