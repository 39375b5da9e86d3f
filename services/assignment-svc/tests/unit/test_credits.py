"""What records are worth: methods, ends, carry (C-05 to C-12)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from assignment_given import answer, at, cell, record, span, status, version
from assignment_svc.domain.facts import CategoryPolicy, Version
from assignment_svc.domain.vocabulary import SourceClass, Trigger
from plantkit.governing import Timeline, prepare

V1 = prepare([version(1, "2020-01-01", "2020-01-15")])


def revised(decision: str, **more: Any) -> Timeline[Version]:
    return prepare(
        [
            version(1, "2020-01-01", "2020-01-15"),
            replace(version(2, "2026-03-02", "2026-03-16", decision), **more),
        ]
    )


@pytest.mark.req("R-29", "C-09", "AE-06")
@pytest.mark.part("R-28", "an interval is calendar months to the end of the local day")
@pytest.mark.parametrize(
    ("asks", "done", "expires"),
    [
        ("R12", "2024-02-29 10:00", "2025-03-01"),
        ("R1", "2025-01-31 10:00", "2025-03-01"),
        ("R1", "2024-01-31 10:00", "2024-03-01"),
        ("R12", "2026-02-12 10:00", "2027-02-13"),
        ("R12", "2026-12-01 23:59:59", "2027-12-02"),
        ("R6", "2025-09-28 00:00", "2026-03-29"),
        ("R36", "2024-02-29 10:00", "2027-03-01"),
    ],
)
def test_an_interval_is_calendar_months_to_the_end_of_the_local_day(
    asks: str, done: str, expires: str
) -> None:
    facts = cell([span(asks=asks, start="2020-01-01")], [record(1, done)], V1)
    assert answer(facts, done).expires_at == at(expires)
    one_second_before = at(expires) - timedelta(seconds=1)
    last = answer(facts, f"{expires} 00:00")
    assert last.status == "LAPSED"
    assert answer(facts, one_second_before.isoformat()).verdict == "ALLOW"


@pytest.mark.req("AE-06")
@pytest.mark.part("R-28", "the base is the completion and a gap stays")
@pytest.mark.part("R-32", "the base is the completion and a gap stays")
def test_the_base_is_the_completion_and_a_gap_stays() -> None:
    early = cell(
        [span(start="2020-01-01")],
        [record(1, "2026-02-12 10:00"), record(1, "2026-12-01 10:00")],
        V1,
    )
    assert answer(early, "2026-12-01 10:00").expires_at == at("2027-12-02")
    late = cell(
        [span(start="2020-01-01")],
        [record(1, "2026-02-12 10:00"), record(1, "2027-03-20 10:00")],
        V1,
    )
    assert [status(late, when) for when in ("2027-02-12", "2027-02-13", "2027-03-20 09:59:59")] == [
        "EXPIRING",
        "LAPSED",
        "LAPSED",
    ]
    assert answer(late, "2027-03-20 10:00").expires_at == at("2028-03-21")


@pytest.mark.part("R-28", "an anchored item keeps its anniversary")
@pytest.mark.parametrize(
    ("again", "expires"),
    [
        ("2027-01-20 10:00", "2028-02-13"),
        ("2026-12-01 10:00", "2027-12-02"),
        ("2027-03-01 10:00", "2028-03-02"),
    ],
    ids=["inside the anchor window", "too early", "after the end"],
)
def test_an_anchored_item_keeps_its_anniversary(again: str, expires: str) -> None:
    facts = cell(
        [span(start="2020-01-01")],
        [record(1, "2026-02-12 10:00"), record(1, again)],
        V1,
        policy=CategoryPolicy(anchor_days=30),
    )
    assert answer(facts, again).expires_at == at(expires)


@pytest.mark.req("C-09")
def test_the_end_keeps_the_zone_of_the_place_at_the_record() -> None:
    there = record(1, "2025-06-10 20:16", zone="America/New_York")
    facts = cell([span(start="2020-01-01")], [there], V1)
    assert answer(facts, "2025-06-12").expires_at == at("2026-06-11", "America/New_York")


@pytest.mark.part("C-03", "the lead counts back from the last valid day")
def test_the_lead_counts_back_from_the_last_valid_day() -> None:
    facts = cell([span(start="2020-01-01")], [record(1, "2024-02-29 10:00")], V1)
    assert [status(facts, f"2025-01-{day}") for day in (28, 29)] == ["QUALIFIED", "EXPIRING"]
    shorter = replace(facts, policy=CategoryPolicy(expiry_lead_days=7))
    assert [status(shorter, f"2025-02-{day}") for day in (20, 21)] == ["QUALIFIED", "EXPIRING"]


@pytest.mark.req("C-08")
@pytest.mark.part("R-31", "a quiz passes at the pass mark")
@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        ({"score": 80}, "QUALIFIED"),
        ({"score": 79.9}, "INCOMPLETE"),
        ({"score": None}, "INCOMPLETE"),
        ({"score": None, "source_class": SourceClass.MIGRATED}, "QUALIFIED"),
        ({"score": 95, "passed": False}, "INCOMPLETE"),
    ],
)
def test_a_quiz_passes_at_the_pass_mark(attempt: dict[str, Any], expected: str) -> None:
    facts = cell(
        [span(asks="RQ", start="2020-01-01")],
        [record(1, "2026-01-10 10:00"), record(1, "2026-01-11 10:00", "Q", **attempt)],
        V1,
    )
    assert status(facts, "2026-01-12") == expected


@pytest.mark.req("C-08")
def test_a_record_counts_for_the_methods_it_names_only() -> None:
    facts = cell([span(asks="RQ", start="2020-01-01")], [record(1, "2026-01-10 10:00", "Q")], V1)
    segment = answer(facts, "2026-01-12")
    assert segment.status == "INCOMPLETE"
    assert [(reason.code, reason.detail) for reason in segment.reasons] == [("METHOD_MISSING", "R")]
    assert status(
        cell([span(asks="O", start="2020-01-01")], [record(1, "2026-01-10 10:00")], V1), "2026-02-01"
    ) == ("NEVER_TRAINED")


@pytest.mark.part("C-03", "the missing methods are those of the moment")
@pytest.mark.part("AE-15", "the missing methods are those of the moment")
def test_the_missing_methods_are_those_of_the_moment() -> None:
    facts = cell(
        [span(asks="RQO", start="2020-01-01")],
        [record(1, "2026-01-10 10:00"), record(1, "2026-01-20 10:00", "O")],
        V1,
    )
    missing = [[r.detail for r in answer(facts, f"2026-01-{day}").reasons] for day in (15, 25)]
    assert missing == [["O", "Q"], ["Q"]]


@pytest.mark.req("C-05")
@pytest.mark.part("R-68", "a higher mark counts for attempts made while it is in force")
def test_a_higher_mark_counts_for_attempts_made_while_it_is_in_force() -> None:
    spans = [
        span(asks="Q", start="2020-01-01", pass_mark=80),
        span("area/NL1/GA", "Q", "2026-02-01", pass_mark=90),
    ]
    old_pass = cell(spans, [record(1, "2026-01-10 10:00", "Q", score=85)], V1)
    assert status(old_pass, "2026-02-02") == "QUALIFIED"
    new_attempt = cell(spans, [record(1, "2026-02-10 10:00", "Q", score=85)], V1)
    assert status(new_attempt, "2026-02-11") == "NEVER_TRAINED"


@pytest.mark.req("R-15", "C-05", "MX-05")
def test_sources_unite_methods_and_the_shortest_interval() -> None:
    spans = [
        span(asks="R12", start="2020-01-01"),
        span("area/NL1/GA", "Q6", "2026-01-01"),
        span("overlay/BRS", "R", "2026-01-01"),
    ]
    facts = cell(spans, [record(1, "2025-12-10 10:00"), record(1, "2025-11-10 10:00", "Q")], V1)
    assert answer(facts, "2025-12-20").expires_at == at("2026-12-11")
    merged = answer(facts, "2026-01-01")
    assert merged.expires_at == at("2026-05-11")
    assert merged.completed_at == at("2025-12-10 10:00")
    assert merged.sources == ("area/NL1/GA", "job_function/OPR", "overlay/BRS")


@pytest.mark.req("C-09")
def test_the_base_is_the_earliest_of_the_latest_records() -> None:
    facts = cell(
        [span(asks="RO12", start="2020-01-01")],
        [
            record(1, "2025-01-10 10:00"),
            record(1, "2025-03-10 10:00", "O"),
            record(1, "2025-06-10 10:00"),
        ],
        V1,
    )
    assert answer(facts, "2025-06-09").expires_at == at("2026-01-11")
    again = answer(facts, "2025-06-10 10:00")
    assert (again.expires_at, again.completed_at) == (at("2026-03-11"), at("2025-06-10 10:00"))


@pytest.mark.part("R-30", "early training restarts nothing on the version that governs")
@pytest.mark.part("C-10", "early training restarts nothing on the version that governs")
def test_early_training_restarts_nothing_on_the_version_that_governs() -> None:
    facts = cell(
        [span(start="2020-01-01")],
        [record(1, "2025-03-20 10:00"), record(2, "2026-03-05 10:00")],
        revised("read"),
    )
    assert answer(facts, "2026-03-10").expires_at == at("2026-03-21")
    assert answer(facts, "2026-03-16").expires_at == at("2027-03-06")


@pytest.mark.part("R-30", "an item may say that revision training is no refresher")
@pytest.mark.parametrize(
    ("made_for", "source", "expires"),
    [
        (Trigger.REVISION, SourceClass.NATIVE, "2026-06-11"),
        (None, SourceClass.NATIVE, "2026-06-11"),
        (Trigger.RECURRENCE, SourceClass.NATIVE, "2027-03-06"),
        (Trigger.CAPA, SourceClass.NATIVE, "2027-03-06"),
        (Trigger.REVISION, SourceClass.MIGRATED, "2027-03-06"),
    ],
)
def test_an_item_may_say_that_revision_training_is_no_refresher(
    made_for: Trigger | None, source: SourceClass, expires: str
) -> None:
    facts = cell(
        [span(start="2020-01-01")],
        [
            record(1, "2025-06-10 10:00", made_for=Trigger.NEW_HIRE),
            record(2, "2026-03-05 10:00", made_for=made_for, source_class=source),
        ],
        revised("read"),
        policy=CategoryPolicy(revision_is_refresher=False),
    )
    assert answer(facts, "2026-03-16").expires_at == at(expires)


@pytest.mark.req("R-45")
@pytest.mark.part("R-30", "parts that the decision does not name are carried for the qualified")
def test_parts_that_the_decision_does_not_name_are_carried_for_the_qualified() -> None:
    done = [record(1, "2025-05-10 10:00"), record(1, "2025-06-10 10:00", "O")]
    read = record(2, "2026-03-20 10:00")
    obligation = [span(asks="RO12", start="2020-01-01")]
    timeline = revised("read")
    qualified = cell(obligation, [*done, read], timeline)
    assert status(qualified, "2026-03-16") == "SUPERSEDED"
    segment = answer(qualified, "2026-03-20 10:00")
    assert (segment.status, segment.completed_version) == ("QUALIFIED", 2)
    assert segment.expires_at == at("2026-06-11")
    others = cell(obligation, [done[0], read], timeline)
    assert status(others, "2026-03-20 10:00") == "INCOMPLETE"
    lapsed = cell(
        obligation, [replace(one, valid_from=at("2024-05-10 10:00")) for one in done] + [read], timeline
    )
    assert status(lapsed, "2026-03-20 10:00") == "SUPERSEDED"


@pytest.mark.req("R-45")
def test_imported_versions_void_every_part() -> None:
    done = [record(1, "2025-05-10 10:00"), record(1, "2025-06-10 10:00", "O"), record(2, "2026-03-20 10:00")]
    facts = cell([span(asks="RO12", start="2020-01-01")], done, revised("read", voids_all=True))
    assert status(facts, "2026-03-20 10:00") == "SUPERSEDED"


@pytest.mark.req("R-45")
def test_a_decision_that_meets_no_method_asks_for_reading() -> None:
    timeline = revised("read")
    obligation = [span(asks="O12", start="2020-01-01")]
    facts = cell(obligation, [record(1, "2025-06-10 10:00", "O"), record(2, "2026-03-05 10:00")], timeline)
    assert status(facts, "2026-03-04") == "IN_WINDOW"
    assert status(facts, "2026-03-05 10:00") == "QUALIFIED"
    assert answer(facts, "2026-03-16").expires_at == at("2026-06-11")


CHAIN = prepare(
    [
        version(1, "2025-01-01", "2025-01-15"),
        version(2, "2025-05-01", "2025-06-01", "none"),
        version(3, "2025-08-01", "2025-09-01", "none"),
    ]
)


@pytest.mark.req("R-07", "C-11", "QM-05")
def test_credit_is_carried_through_a_chain() -> None:
    facts = cell([span(start="2020-01-01")], [record(1, "2025-02-10 10:00")], CHAIN)
    assert answer(facts, "2025-05-31 23:59:59").status == "QUALIFIED"
    carried = answer(facts, "2025-09-01")
    assert (carried.status, carried.governing_version, carried.completed_version) == ("CARRIED_FORWARD", 3, 1)
    assert carried.expires_at == at("2026-02-11")
    assert status(facts, "2026-02-11") == "LAPSED"


@pytest.mark.req("R-07", "C-11")
@pytest.mark.parametrize(
    ("when", "expected"),
    [("2025-05-31 23:59:59.999999", "CARRIED_FORWARD"), ("2025-06-01 00:00", "SUPERSEDED")],
)
def test_a_record_on_the_old_version_feeds_the_carry_until_one_instant_before(
    when: str, expected: str
) -> None:
    facts = cell([span(start="2020-01-01")], [record(1, when)], CHAIN)
    assert status(facts, "2025-06-02") == expected


@pytest.mark.req("C-11")
def test_a_lapse_before_the_editorial_breaks_the_chain_for_good() -> None:
    facts = cell(
        [span(start="2020-01-01")], [record(1, "2024-05-30 10:00"), record(1, "2025-07-01 10:00")], CHAIN
    )
    assert [status(facts, when) for when in ("2025-05-31", "2025-06-01", "2025-07-02")] == [
        "LAPSED",
        "SUPERSEDED",
        "SUPERSEDED",
    ]


@pytest.mark.req("C-11")
def test_a_credit_that_ends_when_the_editorial_takes_effect_is_carried_and_over() -> None:
    facts = cell([span(start="2020-01-01")], [record(1, "2024-05-31 10:00")], CHAIN)
    on = answer(facts, "2025-06-01")
    assert (on.status, on.completed_version, on.expires_at) == ("LAPSED", 1, at("2025-06-01"))


@pytest.mark.req("C-12")
def test_of_several_credits_the_one_that_ends_last_is_reported() -> None:
    own_later = cell(
        [span(start="2020-01-01")], [record(1, "2025-02-10 10:00"), record(2, "2025-06-10 10:00")], CHAIN
    )
    assert answer(own_later, "2025-06-09").completed_version == 1
    assert answer(own_later, "2025-06-10 10:00").completed_version == 2
    tie = cell(
        [span(asks="R", start="2020-01-01")], [record(1, "2025-02-10"), record(2, "2025-05-10")], CHAIN
    )
    assert (answer(tie, "2025-06-01").status, answer(tie, "2025-06-01").completed_version) == ("QUALIFIED", 2)
