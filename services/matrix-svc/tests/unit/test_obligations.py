"""Rules x spells -> obligations: the union of sources, each with its own beginning."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix_svc.domain.obligations import Trigger, question_spans, spans
from matrix_svc.domain.rules import Question, Rule, SourceKind
from matrix_svc.domain.spells import Spell, SpellKind, ended
from plantkit.sites import Sites
from plantkit.time import start_of_day

ZONES = Sites({"NL1": "Europe/Amsterdam", "US1": "America/New_York"})
KNOWN = datetime(2026, 3, 1, 8, tzinfo=UTC)
HIRED = date(2026, 3, 10)


def spell(
    kind: SpellKind, value: str, from_on: date = HIRED, to_on: date | None = None, **more: str
) -> Spell:
    return Spell(f"{kind}-{value}-{from_on}", "DEV", kind, value, from_on, to_on, KNOWN, **more)


def rule(
    kind: SourceKind,
    source: str,
    item: str = "SOP-101",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    *,
    baseline: bool = True,
    months: int | None = 12,
) -> Rule:
    methods = frozenset("R")
    return Rule(
        f"{kind}-{source}-{item}",
        1,
        1,
        kind,
        source,
        item,
        methods,
        months,
        None,
        valid_from,
        valid_to,
        baseline,
        KNOWN,
    )


def index(*rules: Rule) -> dict[tuple[SourceKind, str], list[Rule]]:
    found: dict[tuple[SourceKind, str], list[Rule]] = {}
    for r in rules:
        found.setdefault((r.source_kind, r.source), []).append(r)
    return found


DEV = [
    spell(SpellKind.EMPLOYMENT, "employee"),
    spell(SpellKind.PLACE, "NL1", department="Production", area="GA"),
    spell(SpellKind.JOB_FUNCTION, "OPR"),
]


@pytest.mark.req("MX-01")
@pytest.mark.part("AE-01", "a new hire owes what the function requires from the first day at the site")
def test_a_new_hire_owes_what_the_function_requires_from_the_first_day_at_the_site() -> None:
    (span,) = spans(DEV, index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)["SOP-101"]
    assert span.valid_from == datetime(2026, 3, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))
    assert (span.valid_to, span.trigger, span.place, span.cause) == (None, Trigger.NEW_HIRE, "NL1", DEV[0].id)


@pytest.mark.req("MX-02")
@pytest.mark.part("R-15", "an item in several levels appears once with each source")
def test_an_item_in_several_levels_appears_once_with_each_source() -> None:
    person = [*DEV, spell(SpellKind.EQUIPMENT, "NL1/FILL-02"), spell(SpellKind.OVERLAY, "BRS")]
    rules = index(
        rule(SourceKind.JOB_FUNCTION, "OPR"),
        rule(SourceKind.AREA, "NL1/GA", "SOP-200"),
        rule(SourceKind.EQUIPMENT, "NL1/FILL-02", "SOP-140"),
        rule(SourceKind.OVERLAY, "BRS"),
        rule(SourceKind.AREA, "NL1/GC", "SOP-999"),
    )
    found = spans(person, rules, ZONES)
    assert {item: len(s) for item, s in found.items()} == {"SOP-101": 2, "SOP-200": 1, "SOP-140": 1}


@pytest.mark.part("MX-04", "ending an overlay ends only its own source")
@pytest.mark.part("R-15", "ending an overlay ends only its own source")
def test_ending_an_overlay_ends_only_its_own_source() -> None:
    overlay = spell(SpellKind.OVERLAY, "CAPAI")
    end = ended(overlay, date(2026, 5, 1), new_id="end", recorded_at=KNOWN)
    rules = index(rule(SourceKind.JOB_FUNCTION, "OPR"), rule(SourceKind.OVERLAY, "CAPAI"))
    found = {s.rule.source: s.valid_to for s in spans([*DEV, overlay, end], rules, ZONES)["SOP-101"]}
    assert found == {"OPR": None, "CAPAI": datetime(2026, 5, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))}


@pytest.mark.part("AE-02", "a later function begins as a role change")
@pytest.mark.part("R-16", "a later function begins as a role change")
def test_a_later_function_begins_as_a_role_change() -> None:
    person = [
        *DEV[:2],
        spell(SpellKind.JOB_FUNCTION, "QCA", HIRED, date(2026, 5, 1)),
        spell(SpellKind.JOB_FUNCTION, "OPR", date(2026, 5, 1)),
    ]
    (span,) = spans(person, index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)["SOP-101"]
    assert (span.trigger, span.spell_from) == (Trigger.ROLE_CHANGE, date(2026, 5, 1))


@pytest.mark.part("R-43", "a move alone is no change of role")
@pytest.mark.part("C-24", "a move alone is no change of role")
def test_a_move_alone_is_no_change_of_role() -> None:
    moved = date(2026, 5, 1)
    person = [
        DEV[0],
        spell(SpellKind.PLACE, "NL1", HIRED, moved),
        spell(SpellKind.PLACE, "US1", moved),
        spell(SpellKind.JOB_FUNCTION, "OPR"),
    ]
    old, new = spans(person, index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)["SOP-101"]
    assert (old.place, old.trigger, old.cause) == ("NL1", Trigger.NEW_HIRE, DEV[0].id)
    assert (new.place, new.trigger, new.cause) == ("US1", Trigger.MATRIX_ENROLMENT, person[2].id)
    assert old.valid_to == datetime(2026, 5, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))
    assert (new.valid_from, new.spell_from) == (
        datetime(2026, 5, 1, tzinfo=ZoneInfo("America/New_York")),
        moved,
    )
    # A new function that begins on the day of the move is one.
    person[3:] = [spell(SpellKind.JOB_FUNCTION, "OPR", moved)]
    (promoted,) = spans(person, index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)["SOP-101"]
    assert (promoted.trigger, promoted.cause) == (Trigger.ROLE_CHANGE, person[3].id)


@pytest.mark.part("R-35", "a rule that is signed later begins with its signature")
@pytest.mark.part("MX-06", "a rule that is signed later begins with its signature")
def test_a_rule_signed_later_begins_with_itself() -> None:
    signed = datetime(2026, 4, 1, 9, tzinfo=UTC)
    (span,) = spans(
        DEV, index(rule(SourceKind.JOB_FUNCTION, "OPR", valid_from=signed, baseline=False)), ZONES
    )["SOP-101"]
    assert (span.valid_from, span.trigger) == (signed, Trigger.MATRIX_CHANGE)


def test_nothing_is_required_outside_employment() -> None:
    left = ended(DEV[0], date(2026, 3, 20), new_id="end", recorded_at=KNOWN)
    (span,) = spans([*DEV, left], index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)["SOP-101"]
    assert span.valid_to == datetime(2026, 3, 20, tzinfo=ZoneInfo("Europe/Amsterdam"))


@pytest.mark.part("R-14", "a rehire owes again with a gap")
def test_a_rehire_owes_again_with_a_gap() -> None:
    first = spell(SpellKind.EMPLOYMENT, "employee", date(2025, 1, 1), date(2026, 2, 1))
    again = spell(SpellKind.EMPLOYMENT, "employee", date(2026, 6, 1))
    person = [
        first,
        again,
        spell(SpellKind.PLACE, "NL1", date(2025, 1, 1)),
        spell(SpellKind.JOB_FUNCTION, "OPR", date(2025, 1, 1)),
    ]
    found = spans(person, index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)["SOP-101"]
    assert [(s.spell_from, s.trigger) for s in found] == [
        (date(2025, 1, 1), Trigger.NEW_HIRE),
        (date(2026, 6, 1), Trigger.NEW_HIRE),
    ]


@pytest.mark.part("PL-28", "the day begins at its first existing instant")
@pytest.mark.part("R-41", "the day begins at its first existing instant")
def test_the_day_begins_at_its_first_existing_instant() -> None:
    # Cairo moved its clocks at midnight of 26 April 2024: that day began at 01:00.
    assert start_of_day(date(2024, 4, 26), "Africa/Cairo") == datetime(2024, 4, 25, 22, tzinfo=UTC)
    assert start_of_day(date(2026, 3, 1), "Asia/Kolkata") == datetime(2026, 2, 28, 18, 30, tzinfo=UTC)


days = st.dates(date(2025, 1, 1), date(2026, 12, 31))
values = st.sampled_from(["OPR", "QCA"])


@st.composite
def function_spells(draw: st.DrawFn) -> list[Spell]:
    found = []
    for n in range(draw(st.integers(0, 4))):
        from_on = draw(days)
        to_on = draw(st.none() | st.dates(from_on + timedelta(days=1), date(2027, 12, 31)))
        found.append(Spell(str(n), "DEV", SpellKind.JOB_FUNCTION, draw(values), from_on, to_on, KNOWN))
    return found


@pytest.mark.part("R-54", "the order of facts does not matter")
@given(function_spells(), st.randoms())
def test_the_order_of_facts_does_not_matter(functions: list[Spell], random: object) -> None:
    rules = index(rule(SourceKind.JOB_FUNCTION, "OPR"), rule(SourceKind.JOB_FUNCTION, "QCA", "SOP-2"))
    shuffled = [*DEV[:2], *functions]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert spans([*DEV[:2], *functions], rules, ZONES) == spans(shuffled, rules, ZONES)


@given(function_spells())
def test_every_span_lies_inside_employment_and_is_not_empty(functions: list[Spell]) -> None:
    leaver = spell(SpellKind.EMPLOYMENT, "employee", date(2025, 6, 1), date(2026, 6, 1))
    place = spell(SpellKind.PLACE, "NL1", date(2025, 6, 1))
    found = spans([leaver, place, *functions], index(rule(SourceKind.JOB_FUNCTION, "OPR")), ZONES)
    for span in found.get("SOP-101", []):
        assert span.valid_to is not None
        assert ZONES.start_of_day("NL1", leaver.from_on) <= span.valid_from < span.valid_to
        assert span.valid_to <= ZONES.start_of_day("NL1", date(2026, 6, 1))


@pytest.mark.part("C-34", "an open question concerns a person as long as its source and until it is answered")
@pytest.mark.part(
    "PL-29", "an open question concerns a person as long as its source and until it is answered"
)
def test_an_open_question_concerns_a_person_as_long_as_its_source_and_until_it_is_answered() -> None:
    person = [*DEV[:2], spell(SpellKind.JOB_FUNCTION, "OPR", HIRED, date(2026, 5, 1))]
    answered = datetime(2026, 4, 1, 9, tzinfo=UTC)
    questions = [
        Question("q1", SourceKind.JOB_FUNCTION, "OPR", "SOP-101", "X", None, KNOWN),
        Question("q2", SourceKind.JOB_FUNCTION, "OPR", "SOP-222", "RR99", answered, KNOWN),
        Question("q3", SourceKind.JOB_FUNCTION, "QCA", "SOP-333", "12", None, KNOWN),
    ]
    by_source = {
        (SourceKind.JOB_FUNCTION, s): [q for q in questions if q.source == s] for s in ("OPR", "QCA")
    }
    found = question_spans(person, by_source, ZONES)
    zone = ZoneInfo("Europe/Amsterdam")
    first = datetime(2026, 3, 10, tzinfo=zone)
    assert {
        item: [(s.place, s.valid_from, s.valid_to) for s in spans_] for item, spans_ in found.items()
    } == {
        "SOP-101": [("NL1", first, datetime(2026, 5, 1, tzinfo=zone))],
        "SOP-222": [("NL1", first, answered)],
    }
