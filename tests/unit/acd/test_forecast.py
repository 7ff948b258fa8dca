"""The expected wait: arithmetic of the line, a learned range, and when nothing is said."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.waiting.forecast import Accuracy, Forecast, Standing, drain
from acd.waiting.ranges import Range, no_longer, quantiles, spoken

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class SmallQueue:
    """`agents` who take exponential time; one line, first come first served, nobody gives up unless told."""

    def __init__(self, seed: int = 1, *, agents: int = 10, handling: float = 120.0, load: float = 1.0) -> None:
        self.forecast = Forecast()
        self.ranges: list[tuple[Range, float]] = []
        chance = random.Random(seed)
        free = [0.0] * agents
        now = 0.0
        events: list[tuple[float, int, str, str]] = []
        for number in range(1500):
            now += chance.expovariate(load * agents / handling)
            agent = min(range(agents), key=free.__getitem__)
            begins = max(now, free[agent])
            free[agent] = begins + chance.expovariate(1.0 / handling)
            caller = f"c{number}"
            events.append((now, 1, caller, "join"))
            events.append((begins, 2, caller, f"answer a{agent}"))
            events.append((free[agent], 0, f"a{agent}", "free"))
        answers = {who: when for when, _, who, what in events if what.startswith("answer")}
        line: list[str] = []
        for when, _, who, what in sorted(events):
            if what == "free":
                self.forecast.note_free(who, at(when))
            elif what == "join":
                self.forecast.note_joined(who, "complaint", at(when))
                quoted = self.forecast.quote(
                    Standing(caller=who, queue="complaint", ahead=len(line), agents=agents, waited=0.0), at(when)
                )
                line.append(who)
                if quoted is not None and answers[who] > when:
                    self.ranges.append((quoted, answers[who] - when))
            else:
                line.remove(who)
                self.forecast.note_answered(who, what.removeprefix("answer "), at(when))


def test_most_waits_fall_inside_what_was_said() -> None:
    queue = SmallQueue(load=1.05)
    inside = sum(said.holds(actual) for said, actual in queue.ranges) / len(queue.ranges)
    assert len(queue.ranges) > 500
    assert 0.74 <= inside <= 0.93


def test_what_is_measured_is_what_happened() -> None:
    queue = SmallQueue(load=1.05)
    measured = queue.forecast.measure()
    assert measured.told == measured.judged >= len(queue.ranges)
    assert measured.share_inside == pytest.approx(measured.inside / measured.judged)
    assert measured.inside >= sum(said.holds(actual) for said, actual in queue.ranges)


def test_nothing_is_said_before_enough_is_known() -> None:
    forecast = Forecast()
    forecast.note_joined("c", "complaint", START)
    assert forecast.quote(Standing(caller="c", queue="complaint", ahead=3, agents=5, waited=0.0), at(20)) is None


def test_nothing_is_said_when_no_agent_is_there() -> None:
    forecast = learned()
    assert forecast.quote(standing(agents=0), at(100_001)) is None


def test_nothing_is_said_when_the_range_would_be_silly() -> None:
    forecast = learned()
    assert forecast.quote(standing(ahead=2000), at(100_001)) is None


def test_more_agents_mean_a_shorter_wait() -> None:
    few = learned().quote(standing(ahead=30, agents=10), at(100_001))
    many = learned().quote(standing(ahead=30, agents=20), at(100_001))
    assert few is not None
    assert many is not None
    assert many.high < few.high


def test_a_caller_never_hears_a_longer_wait_than_before() -> None:
    forecast = learned()
    first = forecast.quote(standing(ahead=20), at(100_001))
    assert first is not None
    assert forecast.quote(standing(ahead=60), at(100_046)) is None
    again = forecast.quote(standing(ahead=10), at(100_091))
    assert again is not None
    assert again.high <= first.high
    assert again.low <= first.low


def test_urgent_callers_who_still_come_make_the_wait_longer() -> None:
    calm, stormy = learned(), learned()
    for number in range(40):
        stormy.note_joined(f"urgent{number}", "complaint", at(100_000), head_start=3600.0)
    quiet = calm.quote(standing(ahead=20), at(100_001))
    busy = stormy.quote(standing(ahead=20), at(100_001))
    assert quiet is not None
    assert busy is None or busy.high > quiet.high


def test_what_was_learned_survives_as_a_plain_value() -> None:
    forecast = learned()
    again = Forecast.of(json.loads(json.dumps(forecast.state())))
    again.note_joined("c", "complaint", at(100_000))
    quoted = forecast.quote(standing(ahead=20), at(100_020))
    assert quoted is not None
    assert again.quote(standing(ahead=20), at(100_020)) == quoted


def test_an_agent_who_went_away_does_not_slow_the_pace() -> None:
    forecast = learned()
    before = forecast.handling_seconds(at(100_000).timestamp())
    forecast.note_joined("x", "complaint", at(100_000))
    forecast.note_answered("x", "sleepy", at(100_000))
    forecast.note_away("sleepy")
    forecast.note_free("sleepy", at(110_000))
    assert forecast.handling_seconds(at(100_000).timestamp()) == before


def test_giving_up_after_the_range_counts_as_too_late_and_before_its_end_as_unknown() -> None:
    for stays, expected in ((30.0, (0, 1)), (3000.0, (1, 0))):
        forecast = learned()
        earlier = forecast.measure()
        assert forecast.quote(standing(ahead=20), at(100_001)) is not None
        forecast.note_left("c", at(100_001 + stays))
        measured = forecast.measure()
        assert (measured.later - earlier.later, measured.left - earlier.left) == expected


def learned() -> Forecast:
    """A forecast after a busy day, with caller "c" just joined at 100,000 s."""
    forecast = SmallQueue(load=1.05).forecast
    for number in range(30):
        forecast.note_joined(f"l{number}", "complaint", at(99_000 + number))
        forecast.note_answered(f"l{number}", f"a{number}", at(99_010 + number))
        forecast.note_free(f"a{number}", at(99_130 + number))
    forecast.note_joined("c", "complaint", at(100_000))
    return forecast


def standing(*, ahead: float = 20, agents: int = 10) -> Standing:
    return Standing(caller="c", queue="complaint", ahead=ahead, agents=agents, waited=1.0)


# -- the arithmetic


@given(ahead=st.integers(0, 300), pace=st.floats(0.01, 10.0), hazard=st.floats(0.0, 0.01))
def test_the_base_is_the_sum_over_those_ahead(ahead: int, pace: float, hazard: float) -> None:
    exact = sum(1.0 / (pace + hazard * step) for step in range(ahead + 1))
    assert drain(ahead, pace, hazard) == pytest.approx(exact, rel=0.13)


@given(
    ahead=st.floats(0, 1000),
    pace=st.floats(0.01, 10.0),
    hazard=st.floats(0.0, 0.01),
    sooner=st.lists(st.tuples(st.floats(0, 3600), st.floats(0, 5)), max_size=4),
)
def test_more_who_come_before_never_shorten_the_base(
    ahead: float, pace: float, hazard: float, sooner: list[tuple[float, float]]
) -> None:
    with_them = drain(ahead, pace, hazard, sooner)
    assert math.isfinite(with_them)
    assert with_them >= drain(ahead, pace, hazard) * (1.0 - 1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.floats(0.01, 0.45), st.floats(0.55, 0.99))
def test_without_those_who_gave_up_the_quantiles_are_the_plain_ones(
    scores: list[float], low: float, high: float
) -> None:
    ordered = sorted(scores)
    found = quantiles([(score, True) for score in scores], low, high)
    expected = tuple(ordered[min(len(ordered), max(1, math.ceil(len(ordered) * q - 1e-6))) - 1] for q in (low, high))
    assert found == pytest.approx(expected)


def test_who_gave_up_pushes_the_upper_end_out() -> None:
    answered = [(float(score), True) for score in range(10)]
    assert quantiles([*answered, *[(4.5, False)] * 8], 0.1, 0.8)[1] > quantiles(answered, 0.1, 0.8)[1]


@given(st.floats(0, 7200), st.floats(0, 7200))
def test_a_spoken_range_holds_the_seconds_it_was_made_of(first: float, second: float) -> None:
    low, high = sorted((first, second))
    said = spoken(low, high)
    assert said.holds(low)
    assert said.holds(high)
    assert said.low < said.high


@given(st.integers(0, 60), st.integers(1, 10), st.integers(0, 60), st.integers(1, 10))
def test_what_follows_is_never_longer_at_either_end(low: int, width: int, said_low: int, said_width: int) -> None:
    said = Range(said_low, said_low + said_width)
    following = no_longer(Range(low, low + width), said)
    assert following is None or (following.low <= said.low and following.high <= said.high)


def test_nothing_judged_has_no_share() -> None:
    assert Accuracy().share_inside is None
    assert Accuracy().mean_width_seconds is None
