"""What-if: only the seats differ, the margin is that of paired differences, patience is not guessed too short."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.engine.decisions import Decision
from acd.engine.events import Event
from acd.errors import NothingRecorded
from acd.history.days import Crew, Plan, Service, draw_day, midnight
from acd.history.journal import Begin, Entry, Line
from acd.history.levels import End
from acd.history.recorded import Patience, Recorded, as_day, recorded_day
from acd.history.simulation import Day, Played, simulate
from acd.history.whatif import (
    DAY_SECONDS,
    Change,
    changed_day,
    compare,
    figures,
    margin,
    moment_of_day,
    recorded_figures,
)

pytestmark = pytest.mark.unit

INDIA = ZoneInfo("Asia/Kolkata")
START = datetime(2026, 11, 25, tzinfo=INDIA)
PLAN = Plan(
    calls=1200,
    crews=(Crew(agents=6, begins_hour=0, ends_hour=14), Crew(agents=6, begins_hour=14, ends_hour=30)),
    services=(Service(name="complaint", share=1.0, talk_seconds=150.0),),
    missed_share=0.0,
)
TEN, TWELVE = 10 * 3600.0, 12 * 3600.0


def recorded_of(plan: Plan, seed: int) -> tuple[Recorded, Day, Played]:
    """That plan's day, as its journal has it."""
    lines: list[Line] = [Begin(at=START, run="1")]

    def watch(event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        if at < START + timedelta(days=1):
            lines.append(Entry(at=at, events=(event,), decisions=tuple(decisions)))

    day = draw_day(plan, START, seed)
    played = simulate(day, watch=watch)
    return recorded_day(lines, INDIA), day, played


def test_more_seats_shorten_waits_and_the_margin_says_that_it_is_no_chance() -> None:
    change = Change(seats=3, begins=TEN, ends=TWELVE)
    pairs = []
    for seed in range(4):
        day = draw_day(PLAN, START, seed)
        pairs.append((figures(simulate(day), TEN, TWELVE), figures(simulate(changed_day(day, change)), TEN, TWELVE)))
    rows = {row.name: row for row in compare(pairs)}
    wait, level = rows["mean wait, s"], rows["service level"]
    assert wait.difference is not None
    assert wait.margin is not None
    assert wait.difference + wait.margin < 0
    assert level.difference is not None
    assert level.difference > 0
    assert wait.changed == pytest.approx((wait.baseline or 0) + wait.difference)


def test_before_the_change_nothing_differs() -> None:
    day = draw_day(PLAN, START, 1)
    before, after = simulate(day), simulate(changed_day(day, Change(seats=5, begins=TEN, ends=TWELVE)))
    assert figures(before, 0.0, TEN - 3600) == figures(after, 0.0, TEN - 3600)
    assert figures(before, TEN, TWELVE) != figures(after, TEN, TWELVE)


@given(seats=st.integers(-20, 20), begins=st.floats(0, DAY_SECONDS), length=st.floats(60, DAY_SECONDS))
def test_as_many_agents_are_there_as_the_change_says_and_no_others_elsewhere(
    seats: int, begins: float, length: float
) -> None:
    day = draw_day(replace(PLAN, calls=1), START, 1)
    ends = min(begins + length, DAY_SECONDS + 60)
    changed = changed_day(day, Change(seats=seats, begins=begins, ends=ends))

    def there(of: Day, at: float) -> int:
        return sum(shift.begins <= at < shift.ends for shift in of.shifts)

    inside = (begins + ends) / 2
    assert there(changed, inside) <= max(0, there(day, inside) + max(seats, 0))
    assert there(changed, inside) >= there(day, inside) + seats
    for outside in (begins - 1.0, ends + 1.0):
        assert there(changed, outside) == there(day, outside)


def test_who_is_added_can_do_what_the_others_can() -> None:
    day = draw_day(replace(PLAN, calls=1), START, 1)
    added = changed_day(day, Change(seats=4, begins=TEN, ends=TWELVE)).shifts[-4:]
    assert [shift.skills for shift in added] == [shift.skills for shift in day.shifts[:4]]


def test_the_margin_is_students() -> None:
    assert margin([1.0, 2.0, 3.0]) == pytest.approx(4.303 / 3**0.5)
    assert margin([1.0]) is None


def test_a_figure_that_nobody_can_tell_is_left_open() -> None:
    empty = simulate(draw_day(replace(PLAN, calls=1), START, 1))
    row = compare([(figures(empty, 0.0, 1.0), figures(empty, 0.0, 1.0))])[0]
    assert (row.baseline, row.difference) == (None, None)


@pytest.mark.parametrize(("text", "seconds"), [("10:00", 36_000.0), ("24:00", DAY_SECONDS), ("00:30", 1800.0)])
def test_a_time_of_the_day_is_read(text: str, seconds: float) -> None:
    assert moment_of_day(text) == seconds


def test_midnight_is_the_houses() -> None:
    assert midnight(datetime(2026, 11, 25, 10, 7, 3, 9, tzinfo=INDIA)) == START


# -- a recorded day


def test_a_recorded_day_has_its_callers_talks_and_crew() -> None:
    recorded, day, played = recorded_of(PLAN, 2)
    assert recorded.begins == START
    assert [call.caller.id for call in recorded.calls] == [arrival.id for arrival in day.arrivals]
    seen = {call.caller.id: call for call in recorded.calls}
    for arrival, end in zip(day.arrivals, played.ends, strict=True):
        if end is End.ANSWERED and arrival.at < DAY_SECONDS - 7200:
            assert seen[arrival.id].talk_seconds == pytest.approx(arrival.talk_seconds, abs=1e-3)
            wrapped = seen[arrival.id].wrap_up_seconds  # not seen of the last call of a shift
            assert wrapped is None or wrapped == pytest.approx(arrival.wrap_up_seconds, abs=1e-3)
    assert sum(call.wrap_up_seconds is None for call in recorded.calls if call.talk_seconds is not None) <= 12
    there = [sum(s.begins <= hour * 3600 < s.ends for s in recorded.shifts) for hour in (1, 13, 20)]
    assert there == [6, 6, 6]
    assert recorded.answer_seconds == pytest.approx(3.0)


def test_a_recorded_day_played_again_comes_out_as_it_was() -> None:
    recorded, _, _ = recorded_of(PLAN, 3)
    again = figures(simulate(as_day(recorded, 1)))
    was = recorded_figures(recorded.waits(), as_day(recorded, 1))
    assert again.callers == was.callers
    assert again.service_level == pytest.approx(was.service_level, abs=0.02)
    assert again.abandoned == pytest.approx(was.abandoned, abs=0.02)
    assert again.mean_wait == pytest.approx(was.mean_wait, rel=0.15)


def test_an_empty_journal_is_no_day() -> None:
    with pytest.raises(NothingRecorded, match="Name another day's file"):
        recorded_day([Begin(at=START, run="1")], INDIA)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_patience_is_estimated_from_those_who_were_answered_too(seed: int) -> None:
    """Patience of mean 100 s seen through waits of mean 50 s: those who gave up alone look like 33 s."""
    chance = random.Random(seed)
    seen = []
    for _ in range(3000):
        patience, wait = chance.expovariate(1 / 100), chance.expovariate(1 / 50)
        seen.append((min(patience, wait), patience < wait))
    estimate = Patience(seen)
    naive = [seconds for seconds, gave_up in seen if gave_up]
    assert sum(naive) / len(naive) < 40
    assert estimate.share(70.0) == pytest.approx(0.4966, abs=0.07)
    drawn = [estimate.longer_than(30.0, chance) for _ in range(500)]
    assert min(drawn) > 30.0
    assert sum(drawn) / len(drawn) == pytest.approx(130.0, rel=0.3)


def test_where_nobody_gave_up_everybody_is_patient() -> None:
    assert Patience([(10.0, False)]).longer_than(10.0, random.Random(1)) == float("inf")


def test_the_same_seed_draws_the_same_unseen() -> None:
    recorded, _, _ = recorded_of(replace(PLAN, calls=200), 3)
    assert as_day(recorded, 1) == as_day(recorded, 1)
    assert as_day(recorded, 1) != as_day(recorded, 2)
    assert datetime(2026, 11, 24, 18, 30, tzinfo=UTC) == recorded.begins
