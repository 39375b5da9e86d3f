"""The compatibility gate, tried with pairs that must fail and pairs that must pass."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from attest_contracts import validation
from attest_contracts.tools import compat
from attest_contracts.tools.models import schema_names

pytestmark = pytest.mark.part("PL-24", "an incompatible change of a schema is refused")

type Schema = dict[str, Any]

BASE: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:attest:schema:toy.thing:v1",
    "type": "object",
    "properties": {"state": {"$ref": "#/$defs/State"}},
    "required": ["state"],
    "additionalProperties": True,
    "$defs": {
        "State": {
            "type": "object",
            "description": "The thing.",
            "properties": {
                "thing": {"type": "string", "minLength": 1},
                "colour": {"$ref": "#/$defs/Colour"},
                "count": {"type": "integer", "minimum": 0, "maximum": 10},
                "made_on": {"type": "string", "format": "date"},
                "code": {"type": "string", "pattern": "^[a-z]+$"},
                "note": {"type": ["string", "null"]},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "uniqueItems": True},
                "main": {"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]},
                "tags": {"type": "array", "items": {"type": "string", "x-extensible-enum": ["a", "b"]}},
            },
            "required": ["thing", "colour", "count", "made_on", "code", "parts"],
            "additionalProperties": True,
        },
        "Part": {
            "type": "object",
            "properties": {"part": {"type": "string"}, "weight": {"type": "number"}},
            "required": ["part"],
            "additionalProperties": True,
        },
        "Colour": {"type": "string", "enum": ["red", "blue"]},
    },
}


def state(schema: Schema) -> Schema:
    return schema["$defs"]["State"]


def fields(schema: Schema) -> Schema:
    return state(schema)["properties"]


def rename(schema: Schema) -> None:
    fields(schema)["label"] = fields(schema).pop("thing")
    state(schema)["required"] = ["label", "colour", "count", "made_on", "code", "parts"]


BREAKING: dict[str, tuple[Callable[[Schema], Any], str]] = {
    "removed field": (lambda s: fields(s).pop("note"), "/state/note: removed"),
    "removed required field": (
        lambda s: (fields(s).pop("code"), state(s)["required"].remove("code")),
        "/state/code: removed",
    ),
    "removed nested field": (
        lambda s: s["$defs"]["Part"]["properties"].pop("weight"),
        "/state/parts/*/weight: removed",
    ),
    "renamed field": (rename, "/state/thing: removed or renamed"),
    "new required field": (
        lambda s: (fields(s).update(size={"type": "integer"}), state(s)["required"].append("size")),
        "/state/size: newly required",
    ),
    "optional made required": (lambda s: state(s)["required"].append("note"), "/state/note: newly required"),
    "required made optional": (lambda s: state(s)["required"].remove("count"), "/state/count: no longer"),
    "nested made required": (
        lambda s: s["$defs"]["Part"]["required"].append("weight"),
        "/state/parts/*/weight: newly required",
    ),
    "narrowed enum": (lambda s: s["$defs"]["Colour"]["enum"].pop(), "/state/colour: enum"),
    "widened enum": (lambda s: s["$defs"]["Colour"]["enum"].append("green"), "/state/colour: enum"),
    "enum from free text": (lambda s: fields(s)["note"].update(enum=["x", None]), "/state/note: enum"),
    "narrowed type": (lambda s: fields(s)["note"].update(type="string"), "/state/note: type"),
    "widened type": (lambda s: fields(s)["thing"].update(type=["string", "null"]), "/state/thing: type"),
    "changed type": (lambda s: fields(s)["count"].update(type="string"), "/state/count: type"),
    "changed format": (lambda s: fields(s)["made_on"].update(format="date-time"), "/state/made_on: format"),
    "removed format": (lambda s: fields(s)["made_on"].pop("format"), "/state/made_on: format"),
    "changed pattern": (lambda s: fields(s)["code"].update(pattern="^[A-Z]+$"), "/state/code: pattern"),
    "tighter bound": (lambda s: fields(s)["count"].update(maximum=9), "/state/count: maximum"),
    "looser bound": (lambda s: fields(s)["count"].update(minimum=-1), "/state/count: minimum"),
    "longer minimum": (lambda s: fields(s)["thing"].update(minLength=2), "/state/thing: minLength"),
    "duplicates allowed": (lambda s: fields(s)["parts"].pop("uniqueItems"), "/state/parts: uniqueItems"),
    "closed object": (lambda s: state(s).update(additionalProperties=False), "/state: additionalProperties"),
    "other items": (lambda s: fields(s)["parts"].update(items={"type": "string"}), "/state/parts/*: type"),
    "no longer nullable": (lambda s: fields(s).update(main={"$ref": "#/$defs/Part"}), "/state/main"),
    "removed known value": (
        lambda s: fields(s)["tags"]["items"].update({"x-extensible-enum": ["a"]}),
        "/state/tags/*: the known value 'b'",
    ),
    "field beside an unknown keyword": (
        lambda s: fields(s).update(size={"type": "integer", "multipleOf": 5}),
        "keyword 'multipleOf'",
    ),
    "alternatives": (
        lambda s: fields(s).update(size={"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        "anyOf only says",
    ),
    "condition": (lambda s: state(s).update({"if": {}, "then": {"required": ["note"]}}), "keyword 'if'"),
}

BENIGN: dict[str, Callable[[Schema], Any]] = {
    "nothing": lambda s: None,
    "new optional field": lambda s: fields(s).update(size={"type": ["integer", "null"]}),
    "new optional object": lambda s: fields(s).update(
        other={"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]}
    ),
    "new optional nested field": lambda s: s["$defs"]["Part"]["properties"].update(
        serial={"type": ["string", "null"]}
    ),
    "new known value of an open list": lambda s: fields(s)["tags"]["items"]["x-extensible-enum"].append("c"),
    "description": lambda s: state(s).update(description="The thing, better said."),
    "title": lambda s: s.update(title="thing"),
    "order of required": lambda s: state(s)["required"].reverse(),
    "order of the enumeration": lambda s: s["$defs"]["Colour"]["enum"].reverse(),
    "definition renamed": lambda s: (
        s["$defs"].update(Hue=s["$defs"].pop("Colour")),
        fields(s).update(colour={"$ref": "#/$defs/Hue"}),
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_refused(name: str):
    change, message = BREAKING[name]
    new = copy.deepcopy(BASE)
    change(new)
    found = compat.breaking(BASE, new)
    assert any(message in line for line in found), found


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_change_passes(name: str):
    new = copy.deepcopy(BASE)
    BENIGN[name](new)
    assert compat.breaking(BASE, new) == []
    assert compat.subschema(BASE, new) is True


@pytest.mark.parametrize("name", ["removed field", "new required field", "narrowed enum", "changed type"])
def test_the_second_judge_sees_narrowing_by_itself(name: str):
    new = copy.deepcopy(BASE)
    BREAKING[name][0](new)
    assert compat.subschema(BASE, new) is False


def test_the_second_judge_alone_stops_a_change(monkeypatch):
    monkeypatch.setattr(compat, "_compare", lambda old, new, path: [])
    new = copy.deepcopy(BASE)
    BREAKING["narrowed enum"][0](new)
    assert compat.breaking(BASE, new) == [
        "/: an event that fits the released schema does not fit the new one"
    ]


@pytest.mark.parametrize("name", schema_names())
def test_every_contract_keeps_to_the_keywords_that_the_gate_knows(name: str):
    schema = validation.schema(name)
    assert compat.breaking(schema, schema) == []


def test_the_second_judge_understands_the_contracts():
    """It cannot judge a nullable boolean; there the structural rules stand alone."""
    unjudged = {
        name
        for name in schema_names()
        if compat.subschema(validation.schema(name), validation.schema(name)) is not True
    }
    assert unjudged == {"gateway.account.v1"}


@pytest.mark.parametrize(
    "name", [name for name in schema_names() if "State" in validation.schema(name).get("$defs", {})]
)
def test_removing_any_field_of_any_state_is_refused(name: str):
    old = validation.schema(name)
    for field in state(old)["properties"]:
        new = copy.deepcopy(old)
        del fields(new)[field]
        assert any(f"/state/{field}: removed" in line for line in compat.breaking(old, new)), field
