"""Local days and zones, where the clocks change and where a day is missing: C-02, R-29, R-40."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plantkit.time import (
    add_months,
    end_of_day,
    first_start_on_earth,
    instant_at,
    is_zone,
    last_date_on_earth,
    local_date,
    start_of_day,
)

ZONES = st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
INSTANTS = st.integers(950_000_000, 2_850_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TICK = timedelta(microseconds=1)
APIA, LEFT_OUT = "Pacific/Apia", date(2011, 12, 30)
"""Apia went from 29 to 31 December 2011."""


@pytest.mark.part("C-02", "days tile time, whatever the clocks do")
@given(DAYS, ZONES)
@example(LEFT_OUT, APIA)
@example(LEFT_OUT - timedelta(days=1), APIA)
@example(date(2026, 3, 29), "Europe/Amsterdam")
@example(date(2026, 10, 25), "Europe/Amsterdam")
@example(date(2026, 4, 5), "Australia/Lord_Howe")
def test_days_tile_time(day: date, zone: str) -> None:
    begins, ends = start_of_day(day, zone), end_of_day(day, zone)
    assert ends == start_of_day(day + timedelta(days=1), zone)
    assert begins.utcoffset() == timedelta(0)
    if (day, zone) == (LEFT_OUT, APIA):
        assert begins == ends
        return
    assert timedelta(hours=22) < ends - begins < timedelta(hours=26)
    assert (local_date(begins, zone), local_date(ends - TICK, zone)) == (day, day)
    assert local_date(begins - TICK, zone) < day < local_date(ends, zone)


@given(INSTANTS, ZONES)
def test_an_instant_lies_in_its_local_day(instant: datetime, zone: str) -> None:
    day = local_date(instant, zone)
    assert start_of_day(day, zone) <= instant < end_of_day(day, zone)
    assert day == instant.astimezone(ZoneInfo(zone)).date()


@given(DAYS, st.sampled_from(sorted(available_timezones() - {"localtime", "Factory", "posixrules"})))
def test_no_zone_begins_a_day_earlier_or_ends_it_later_than_the_bounds_of_the_earth(
    day: date, zone: str
) -> None:
    assert first_start_on_earth(day) <= start_of_day(day, zone)
    assert last_date_on_earth(start_of_day(day, zone)) <= day


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2026, 3, 29), "Europe/Amsterdam", "2026-03-28T23:00:00+00:00"),
        (date(2026, 3, 30), "Europe/Amsterdam", "2026-03-29T22:00:00+00:00"),
        (date(2026, 11, 1), "America/New_York", "2026-11-01T04:00:00+00:00"),
        # Half an hour of daylight saving.
        (date(2026, 4, 5), "Australia/Lord_Howe", "2026-04-04T13:00:00+00:00"),
        (date(2026, 4, 6), "Australia/Lord_Howe", "2026-04-05T13:30:00+00:00"),
        (LEFT_OUT, APIA, "2011-12-30T10:00:00+00:00"),
        # The clocks jump over midnight.
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        (date(2024, 4, 26), "Africa/Cairo", "2024-04-25T22:00:00+00:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(day: date, zone: str, begins: str) -> None:
    assert start_of_day(day, zone) == datetime.fromisoformat(begins)


def test_a_wall_clock_time_that_is_skipped_moves_forward() -> None:
    assert instant_at(date(2026, 3, 29), 2, 30, "Europe/Amsterdam") == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    assert instant_at(date(2026, 3, 28), 2, 30, "Europe/Amsterdam") == datetime(
        2026, 3, 28, 1, 30, tzinfo=UTC
    )


@given(DAYS, st.integers(0, 240))
def test_months_keep_the_day_or_take_the_last_of_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


@pytest.mark.parametrize(("name", "known"), [("Europe/Amsterdam", True), ("Mars/Base", False), ("", False)])
def test_zones_are_known_by_name(name: str, known: bool) -> None:
    assert is_zone(name) is known
