"""The simulator: one seed, one day; nobody is lost, nobody talks with two; what theory knows comes out."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.engine.decisions import Decision, Offer
from acd.engine.events import CallEnded, Event, OfferAnswered
from acd.engine.queues import QueueRules
from acd.engine.skills import Need
from acd.history.days import Crew, Plan, Service, draw_day
from acd.history.levels import End
from acd.history.simulation import Arrival, Day, Shift, simulate

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
SMALL = Plan(
    calls=1500,
    crews=(
        Crew(agents=3, begins_hour=0, ends_hour=6),
        Crew(agents=11, begins_hour=6, ends_hour=22),
        Crew(agents=3, begins_hour=22, ends_hour=30),
    ),
)


def test_the_same_seed_gives_the_same_day_and_another_another() -> None:
    first, again, other = (simulate(draw_day(SMALL, START, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first.ended != other.ended


def test_other_shifts_do_not_change_a_single_caller() -> None:
    more = replace(SMALL, crews=(*SMALL.crews, Crew(agents=5, begins_hour=9, ends_hour=12)))
    assert draw_day(more, START, 7).arrivals == draw_day(SMALL, START, 7).arrivals


def test_a_day_has_as_many_calls_as_planned_and_a_tenth_in_its_busiest_hour() -> None:
    day = draw_day(replace(Plan(), calls=20_000), START, 3)
    hours = [int(arrival.at // 3600) for arrival in day.arrivals]
    assert len(hours) == 20_000
    assert max(hours.count(hour) for hour in range(24)) == pytest.approx(2000, rel=0.05)
    assert [arrival.at for arrival in day.arrivals] == sorted(arrival.at for arrival in day.arrivals)


def test_a_full_day_is_staffed_by_500_500_and_30() -> None:
    shifts = draw_day(replace(Plan(), calls=1), START, 1).shifts
    assert [sum(shift.begins <= hour * 3600 < shift.ends for shift in shifts) for hour in (3, 8, 15, 23)] == [
        30,
        500,
        500,
        30,
    ]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), agents=st.integers(4, 20), missed=st.floats(0, 0.3))
def test_every_caller_has_one_end_and_no_agent_two_callers(seed: int, agents: int, missed: float) -> None:
    plan = replace(
        SMALL,
        calls=400,
        missed_share=missed,
        crews=(Crew(agents=agents, begins_hour=0, ends_hour=30),),
    )
    day = draw_day(plan, START, seed)
    talking: dict[str, str] = {}
    ringing: dict[str, str] = {}

    def watch(event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        if isinstance(event, OfferAnswered):
            assert event.agent not in talking
            assert ringing[event.agent] == event.caller
            talking[event.agent] = event.caller
        if isinstance(event, CallEnded):
            assert talking.pop(event.agent) == event.caller
        for decision in decisions:
            if isinstance(decision, Offer):
                assert decision.agent not in talking
                ringing[decision.agent] = decision.caller

    played = simulate(day, watch=watch)
    assert not talking
    for arrival, end, ended in zip(day.arrivals, played.ends, played.ended, strict=True):
        assert end in (End.ANSWERED, End.ABANDONED)
        wait = ended - arrival.at
        assert 0.0 <= wait <= arrival.patience_seconds + 1e-6
        if end is End.ABANDONED:
            assert wait == pytest.approx(arrival.patience_seconds)


def one_queue(arrivals: list[Arrival], agents: int) -> Day:
    return Day(
        begins=START,
        rules=(QueueRules(name="q", required=(Need("s"),)),),
        arrivals=arrivals,
        shifts=[Shift(agent=f"a{n}", skills={"s": 5}, begins=0.0, ends=1e9) for n in range(agents)],
        answer_seconds=0.0,
    )


def test_the_mean_wait_is_that_of_erlang() -> None:
    """Five agents at 60 %: Erlang C says that 0.236 of all wait, and all on average for 0.118 of a mean talk."""
    plan = Plan(
        calls=12_000,
        profile=[1 / 24] * 24,
        services=(Service(name="q", share=1.0, talk_seconds=1.0),),
        missed_share=0.0,
    )
    chance = random.Random(5)
    talk = 0.6 * 5 * 86_400 / plan.calls
    drawn = [
        replace(
            arrival,
            talk_seconds=chance.expovariate(1 / talk),
            wrap_up_seconds=0.0,
            patience_seconds=math.inf,
            prefers=(),
        )
        for arrival in draw_day(plan, START, 5).arrivals
    ]
    played = simulate(one_queue(drawn, 5))
    waits = [ended - arrival.at for arrival, ended in zip(drawn, played.ended, strict=True)]
    assert sum(wait > 0 for wait in waits) / len(waits) == pytest.approx(0.236, abs=0.02)
    assert sum(waits) / len(waits) / talk == pytest.approx(0.118, rel=0.15)


def arrival(id: str, at: float, **extra: float) -> Arrival:
    return Arrival(
        id=id,
        queue="q",
        at=at,
        **{"talk_seconds": 60.0, "wrap_up_seconds": 10.0, "patience_seconds": 1e6, **extra},  # type: ignore[arg-type]
    )


def test_who_does_not_pick_up_costs_a_ring_and_the_next_agent_has_the_caller() -> None:
    missed = replace(arrival("c", 0.0), missed=1)
    played = simulate(one_queue([missed], 2))
    assert played.ended == [15.0]
    assert played.offers == 2


def test_a_caller_waits_for_the_end_of_wrap_up() -> None:
    played = simulate(one_queue([arrival("a", 0.0), arrival("b", 1.0)], 1))
    assert played.ended == [0.0, 70.0]
    assert [(busy.begins, busy.ends) for busy in played.busy] == [(0.0, 70.0), (70.0, 140.0)]


def test_who_is_asked_is_asked_at_the_rhythm_of_the_announcements() -> None:
    asked: list[tuple[str, float]] = []
    simulate(
        one_queue([arrival("a", 0.0, talk_seconds=100.0), arrival("b", 1.0)], 1),
        ask=lambda caller, at: asked.append((caller, (at - START).total_seconds())),
    )
    assert asked == [("b", 16.0), ("b", 61.0), ("b", 106.0)]


def test_a_call_at_the_end_of_a_shift_is_brought_to_its_end() -> None:
    day = one_queue([arrival("a", 0.0), arrival("b", 10.0)], 1)
    short = replace(day, shifts=[replace(day.shifts[0], ends=30.0)])
    played = simulate(short)
    assert played.ends == [End.ANSWERED, End.ABANDONED]
    assert played.busy[0].ends == 70.0
