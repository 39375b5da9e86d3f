"""The authorisation check (C-27)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from assignment_given import NOW, at, cell, days, person, record, span, version
from assignment_svc.domain.authorisation import (
    ActiveSpell,
    CheckFacts,
    ItemReason,
    Supervisor,
    TaskFacts,
    decide,
)
from assignment_svc.domain.facts import CellFacts, Hold, Waiver
from assignment_svc.domain.qualification import derive
from assignment_svc.domain.timeline import Segment
from assignment_svc.domain.vocabulary import Verdict
from plantkit.governing import prepare

RUN_FILL = TaskFacts("RUN-FILL", ("SOP-101",), "OPR")
OPR = (ActiveSpell("OPR", at("2025-01-01")),)
V3_ONLY = prepare([version(3, "2025-01-01", "2025-01-15")])
BEN = cell(records=[record(3, "2025-05-28 10:00")])


def timeline(facts: CellFacts) -> Sequence[Segment]:
    return derive(facts, NOW).timeline


def check(facts: CellFacts = BEN, **more: Any) -> CheckFacts:
    values: dict[str, Any] = {
        "person": "BEN",
        "person_known": True,
        "task": RUN_FILL,
        "cells": {"SOP-101": {"NL1": timeline(facts)}},
        "functions": OPR,
    }
    return CheckFacts(**{**values, **more})


def codes(facts: CheckFacts, when: str) -> list[tuple[str, str]]:
    return [(reason.item, reason.code) for reason in decide(facts, at(when), at(when)).reasons]


@pytest.mark.req("R-03")
@pytest.mark.part("C-27", "allow until v4 takes effect and then deny")
@pytest.mark.part("AE-19", "allow until v4 takes effect and then deny")
@pytest.mark.part("PL-22", "allow until v4 takes effect and then deny")
def test_allow_until_v4_takes_effect_and_then_deny() -> None:
    allowed = decide(check(), at("2026-03-05"), at("2026-03-05"))
    assert (allowed.verdict, allowed.reasons, allowed.conditions) == (Verdict.ALLOW, (), ())
    assert allowed.governing == {"SOP-101": {"NL1": 3}}
    assert allowed.valid_until == at("2026-03-16")
    denied = decide(check(), at("2026-03-16"), at("2026-03-16"))
    assert denied.verdict is Verdict.DENY
    assert denied.reasons == (ItemReason("SOP-101", "SUPERSEDED", "VERSION_SUPERSEDED:3"),)
    assert denied.valid_until is None


@pytest.mark.part("C-27", "valid until is the first thing that may end it")
def test_valid_until_is_the_first_thing_that_may_end_it() -> None:
    endless = cell([span(asks="R")], [record(3, "2025-05-28 10:00")], V3_ONLY)
    assert decide(check(endless), at("2026-03-05"), NOW).valid_until is None
    moves = (ActiveSpell("OPR", at("2025-01-01"), at("2026-05-01")),)
    assert decide(check(endless, functions=moves), at("2026-03-05"), NOW).valid_until == at("2026-05-01")
    follows = (*moves, ActiveSpell("OPR", at("2026-05-01")))
    assert decide(check(endless, functions=follows), at("2026-03-05"), NOW).valid_until is None
    leave = cell(
        [span(asks="R")], [record(3, "2025-05-28 10:00")], V3_ONLY, person(leaves=[days("2026-04-01")])
    )
    assert decide(check(leave), at("2026-03-05"), NOW).valid_until == at("2026-04-01")
    interval = cell(records=[record(3, "2025-05-28 10:00")], timeline=V3_ONLY)
    assert decide(check(interval), at("2026-03-05"), NOW).valid_until == at("2026-05-29")


@pytest.mark.part("C-27", "fails closed")
@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"person_known": False}, "PERSON_UNKNOWN"),
        ({"task": None}, "TASK_UNKNOWN"),
        ({"task": replace(RUN_FILL, active=False)}, "TASK_NOT_ACTIVE"),
        ({"task": replace(RUN_FILL, items=())}, "TASK_WITHOUT_ITEMS"),
        ({"asset": "NL1/FILL-09", "asset_known": False}, "ASSET_UNKNOWN"),
        ({"asset": "NL1/FILL-03", "asset_known": True}, "NO_ACTIVE_SPELL"),
        ({"functions": ()}, "NO_ACTIVE_SPELL"),
        ({"functions": (ActiveSpell("OPR", at("2025-01-01"), at("2026-03-05")),)}, "NO_ACTIVE_SPELL"),
        ({"cells": {}}, "NOT_OBLIGED"),
        ({"unknown_items": frozenset({"SOP-101"})}, "ITEM_UNKNOWN"),
    ],
)
def test_fails_closed(more: dict[str, Any], code: str) -> None:
    decision = decide(check(**more), at("2026-03-05"), at("2026-03-05"))
    assert decision.verdict is Verdict.DENY
    assert code in {reason.code for reason in decision.reasons}
    assert decision.valid_until is None


@pytest.mark.part("C-27", "the asset needs a spell and its own items")
@pytest.mark.part("MX-03", "the asset needs a spell and its own items")
def test_the_asset_needs_a_spell_and_its_own_items() -> None:
    spells = (ActiveSpell("NL1/FILL-02", at("2025-01-01")),)
    on_02 = check(asset="NL1/FILL-02", asset_known=True, equipment=spells)
    assert decide(on_02, at("2026-03-05"), NOW).verdict is Verdict.ALLOW
    with_item = replace(on_02, items=("OJT-9",))
    assert codes(with_item, "2026-03-05") == [("OJT-9", "NOT_OBLIGED")]
    elsewhere = replace(on_02, task=replace(RUN_FILL, equipment=frozenset({"NL1/FILL-03"})))
    assert codes(elsewhere, "2026-03-05") == [("", "ASSET_NOT_OF_TASK")]


@pytest.mark.req("R-16")
@pytest.mark.part("C-27", "training without the spell is not enough nor the spell without training")
def test_training_without_the_spell_is_not_enough_nor_the_spell_without_training() -> None:
    assert codes(check(functions=()), "2026-03-05") == [("", "NO_ACTIVE_SPELL")]
    assert codes(check(cell()), "2026-03-05") == [("SOP-101", "NEVER_TRAINED")]


@pytest.mark.part("C-27", "the worst of all items and places and reasons in order")
def test_the_worst_of_all_items_and_places_and_reasons_in_order() -> None:
    both = {
        "WI-9": {"NL1": timeline(cell())},
        "SOP-101": {"NL1": timeline(BEN), "US1": timeline(cell(timeline=V3_ONLY))},
    }
    facts = check(task=replace(RUN_FILL, items=("WI-9", "SOP-101")), cells=both)
    assert decide(facts, at("2026-03-05"), NOW).verdict is Verdict.DENY
    assert codes(facts, "2026-03-05") == [("SOP-101", "NEVER_TRAINED"), ("WI-9", "NEVER_TRAINED")]


@pytest.mark.part("C-27", "a former place does not deny")
def test_a_former_place_does_not_deny() -> None:
    left = cell([span(end="2026-01-01")], [record(3, "2025-05-28 10:00")])
    facts = check(cells={"SOP-101": {"IN1": timeline(left), "NL1": timeline(BEN)}})
    assert decide(facts, at("2026-03-05"), NOW).verdict is Verdict.ALLOW


@pytest.mark.part("C-27", "a waiver is a condition")
@pytest.mark.part("AE-12", "a waiver is a condition")
def test_a_waiver_is_a_condition() -> None:
    waived = cell(waivers=(Waiver("W-1", 3, at("2026-03-01"), at("2026-03-10"), "second person checks"),))
    decision = decide(check(waived), at("2026-03-05"), NOW)
    assert (decision.verdict, decision.conditions) == (
        Verdict.ALLOW_WITH_CONDITION,
        ("SOP-101: waiver W-1",),
    )
    assert decision.valid_until == at("2026-03-10")


TRAINEE = cell([span(asks="RO")], [record(3, "2026-01-10 10:00")], V3_ONLY, person("ANA"))
SUPERVISED = cell(
    [span(asks="RO")],
    [record(3, "2026-01-10 10:00"), record(3, "2026-01-20 10:00", "O", supervised=True)],
    V3_ONLY,
)
TRAINER = Supervisor(
    "BEN", {"SOP-101": {"NL1": timeline(BEN)}}, (ActiveSpell("TRN", at("2025-01-01"), at("2026-03-10")),)
)


@pytest.mark.part("C-27", "supervised by a qualified trainer")
@pytest.mark.part("AE-20", "supervised by a qualified trainer")
@pytest.mark.part("MX-13", "supervised by a qualified trainer")
@pytest.mark.parametrize(
    ("facts", "more", "expected"),
    [
        (TRAINEE, {}, "DENY"),
        (TRAINEE, {"supervisor": TRAINER}, "DENY"),
        (TRAINEE, {"supervisor": TRAINER, "open_ojt": frozenset({"SOP-101"})}, "ALLOW_WITH_CONDITION"),
        (SUPERVISED, {}, "DENY"),
        (SUPERVISED, {"supervisor": TRAINER}, "ALLOW_WITH_CONDITION"),
        (SUPERVISED, {"supervisor": replace(TRAINER, trainer_spells=())}, "DENY"),
        (SUPERVISED, {"supervisor": replace(TRAINER, person="ANA")}, "DENY"),
        (SUPERVISED, {"supervisor": replace(TRAINER, cells={"SOP-101": {"NL1": timeline(cell())}})}, "DENY"),
        (
            cell([span(asks="RO")], timeline=V3_ONLY),
            {"supervisor": TRAINER, "open_ojt": frozenset({"SOP-101"})},
            "DENY",
        ),
    ],
)
def test_supervised_by_a_qualified_trainer(facts: CellFacts, more: dict[str, Any], expected: str) -> None:
    decision = decide(check(facts, person="ANA", **more), at("2026-03-05"), NOW)
    assert decision.verdict == expected
    if expected == "ALLOW_WITH_CONDITION":
        assert decision.conditions == ("SOP-101: supervised by BEN",)


ENDLESS = replace(TRAINER, trainer_spells=(ActiveSpell("TRN", at("2025-01-01")),))
ASSESSED = {"person": "ANA", "open_ojt": frozenset({"SOP-101"})}


def supervisor(facts: CellFacts, *spells: ActiveSpell) -> Supervisor:
    return Supervisor("BEN", {"SOP-101": {"NL1": timeline(facts)}}, spells or ENDLESS.trainer_spells)


def forever(**fields: Any) -> CellFacts:
    """A supervisor's cell that ends by nothing but what the test adds."""
    return cell([span(asks="R")], [record(3, "2025-05-28 10:00")], V3_ONLY, **fields)


