"""The calendar by which time limits run."""

from __future__ import annotations

import time
import warnings
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grievance_core.working_days import ZONE, WorkingCalendar, no_holidays, state_holidays

pytestmark = pytest.mark.unit

STATE = WorkingCalendar()
PLAIN = WorkingCalendar(holidays=no_holidays, second_saturday_off=False)  # Sundays off, nothing else
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(), timedelta(days=90))


def at(day: str, clock: str = "12:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        pytest.param(at("2026-11-24"), 3, at("2026-11-27"), id="within a week"),
        pytest.param(at("2026-11-28"), 1, at("2026-11-30"), id="over a Sunday"),
        pytest.param(at("2026-11-29"), 1, at("2026-12-01", "00:00"), id="from a Sunday: the whole of Monday"),
        pytest.param(at("2026-11-28", "00:00"), 1, at("2026-11-29", "00:00"), id="to the midnight it ends with"),
        pytest.param(at("2026-11-24"), 60, at("2027-02-02"), id="into the next year"),
        pytest.param(at("2026-12-01", "00:00"), -1, at("2026-11-30", "00:00"), id="backwards"),
        pytest.param(at("2026-11-30"), -1, at("2026-11-28"), id="backwards over a Sunday"),
    ],
)
def test_working_days_are_reckoned_from_the_moment_over_days_off(start: datetime, days: int, end: datetime) -> None:
    assert PLAIN.add(start, timedelta(days=days)) == end


def test_hours_of_an_emergency_know_no_holiday() -> None:
    saturday_night = at("2026-11-28", "23:00")
    assert PLAIN.add(saturday_night, timedelta(hours=24), working=False) == at("2026-11-29", "23:00")
    assert PLAIN.between(saturday_night, at("2026-11-30", "23:00"), working=False) == timedelta(days=2)


def test_the_states_holidays_are_off_and_second_saturdays_and_sundays() -> None:
    assert not STATE.works(date(2026, 11, 24))  # Guru Nanak's birthday
    assert not STATE.works(date(2026, 11, 8))  # Diwali, a Sunday too
    assert not STATE.works(date(2026, 11, 14))  # second Saturday
    assert STATE.works(date(2026, 11, 21))
    assert STATE.works(date(2026, 11, 25))
    assert STATE.add(at("2026-11-24"), timedelta(days=1)) == at("2026-11-26", "00:00")


def test_the_state_may_add_days_off_and_work_on_others() -> None:
    moved = WorkingCalendar(extra=[date(2026, 11, 25)], worked=[date(2026, 11, 24), date(2026, 11, 29)])
    assert [moved.works(date(2026, 11, day)) for day in (24, 25, 29)] == [True, False, True]


def test_years_beyond_the_moving_feasts_warn_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state_holidays.cache_clear()
        assert date(2040, 8, 15) in state_holidays(2040)


@given(moments, spans, spans)
@example(at("2026-11-29", "00:00"), timedelta(days=1), timedelta())
def test_time_runs_on_where_it_stopped(start: datetime, one: timedelta, two: timedelta) -> None:
    """Adding in two steps is adding at once, what was added is what lies between, and there is a way back."""
    end = STATE.add(start, one + two)
    assert STATE.between(STATE.add(STATE.add(start, one), two), end) == timedelta()
    assert STATE.between(start, end) == one + two
    assert STATE.between(STATE.add(end, -one - two), start) == timedelta()
    assert STATE.between(end, start) == -one - two


@given(moments, spans)
def test_the_end_of_a_time_is_a_moment_at_which_offices_work(start: datetime, span: timedelta) -> None:
    end = STATE.add(start, span + timedelta(microseconds=1)).astimezone(ZONE) - timedelta(microseconds=1)
    assert STATE.works(end.date())
    assert STATE.add(start, span) >= start + span


def test_a_look_up_is_fast_enough_for_thirty_thousand_complaints_a_day() -> None:
    STATE.add(at("2026-11-24"), timedelta(days=200))
    began = time.process_time()
    for _ in range(1000):
        STATE.add(at("2026-11-24"), timedelta(days=7))
    assert time.process_time() - began < 0.1  # some ten microseconds each
