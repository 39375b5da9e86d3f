"""The fold of bitemporal tables, pure: whatever the order, the batches, the duplicates and the replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting_svc.domain.bitemporal import Key, Known, Version, apply, plan

T0 = datetime(2026, 3, 1, tzinfo=UTC)
SUBJECTS = ("ANA/SOP-101/NL1", "BEN/SOP-101/NL1", "ANA/SOP-102/NL1")


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def version(subject: str, minutes: int, *rows: str, first: bool = False) -> Version:
    return Version((subject,), at(minutes), [(subject, row) for row in rows], first)


def folded(*batches: Sequence[Version]) -> dict[Key, list[Known]]:
    table: Mapping[Key, Sequence[Known]] = {}
    for batch in batches:
        table = apply(table, plan(batch), 1)
    return {key: list(rows) for key, rows in table.items()}


def test_a_version_is_known_from_its_event_until_the_next_one() -> None:
    found = folded([version("A", 0, "x", "y", first=True)], [version("A", 5, "z")])
    assert found == {
        ("A",): [
            Known(("A", "x"), at(0), at(5)),
            Known(("A", "y"), at(0), at(5)),
            Known(("A", "z"), at(5), None),
        ]
    }


def test_two_versions_of_one_batch_follow_each_other() -> None:
    assert folded([version("A", 0, "x", first=True), version("A", 5, "z")]) == folded(
        [version("A", 0, "x", first=True)], [version("A", 5, "z")]
    )


def test_a_version_replaced_in_its_own_instant_was_known_at_no_time() -> None:
    one_batch = folded([version("A", 0, "x", first=True), version("A", 0, "y")])
    two = folded([version("A", 0, "x", first=True)], [version("A", 0, "y")])
    assert one_batch == two == {("A",): [Known(("A", "y"), at(0), None)]}


def test_a_version_without_rows_ends_what_was_known() -> None:
    assert folded([version("A", 0, "x", first=True)], [version("A", 5)]) == {
        ("A",): [Known(("A", "x"), at(0), at(5))]
    }


type Told = tuple[str, int, Version]


@st.composite
def histories(draw: st.DrawFn) -> list[list[Told]]:
    """Of each subject its versions with rising sequence and record times that never fall."""
    found: list[list[Told]] = []
    for subject in SUBJECTS[: draw(st.integers(1, 3))]:
        minutes, told = 0, []
        for sequence in range(1, draw(st.integers(1, 5)) + 1):
            minutes += draw(st.integers(0, 2))
            rows = draw(st.lists(st.sampled_from("abcd"), max_size=3, unique=True))
            told.append((subject, sequence, version(subject, minutes, *rows, first=sequence == 1)))
        found.append(told)
    return found


def deliveries(draw: st.DrawFn, history: list[list[Told]]) -> list[list[Told]]:
    """Some order that keeps each subject's own, with duplicates and replays from any earlier point, in batches."""
    left = [list(told) for told in history]
    order: list[Told] = []
    while any(left):
        told = draw(st.sampled_from([one for one in left if one]))
        order.append(told.pop(0))
        if draw(st.integers(0, 4)) == 0:
            order += order[draw(st.integers(0, len(order) - 1)) :]
    batches: list[list[Told]] = []
    while order:
        size = draw(st.integers(1, len(order)))
        batches.append(order[:size])
        order = order[size:]
    return batches


def received(batches: Sequence[Sequence[Told]]) -> dict[Key, list[Known]]:
    """Through the rule of the inbox: only what is newer than all before it."""
    seen: dict[str, int] = {}
    fresh: list[list[Version]] = []
    for batch in batches:
        fresh.append([])
        for subject, sequence, found in batch:
            if sequence > seen.get(subject, 0):
                seen[subject] = sequence
                fresh[-1].append(found)
    return folded(*fresh)


@pytest.mark.part("RP-03", "any order that keeps each subjects own ends in the same table")
@pytest.mark.part("PL-24", "any order that keeps each subjects own ends in the same table")
@given(st.data())
def test_any_order_that_keeps_each_subjects_own_ends_in_the_same_table(data: st.DataObject) -> None:
    history = data.draw(histories())
    one = received([[told] for of_subject in history for told in of_subject])

    @st.composite
    def some(draw: st.DrawFn) -> list[list[Told]]:
        return deliveries(draw, history)

    assert received(data.draw(some())) == one


@given(histories())
def test_at_any_record_time_one_version_of_each_subject_is_known(history: list[list[Told]]) -> None:
    table = received([[told] for of_subject in history for told in of_subject])
    for of_subject in history:
        key = of_subject[0][2].key
        for minutes in range(12):
            told = [found for _, _, found in of_subject if found.time <= at(minutes)]
            expected = sorted(str(row[1]) for row in told[-1].rows) if told else []
            known = [
                str(one.row[1])
                for one in table.get(key, [])
                if one.since <= at(minutes) and (one.until is None or at(minutes) < one.until)
            ]
            assert sorted(known) == expected


def test_the_law_would_be_broken_by_a_fold_that_forgets_to_close() -> None:
    """The control: without the closing a past version would be known for ever."""
    batches = [[version("A", 0, "x", first=True)], [version("A", 5, "z", first=True)]]
    assert [one for one in folded(*batches)[("A",)] if one.until is None] == [
        Known(("A", "x"), at(0), None),
        Known(("A", "z"), at(5), None),
    ]