@pytest.mark.part("C-27", "the answer does not outlive the supervisor")
@pytest.mark.part("AE-20", "the answer does not outlive the supervisor")
@pytest.mark.parametrize(
    ("by", "until"),
    [
        (supervisor(forever()), None),
        # The trainer's spell ends; one that follows without a gap prolongs it, one after a gap does not.
        (TRAINER, "2026-03-10"),
        (replace(ENDLESS, cells={"SOP-101": {"NL1": timeline(forever())}}), None),
        (
            supervisor(
                forever(),
                ActiveSpell("TRN", at("2025-01-01"), at("2026-03-10")),
                ActiveSpell("TRN", at("2026-03-10"), at("2026-04-10")),
                ActiveSpell("TRN", at("2026-04-11")),
            ),
            "2026-04-10",
        ),
        # The credit lapses; a version takes effect that nobody has met.
        (supervisor(cell(records=[record(3, "2025-05-28 10:00")], timeline=V3_ONLY)), "2026-05-29"),
        (supervisor(BEN), "2026-03-16"),
        # A hold, a leave, the end of the obligation.
        (supervisor(forever(holds=(Hold("H-1", at("2026-03-20")),))), "2026-03-20"),
        (supervisor(forever(who=person(leaves=[days("2026-04-01")]))), "2026-04-01"),
        (
            supervisor(cell([span(asks="R", end="2026-05-01")], [record(3, "2025-05-28 10:00")], V3_ONLY)),
            "2026-05-01",
        ),
    ],
)
@pytest.mark.parametrize("trainee", [TRAINEE, SUPERVISED])
def test_the_answer_does_not_outlive_the_supervisor(
    trainee: CellFacts, by: Supervisor, until: str | None
) -> None:
    decision = decide(check(trainee, **ASSESSED, supervisor=by), at("2026-03-05"), NOW)
    assert decision.verdict is Verdict.ALLOW_WITH_CONDITION
    assert decision.valid_until == (None if until is None else at(until))
    if until is not None:
        then = decide(check(trainee, **ASSESSED, supervisor=by), at(until), NOW)
        assert then.verdict is Verdict.DENY


