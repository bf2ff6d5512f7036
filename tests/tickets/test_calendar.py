"""Office hours: clocks stand still at night, on weekends and on holidays."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tickets import calendar

SEOUL = calendar.read("mon-fri 09:00-18:00", "Asia/Seoul", ["2026-12-25"])
BERLIN = calendar.read("mon-fri 09:00-18:00", "Europe/Berlin", [])
FRIDAY_17 = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)  # 17:00 in Seoul


def test_hours_within_a_day_simply_pass() -> None:
    assert SEOUL.add_hours(FRIDAY_17 - timedelta(hours=5), 3) == FRIDAY_17 - timedelta(hours=2)


def test_the_night_and_the_weekend_do_not_count() -> None:
    monday_10 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    assert SEOUL.add_hours(FRIDAY_17, 2) == monday_10


def test_a_holiday_does_not_count() -> None:
    thursday_17 = datetime(2026, 12, 24, 8, 0, tzinfo=UTC)
    monday_10 = datetime(2026, 12, 28, 1, 0, tzinfo=UTC)

    assert SEOUL.add_hours(thursday_17, 2) == monday_10


def test_a_clock_that_starts_at_night_begins_in_the_morning() -> None:
    night = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)  # Friday 05:00 in Seoul

    assert SEOUL.add_hours(night, 1) == datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def test_summer_time_moves_no_opening_hour() -> None:
    friday_17 = datetime(2026, 3, 27, 16, 0, tzinfo=UTC)  # CET
    monday_10 = datetime(2026, 3, 30, 8, 0, tzinfo=UTC)  # CEST

    assert BERLIN.add_hours(friday_17, 2) == monday_10


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- hypothesis adds the zone
    hours=st.floats(0.1, 200), more=st.floats(0.1, 50),
)  # fmt: skip
def test_more_hours_never_end_earlier(start: datetime, hours: float, more: float) -> None:
    assert start < SEOUL.add_hours(start, hours) < SEOUL.add_hours(start, hours + more)


@pytest.mark.parametrize(
    "words", ["", "mon-fri", "fri-mon 09:00-18:00", "mon-fri 18:00-09:00", "always"]
)
def test_hours_that_make_no_sense_stop_the_start_in_words(words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="POSTERN_OFFICE_HOURS"):
        calendar.read(words, "UTC", [])
