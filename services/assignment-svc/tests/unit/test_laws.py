"""Laws that hold for any facts: tiling, permutation, irrelevance (R-54)."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from assignment_given import AMSTERDAM, NL1, at
from assignment_svc.domain.facts import (
    CategoryPolicy,
    CellFacts,
    DaySpell,
    Exemption,
    Hold,
    ObligationSpan,
    OpenQuestion,
    PersonFacts,
    RetrainingOrder,
    ShiftSpell,
    TrainingRecord,
    Version,
    Waiver,
)
from assignment_svc.domain.qualification import Outcome, cell_at, derive, reconcile
from assignment_svc.domain.vocabulary import (
    VERDICT_OF,
    Flag,
    Method,
    SourceClass,
    Status,
    TrainingDecision,
    Trigger,
)
from hypothesis import given
from hypothesis import strategies as st
from plantkit.governing import prepare
from plantkit.time import start_of_day

# Few distinct days, so that edges meet often.
DAYS = st.integers(0, 30).map(lambda step: date(2025, 1, 1) + timedelta(days=20 * step))
INSTANTS = st.one_of(
    DAYS.map(lambda day: start_of_day(day, AMSTERDAM)),
    DAYS.map(lambda day: start_of_day(day, AMSTERDAM) + timedelta(hours=9, minutes=30)),
)
METHODS = st.sampled_from(
    [frozenset({Method.R})] * 3 + [frozenset({Method.R, Method.Q}), frozenset({Method.O}), frozenset(Method)]
)
"""Mostly reading: most facts of a cell must bear on it, else a law about them says little."""
LONG = DaySpell(date(2024, 12, 1), None, "spell-long")


def rarely[T](values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """None four times in five."""
    return st.integers(0, 4).flatmap(lambda roll: values if roll == 4 else st.none())


@st.composite
def day_spells(draw: st.DrawFn) -> DaySpell:
    start = draw(DAYS)
    end = draw(rarely(st.integers(1, 12).map(lambda step: start + timedelta(days=20 * step))))
    return DaySpell(start, end, f"spell-{start}-{end}")


def _end(draw: st.DrawFn, start: datetime) -> datetime | None:
    return draw(rarely(st.integers(1, 12).map(lambda step: start + timedelta(days=20 * step))))


@st.composite
def spans(draw: st.DrawFn) -> ObligationSpan:
    start = draw(INSTANTS)
    kind = draw(st.sampled_from(("job_function", "area", "overlay")))
    return ObligationSpan(
        id=f"{kind}-{draw(st.integers(0, 10**9))}",
        source_kind=kind,
        source=draw(st.sampled_from("AB")),
        valid_from=start,
        valid_to=_end(draw, start),
        methods=draw(METHODS),
        interval_months=draw(st.none() | st.sampled_from((1, 6, 12))),
        pass_mark=draw(st.none() | st.sampled_from((80, 90))),
        trigger=draw(
            st.sampled_from(
                (Trigger.NEW_HIRE, Trigger.ROLE_CHANGE, Trigger.MATRIX_ENROLMENT, Trigger.MATRIX_CHANGE)
            )
        ),
        spell_from=draw(DAYS),
        cause=f"cause-{draw(st.integers(0, 3))}",
        recorded_at=draw(st.none() | INSTANTS),
    )


@st.composite
def versions(draw: st.DrawFn, number: int) -> Version:
    opens = draw(INSTANTS)
    steps = st.integers(0, 4).map(lambda step: opens + timedelta(days=10 * step))
    effective = draw(steps) if draw(st.integers(0, 6)) else None
    planned = opens + timedelta(days=20)
    return Version(
        number,
        opens,
        effective,
        decision=draw(st.sampled_from(TrainingDecision)),
        planned_at=planned if effective is None and draw(st.booleans()) else None,
        ends_at=draw(rarely(st.just(planned + timedelta(days=40)))),
        withdrawn_at=draw(rarely(st.just(planned + timedelta(days=15)))),
        voids_all=draw(st.booleans()),
        change=f"CC-{number}",
    )


@st.composite
def training_records(draw: st.DrawFn) -> TrainingRecord:
    return TrainingRecord(
        id=f"record-{draw(st.integers(0, 10**9))}",
        version=draw(st.integers(1, 4)),
        methods=draw(METHODS),
        valid_from=draw(INSTANTS),
        zone=draw(st.sampled_from((AMSTERDAM, "America/New_York"))),
        score=draw(st.none() | st.sampled_from((79.0, 85.0, 100.0))),
        passed=draw(st.sampled_from((True, True, True, False))),
        source_class=draw(st.sampled_from(SourceClass)),
        supervised=draw(st.sampled_from((False, False, True))),
        made_for=draw(st.none() | st.sampled_from((Trigger.REVISION, Trigger.RECURRENCE))),
        entered_in_error=draw(st.sampled_from((False, False, False, True))),
    )


@st.composite
def orders(draw: st.DrawFn) -> RetrainingOrder:
    start = draw(INSTANTS)
    return RetrainingOrder(
        f"order-{draw(st.integers(0, 10**9))}",
        draw(st.sampled_from((Trigger.CAPA, Trigger.DEVIATION))),
        start,
        draw(st.none() | DAYS),
        version=draw(st.none() | st.integers(1, 4)),
        this_version_only=draw(st.booleans()),
        ended_at=_end(draw, start),
    )


@st.composite
def holds(draw: st.DrawFn) -> Hold:
    start = draw(INSTANTS)
    return Hold(f"hold-{draw(st.integers(0, 10**9))}", start, _end(draw, start))


@st.composite
def waivers(draw: st.DrawFn) -> Waiver:
    start = draw(INSTANTS)
    number = draw(st.integers(1, 4))
    return Waiver(f"waiver-{draw(st.integers(0, 10**9))}", number, start, start + timedelta(days=60), "c")


def few[T](value: T | None) -> tuple[T, ...]:
    return () if value is None else (value,)


@st.composite
def cells(draw: st.DrawFn) -> CellFacts:
    numbers = draw(st.integers(0, 4))
    always = draw(spans())
    long = replace(always, id="long", valid_from=at("2024-12-01"), valid_to=None)
    known = (long,) if draw(st.booleans()) else ()
    spells = st.lists(day_spells(), max_size=2, unique_by=lambda one: one.id)
    employments = draw(st.just([LONG]) | spells)
    leaves = draw(rarely(day_spells()))
    person = PersonFacts(
        "ANA",
        tuple(employments),
        () if leaves is None else (replace(leaves, end=leaves.end or leaves.start + timedelta(days=60)),),
        draw(st.sampled_from(((), (ShiftSpell("N", date(2020, 1, 1)),)))),
    )
    return CellFacts(
        person,
        "SOP-101",
        NL1,
        prepare([draw(versions(number)) for number in range(1, numbers + 1)], draw(rarely(INSTANTS))),
        (*known, *draw(st.lists(spans(), unique_by=lambda one: one.id, max_size=3))),
        tuple(draw(st.lists(training_records(), unique_by=lambda one: one.id, max_size=10))),
        few(draw(rarely(holds()))),
        tuple(Exemption(one.id, one.start, one.end) for one in few(draw(rarely(holds())))),
        few(draw(rarely(waivers()))),
        tuple(draw(st.lists(orders(), unique_by=lambda one: one.id, max_size=2))),
        policy=CategoryPolicy(revision_is_refresher=draw(st.booleans())),
    )


def visible(outcome: Outcome) -> tuple[object, ...]:
    return outcome.timeline, outcome.assignments


def shuffled(facts: CellFacts, seed: int) -> CellFacts:
    chance = random.Random(seed)

    def mixed[T](values: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(chance.sample(values, len(values)))

    person = replace(
        facts.person, employments=mixed(facts.person.employments), leaves=mixed(facts.person.leaves)
    )
    return replace(
        facts,
        person=person,
        timeline=prepare(mixed(tuple(facts.timeline.versions.values())), facts.timeline.retired_at),
        obligations=mixed(facts.obligations),
        records=mixed(facts.records),
        holds=mixed(facts.holds),
        exemptions=mixed(facts.exemptions),
        waivers=mixed(facts.waivers),
        orders=mixed(facts.orders),
    )


@pytest.mark.part("C-02", "the segments of a timeline tile time")
@pytest.mark.part("C-03", "the segments of a timeline tile time")
@given(facts=cells(), now=INSTANTS)
def test_segments_tile_time(facts: CellFacts, now: datetime) -> None:
    timeline = derive(facts, now).timeline
    starts = [start_of_day(spell.start, AMSTERDAM) for spell in facts.person.employments]
    starts += [span.valid_from for span in facts.obligations]
    if not starts:
        assert timeline == ()
        return
    assert timeline[0].start == min(starts)
    assert timeline[-1].end is None
    for one, other in pairwise(timeline):
        assert one.end == other.start
        assert one.start < other.start
        assert one[2:] != other[2:]
    for segment in timeline:
        assert segment.verdict is VERDICT_OF[segment.status]
        assert (segment.governing_version is None) is (segment.status is Status.NOT_REQUIRED)
        if segment.verdict.value == "ALLOW":
            assert segment.records
            assert segment.expires_at is None or (
                segment.end is not None and segment.end <= segment.expires_at
            )


@pytest.mark.req("R-54")
@pytest.mark.part("AE-14", "the order of facts means nothing")
@given(facts=cells(), now=INSTANTS, seed=st.integers(0, 1000))
def test_the_order_of_facts_means_nothing(facts: CellFacts, now: datetime, seed: int) -> None:
    assert visible(derive(facts, now)) == visible(derive(shuffled(facts, seed), now))


@pytest.mark.part("R-54", "an irrelevant fact changes nothing")
@given(facts=cells(), now=INSTANTS, when=INSTANTS)
def test_an_irrelevant_fact_changes_nothing(facts: CellFacts, now: datetime, when: datetime) -> None:
    failed = TrainingRecord("other", 1, frozenset(Method), when, AMSTERDAM, 10.0, passed=False)
    error = replace(failed, id="error", passed=True, score=100.0, entered_in_error=True)
    elsewhere = replace(error, id="elsewhere", version=99, entered_in_error=False)
    # Where revision training is no refresher, any earlier training of the item is a base.
    facts = replace(facts, policy=CategoryPolicy())
    waiver = Waiver("none", 99, when, when + timedelta(days=30), "c")
    widened = replace(
        facts, records=(failed, *facts.records, error, elsewhere), waivers=(waiver, *facts.waivers)
    )
    assert visible(derive(facts, now)) == visible(derive(widened, now))


@pytest.mark.part("R-54", "an open question changes flags alone")
@pytest.mark.part("C-34", "an open question changes flags alone")
@given(facts=cells(), now=INSTANTS, asked=st.lists(holds(), max_size=3))
def test_an_open_question_changes_flags_alone(facts: CellFacts, now: datetime, asked: list[Hold]) -> None:
    questions = tuple(OpenQuestion(one.start, one.end) for one in asked)
    plain, questioned = derive(facts, now), derive(replace(facts, questions=questions), now)
    assert questioned.assignments == plain.assignments
    instants = {segment.start for segment in (*plain.timeline, *questioned.timeline)}
    instants |= {edge for one in asked for edge in (one.start, one.end) if edge is not None}
    for when in instants:
        one, other = cell_at(plain.timeline, when), cell_at(questioned.timeline, when)
        employed = when >= plain.timeline[0].start if plain.timeline else False
        employed = employed and all(reason.code != "NOT_EMPLOYED" for reason in one.reasons)
        open_ = any(q.start <= when and (q.end is None or when < q.end) for q in questions)
        said = tuple(sorted({*one.flags, Flag.MATRIX_UNRESOLVED})) if open_ and employed else one.flags
        assert (other.flags, other._replace(start=one.start, end=one.end, flags=one.flags)) == (said, one)
    for one, other in pairwise(questioned.timeline):
        assert (one.end, one[2:] != other[2:]) == (other.start, True)


@pytest.mark.part("R-54", "now changes no status and reconciling twice changes nothing")
@pytest.mark.part("AE-14", "now changes no status and reconciling twice changes nothing")
@given(facts=cells(), now=INSTANTS)
def test_now_changes_no_status_and_reconciling_twice_changes_nothing(facts: CellFacts, now: datetime) -> None:
    first, later = derive(facts, now), derive(facts, now + timedelta(days=45))
    assert first.timeline == later.timeline
    assert reconcile(facts, first, first.assignments, now) == []
    changes = reconcile(facts, later, first.assignments, now + timedelta(days=45))
    applied = {one.id: one for one in first.assignments}
    for change in changes:
        applied.pop(change.assignment.id, None)
        if type(change).__name__ != "Closed":
            applied[change.assignment.id] = change.assignment
    assert applied == {one.id: one for one in later.assignments}


@pytest.mark.part("R-54", "nothing to do until the next look")
@pytest.mark.part("C-24", "nothing to do until the next look")
@given(facts=cells(), now=INSTANTS)
def test_nothing_to_do_until_the_next_look(facts: CellFacts, now: datetime) -> None:
    first = derive(facts, now)
    assert first.next_look is None or first.next_look > now
    until = first.next_look if first.next_look is not None else at("2040-01-01")
    last = derive(facts, until - timedelta(microseconds=1))
    assert {one.id for one in last.assignments} == {one.id for one in first.assignments}
    assert last.assignments == first.assignments


@pytest.mark.part("C-24", "whoever may not work has something to do")
@pytest.mark.part("R-54", "whoever may not work has something to do")
@given(facts=cells(), now=INSTANTS)
def test_whoever_may_not_work_has_something_to_do(facts: CellFacts, now: datetime) -> None:
    segment = cell_at(derive(facts, now).timeline, now)
    targets = {one.target_version for one in derive(facts, now).assignments}
    untrained = {Status.LAPSED, Status.SUPERSEDED, Status.INCOMPLETE, Status.NEVER_TRAINED}
    if segment.status in untrained:
        assert segment.governing_version in targets
