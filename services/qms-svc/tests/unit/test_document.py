from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from plantkit.governing import Effective
from plantkit.sites import Sites
from plantkit.time import local_date, start_of_day
from qms_svc.domain.document import (
    check_effective,
    check_ends,
    check_move,
    check_retire,
    check_withdraw,
    governing,
    has_taken_effect,
    upcoming,
)
from qms_svc.domain.version import End, Version, VersionState
from servicekit.domain import RuleError, StateError

NL, US = "Europe/Amsterdam", "America/New_York"
SITES = Sites({"NL1": NL, "US1": US})
RECORDED = datetime(2026, 3, 2, 10, tzinfo=UTC)


def version(
    number: int, state: VersionState, effective: Sequence[Effective], ends: Sequence[End] = (), **more: Any
) -> Version:
    return Version("SOP-101", number, state, effective, ends, approved_at=RECORDED, **more)


TICK = timedelta(microseconds=1)
V3 = version(3, VersionState.APPROVED, (Effective("*", date(2025, 6, 1), None, RECORDED),))
V4 = version(
    4,
    VersionState.APPROVED,
    (
        Effective("NL1", date(2026, 3, 16), None, RECORDED),
        Effective("US1", date(2026, 3, 23), None, RECORDED),
    ),
)


def number(
    versions: list[Version], place: str, at: datetime, retired: dict[str, date] | None = None
) -> int | None:
    found = governing(versions, retired or {}, place, SITES.zones[place], at)
    return found and found[0].number


@pytest.mark.req("QM-01")
@pytest.mark.part("R-01", "exactly one version governs and it changes at local midnight")
@pytest.mark.part("R-05", "exactly one version governs and it changes at local midnight")
def test_exactly_one_version_governs_and_it_changes_at_local_midnight() -> None:
    midnight = datetime(2026, 3, 16, tzinfo=ZoneInfo(NL))
    assert number([V3, V4], "NL1", midnight - TICK) == 3
    assert number([V3, V4], "NL1", midnight) == 4
    assert number([V3, V4], "US1", midnight) == 3
    there = datetime(2026, 3, 23, tzinfo=ZoneInfo(US))
    assert [number([V3, V4], "US1", at) for at in (there - TICK, there)] == [3, 4]
    first = datetime(2025, 6, 1, tzinfo=ZoneInfo(NL))
    assert [number([V3, V4], "NL1", at) for at in (first - TICK, first)] == [None, 3]
    assert upcoming([V3, V4], {}, "NL1", NL, midnight - TICK) == (V4, start_of_day(date(2026, 3, 16), NL))
    assert upcoming([V3, V4], {}, "NL1", NL, midnight) is None


@pytest.mark.req("R-66")
@pytest.mark.part("QM-01", "nothing governs from the day of retirement and before it all is as it was")
def test_nothing_governs_from_the_day_of_retirement_and_before_it_all_is_as_it_was() -> None:
    last = datetime(2026, 6, 1, tzinfo=ZoneInfo(NL))
    retired = {"*": date(2026, 6, 1)}
    assert [number([V3, V4], "NL1", at, retired) for at in (last - TICK, last)] == [4, None]
    assert number([V3, V4], "NL1", last, {"US1": date(2026, 6, 1)}) == 4
    later = version(5, VersionState.APPROVED, (Effective("*", date(2026, 7, 1), None, RECORDED),))
    assert upcoming([later], retired, "NL1", NL, last - TICK) is None


@pytest.mark.req("C-06")
@pytest.mark.part("R-04", "a temporary or withdrawn version gives way to the one before")
def test_a_temporary_or_withdrawn_version_gives_way_to_the_one_before() -> None:
    temporary = version(
        4,
        VersionState.APPROVED,
        (Effective("*", date(2026, 3, 1), None, RECORDED),),
        (End("*", date(2026, 3, 15)),),
    )
    day = datetime(2026, 3, 15, tzinfo=ZoneInfo(NL))
    assert [number([V3, temporary], "NL1", at) for at in (day - TICK, day)] == [4, 3]
    withdrawn = version(
        5,
        VersionState.WITHDRAWN,
        (Effective("*", date(2026, 3, 1), None, RECORDED),),
        withdrawn_at=day,
    )
    assert [number([V3, withdrawn], "NL1", at) for at in (day - TICK, day)] == [5, 3]


@pytest.mark.req("C-06")
@pytest.mark.part("R-04", "the latest effective instant governs not the highest number")
def test_the_latest_effective_instant_governs_not_the_highest_number() -> None:
    early = version(9, VersionState.APPROVED, (Effective("*", date(2025, 1, 1), None, RECORDED),))
    assert number([early, V3], "NL1", RECORDED) == 3
    tie = version(4, VersionState.APPROVED, V3.effective)
    assert number([tie, V3], "NL1", RECORDED) == 4


def test_a_draft_governs_nowhere() -> None:
    for state in (VersionState.DRAFT, VersionState.IN_REVIEW):
        assert number([version(1, state, V3.effective)], "NL1", RECORDED) is None
    never_approved = Version("SOP-101", 1, VersionState.WITHDRAWN, V3.effective, withdrawn_at=None)
    assert number([never_approved], "NL1", RECORDED) is None


@pytest.mark.part("R-08", "the last statement of a place wins and its own goes before everywhere")
@pytest.mark.part("R-05", "the last statement of a place wins and its own goes before everywhere")
def test_the_last_statement_of_a_place_wins_and_its_own_goes_before_everywhere() -> None:
    moved = version(
        4,
        VersionState.APPROVED,
        (
            Effective("NL1", date(2026, 4, 30), None, RECORDED + timedelta(days=9)),
            Effective("*", date(2026, 3, 1), None, RECORDED + timedelta(days=20)),
            Effective("NL1", date(2026, 3, 16), None, RECORDED),
        ),
    )
    assert moved.effective_at("NL1", NL) == start_of_day(date(2026, 4, 30), NL)
    assert moved.effective_at("US1", US) == start_of_day(date(2026, 3, 1), US)


