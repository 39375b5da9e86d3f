"""Two rules at one cell, and clocks that have no midnight; R12 at NL1 unless said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from .clock import add_months, day_start
from .facts import (
    OJT,
    QUIZ,
    READ,
    Employment,
    Equivalence,
    Exemption,
    Grant,
    Hold,
    Leave,
    Order,
    Record,
    Rule,
    Spell,
    Version,
    Waiver,
    World,
    as_known,
)
from .fixture_f import ITEM, fixture_f, nl, reading, us
from .model import Row, cell

SECOND = timedelta(seconds=1)


def base(*records: Record, **changes: object) -> World:
    """Fixture F with one person, ANA, and only the given records."""
    world = fixture_f()
    facts: dict[str, object] = {
        "employments": tuple(fact for fact in world.employments if fact.person == "ANA"),
        "spells": tuple(fact for fact in world.spells if fact.person == "ANA"),
        "leaves": (),
        "records": records,
    }
    return replace(world, memo={}, **(facts | changes))


def v3(at: str = "2025-09-10T10:00") -> Record:
    return reading("ANA", "3", nl(at))


def version(number: str, effective: str, **more: object) -> Version:
    day = date.fromisoformat(effective)
    return Version(
        item=ITEM,
        number=number,
        approved=day - timedelta(days=14),
        effective=day,
        **more,  # type: ignore[arg-type]
    )


def ask(world: World, at: datetime, item: str = ITEM, place: str = "NL1") -> Row:
    return cell(world, "ANA", item, place, at)


def status(world: World, at: str) -> str:
    return ask(world, nl(at)).status


ONLY_V3 = (version("3", "2025-06-01"),)


@pytest.mark.part("C-03", "the reference: a leave that is longer than the interval")
@pytest.mark.part("C-13", "the reference: a leave that is longer than the interval")
def test_2_leave_and_expiry() -> None:
    leave = Leave(person="ANA", start=date(2026, 3, 1), end=date(2026, 4, 16))
    world = base(v3("2025-03-20T10:00"), versions=(version("3", "2025-03-01"),), leaves=(leave,))
    on_leave = ask(world, nl("2026-04-15T23:59:59"))
    assert (on_leave.status, on_leave.completed_version) == ("SUSPENDED", "3")
    back = ask(world, nl("2026-04-16T00:00"))
    assert (back.status, back.expires_at) == ("LAPSED", nl("2026-03-21T00:00"))


@pytest.mark.part("R-73", "the reference: reading early does not extend the old version")
def test_3_early_reading_does_not_extend_the_old_version() -> None:
    early = reading("ANA", "4", nl("2026-03-05T10:00"))
    world = base(
        v3("2025-03-09T10:00"), early, versions=(version("3", "2025-03-01"), version("4", "2026-03-16"))
    )
    assert status(world, "2026-03-09T23:59:59") == "EXPIRING"
    assert status(world, "2026-03-10T00:00") == "LAPSED"
    assert status(world, "2026-03-16T00:00") == "QUALIFIED"
    redone = replace(world, records=(*world.records, v3("2026-03-09T12:00")))
    assert status(redone, "2026-03-10T00:00") == "QUALIFIED"


@pytest.mark.part("R-15", "the reference: one of two roles is removed")
def test_4_two_roles() -> None:
    world = base(v3())
    sup_rule = replace(world.rules[0], unit="SUP")
    spells = (
        replace(world.spells[0], end=date(2026, 6, 1)),
        Spell(person="ANA", level="job_function", unit="SUP", start=date(2025, 1, 1), end=date(2026, 5, 1)),
    )
    world = replace(world, rules=(*world.rules, sup_rule), spells=spells, versions=ONLY_V3)
    assert ask(world, nl("2026-04-30T23:59:59")) == ask(world, nl("2026-05-01T00:00"))
    assert status(world, "2026-05-31T23:59:59") == "QUALIFIED"
    assert status(world, "2026-06-01T00:00") == "NOT_REQUIRED"


@pytest.mark.part("C-11", "the reference: an editorial version inside a leave")
def test_8_editorial_version_inside_a_leave() -> None:
    leave = Leave(person="ANA", start=date(2026, 3, 1), end=date(2026, 4, 16))
    editorial = version("3.1", "2026-03-20", voids=frozenset())
    world = base(v3(), versions=(*ONLY_V3, editorial), leaves=(leave,))
    assert status(world, "2026-04-15T23:59:59") == "SUSPENDED"
    row = ask(world, nl("2026-04-16T00:00"))
    assert (row.status, row.governing_version, row.completed_version) == ("CARRIED_FORWARD", "3.1", "3")


@pytest.mark.part("C-11", "record on the old version after the editorial does not feed it")
@pytest.mark.part("R-07", "record on the old version after the editorial does not feed it")
def test_record_on_the_old_version_after_the_editorial_does_not_feed_it() -> None:
    editorial = version("3.1", "2026-03-20", voids=frozenset())
    late = base(v3("2026-03-20T00:00"), versions=(*ONLY_V3, editorial))
    assert status(late, "2026-03-20T00:00") == "SUPERSEDED"
    just_in_time = base(v3("2026-03-19T23:59:59"), versions=(*ONLY_V3, editorial))
    assert status(just_in_time, "2026-03-20T00:00") == "CARRIED_FORWARD"


@pytest.mark.part("AE-12", "a waiver ends with its version")
@pytest.mark.part("R-12", "a waiver ends with its version")
def test_10_waiver_ends_with_its_version() -> None:
    waiver = Waiver(person="ANA", item=ITEM, version="3", start=date(2026, 3, 1), end=date(2026, 5, 1))
    world = base(waivers=(waiver,))
    assert status(world, "2026-02-28T23:59:59") == "NEVER_TRAINED"
    row = ask(world, nl("2026-03-15T23:59:59"))
    assert (row.status, row.verdict) == ("WAIVED", "ALLOW_WITH_CONDITION")
    assert status(world, "2026-03-16T00:00") == "NEVER_TRAINED"


@pytest.mark.part("R-26", "a record made after the start of the order satisfies it")
@pytest.mark.part("R-72", "an order whose due passes on leave")
def test_12_order_and_leave() -> None:
    order = Order(
        person="ANA",
        item=ITEM,
        version="3",
        started_at=nl("2026-03-01T09:00"),
        due_at=nl("2026-04-01T00:00"),
    )
    leave = Leave(person="ANA", start=date(2026, 3, 20), end=date(2026, 4, 16))
    world = base(v3(), versions=ONLY_V3, orders=(order,), leaves=(leave,))
    assert status(world, "2026-03-19T12:00") == "QUALIFIED"
    assert status(world, "2026-04-16T00:00") == "SUSPENDED"
    obeyed = replace(world, records=(*world.records, v3("2026-04-16T07:00")))
    assert status(obeyed, "2026-04-16T06:59:59") == "SUSPENDED"
    assert status(obeyed, "2026-04-16T07:00") == "QUALIFIED"
    at_once = replace(world, orders=(replace(order, suspend="now"),))
    assert status(at_once, "2026-03-01T09:00") == "SUSPENDED"
    never = replace(world, orders=(replace(order, suspend="never"),))
    assert status(never, "2026-04-16T00:00") == "QUALIFIED"


@pytest.mark.part("AE-11", "records of before count after a rehire while interval and gap allow")
@pytest.mark.part("R-14", "records of before count after a rehire while interval and gap allow")
@pytest.mark.parametrize(
    ("back", "at", "expected"),
    [
        (date(2026, 6, 1), "2026-06-01T00:00", "QUALIFIED"),
        (date(2026, 6, 1), "2026-09-11T00:00", "LAPSED"),
        (date(2027, 3, 1), "2027-03-01T00:00", "NEVER_TRAINED"),
    ],
)
def test_13_rehire(back: date, at: str, expected: str) -> None:
    world = base(v3(), versions=ONLY_V3)
    [first] = world.employments
    again = Employment(person="ANA", place="NL1", start=back)
    world = replace(world, employments=(replace(first, end=date(2026, 2, 1)), again))
    assert status(world, "2026-02-01T00:00") == "NOT_REQUIRED"
    assert status(world, at) == expected


@pytest.mark.part("MX-15", "an equivalence is directed and has a period")
@pytest.mark.part("R-11", "an equivalence is directed and has a period")
def test_14_equivalence() -> None:
    rule = Equivalence(
        source="SOP-B",
        source_versions=frozenset({"2", "3"}),
        target=ITEM,
        target_versions=frozenset({"5"}),
        start=date(2026, 1, 1),
        end=date(2026, 7, 1),
    )
    record = reading("ANA", "2", nl("2026-02-03T10:00"), item="SOP-B")
    world = base(record, versions=(version("5", "2025-06-01"),), equivalences=(rule,))
    assert ask(world, nl("2026-02-03T10:00") - SECOND).status == "NEVER_TRAINED"
    assert status(world, "2026-02-03T10:00") == "QUALIFIED"
    assert status(world, "2026-06-30T23:59:59") == "EXPIRING"
    assert status(world, "2026-07-01T00:00") == "LAPSED"
    revised = replace(world, versions=(*world.versions, version("6", "2026-05-01")))
    assert status(revised, "2026-04-30T23:59:59") == "IN_WINDOW"
    assert status(revised, "2026-05-01T00:00") == "SUPERSEDED"


@pytest.mark.part("R-75", "the reference: a shorter interval")
@pytest.mark.part("C-05", "the reference: a shorter interval")
def test_15_shorter_interval() -> None:
    world = base(v3(), versions=ONLY_V3)
    shorter = Rule(level="overlay", unit="FF", item=ITEM, methods=frozenset({READ}), months=6)
    spell = Spell(person="ANA", level="overlay", unit="FF", start=date(2026, 5, 1), end=date(2026, 6, 1))
    world = replace(world, rules=(*world.rules, shorter), spells=(*world.spells, spell))
    assert status(world, "2026-04-30T23:59:59") == "QUALIFIED"
    assert status(world, "2026-05-01T00:00") == "LAPSED"
    assert status(world, "2026-06-01T00:00") == "QUALIFIED"


@pytest.mark.part("R-43", "the reference: an expiry keeps the zone of the record")
def test_16_expiry_keeps_the_zone_of_the_record() -> None:
    world = base(v3("2025-09-10T23:00"), versions=ONLY_V3)
    [first] = world.employments
    moved = Employment(person="ANA", place="US1", start=date(2026, 1, 1))
    world = replace(world, employments=(replace(first, end=date(2026, 1, 1)), moved))
    assert ask(world, us("2026-01-01T00:00"), place="US1").expires_at == nl("2026-09-11T00:00")
    assert ask(world, us("2026-01-01T00:00"), place="NL1").status == "NOT_REQUIRED"


@pytest.mark.part("R-33", "the reference: a record marked in error gives way to the one before")
@pytest.mark.part("R-34", "the reference: a record marked in error gives way to the one before")
@pytest.mark.part("C-14", "the reference: a record marked in error gives way to the one before")
def test_17_entered_in_error() -> None:
    first, second = (reading("ANA", "4", nl(at)) for at in ("2026-01-10T10:00", "2026-12-05T10:00"))
    marked = replace(second, retracted_at=nl("2026-12-20T09:00"))
    world = base(first, marked, versions=(version("4", "2026-01-01"),))
    at = nl("2026-12-10T00:00")
    assert ask(as_known(world, nl("2026-12-19T00:00")), at).expires_at == nl("2027-12-06T00:00")
    assert ask(as_known(world, nl("2026-12-20T09:00")), at).expires_at == nl("2027-01-11T00:00")


@pytest.mark.part("R-04", "the reference: a temporary version")
def test_18_temporary_version() -> None:
    temporary = version("4", "2026-03-01", ended=date(2026, 3, 15))
    world = base(v3(), versions=(*ONLY_V3, temporary))
    assert status(world, "2026-02-28T23:59:59") == "IN_WINDOW"
    assert status(world, "2026-03-01T00:00") == "SUPERSEDED"
    assert status(world, "2026-03-15T00:00") == "QUALIFIED"
    trained_there = base(reading("ANA", "4", nl("2026-03-02T10:00")), versions=(*ONLY_V3, temporary))
    row = ask(trained_there, nl("2026-03-15T00:00"))
    assert (row.status, row.governing_version, row.completed_version) == ("SUPERSEDED", "3", "4")


@pytest.mark.part("R-04", "withdrawn version gives way to the one before")
@pytest.mark.part("R-09", "withdrawn version gives way to the one before")
def test_withdrawn_version_gives_way_to_the_one_before() -> None:
    world = base(v3(), versions=(*ONLY_V3, version("4", "2026-03-16", withdrawn=nl("2026-03-18T12:00"))))
    assert status(world, "2026-03-18T11:59:59") == "SUPERSEDED"
    assert status(world, "2026-03-18T12:00") == "QUALIFIED"


@pytest.mark.part("R-18", "late entry is valid from its ink and known from its entry")
@pytest.mark.part("C-04", "late entry is valid from its ink and known from its entry")
@pytest.mark.part("C-14", "late entry is valid from its ink and known from its entry")
def test_late_entry_is_valid_from_its_ink_and_known_from_its_entry() -> None:
    ink, entry = nl("2026-03-14T09:00"), nl("2026-03-20T09:00")
    late = replace(reading("ANA", "4", ink), origin="LATE_ENTRY", recorded_at=entry)
    world = base(v3(), late)
    at = nl("2026-03-17T00:00")
    assert ask(as_known(world, at), at).status == "SUPERSEDED"
    row = ask(as_known(world, entry), at)
    assert (row.status, row.flags) == ("QUALIFIED", ("LATE_ENTRY",))


@pytest.mark.part("R-45", "decision asks only some methods again")
def test_decision_asks_only_some_methods_again() -> None:
    both = replace(base().rules[0], methods=frozenset({READ, OJT}))
    on_v3 = replace(v3(), methods=frozenset({READ, OJT}))
    world = base(
        on_v3, rules=(both,), versions=(*ONLY_V3, version("4", "2026-03-16", voids=frozenset({READ})))
    )
    assert status(world, "2026-03-16T00:00") == "SUPERSEDED"
    reread = replace(world, records=(on_v3, reading("ANA", "4", nl("2026-03-10T10:00"))))
    assert status(reread, "2026-03-09T10:00") == "IN_WINDOW"
    assert status(reread, "2026-03-10T10:00") == "QUALIFIED"
    row = ask(reread, nl("2026-03-16T00:00"))
    assert (row.status, row.completed_version, row.expires_at) == ("QUALIFIED", "4", nl("2026-09-11T00:00"))
    newcomer = replace(world, records=(reading("ANA", "4", nl("2026-03-10T10:00")),))
    assert status(newcomer, "2026-03-16T00:00") == "INCOMPLETE"


@pytest.mark.part("C-03", "supervised only needs a signed record")
def test_supervised_only_needs_a_signed_record() -> None:
    both = replace(base().rules[0], methods=frozenset({READ, OJT}))
    world = base(v3(), rules=(both,), versions=ONLY_V3)
    assert status(world, "2026-01-01T00:00") == "INCOMPLETE"
    ojt = replace(v3("2025-12-31T10:00"), methods=frozenset({OJT}), supervised=True)
    row = ask(replace(world, records=(*world.records, ojt)), nl("2026-01-01T00:00"))
    assert (row.status, row.verdict) == ("SUPERVISED_ONLY", "ALLOW_WITH_CONDITION")


@pytest.mark.part("C-05", "pass mark is the one in force at the attempt")
@pytest.mark.part("C-08", "pass mark is the one in force at the attempt")
@pytest.mark.part("R-68", "pass mark is the one in force at the attempt")
def test_pass_mark_is_the_one_in_force_at_the_attempt() -> None:
    quiz = replace(base().rules[0], methods=frozenset({QUIZ}), end=date(2025, 12, 1))
    raised = replace(quiz, pass_mark=90, start=date(2025, 12, 1), end=None)
    at = {score: replace(v3(), methods=frozenset({QUIZ}), score=score) for score in (79, 80)}
    later = replace(at[80], completed_at=nl("2025-12-01T00:00"))
    for record, expected in ((at[79], "NEVER_TRAINED"), (at[80], "QUALIFIED"), (later, "NEVER_TRAINED")):
        assert status(base(record, rules=(quiz, raised), versions=ONLY_V3), "2026-01-01T00:00") == expected


@pytest.mark.part("R-71", "a hold denies from its start to its end")
@pytest.mark.part("R-10", "a grandfathered credit has an end date and is flagged")
@pytest.mark.part("R-12", "an exemption is not required, for its period")
def test_hold_exemption_and_grants() -> None:
    hold = Hold(
        person="ANA", items=frozenset({ITEM}), start=nl("2026-01-01T10:00"), end=nl("2026-01-05T10:00")
    )
    world = base(v3(), versions=ONLY_V3, holds=(hold,))
    assert [status(world, f"2026-01-0{day}T10:00") for day in (1, 5)] == ["SUSPENDED", "QUALIFIED"]
    exempt = Exemption(person="ANA", item=ITEM, start=date(2026, 1, 1), end=date(2026, 2, 1))
    world = base(v3(), versions=ONLY_V3, exemptions=(exempt,))
    assert status(world, "2026-01-31T23:59:59") == "NOT_REQUIRED"
    assert status(world, "2026-02-01T00:00") == "QUALIFIED"
    grant = Grant(
        person="ANA",
        item=ITEM,
        version="3",
        kind="GRANDFATHERED",
        granted_at=nl("2026-01-01T10:00"),
        end=date(2026, 6, 1),
    )
    world = base(versions=ONLY_V3, grants=(grant,))
    row = ask(world, nl("2026-02-01T00:00"))
    assert (row.status, row.flags, row.expires_at) == (
        "QUALIFIED",
        ("GRANDFATHERED",),
        nl("2026-06-01T00:00"),
    )


@pytest.mark.part("C-02", "a day without midnight begins at its first instant")
@pytest.mark.part("R-41", "a day without midnight begins at its first instant")
@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T01:00-02:00"),  # 00:00 jumps to 01:00
        ("1919-03-31", "America/Toronto", "1919-03-31T00:30-04:00"),  # 23:30 jumps to 00:30
        ("2011-12-30", "Pacific/Apia", "2011-12-31T00:00+14:00"),  # the day does not exist
        ("2024-10-27", "Europe/Amsterdam", "2024-10-27T00:00+02:00"),
        ("2026-03-08", "America/New_York", "2026-03-08T00:00-05:00"),
    ],
)
def test_start_of_day(day: str, zone: str, expected: str) -> None:
    assert day_start(date.fromisoformat(day), zone) == datetime.fromisoformat(expected).astimezone(UTC)


@pytest.mark.part("C-09", "months are clipped")
@pytest.mark.part("R-29", "months are clipped")
def test_months_are_clipped() -> None:
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert add_months(date(2023, 10, 31), 4) == date(2024, 2, 29)
    assert add_months(date(2024, 12, 31), 12) == date(2025, 12, 31)
