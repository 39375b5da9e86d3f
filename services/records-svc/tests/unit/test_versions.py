"""Which version may be read where: R-63, R-04, C-06, SR-18."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from plantkit.governing import Effective
from records_svc.domain.places import Place
from records_svc.domain.versions import (
    Document,
    File,
    Section,
    Version,
    check_readable,
    file_for,
    governing,
)
from servicekit.domain import StateError

NL1, US1 = Place("NL1", "Europe/Amsterdam"), Place("US1", "America/New_York")
KNOWN = datetime(2026, 1, 1, tzinfo=UTC)


def version(number: int, approved: str, on: str | None, place: str = "*", **more) -> Version:
    effective = [Effective(place, date.fromisoformat(on) if on else None, None, KNOWN)]
    values = {
        "state": "APPROVED",
        "approved_at": None,
        "approved_on": date.fromisoformat(approved),
        "withdrawn_at": None,
        "effective": effective,
        "ends": {},
        "content": [File("1" * 64, 1, "text/markdown", "en"), File("2" * 64, 1, "text/markdown", "nl")],
        "sections": [Section("s1", "Purpose")],
    }
    return Version(number, **(values | more))


V3 = version(3, "2025-05-20", "2025-06-01")
V4 = version(4, "2026-03-02", "2026-03-16")


def doc(*versions: Version, **retired: str) -> Document:
    return Document("SOP-101", "", {p: date.fromisoformat(d) for p, d in retired.items()}, versions)


def refusal(
    document: Document, number: int, when: str, place: Place = NL1, *, assigned: bool = False
) -> str | None:
    found = document.version(number)
    assert found is not None
    try:
        check_readable(document, found, place, datetime.fromisoformat(when), assigned=assigned)
    except StateError as error:
        return error.code
    return None


@pytest.mark.part("R-63", "a version is read from the opening of its window until another governs")
@pytest.mark.part("C-06", "a version is read from the opening of its window until another governs")
@pytest.mark.parametrize(
    ("number", "when", "code"),
    [
        (4, "2026-03-01T23:59:59+01:00", "not-approved"),
        (4, "2026-03-02T00:00:00+01:00", None),
        (3, "2026-03-15T23:59:59+01:00", None),
        (3, "2026-03-16T00:00:00+01:00", "superseded"),
        (4, "2026-03-16T00:00:00+01:00", None),
    ],
)
def test_a_version_is_read_from_the_opening_of_its_window_until_another_governs(
    number: int, when: str, code: str | None
):
    assert refusal(doc(V3, V4), number, when) == code


@pytest.mark.part("C-06", "the edges are local")
def test_the_edges_are_local():
    assert refusal(doc(V3, V4), 3, "2026-03-16T00:00:00+01:00", US1) is None
    assert refusal(doc(V3, V4), 3, "2026-03-16T00:00:00-04:00", US1) == "superseded"


@pytest.mark.part("R-63", "an assignment makes a superseded version readable but never a withdrawn one")
def test_an_assignment_makes_a_superseded_version_readable_but_never_a_withdrawn_one():
    assert refusal(doc(V3, V4), 3, "2026-04-01T00:00:00+02:00", assigned=True) is None
    gone = replace(V4, state="WITHDRAWN", withdrawn_at=datetime(2026, 3, 20, tzinfo=UTC))
    assert refusal(doc(V3, gone), 4, "2026-03-21T00:00:00Z", assigned=True) == "not-standing"
    assert refusal(doc(V3, gone), 4, "2026-03-19T00:00:00Z") is None
    # With v4 withdrawn v3 governs again.
    assert refusal(doc(V3, gone), 3, "2026-03-21T00:00:00Z") is None


@pytest.mark.part("R-04", "a temporary version gives way after its last day")
def test_a_temporary_version_gives_way_after_its_last_day():
    temporary = replace(V4, ends={"*": date(2026, 3, 30)})
    assert refusal(doc(V3, temporary), 4, "2026-03-29T23:59:59+02:00") is None
    assert refusal(doc(V3, temporary), 4, "2026-03-30T00:00:00+02:00") == "not-standing"
    assert governing(doc(V3, temporary), NL1, datetime(2026, 4, 1, tzinfo=UTC)) == V3


@pytest.mark.part("R-08", "the last statement of a date wins and a place wins over everywhere")
def test_the_last_statement_of_a_date_wins_and_a_place_wins_over_everywhere():
    later = datetime(2026, 3, 5, tzinfo=UTC)
    moved = replace(
        V4,
        effective=[
            Effective("NL1", date(2026, 4, 30), None, later),
            Effective("NL1", date(2026, 3, 16), None, KNOWN),
            Effective("*", date(2026, 3, 1), None, later),
        ],
    )
    assert refusal(doc(V3, moved), 3, "2026-04-01T00:00:00+02:00") is None
    assert refusal(doc(V3, moved), 3, "2026-04-30T00:00:00+02:00") == "superseded"


@pytest.mark.part("R-66", "a retired document and a gated version")
@pytest.mark.part("QM-18", "a retired document and a gated version")
def test_a_retired_document_and_a_gated_version():
    assert refusal(doc(V3, V4, NL1="2026-03-20"), 4, "2026-03-20T00:00:00+01:00") == "retired"
    assert refusal(doc(V3, V4, US1="2026-03-20"), 4, "2026-03-20T00:00:00+01:00") is None
    gated = version(4, "2026-03-02", None)
    assert refusal(doc(V3, gated), 4, "2026-12-01T00:00:00+01:00") is None
    assert refusal(doc(V3, gated), 3, "2026-12-01T00:00:00+01:00") is None


@pytest.mark.part("SR-18", "the file is that of the language or the first")
@pytest.mark.parametrize(
    ("asked", "given"), [("nl", "nl"), ("nl-BE", "nl"), ("NL", "nl"), ("pl", "en"), (None, "en")]
)
def test_the_file_is_that_of_the_language_or_the_first(asked: str | None, given: str):
    assert file_for(V4, asked).language == given


@pytest.mark.part("SR-05", "without a file nothing is read")
def test_without_a_file_nothing_is_read():
    for empty in (replace(V4, content=[]), replace(V4, sections=[])):
        with pytest.raises(StateError, match="no file"):
            file_for(empty, "en")
