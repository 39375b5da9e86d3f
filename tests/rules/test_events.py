"""Outgoing events are made by the constructors that are generated from the topic files, all of them, and by nothing
else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from attest_contracts import topics
from attest_contracts.tools.constructors import function_of

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "services").glob("*/src/**/*.py"))
NOT_YET = frozenset({"matrix.equivalence", "qms.retraining"})
"""Topics that the engine listens to and no service announces yet. A topic leaves this list and never joins it."""
ANNOUNCED = [
    name
    for name, topic in topics.by_event_type().items()
    if not name.split("-")[0].endswith(".audit") and topic.name not in NOT_YET
]
TYPE = re.compile(r"\.v\d+$")


def written_by_hand(source: str) -> Iterator[str]:
    """Event types and parts of them that stand in string literals, and announcements that are put together."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TYPE.search(node.value):
            yield node.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Announcement":
            yield "Announcement(...)"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_service_writes_an_event_type_by_hand(path: Path) -> None:
    assert list(written_by_hand(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("event_type", ANNOUNCED)
def test_every_event_type_is_announced_by_its_owner(event_type: str) -> None:
    owner = topics.by_event_type()[event_type].owner
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES if f"{owner}_svc" in path.parts)
    # Once where it is imported by its name, and once where it is used.
    assert f".{function_of(event_type)}" in code or code.count(function_of(event_type)) > 1


@pytest.mark.parametrize(
    "source",
    [
        'TYPE = "qms.document-registered.v1"',
        'def f(event): return f"qms.document-{event}.v1"',
        'Announcement("qms.document", event, "S", "S", {}, {})',
    ],
)
def test_control_a_type_by_hand_is_found(source: str) -> None:
    assert list(written_by_hand(source))
