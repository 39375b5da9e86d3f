from datetime import UTC, date, datetime
from itertools import count

import pytest
from matrix_svc.domain.spells import Spell, SpellKind, check_end, check_new, closed_by_rehire, ended, standing
from servicekit.domain import RuleError

KNOWN = datetime(2026, 3, 1, tzinfo=UTC)
JAN, MAY, JUN = date(2026, 1, 1), date(2026, 5, 1), date(2026, 6, 1)


def spell(
    id: str, kind: SpellKind, value: str, from_on: date, to_on: date | None = None, **more: str
) -> Spell:
    return Spell(id, "ANA", kind, value, from_on, to_on, KNOWN, **more)


HIRED = spell("e", SpellKind.EMPLOYMENT, "employee", JAN)
OPR = spell("f", SpellKind.JOB_FUNCTION, "OPR", JAN)


def refused(new: Spell, *others: Spell) -> str:
    with pytest.raises(RuleError) as error:
        check_new(new, [HIRED, *others])
    return f"{error.value.field}: {error.value.reason}"


def test_two_functions_run_side_by_side() -> None:
    check_new(spell("g", SpellKind.JOB_FUNCTION, "QCA", MAY), [HIRED, OPR])


def test_the_same_function_twice_is_refused() -> None:
    assert refused(spell("g", SpellKind.JOB_FUNCTION, "OPR", MAY), OPR) == "from: overlaps"


def test_two_leaves_at_a_time_are_refused() -> None:
    leave = spell("l", SpellKind.LEAVE, "parental", JAN, JUN)
    assert refused(spell("m", SpellKind.LEAVE, "medical", MAY, JUN), leave) == "from: overlaps"


def test_a_spell_that_ends_before_it_begins_is_refused() -> None:
    assert refused(spell("l", SpellKind.LEAVE, "medical", MAY, MAY)) == "to: not-after-from"


def test_a_spell_outside_employment_is_refused() -> None:
    early = spell("l", SpellKind.OVERLAY, "TRN", date(2025, 1, 1), date(2025, 2, 1))
    assert refused(early) == "from: outside-employment"


@pytest.mark.part("R-33", "ending is a new fact that names the old")
def test_ending_is_a_new_fact_that_names_the_old() -> None:
    end = ended(OPR, MAY, new_id="g", recorded_at=KNOWN)
    assert standing([HIRED, OPR, end]) == [HIRED, end]
    assert (end.replaces, end.from_on, end.to_on) == ("f", JAN, MAY)


def test_a_spell_ended_on_its_first_day_never_was() -> None:
    end = ended(OPR, JAN, new_id="g", recorded_at=KNOWN)
    assert standing([HIRED, OPR, end]) == [HIRED]


def test_a_correction_may_overlap_what_it_replaces() -> None:
    check_new(spell("g", SpellKind.JOB_FUNCTION, "OPR", MAY, replaces="f"), [HIRED, OPR])


def test_a_later_end_may_not_run_into_the_next_of_its_kind() -> None:
    leave = spell("l", SpellKind.LEAVE, "medical", JAN, MAY)
    after = spell("m", SpellKind.LEAVE, "medical", MAY, JUN)
    with pytest.raises(RuleError) as error:
        check_end(ended(leave, date(2026, 5, 2), new_id="n", recorded_at=KNOWN), [HIRED, leave, after])
    assert (error.value.field, error.value.reason) == ("to", "overlaps")
    check_end(ended(leave, date(2026, 4, 1), new_id="n", recorded_at=KNOWN), [HIRED, leave, after])
    # A spell that never was is in nobody's way.
    check_end(ended(after, MAY, new_id="n", recorded_at=KNOWN), [HIRED, leave, after])


LEFT = spell("e", SpellKind.EMPLOYMENT, "employee", JAN, MAY)


def closed(hired_on: date, *spells: Spell) -> dict[str, date | None]:
    """The value of each spell that a rehire ends -> its first day without; None: it never was."""
    number = count()
    found = closed_by_rehire(hired_on, spells, new_id=lambda: f"n{next(number)}", recorded_at=KNOWN)
    left = standing([*spells, *found])
    replaced = {f.replaces: f for f in found}
    return {
        s.value: replaced[s.id].to_on if replaced[s.id] in left else None for s in spells if s.id in replaced
    }


@pytest.mark.part("R-14", "a rehire brings back nothing by itself")
def test_a_rehire_brings_back_nothing_by_itself() -> None:
    place = spell("p", SpellKind.PLACE, "NL1", JAN)
    over = spell("o", SpellKind.OVERLAY, "TRN", JAN, date(2026, 2, 1))
    away = spell("l", SpellKind.LEAVE, "parental", date(2026, 4, 1), date(2026, 9, 1))
    planned = spell("g", SpellKind.JOB_FUNCTION, "QCA", JUN)
    assert closed(date(2026, 8, 1), LEFT, OPR, place, over, away, planned) == {
        "OPR": MAY,
        "NL1": MAY,
        "parental": MAY,
        "QCA": None,
    }


@pytest.mark.part("R-14", "a rehire may follow at once and after several employments")
def test_a_rehire_may_follow_at_once_and_after_several_employments() -> None:
    second = spell("e2", SpellKind.EMPLOYMENT, "temp", JUN, date(2026, 7, 1))
    assert closed(date(2026, 7, 1), LEFT, second, OPR) == {"OPR": date(2026, 7, 1)}


@pytest.mark.part("R-14", "a rehire beside an employment is refused")
@pytest.mark.parametrize(
    ("employments", "hired_on", "reason"),
    [
        ([HIRED], JUN, "from: employed"),
        ([LEFT, spell("e2", SpellKind.EMPLOYMENT, "temp", JUN)], date(2026, 8, 1), "from: employed"),
        ([LEFT], date(2026, 4, 30), "from: overlaps"),
        ([LEFT], date(2025, 1, 1), "from: overlaps"),
    ],
)
def test_a_rehire_beside_an_employment_is_refused(
    employments: list[Spell], hired_on: date, reason: str
) -> None:
    with pytest.raises(RuleError) as error:
        closed(hired_on, *employments, OPR)
    assert f"{error.value.field}: {error.value.reason}" == reason


def test_after_a_hire_that_never_was_nothing_of_it_holds() -> None:
    annulled = ended(HIRED, JAN, new_id="x", recorded_at=KNOWN)
    assert closed(MAY, HIRED, annulled, OPR) == {"OPR": None}
