"""Lines, asks and pools, and the assignment of a whole set against the slow way."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.engine.assignment import Wish, assign, bits_of
from acd.engine.line import MOST_IN_A_CHUNK, Line
from acd.engine.matching import PACE_SECONDS, Matching
from acd.engine.places import asks_of
from acd.engine.queues import QueueRules, Widening
from acd.engine.skills import Ask, Need, ask_of, of_kind

pytestmark = pytest.mark.unit

NUMBERS = st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=200)


@given(NUMBERS)
@settings(deadline=None)
def test_a_line_is_what_a_sorted_set_is(steps: list[tuple[bool, int]]) -> None:
    line: Line[tuple[int]] = Line()
    people: set[tuple[int]] = set()
    for comes, number in steps:
        (line.add if comes else line.remove)((number,))
        (people.add if comes else people.discard)((number,))
        assert list(line) == sorted(people)
        assert line.first() == min(people, default=None)
        assert len(line) == len(people)
        assert bool(line) == bool(people)
        assert ((number,) in line) == ((number,) in people)
        assert line.before((number,)) == sum(other < (number,) for other in people)


def test_a_long_line_is_kept_in_chunks() -> None:
    line: Line[tuple[int]] = Line()
    for number in range(10 * MOST_IN_A_CHUNK):
        line.add((number * 7919 % 10_007,))
    keys = list(line)
    assert keys == sorted(keys)
    assert all(line.before(key) == number for number, key in enumerate(keys))
    for key in keys[::2]:
        line.remove(key)
    assert list(line) == keys[1::2]


WISHES = st.lists(st.lists(st.integers(0, 3), max_size=3, unique=True), min_size=1, max_size=4)


@given(
    wishes=WISHES,
    callers=st.lists(st.integers(0, 3), max_size=6),
    seats=st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
@settings(deadline=None, max_examples=300)
def test_an_assignment_serves_the_most_and_of_those_the_first_in_line(
    wishes: list[list[int]], callers: list[int], seats: list[int]
) -> None:
    callers = [kind % len(wishes) for kind in callers]
    served = assign(callers, [Wish(tuple(1 << group for group in wish)) for wish in wishes], seats)
    for group in range(4):
        assert list(served.values()).count(group) <= seats[group]
    for number, group in served.items():
        assert group in wishes[callers[number]]
    assert sorted(served) == fairest([wishes[kind] for kind in callers], seats)


def fairest(wishes: list[list[int]], seats: list[int]) -> list[int]:
    """The served of the best assignment by trying all: the most, then the earliest in line."""
    agents = [group for group, number in enumerate(seats) for _ in range(number)]
    agents += [-1] * max(0, len(wishes) - len(agents))  # nobody
    found = {
        tuple(number for number, group in enumerate(order) if group in wishes[number])
        for order in permutations(agents, len(wishes))
    }
    return list(min(found, key=lambda served: (-len(served), served), default=()))


def test_bits_are_told_from_the_lowest() -> None:
    assert list(bits_of(0b101001)) == [0, 3, 5]


def test_asks_that_mean_the_same_are_equal() -> None:
    one = ask_of([Need("b"), Need("a", 2), Need("a", 5)], [Need("a", 5), Need("c")])
    assert one == ask_of([Need("a", 5), Need("b")], [Need("c")])
    assert one == Ask((Need("a", 5), Need("b")), (Need("c"),))


def test_a_rule_names_a_skill_or_a_whole_kind() -> None:
    assert of_kind("speciality:land", "speciality:")
    assert of_kind("speciality:land", "speciality:land")
    assert not of_kind("speciality:landlord", "speciality:land")
    assert not of_kind("language:hi", "speciality:")


def test_stages_of_waiting_follow_the_rules_in_order_of_time() -> None:
    rules = QueueRules(
        name="q",
        required=(Need("service:q", 6),),
        widening=(Widening(after_seconds=60, lower_to=2), Widening(after_seconds=10, drop=("language:",))),
    )
    assert list(asks_of(rules, (Need("language:en"),), ())) == [
        (0.0, Ask((Need("language:en"), Need("service:q", 6)))),
        (10.0, Ask((Need("service:q", 6),), (Need("language:en"),))),
        (60.0, Ask((Need("service:q", 2),), (Need("language:en"), Need("service:q", 6)))),
    ]


def test_what_is_missing_is_told() -> None:
    ask = Ask((Need("language:en"), Need("service:q", 6)))
    assert ask.missing({"service:q": 5}) == (Need("language:en"), Need("service:q", 6))
    assert [str(need) for need in ask.required] == ["language:en", "service:q at level 6 or above"]


def test_equal_asks_and_equal_skills_are_worked_out_once() -> None:
    matching = Matching()
    line = matching.line_of(Ask((Need("a", 3),)))
    pools = [matching.pool_of({"a": 3, "b": 1}), matching.pool_of({"b": 1, "a": 3}), matching.pool_of({"a": 2})]
    assert pools[0] is pools[1]
    assert line is matching.line_of(Ask((Need("a", 3),)))
    assert (line.fitting, pools[0].fitting, pools[2].fitting) == (0b01, 0b1, 0)


def test_the_pace_is_what_became_free_of_late_and_survives_long_days() -> None:
    matching = Matching()
    line, pool = matching.line_of(Ask()), matching.pool_of({})
    matching.sign_in(pool)
    now = 1_767_614_400.0
    for second in range(3000):
        matching.freed(pool, now + second)
    assert matching.pace(line, now + 3000) == pytest.approx(1.0, rel=0.01)
    assert matching.pace(line, now + 3000 + PACE_SECONDS) == pytest.approx(0.368, rel=0.01)
    weeks = now + 30 * 86_400
    assert matching.pace(line, weeks) == pytest.approx(0.0)
    for second in range(3000):
        matching.freed(pool, weeks + second)
    assert matching.pace(line, weeks + 3000) == pytest.approx(1.0, rel=0.01)