@pytest.mark.req("R-76")
@pytest.mark.parametrize(("place", "zone", "day"), [("NL1", NL, 16), ("US1", US, 23)])
def test_a_date_moves_until_the_version_governs_there(place: str, zone: str, day: int) -> None:
    begins = datetime(2026, 3, day, tzinfo=ZoneInfo(zone))
    check_move(V4, place, date(2026, 3, 30), SITES, begins - TICK)
    with pytest.raises(StateError) as refused:
        check_move(V4, place, date(2026, 3, 30), SITES, begins)
    assert refused.value.code == "governs"


@pytest.mark.part("R-76", "a date for everywhere is fixed as soon as one site has begun")
def test_a_date_for_everywhere_is_fixed_as_soon_as_one_site_has_begun() -> None:
    everywhere = Version("X", 2, VersionState.APPROVED, (Effective("*", date(2026, 3, 16), None, RECORDED),))
    first = datetime(2026, 3, 16, tzinfo=ZoneInfo(NL))
    assert [has_taken_effect(everywhere, "*", SITES, at) for at in (first - TICK, first)] == [False, True]
    assert not has_taken_effect(everywhere, "US1", SITES, first)
    assert has_taken_effect(everywhere, "*", Sites(), datetime(2026, 3, 15, 10, tzinfo=UTC))
    assert not has_taken_effect(everywhere, "*", Sites(), datetime(2026, 3, 15, 9, 59, tzinfo=UTC))


@pytest.mark.part("R-08", "a move needs another day that is not over")
def test_a_move_needs_another_day_that_is_not_over() -> None:
    now = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    with pytest.raises(RuleError) as over:
        check_move(V4, "NL1", date(2026, 3, 10), SITES, now)
    assert (over.value.field, over.value.reason) == ("on", "in-the-past")
    check_move(V4, "US1", date(2026, 3, 10), SITES, now)
    with pytest.raises(RuleError, match="already"):
        check_move(V4, "NL1", date(2026, 3, 16), SITES, now)
    with pytest.raises(RuleError, match="no known site"):
        check_move(V4, "NL9", date(2026, 3, 20), SITES, now)
    with pytest.raises(StateError, match="DRAFT"):
        check_move(Version("X", 1, VersionState.DRAFT), "NL1", date(2026, 3, 20), SITES, now)


@pytest.mark.part("R-58", "a day is past when it is over at one of its sites")
def test_a_day_is_past_when_it_is_over_at_one_of_its_sites() -> None:
    now = datetime(2026, 3, 15, 23, 30, tzinfo=UTC)
    assert (local_date(now, NL), local_date(now, US)) == (date(2026, 3, 16), date(2026, 3, 15))
    today, yesterday = date(2026, 3, 16), date(2026, 3, 15)
    check_effective("effective", [Effective("*", today)], SITES, now)
    check_effective("effective", [Effective("NL1", today), Effective("*", yesterday)], SITES, now)
    with pytest.raises(RuleError, match="2026-03-15 is over"):
        check_effective("effective", [Effective("*", yesterday)], SITES, now)
    check_effective("effective", [Effective("*", date(2026, 3, 15))], Sites(), now)
    with pytest.raises(RuleError, match="2026-03-14 is over"):
        check_effective("effective", [Effective("*", date(2026, 3, 14))], Sites(), now)
    check_effective("effective", [Effective("*")], SITES, now)
    with pytest.raises(RuleError, match="over"):
        check_effective("effective", [Effective("*", None, now - TICK)], SITES, now)


@pytest.mark.parametrize(
    ("effective", "reason"),
    [
        ([], "missing"),
        ([Effective("NL1", date(2026, 4, 1)), Effective("NL1", date(2026, 4, 2))], "repeated"),
        ([Effective("XX", date(2026, 4, 1))], "unknown-site"),
    ],
)
def test_effective_dates_that_make_no_sense(effective: list[Effective], reason: str) -> None:
    with pytest.raises(RuleError) as refused:
        check_effective("effective", effective, SITES, RECORDED)
    assert refused.value.reason == reason


@pytest.mark.part("R-04", "a temporary version ends after it begins")
def test_a_temporary_version_ends_after_it_begins() -> None:
    begin = [Effective("*", date(2026, 3, 1))]
    check_ends("ends", [End("NL1", date(2026, 3, 2))], begin)
    for end in (End("*", date(2026, 3, 1)), End("NL1", date(2026, 2, 1))):
        with pytest.raises(RuleError):
            check_ends("ends", [end], begin)
    with pytest.raises(RuleError, match="nothing begins"):
        check_ends("ends", [End("NL1", date(2026, 3, 2))], [Effective("US1", date(2026, 3, 1))])


@pytest.mark.part("R-09", "withdrawal and retirement happen once")
@pytest.mark.part("R-66", "withdrawal and retirement happen once")
def test_withdrawal_and_retirement_happen_once() -> None:
    check_withdraw(V4)
    with pytest.raises(StateError):
        check_withdraw(Version("X", 1, VersionState.WITHDRAWN))
    check_retire({}, "*", date(2026, 3, 2), SITES, RECORDED)
    check_retire({"NL1": date(2026, 1, 1)}, "US1", date(2026, 3, 2), SITES, RECORDED)
    with pytest.raises(StateError):
        check_retire({"*": date(2026, 9, 1)}, "NL1", date(2026, 3, 2), SITES, RECORDED)
    with pytest.raises(RuleError):
        check_retire({}, "*", date(2026, 3, 1), SITES, RECORDED)
