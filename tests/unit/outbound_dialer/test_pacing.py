"""The pace of calls in which the machine asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound_dialer.errors import InvalidSettings
from outbound_dialer.outcomes import Disposition
from outbound_dialer.pacing import LONGEST_REST, CallAnswered, CallEnded, CallStarted, Pace, State, begin, decide, step

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def dial(state: State, calls: int, at: datetime) -> State:
    for _ in range(calls):
        state = step(state, CallStarted(at))
    return state


def congest(state: State, at: datetime) -> State:
    return step(step(state, CallStarted(at)), CallEnded(at, Disposition.CONGESTION))


def test_no_more_calls_than_lines() -> None:
    state = dial(begin(Pace(lines=3, calls_per_second=100), NOW), 3, NOW)
    assert decide(after(60), state) == 0
    state = step(state, CallEnded(after(60), Disposition.BUSY))
    assert decide(after(60), state) == 1


def test_no_lines_start_no_calls() -> None:
    assert decide(after(1), begin(Pace(lines=0), NOW)) == 0


def test_calls_found_after_a_restart_hold_lines_but_cost_no_credit() -> None:
    state = begin(Pace(lines=30, calls_per_second=5), NOW)
    for _ in range(10):
        state = step(state, CallStarted(NOW, found=True))
    assert state.in_use == 10
    assert decide(NOW, state) == 5


@settings(deadline=None)
@given(
    rate=st.floats(0.1, 20),
    ticks=st.lists(st.floats(0, 3), min_size=1, max_size=25),
)
def test_calls_a_second_hold_over_any_span(rate: float, ticks: list[float]) -> None:
    pace = Pace(lines=10**6, calls_per_second=rate)
    state, at = begin(pace, NOW), NOW
    started: list[datetime] = []
    for tick in ticks:
        at += timedelta(seconds=tick)
        calls = decide(at, state)
        state = dial(state, calls, at)
        started += [at] * calls
    for first, start in enumerate(started):
        for last in range(first, len(started)):
            span = (started[last] - start).total_seconds()
            assert last - first + 1 <= pace.most_credit + rate * span + 1e-6


@settings(max_examples=30)
@given(rate=st.floats(0.1, 50))
def test_with_free_lines_the_rate_is_reached(rate: float) -> None:
    state, started = begin(Pace(lines=10**6, calls_per_second=rate), NOW), 0
    for tick in range(200):
        at = after(tick * 0.5)
        calls = decide(at, state)
        state = dial(state, calls, at)
        started += calls
    assert started >= rate * 99.5 - 1


def test_congestion_makes_a_rest_that_doubles_to_a_limit() -> None:
    state, at, rests = begin(Pace(), NOW), NOW, []
    for _ in range(8):
        state = congest(state, at)
        assert state.rests_until is not None
        assert decide(at + timedelta(milliseconds=1), state) == 0
        rests.append((state.rests_until - at).total_seconds())
        at = state.rests_until
    assert rests == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_burst_of_congested_calls_is_one_congestion() -> None:
    state = begin(Pace(), NOW)
    for _ in range(20):
        state = congest(state, NOW)
    assert state.rests_until == after(2)


def test_after_a_rest_one_call_feels_the_way_and_its_success_frees_the_pace() -> None:
    state = congest(begin(Pace(lines=30, calls_per_second=5), NOW), NOW)
    assert decide(after(3), state) == 1
    state = step(dial(state, 1, after(3)), CallAnswered(after(4)))
    assert decide(after(10), state) >= 5


def test_a_call_from_before_the_congestion_does_not_end_the_rest() -> None:
    state = congest(dial(begin(Pace(), NOW), 1, NOW), NOW)
    state = step(state, CallEnded(after(1), Disposition.NO_ANSWER))
    assert decide(after(1), state) == 0


def test_a_clock_set_back_gives_no_credit_and_no_endless_rest() -> None:
    state = dial(begin(Pace(calls_per_second=5), NOW), 5, NOW)
    assert decide(after(-3600), state) == 0
    state = congest(begin(Pace(), NOW), NOW)
    assert decide(NOW - LONGEST_REST, state) == 1


@settings(deadline=None)
@given(disposition=st.sampled_from(Disposition))
def test_an_end_never_makes_the_lines_in_use_negative(disposition: Disposition) -> None:
    assert step(begin(Pace(), NOW), CallEnded(NOW, disposition)).in_use == 0


@pytest.mark.parametrize("wrong", [{"lines": -1}, {"calls_per_second": 0.0}, {"calls_per_second": float("inf")}])
def test_a_pace_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidSettings):
        Pace(**wrong)  # type: ignore[arg-type]
