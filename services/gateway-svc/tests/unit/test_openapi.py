"""Documents of several services as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gateway_svc.api.app import own_routers
from gateway_svc.api.openapi import merge, own_document

pytestmark = pytest.mark.part("PL-25", "documents of several services become one")


def document(path: str, schema: dict[str, Any], *, name: str = "Out", **operation: Any) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {path: {"get": {"responses": {"200": answer}, **operation}}},
        "components": {"schemas": {name: schema, "Unused": {"type": "object"}}},
    }


OWN = {"openapi": "3.1.0", "info": {"title": "Attest", "version": "1"}, "paths": {}, "components": {}}


def schema_of(merged: dict[str, Any], path: str) -> dict[str, Any]:
    answer = merged["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return merged["components"]["schemas"][answer["$ref"].rpartition("/")[2]]


def test_a_schema_that_two_services_mean_differently_keeps_its_meaning() -> None:
    people = document("/api/people", {"type": "object", "title": "person"})
    changes = document("/api/changes", {"type": "object", "title": "change"})
    merged = merge(OWN, {"matrix": people, "qms": changes})
    assert schema_of(merged, "/api/people")["title"] == "person"
    assert schema_of(merged, "/api/changes")["title"] == "change"
    assert set(merged["components"]["schemas"]) == {"MatrixOut", "QmsOut", "Problem"}


def test_a_schema_that_leads_to_such_a_one_is_told_apart_too() -> None:
    def page(path: str, title: str) -> dict[str, Any]:
        made = document(path, {"items": {"$ref": "#/components/schemas/Row"}}, name="Page")
        made["components"]["schemas"]["Row"] = {"title": title}
        return made

    merged = merge(OWN, {"matrix": page("/api/people", "person"), "qms": page("/api/changes", "change")})
    rows = [
        merged["components"]["schemas"][schema_of(merged, path)["items"]["$ref"].rpartition("/")[2]]["title"]
        for path in ("/api/people", "/api/changes")
    ]
    assert rows == ["person", "change"]


def test_the_same_schema_keeps_its_name() -> None:
    same = {"type": "object"}
    merged = merge(OWN, {"matrix": document("/api/people", same), "qms": document("/api/changes", same)})
    assert set(merged["components"]["schemas"]) == {"Out", "Problem"}


def test_only_what_is_forwarded_is_shown() -> None:
    merged = merge(
        OWN,
        {
            "matrix": document("/internal/bus", {}),
            "qms": document("/api/people", {}),
            "records": document("/signing/sign", {}),
        },
    )
    assert merged["paths"] == {}


def test_two_services_behind_one_address_are_one_operation() -> None:
    def parameter(name: str) -> dict[str, Any]:
        return {"name": name, "in": "query", "required": True, "schema": {"type": "string"}}

    path = "/api/qualification/cells"
    merged = merge(
        OWN,
        {
            "assignment": document(path, {}, parameters=[parameter("person")]),
            "reporting": document(path, {}, parameters=[parameter("person"), parameter("known_at")]),
        },
    )
    parameters = merged["paths"][path]["get"]["parameters"]
    assert [(p["name"], p["required"]) for p in parameters] == [("person", True), ("known_at", False)]


def test_every_own_route_says_what_it_answers() -> None:
    own = own_document(own_routers())
    operations = {
        (method, path): operation for path, item in own["paths"].items() for method, operation in item.items()
    }
    assert ("post", "/api/session") in operations
    assert ("post", "/api/signing/intents/{intent}/confirm") in operations
    for (method, path), operation in operations.items():
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, f"{method} {path}"
        if method == "post" and "requestBody" in operation:
            assert operation["requestBody"]["required"] is True


def test_every_operation_answers_its_errors_as_problems() -> None:
    merged = merge(own_document(own_routers()), {"matrix": document("/api/people", {"title": "person"})})
    assert "HTTPValidationError" not in merged["components"]["schemas"]
    for path, item in merged["paths"].items():
        for method, operation in item.items():
            assert "422" not in operation["responses"], f"{method} {path}"
            content = operation["responses"]["default"]["content"]
            assert content["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem"


def untold(document: dict[str, Any]) -> list[str]:
    """Operations whose answer is no named model, or a list without the form that all lists have."""
    found: list[str] = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {}).get("application/json")
                if not status.startswith("2") or content is None:
                    continue
                model = document["components"]["schemas"].get(
                    content["schema"].get("$ref", "").rpartition("/")[2], {}
                )
                fields = set(model.get("properties", {}))
                # What a command answers may have `items` of its own: those of a task, of a hold.
                is_list = method == "get" and "items" in fields
                if not fields or (is_list and not {"next", "complete_up_to"} <= fields):
                    found.append(f"{method} {path}")
    return found


def test_every_answer_is_a_model_and_every_list_has_a_next_page_and_an_instant() -> None:
    document = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
    assert len(document["paths"]) > 50
    assert untold(document) == []
    # The control: what a bare array, an untyped object and a list without its instant look like.
    for schema in ({"type": "array"}, {"type": "object", "additionalProperties": True}):
        bare = {"200": {"content": {"application/json": {"schema": schema}}}}
        assert untold({"paths": {"/x": {"get": {"responses": bare}}}, "components": {"schemas": {}}})
    assert untold(document_of_a_list({"items": {}, "next": {}})) == ["get /x"]
    assert untold(document_of_a_list({"items": {}, "next": {}, "complete_up_to": {}})) == []


def document_of_a_list(properties: dict[str, Any]) -> dict[str, Any]:
    return document("/x", {"type": "object", "properties": properties})
