"""The examples of cells.md, each with the facts of its cell in plant_a_examples.json."""

import json
from pathlib import Path
from typing import Any

import pytest
from assignment_given import NOW, Place, at, cell, days, person, record, span, version
from assignment_svc.domain.facts import CellFacts
from assignment_svc.domain.qualification import cell_at, derive
from assignment_svc.domain.vocabulary import SourceClass
from plantkit.governing import prepare

EXAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "plant_a_examples.json").read_text())
ROWS = [(example, expected) for example in EXAMPLES for expected in example["expected"]]


def facts_of(example: dict[str, Any]) -> CellFacts:
    zone = example["zone"]
    return cell(
        [span(source, asks, start, end, zone) for source, asks, start, end in example["sources"]],
        [
            record(number, when, letters, zone, score=score, source_class=SourceClass.MIGRATED)
            for number, when, letters, score in example["records"]
        ],
        prepare(
            version(number, opens, effective, decision, zone, voids_all=True)
            for number, opens, effective, decision in example["versions"]
        ),
        person(
            example["person"],
            [days(start, end) for start, end in example["employed"]],
            [days(start, end) for start, end in example["leaves"]],
        ),
        Place("site", zone),
    )


@pytest.mark.req("C-10")
@pytest.mark.part("C-03", "the examples of plant A")
@pytest.mark.part("C-05", "the examples of plant A")
@pytest.mark.part("C-06", "the examples of plant A")
@pytest.mark.part("C-08", "the examples of plant A")
@pytest.mark.part("C-09", "the examples of plant A")
@pytest.mark.part("C-11", "the examples of plant A")
@pytest.mark.part("C-12", "the examples of plant A")
@pytest.mark.part("C-13", "the examples of plant A")
@pytest.mark.part("R-03", "the examples of plant A")
@pytest.mark.part("R-07", "the examples of plant A")
@pytest.mark.part("R-29", "the examples of plant A")
@pytest.mark.parametrize(
    ("example", "expected"), ROWS, ids=[f"{e['person']}-{e['item']}-{x[0]}" for e, x in ROWS]
)
def test_example(example: dict[str, Any], expected: list[Any]) -> None:
    when, status, governing, completed, expires, _ = expected
    segment = cell_at(derive(facts_of(example), NOW).timeline, at(when))
    assert (segment.status, segment.governing_version, segment.completed_version) == (
        status,
        governing,
        completed,
    )
    assert segment.expires_at == (None if expires is None else at(expires))