@pytest.mark.part("C-27", "the trainees own end comes first where it is first")
@pytest.mark.part("AE-20", "the trainees own end comes first where it is first")
def test_the_trainees_own_end_comes_first_where_it_is_first() -> None:
    leaves = cell(
        [span(asks="RO")],
        [record(3, "2026-01-10 10:00")],
        V3_ONLY,
        person("ANA", leaves=[days("2026-03-08")]),
    )
    decision = decide(check(leaves, **ASSESSED, supervisor=TRAINER), at("2026-03-05"), NOW)
    assert decision.valid_until == at("2026-03-08")


@pytest.mark.part("C-27", "a place of the supervisor that is owed later counts from then")
@pytest.mark.part("AE-20", "a place of the supervisor that is owed later counts from then")
def test_a_place_of_the_supervisor_that_is_owed_later_counts_from_then() -> None:
    moves = cell([span(asks="R", start="2026-04-01")], timeline=V3_ONLY)
    both = replace(ENDLESS, cells={"SOP-101": {"NL1": timeline(forever()), "US1": timeline(moves)}})
    decision = decide(check(TRAINEE, **ASSESSED, supervisor=both), at("2026-03-05"), NOW)
    assert decision.valid_until == at("2026-04-01")


@pytest.mark.part("C-27", "a waiver needs no supervisor and does not end with one")
@pytest.mark.part("AE-12", "a waiver needs no supervisor and does not end with one")
def test_a_waiver_needs_no_supervisor_and_does_not_end_with_one() -> None:
    waived = cell(waivers=(Waiver("W-1", 3, at("2026-03-01"), at("2026-03-15"), "second person checks"),))
    decision = decide(check(waived, supervisor=TRAINER), at("2026-03-05"), NOW)
    assert decision.valid_until == at("2026-03-15")


@pytest.mark.part("C-27", "a stale store denies and names the input")
@pytest.mark.part("R-60", "a stale store denies and names the input")
def test_a_stale_store_denies_and_names_the_input() -> None:
    marks = {"matrix.person": at("2026-03-05 11:55"), "qms.document": at("2026-03-05 11:49:59")}
    stale = decide(check(watermarks=marks), at("2026-03-05"), at("2026-03-05 12:00"))
    assert stale.verdict is Verdict.DENY
    assert stale.reasons == (ItemReason("", "STORE_STALE", "qms.document"),)
    fresh = decide(check(watermarks=marks), at("2026-03-05"), at("2026-03-05 12:00"), timedelta(minutes=11))
    assert fresh.verdict is Verdict.ALLOW
