"""Who games feedback is found; who is honest is not accused; and who is rung twice nobody could have bent."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.complaint import for_officers
from grievance_core.integrity.rates import (
    FALSE_ALARMS,
    SecondCall,
    interval,
    rates_by_agent,
    rates_by_post,
    tail,
)
from grievance_core.integrity.service import Integrity
from grievance_core.integrity.watching import WEEKS, Watching
from grievance_core.lifecycle import EventKind, State
from grievance_core.rules import SECOND_CALL_HOURS, Policy, Rules
from grievance_core.service import Grievances
from grievance_core.testing import NOON, FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, RULES

unit = pytest.mark.unit
service = pytest.mark.service

ALWAYS = replace(RULES, policy=Policy(second_calls=1.0), draw_key=b"key")
DRAWN = replace(RULES, policy=Policy(second_calls=0.03), draw_key=b"key")


def call(post: str, agrees: bool, *, agent: str = "1001", n: int = 0) -> SecondCall:
    return SecondCall(number=str(n), at=NOON, post=post, agent=agent, agrees=agrees)


# The figures


@unit
@example(0, 31)
@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_holds_the_share_and_lies_between_none_and_all(hits: int, more: int) -> None:
    tries = hits + more
    low, high = interval(hits, tries)
    assert 0 <= low <= hits / tries <= high <= 1


@unit
def test_the_tail_is_the_binomial_s() -> None:
    assert tail(0, 5, 0.3) == 1
    assert tail(5, 5, 0.5) == pytest.approx(1 / 32)
    assert tail(2, 3, 0.1) == pytest.approx(3 * 0.01 * 0.9 + 0.001)
    assert (tail(1, 3, 0.0), tail(1, 3, 1.0)) == (0.0, 1.0)


@unit
def test_of_two_thousand_honest_officers_no_more_are_flagged_than_is_promised() -> None:
    chance = random.Random(1076)
    calls = [
        call(f"post-{officer}", chance.random() > 0.12)
        for officer in range(2_000)
        for _ in range(chance.randrange(1, 40))
    ]
    flagged = [rate for rate in rates_by_post(calls) if rate.flagged]
    assert len(flagged) <= 2_000 * FALSE_ALARMS * 2  # twice the mean: 2 are expected at most


@unit
def test_who_leans_on_citizens_is_found_and_a_single_no_accuses_nobody() -> None:
    chance = random.Random(7)
    honest = [call(f"post-{n % 50}", chance.random() > 0.1) for n in range(1_000)]
    bent = [call("leaning", n % 2 == 0, n=n) for n in range(20)]
    rates = rates_by_post([*honest, *bent, call("new", False)])
    assert [rate.who for rate in rates if rate.flagged] == ["leaning"]
    assert (rates[0].asked, rates[0].contradicted, len(rates[0].numbers)) == (20, 10, 10)


@unit
def test_an_agent_who_writes_down_yes_is_found_by_the_same_measure() -> None:
    calls = [call("p", n % 10 > 0, agent="1002") for n in range(200)] + [call("p", n % 3 == 0) for n in range(30)]
    assert [rate.who for rate in rates_by_agent(calls) if rate.flagged] == ["1001"]


# The draw


@unit
def test_about_three_of_a_hundred_are_drawn_within_the_hours_and_the_same_each_time() -> None:
    drawn = [DRAWN.second_call_after(str(n), "a") for n in range(20_000)]
    assert 0.026 < sum(hours > 0 for hours in drawn) / 20_000 < 0.034
    assert {hours for hours in drawn if hours} <= set(range(SECOND_CALL_HOURS[0], SECOND_CALL_HOURS[1] + 1))
    assert drawn == [DRAWN.second_call_after(str(n), "a") for n in range(20_000)]
    other = replace(DRAWN, draw_key=b"another")
    assert drawn != [other.second_call_after(str(n), "a") for n in range(20_000)]


# In the store


def house_of(engine: AsyncEngine, clock: FixedClock, rules: Rules = ALWAYS) -> Grievances:
    return Grievances(async_sessionmaker(engine), catalogue=CATALOGUE, clock=clock, rules=rules)


def integrity_of(engine: AsyncEngine, clock: FixedClock, rules: Rules = ALWAYS) -> Integrity:
    return Integrity(async_sessionmaker(engine), rules=rules, clock=clock)


async def satisfied(house: Grievances, *, visited: bool | None = None, by: str = "1001") -> str:
    number = (await house.register(a_draft())).number
    await house.report(number, by="JE", text="done", visited=visited)
    await house.feedback(number, satisfied=True, attempt=f"first-{number}", channel="call", by=by)
    return number


@service
async def test_who_was_drawn_is_rung_in_its_time_and_the_answer_changes_nothing_but_is_kept(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    house, since = house_of(engine, clock), clock()
    number = await satisfied(house)
    closed = await house.get(number)
    assert closed.second_call_due
    assert not await house.awaiting_feedback()
    clock.move(hours=SECOND_CALL_HOURS[1])
    assert [one.number for one in await house.awaiting_feedback()] == [number]
    after = await house.second_feedback(number, satisfied=False, attempt="second")
    assert (after.state, after.ask_at) == (State.CLOSED_SATISFIED, None)
    assert not await house.awaiting_feedback()
    assert await house.rebuilt(number) == after
    (told,) = await integrity_of(engine, clock).second_calls(since)
    assert (told.number, told.post, told.agent, told.agrees) == (number, closed.post, "1001", False)


@service
async def test_who_is_not_reached_a_second_time_stands_on_neither_side(engine: AsyncEngine, clock: FixedClock) -> None:
    house, since = house_of(engine, clock), clock()
    number = await satisfied(house)
    clock.move(hours=SECOND_CALL_HOURS[1])
    after = await house.second_call_missed(number, attempt="second")
    assert after.ask_at is None
    assert not await integrity_of(engine, clock).second_calls(since)


@service
async def test_officers_see_nothing_of_second_calls(engine: AsyncEngine, clock: FixedClock) -> None:
    house = house_of(engine, clock)
    number = await satisfied(house)
    assert (await house.get(number)).for_officer().ask_at is None
    await house.second_feedback(number, satisfied=False, attempt="second")
    seen = for_officers(await house.history(number))
    assert [event.kind for event in seen][-1] is EventKind.SATISFIED
    assert {event.amount for event in seen} == {0}


@service
async def test_a_draw_that_was_bent_is_found(engine: AsyncEngine, clock: FixedClock) -> None:
    house, since = house_of(engine, clock), clock()
    numbers = [await satisfied(house) for _ in range(3)]
    look = integrity_of(engine, clock)
    draws = await look.draws(since)
    assert (draws.satisfied, draws.drawn, draws.bent, draws.key) == (3, 3, (), look.key_mark())
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE complaint_events SET amount = 0 WHERE number = :n AND kind = 'satisfied'"), {"n": numbers[1]}
        )
    (bent,) = (await look.draws(since)).bent
    assert (bent.number, bent.on_record) == (numbers[1], 0)
    assert bent.drawn >= SECOND_CALL_HOURS[0]
    elsewhere = await integrity_of(engine, clock, replace(ALWAYS, draw_key=b"chosen later")).draws(since)
    assert len(elsewhere.bent) == 3


@service
async def test_a_report_within_minutes_without_a_visit_is_told_with_its_evidence(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    house, since = house_of(engine, clock), clock()
    fast = (await house.register(a_draft(call_id="1"))).number
    visited = (await house.register(a_draft(call_id="2"))).number
    slow = (await house.register(a_draft(call_id="3"))).number
    clock.move(minutes=5)
    await house.report(fast, by="JE", text="done", visited=False)
    await house.report(visited, by="JE", text="done", visited=True)
    clock.move(hours=1)
    await house.report(slow, by="JE", text="done")
    await house.feedback(slow, satisfied=False, attempt="a", channel="call")
    clock.move(minutes=1)
    await house.report(slow, by="JE", text="done again")
    found = await integrity_of(engine, clock).fast_reports(since)
    assert [(one.number, one.after, one.reason) for one in found] == [
        (slow, timedelta(minutes=1), ""),
        (fast, timedelta(minutes=5), "not_visited"),
    ]
    assert len(await integrity_of(engine, clock).fast_reports(since, limit=1)) == 1


@service
async def test_pressure_is_listed_for_the_leadership(engine: AsyncEngine, clock: FixedClock) -> None:
    house, since = house_of(engine, clock), clock()
    complaint = await house.register(a_draft())
    await house.pressed(complaint.number, channel="call")
    (one,) = await integrity_of(engine, clock).pressed(since)
    assert (one.number, one.post) == (complaint.number, complaint.post)
    clock.move(days=1)
    assert not await integrity_of(engine, clock).pressed(clock())


# Who stands out


@service
async def test_an_officer_who_suddenly_reports_within_hours_is_found(engine: AsyncEngine, clock: FixedClock) -> None:
    house, began = house_of(engine, clock), clock()
    for week in range(WEEKS):
        for n in range(3 if week < WEEKS - 2 else 8):
            clock.now = began + timedelta(weeks=week, hours=n)
            number = (await house.register(a_draft(call_id=f"{week}-{n}"))).number
            clock.move(hours=30 if week < WEEKS - 2 else 2)
            await house.report(number, by="JE", text="done")
    clock.now = began + timedelta(weeks=WEEKS - 1, days=2)
    watching = Watching(async_sessionmaker(engine), rules=RULES, clock=clock)
    (jump,) = await watching.jumps()
    assert (jump.measure, jump.hits, jump.tries) == ("reported within a day", 16, 16)
    assert (jump.beside_hits, jump.beside_tries) == (0, 36)


@service
async def test_an_agent_who_writes_down_yes_stands_out_beside_the_others(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    house = house_of(engine, clock)
    for agent, satisfied in (("1001", 20), ("1002", 8), ("1003", 9), ("1004", 8)):
        for n in range(20):
            number = (await house.register(a_draft(call_id=f"{agent}-{n}"))).number
            await house.report(number, by="JE", text="done")
            await house.feedback(number, satisfied=n < satisfied, attempt=f"{agent}-{n}", channel="call", by=agent)
    watching = Watching(async_sessionmaker(engine), rules=RULES, clock=clock)
    (odd,) = await watching.agents(30, false_alarms=2)
    assert (odd.who, odd.measure, odd.kind, odd.hits, odd.tries) == ("1001", "satisfied", "call", 20, 20)
    assert (odd.beside_hits, odd.beside_tries) == (25, 60)
    clock.move(days=31)
    assert not await watching.agents(30)


@service
async def test_a_call_that_reached_nobody_counts_for_the_agent_who_made_it(
    engine: AsyncEngine, clock: FixedClock
) -> None:
    house = house_of(engine, clock)
    for agent, missed in (("1001", 20), ("1002", 1), ("1003", 1), ("1004", 1)):
        for n in range(20):
            number = (await house.register(a_draft(call_id=f"{agent}-{n}"))).number
            await house.report(number, by="JE", text="done")
            if n < missed:
                await house.feedback_missed(number, attempt=f"{agent}-{n}", by=agent)
            else:
                await house.feedback(number, satisfied=n % 2 == 0, attempt=f"{agent}-{n}", channel="call", by=agent)
    watching = Watching(async_sessionmaker(engine), rules=RULES, clock=clock)
    (odd,) = await watching.agents(30, false_alarms=2)
    assert (odd.who, odd.measure, odd.hits, odd.tries) == ("1001", "not reached", 20, 20)
