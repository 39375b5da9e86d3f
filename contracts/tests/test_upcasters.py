"""Upcasting: one step each, chained; what has no chain is refused."""

import pytest
from attest_contracts.upcasters import UPCASTERS, UnknownMajorError, upcast

pytestmark = pytest.mark.part("PL-24", "an older major is upcast step by step")

STEPS = {
    "toy.thing.v1": lambda data: {**data, "second": True},
    "toy.thing.v2": lambda data: {**data, "third": data["second"]},
}


def test_rostered_days_leave_the_person():
    data = {"state": {"person": "ANA", "roster": [{"date": "2026-03-05"}]}, "change": {"kind": "moved"}}
    assert set(UPCASTERS) == {"matrix.person.v1"}
    expected = {"state": {"person": "ANA"}, "change": {"kind": "moved"}}
    assert upcast("matrix.person.v1", "matrix.person.v2", data) == expected
    assert "roster" in data["state"], "the event that was read stays as it is"


def test_the_known_version_is_left_alone():
    data = {"a": 1}
    assert upcast("matrix.person.v1", "matrix.person.v1", data) is data


def test_steps_are_chained():
    assert upcast("toy.thing.v1", "toy.thing.v3", {}, STEPS) == {"second": True, "third": True}


@pytest.mark.parametrize(
    ("have", "want"),
    [
        ("matrix.person.v2", "matrix.person.v1"),
        ("matrix.person.v2", "matrix.person.v3"),
        ("matrix.person.v1", "matrix.task.v1"),
        ("matrix.person", "matrix.person.v1"),
    ],
)
def test_an_unknown_major_is_refused(have: str, want: str):
    with pytest.raises(UnknownMajorError):
        upcast(have, want, {})
