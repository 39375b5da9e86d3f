"""Every event type has a constructor, which gives topic, key and subject as the topic file says."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from attest_contracts import files, topics
from attest_contracts.tools.constructors import constructor_files, function_of, module_of

pytestmark = pytest.mark.part("PL-24", "constructors of outgoing events are made from the topic files")

TYPES = {
    event_type: topic
    for event_type, topic in topics.by_event_type().items()
    if not topic.name.endswith(topics.AUDIT_SUFFIX)
}


@pytest.mark.parametrize("event_type", TYPES)
def test_a_constructor_makes_the_event_of_the_topic_file(event_type: str):
    topic = TYPES[event_type]
    _, state = example(topic.name)
    make = getattr(import_module(f"attest_contracts.events.{module_of(topic)}"), function_of(event_type))
    change, context = {"kind": "x"}, object()
    made = make(state, change, context=context)
    assert (made.topic, made.type) == (topic.name, event_type)
    assert (made.subject, made.key) == (topic.subject_of(state), topic.key_of(state))
    assert (made.state, made.change, made.context) == (state, change, context)
    assert make(state, change).context is None
    assert make.__doc__ == topic.event_descriptions[event_type]


def test_examples_have_the_subjects_that_the_constructors_give():
    for topic in {topic.name: topic for topic in TYPES.values()}.values():
        envelope, state = example(topic.name)
        make = getattr(
            import_module(f"attest_contracts.events.{module_of(topic)}"), function_of(topic.event_types[0])
        )
        assert (envelope["subject"], envelope["partitionkey"]) == (
            make(state, {}).subject,
            make(state, {}).key,
        )


def test_the_whole_type_stands_in_the_source():
    text = "".join(constructor_files().values())
    assert [event_type for event_type in TYPES if f'"{event_type}"' not in text] == []


@pytest.mark.parametrize("event_type", ["matrix.person_hired.v1", "matrix.person-hired", "Person-hired.v1"])
def test_what_is_no_event_type_has_no_constructor(event_type: str):
    with pytest.raises(ValueError, match="is not"):
        function_of(event_type)


def example(topic: str):
    """The first example of the topic: the envelope and its state."""
    folder = files.root().joinpath("examples", topic)
    majors = sorted(entry.name for entry in folder.iterdir())
    newest = Path(str(folder)) / majors[-1]
    envelope = json.loads(sorted(newest.iterdir())[0].read_text(encoding="utf-8"))
    return envelope, envelope["data"]["state"]
