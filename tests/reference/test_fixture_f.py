"""The table of SOP-101's cells in fixture F, each at its instant and one second before."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from .facts import as_known
from .fixture_f import ITEM, PEOPLE, WINDOW_OPENS, fixture_f, nl, us
from .model import VERDICTS, all_cells, cell, edges

TABLE = [
    (nl("2026-03-02T10:59:59"), "QUALIFIED QUALIFIED SUSPENDED NOT_REQUIRED QUALIFIED QUALIFIED"),
    (nl("2026-03-02T11:00:00"), "IN_WINDOW IN_WINDOW SUSPENDED NOT_REQUIRED IN_WINDOW IN_WINDOW"),
    (nl("2026-03-10T00:00:00"), "IN_WINDOW IN_WINDOW SUSPENDED NEVER_TRAINED IN_WINDOW IN_WINDOW"),
    (nl("2026-03-12T10:00:00"), "IN_WINDOW IN_WINDOW SUSPENDED NEVER_TRAINED IN_WINDOW IN_WINDOW"),
    (nl("2026-03-12T22:30:00"), "QUALIFIED IN_WINDOW SUSPENDED NEVER_TRAINED IN_WINDOW IN_WINDOW"),
    (nl("2026-03-16T00:00:00"), "QUALIFIED SUPERSEDED SUSPENDED QUALIFIED SUPERSEDED IN_WINDOW"),
    (nl("2026-03-20T00:00:00"), "QUALIFIED SUPERSEDED SUSPENDED QUALIFIED NOT_REQUIRED IN_WINDOW"),
    (us("2026-03-23T00:00:00"), "QUALIFIED SUPERSEDED SUSPENDED QUALIFIED NOT_REQUIRED SUPERSEDED"),
    (nl("2026-04-16T00:00:00"), "QUALIFIED SUPERSEDED SUPERSEDED QUALIFIED NOT_REQUIRED SUPERSEDED"),
]


def moments() -> list[tuple[str, datetime, str]]:
    """(person, instant, status); the second before each row still shows the row above."""
    found: list[tuple[str, datetime, str]] = []
    above = TABLE[0][1]
    for at, statuses in TABLE:
        for person, before, now in zip(PEOPLE, above.split(), statuses.split(), strict=True):
            found += [(person, at - timedelta(seconds=1), before), (person, at, now)]
        above = statuses
    return found


@pytest.mark.part("C-02", "the reference: every cell of the fixture")
@pytest.mark.part("C-03", "the reference: every cell of the fixture")
@pytest.mark.part("R-01", "the reference: every cell of the fixture")
@pytest.mark.part("R-02", "the reference: every cell of the fixture")
@pytest.mark.part("R-03", "the reference: every cell of the fixture")
@pytest.mark.part("R-13", "the reference: every cell of the fixture")
@pytest.mark.part("QM-01", "the reference: every cell of the fixture")
@pytest.mark.parametrize(("person", "at", "status"), moments())
def test_cell(person: str, at: datetime, status: str) -> None:
    row = cell(fixture_f(), person, ITEM, PEOPLE[person], at)
    assert (row.status, row.verdict) == (status, VERDICTS[status])


@pytest.mark.part("C-10", "ana rests on v3 until v4 governs")
@pytest.mark.part("C-13", "ana rests on v3 until v4 governs")
@pytest.mark.part("R-01", "ana rests on v3 until v4 governs")
def test_ana_rests_on_v3_until_v4_governs() -> None:
    world = fixture_f()
    before = cell(world, "ANA", ITEM, "NL1", nl("2026-03-15T23:59:59"))
    assert (before.governing_version, before.completed_version) == ("3", "3")
    assert before.expires_at == nl("2026-05-28T00:00")
    after = cell(world, "ANA", ITEM, "NL1", nl("2026-03-16T00:00:00"))
    assert (after.governing_version, after.completed_version) == ("4", "4")
    assert after.expires_at == nl("2027-03-13T00:00")


@pytest.mark.part("C-03", "pretrained next begins with the signature")
@pytest.mark.part("C-04", "pretrained next begins with the signature")
def test_pretrained_next_begins_with_the_signature() -> None:
    world = fixture_f()
    at = nl("2026-03-12T10:00:00")
    assert cell(world, "DEV", ITEM, "NL1", at - timedelta(seconds=1)).flags == ()
    assert cell(world, "DEV", ITEM, "NL1", at).flags == ("PRETRAINED_NEXT",)


@pytest.mark.part("C-14", "before the approval was known nothing is in window")
def test_before_the_approval_was_known_nothing_is_in_window() -> None:
    world = as_known(fixture_f(), WINDOW_OPENS - timedelta(seconds=1))
    assert cell(world, "BEN", ITEM, "NL1", nl("2026-03-16T00:00")).status == "QUALIFIED"


@pytest.mark.part("C-01", "all cells are the obliged ones")
def test_all_cells_are_the_obliged_ones() -> None:
    assert list(all_cells(fixture_f())) == [(person, ITEM, PEOPLE[person]) for person in PEOPLE]


@pytest.mark.part("C-02", "between two edges the row stays")
def test_between_two_edges_the_row_stays() -> None:
    world = fixture_f()
    for person, place in PEOPLE.items():
        found = edges(world, person, ITEM, place)
        for start, end in pairwise(found):
            rows = {
                (row.status, row.governing_version, row.completed_version, row.expires_at, row.flags)
                for at in (start, start + (end - start) / 2, end - timedelta(microseconds=1))
                for row in [cell(world, person, ITEM, place, at)]
            }
            assert len(rows) == 1, (person, start, end, rows)
