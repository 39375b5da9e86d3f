from datetime import UTC, date, datetime

import pytest
from matrix_svc.domain.errors import RuleError
from matrix_svc.domain.spells import Spell, SpellKind, check_new, ended, standing

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


@pytest.mark.req("R-33")
def test_ending_is_a_new_fact_that_names_the_old() -> None:
    end = ended(OPR, MAY, new_id="g", recorded_at=KNOWN)
    assert standing([HIRED, OPR, end]) == [HIRED, end]
    assert (end.replaces, end.from_on, end.to_on) == ("f", JAN, MAY)


def test_a_spell_ended_on_its_first_day_never_was() -> None:
    end = ended(OPR, JAN, new_id="g", recorded_at=KNOWN)
    assert standing([HIRED, OPR, end]) == [HIRED]


def test_a_correction_may_overlap_what_it_replaces() -> None:
    check_new(spell("g", SpellKind.JOB_FUNCTION, "OPR", MAY, replaces="f"), [HIRED, OPR])
