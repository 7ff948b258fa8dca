"""An officer who jumps and an agent who stands out are found; of the honest no more are flagged than was allowed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grievance_core.integrity.odd import (
    NOW_WEEKS,
    PAST_WEEKS,
    Answers,
    Weeks,
    jumps_of_number,
    jumps_of_share,
    odd_agents,
    tail_of_share,
)
from grievance_core.integrity.rates import tail

pytestmark = pytest.mark.unit

WEEKS = NOW_WEEKS + PAST_WEEKS
OFFICERS = 400


def officer(chance: random.Random, *, usual: float = 0.6, now: float | None = None, wander: float = 30) -> Weeks:
    """Each week has a share of its own around the officer's; `now` is the share of the newest weeks."""
    hits, tries = [], []
    for back in range(WEEKS):
        mean = now if now is not None and back < NOW_WEEKS else usual
        share = chance.betavariate(mean * wander, (1 - mean) * wander)
        asked = chance.randrange(2, 14)
        tries.append(asked)
        hits.append(sum(chance.random() < share for _ in range(asked)))
    return Weeks(hits, tries)


def reports(chance: random.Random, *, times: float = 1.0) -> Weeks:
    mean, numbers = chance.uniform(3, 20), []
    for back in range(WEEKS):
        week = mean * chance.gammavariate(8, 1 / 8) * (times if back < NOW_WEEKS else 1)
        numbers.append(max(0, round(chance.gauss(week, math.sqrt(week)))))
    return Weeks(numbers, numbers)


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.02, 0.98))
def test_the_tail_of_a_firm_share_is_the_binomial_s_and_a_doubtful_one_s_is_longer(
    hits: int, more: int, share: float
) -> None:
    tries = hits + more
    assert tail_of_share(hits, tries, share, 1e7) == pytest.approx(tail(hits, tries, share), abs=1e-3)
    assert 0 <= tail_of_share(hits, tries, share, 20) <= 1
    assert tail_of_share(tries, tries, share, 20) >= tail(tries, tries, share) * 0.999
    assert (tail_of_share(0, tries, share, 5), tail_of_share(1, 1, 0, 5), tail_of_share(1, 1, 1, 5)) == (1, 0, 1)


@pytest.mark.parametrize(
    ("jumps", "honest"), [(jumps_of_share, officer), (jumps_of_number, reports)], ids=["share", "number"]
)
def test_of_honest_officers_no_more_jump_than_was_allowed(
    jumps: Callable[..., list[object]], honest: Callable[..., Weeks]
) -> None:
    chance = random.Random(1076)
    posts = {
        f"post-{n}": honest(chance, **({"usual": chance.uniform(0.3, 0.9)} if honest is officer else {}))
        for n in range(OFFICERS)
    }
    allowed = 8.0
    assert len(jumps("m", posts, limit=allowed / OFFICERS)) <= allowed + 2 * math.sqrt(allowed)
    assert len(jumps("m", posts, limit=1 / OFFICERS)) <= 3


def test_an_officer_whose_citizens_are_suddenly_all_satisfied_is_found_with_what_was_before() -> None:
    chance = random.Random(3)
    posts = {f"post-{n}": officer(chance) for n in range(OFFICERS)}
    posts["leaning"] = Weeks([20, 20] + [6] * PAST_WEEKS, [20, 20] + [12] * PAST_WEEKS)
    (odd,) = jumps_of_share("satisfied", posts, limit=1 / OFFICERS)
    assert (odd.who, odd.hits, odd.tries, odd.beside_hits, odd.beside_tries) == ("leaning", 40, 40, 72, 144)
    assert odd.share == 1
    assert odd.expected == pytest.approx(20)


def test_an_officer_who_suddenly_reports_four_times_as_many_is_found_and_a_short_past_accuses_nobody() -> None:
    chance = random.Random(4)
    posts = {f"post-{n}": reports(chance) for n in range(OFFICERS)}
    posts["clearing"] = Weeks([60, 60] + [12] * PAST_WEEKS, [60, 60] + [12] * PAST_WEEKS)
    posts["new"] = Weeks([60, 60] + [1] * PAST_WEEKS, [60, 60] + [1] * PAST_WEEKS)
    (odd,) = jumps_of_number("reports", posts, limit=0.1 / OFFICERS)
    assert (odd.who, odd.hits, odd.expected, odd.share) == ("clearing", 120, 24, None)


def agent(chance: random.Random, name: str, *, satisfied: float = 0.6, missed: float = 0.3, calls: int = 0) -> Answers:
    """One agent's calls; the honest differ a little, as their calls do."""
    calls = calls or chance.randrange(10, 200)
    yes_share = chance.betavariate(satisfied * 80, (1 - satisfied) * 80)
    missed_share = chance.betavariate(missed * 80, (1 - missed) * 80)
    none = sum(chance.random() < missed_share for _ in range(calls))
    yes = sum(chance.random() < yes_share for _ in range(calls - none))
    return Answers(agent=name, kind="call", satisfied=yes, dissatisfied=calls - none - yes, not_reached=none)


def test_of_honest_agents_no_more_stand_out_than_was_allowed() -> None:
    chance = random.Random(5)
    found = [odd_agents([agent(chance, str(n)) for n in range(100)], false_alarms=4.0) for _ in range(5)]
    assert sum(map(len, found)) <= 20 + 2 * math.sqrt(20)


def test_who_writes_down_yes_and_who_does_not_ring_are_found_beside_the_others_of_the_same_calls() -> None:
    chance = random.Random(6)
    honest = [agent(chance, str(n)) for n in range(60)]
    yes = agent(chance, "yes", satisfied=0.99, calls=150)
    lazy = agent(chance, "lazy", missed=0.85, calls=150)
    desk = Answers(agent="desk", kind="desk", satisfied=150, dissatisfied=0, not_reached=0)  # nobody else does these
    found = {(odd.who, odd.measure): odd for odd in odd_agents([*honest, yes, lazy, desk])}
    assert set(found) == {("yes", "satisfied"), ("lazy", "not reached")}
    assert found["yes", "satisfied"].beside_tries == sum(one.satisfied + one.dissatisfied for one in [*honest, lazy])
    assert found["lazy", "not reached"].expected < 60
