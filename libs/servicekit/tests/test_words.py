"""servicekit is plumbing: no business word stands in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORDS = [
    "person",
    "people",
    "persons",
    "item",
    "training",
    "trainings",
    "qualification",
    "qualifications",
    "qualified",
    "obligation",
    "obligations",
    "curriculum",
    "curricula",
    "document",
    "documents",
    "capa",
    "matrix",
    "qms",
]
# `.items()` is Python's own, not the business's.
PYTHON = re.compile(r"\.items\b")


def business_words(text: str) -> list[str]:
    plain = PYTHON.sub("", text)
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", plain)
    return [w for w in words if w.lower() in WORDS]


def test_no_business_word_in_servicekit() -> None:
    found = {
        str(path.relative_to(ROOT)): words
        for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.md")]
        if path != Path(__file__) and (words := business_words(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted", ["person_id = 1", "class TrainingRecord:", "# the matrix", "qms.document"]
)
def test_a_planted_word_is_found(planted: str) -> None:
    assert business_words(planted)


def test_dict_items_is_no_business_word() -> None:
    assert business_words("for key, value in data.items():") == []
