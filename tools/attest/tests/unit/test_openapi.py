"""One document says what the whole platform answers, and the committed one is what the routes say now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attest import cli
from attest.commands.openapi import COMMITTED, service_document, text, whole_document

pytestmark = pytest.mark.req("PL-25")

JSON = "application/json"
CELL = frozenset(
    [
        "person",
        "item",
        "place",
        "status",
        "verdict",
        "flags",
        "governing_version",
        "completed_version",
        "completed_at",
        "expires_at",
        "due_at",
        "trigger",
        "reasons",
    ]
)
PAGE = frozenset({"items", "next", "complete_up_to"})

# Address -> query parameters, fields of the body, fields of the answer, that others were promised.
FIXED: dict[tuple[str, str], tuple[set[str], set[str], frozenset[str] | set[str]]] = {
    ("post", "/api/session"): (set(), {"username", "password"}, {"csrf"}),
    ("post", "/api/authorizations/check"): (
        set(),
        {"person", "task", "items", "site", "asset", "supervised_by", "at"},
        {"verdict", "conditions", "reasons", "governing", "valid_until", "decision_id"},
    ),
    ("get", "/api/qualification/cells"): (
        {"person", "item", "place", "at", "known_at", "include"},
        set(),
        PAGE,
    ),
    ("get", "/api/reports/compliance"): (
        {"site", "department", "job_function", "framework", "at", "known_at"},
        set(),
        PAGE | {"totals"},
    ),
    ("get", "/api/assignments"): ({"person", "item", "status", "trigger"}, set(), PAGE),
    ("get", "/api/audit"): ({"entity", "id"}, set(), PAGE),
    ("get", "/api/records/{record}"): (set(), set(), {"record"}),
    ("post", "/api/imports"): (set(), {"files"}, {"id", "state"}),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return whole_document()


def fields(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """The names of an object, through references and alternatives."""
    if "$ref" in schema:
        return fields(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found = set(schema.get("properties", {}))
    for each in [*schema.get("anyOf", []), *schema.get("allOf", [])]:
        found |= fields(document, each)
    return found


def answer(operation: dict[str, Any]) -> dict[str, Any]:
    status = next(status for status in operation["responses"] if status.startswith("2"))
    return operation["responses"][status]["content"]


@pytest.mark.parametrize(("method", "path"), FIXED)
def test_a_fixed_address_says_what_it_takes_and_answers(
    document: dict[str, Any], method: str, path: str
) -> None:
    query, body, answered = FIXED[method, path]
    operation = document["paths"][path][method]
    assert query <= {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    if body:
        (content,) = operation["requestBody"]["content"].values()
        assert body <= fields(document, content["schema"])
    assert answered <= fields(document, answer(operation)[JSON]["schema"])


def test_rows_of_cells_and_of_compliance_are_cells(document: dict[str, Any]) -> None:
    for path in ("/api/qualification/cells", "/api/reports/compliance"):
        schema = answer(document["paths"][path]["get"])[JSON]["schema"]
        page = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert fields(document, page["properties"]["items"]["items"]) >= CELL, path


def test_compliance_comes_as_a_table_too(document: dict[str, Any]) -> None:
    assert "text/csv" in answer(document["paths"]["/api/reports/compliance"]["get"])


def test_every_service_is_in_it_and_nothing_that_the_gateway_keeps_inside(document: dict[str, Any]) -> None:
    paths = set(document["paths"])
    # One address of each service and one of the gateway's own.
    assert paths > {
        "/api/people",
        "/api/documents",
        "/api/assignments",
        "/api/records",
        "/api/audit",
        "/api/signing/intents",
    }
    assert "/signing/prepare" in service_document("qms")["paths"], "the service has it; the gateway keeps it"
    assert all(path.startswith("/api/") for path in paths)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_the_committed_document_is_in_step(document: dict[str, Any]) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text(document), "run `make generate`"


def test_check_fails_on_a_difference_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "openapi.json"
    assert cli.main(["openapi", "--check", "--out", str(out)]) == 1, "a missing file is a difference"
    assert cli.main(["openapi", "--out", str(out)]) == 0
    assert cli.main(["openapi", "--check", "--out", str(out)]) == 0
    changed = json.loads(out.read_text())
    del changed["paths"]["/api/records/{record}"]
    out.write_text(text(changed))
    before = out.read_text()
    assert cli.main(["openapi", "--check", "--out", str(out)]) == 1
    assert "make generate" in capsys.readouterr().err
    assert out.read_text() == before
