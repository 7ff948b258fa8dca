"""What rises beyond its past is found; where nothing happens no more is told than was allowed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.audit import Audit
from grievance_core.errors import FiguresBehind
from grievance_core.figures.chance import chance_of, deviation, spread_parts
from grievance_core.figures.counting import WEEKDAYS
from grievance_core.figures.rises import Past, Place, Rises, find
from grievance_core.figures.rising import Rising
from grievance_core.figures.rollups import Rollups
from grievance_core.figures.tables import registered_weeks
from grievance_core.figures.usual import LONGEST, WEEKS, season_at, short_weeks
from grievance_core.service import Grievances
from grievance_core.testing import NOON, FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, RULES

unit = pytest.mark.unit
service = pytest.mark.service
KOLKATA = ZoneInfo("Asia/Kolkata")
ON = date(2026, 11, 24)
DISTRICTS = [f"d{n}" for n in range(40)]
CATEGORIES = [f"c{n}" for n in range(6)]

Lift = Callable[[str, str, int], float]
"""By what a category in a district is multiplied so many weeks back."""


def unlifted(_category: str, _district: str, _back: int) -> float:
    return 1.0


def poisson(chance: random.Random, mean: float) -> int:
    if mean > 30:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    least, product, count = math.exp(-mean), chance.random(), 0
    while product > least:
        product, count = product * chance.random(), count + 1
    return count


class World:
    """Registrations by week with a yearly season, growth, districts of all sizes, and more spread than chance."""

    def __init__(self, seed: int, *, spread: float = 0.1, lift: Lift = unlifted, busy: float = 1.0) -> None:
        self.chance = random.Random(seed)
        self.spread = spread
        self.lift = lift
        self.sizes = {district: self.chance.lognormvariate(0, 0.6) for district in DISTRICTS}
        self.levels = {
            category: busy * 0.6 * 2.2**n * self.chance.uniform(0.8, 1.2) for n, category in enumerate(CATEGORIES)
        }
        self.sizes["d7"] = 1.0
        self.peaks = {category: self.chance.uniform(0, 52) for category in CATEGORIES}
        self.taste = {place: self.chance.gammavariate(4, 0.25) for place in self.each()}
        self.taste["c4", "d7"] = 1.0

    def each(self) -> Iterable[Place]:
        return ((category, district) for category in CATEGORIES for district in DISTRICTS)

    def mean(self, category: str, district: str, back: int) -> float:
        season = 1 + 0.3 * math.sin(2 * math.pi * (self.peaks[category] - back) / 52)
        usual = self.levels[category] * self.sizes[district] * self.taste[category, district]
        grown: float = 1.1 ** (-back / 52)
        return usual * season * grown * self.lift(category, district, back)

    def week(self, category: str, district: str, back: int) -> int:
        shock = self.chance.gammavariate(1 / self.spread, self.spread) if self.spread else 1.0
        return poisson(self.chance, self.mean(category, district, back) * shock)

    def past(self) -> Past:
        """Districts week by week as far as they are looked at, the state's years before from their sums."""
        places = {place: [self.week(*place, back) for back in range(WEEKS)] for place in self.each()}
        state = {
            category: [sum(places[category, d][back] for d in DISTRICTS) for back in range(WEEKS)]
            for category in CATEGORIES
        }
        for category in CATEGORIES:
            for back in range(WEEKS, LONGEST):
                mean = sum(self.mean(category, district, back) for district in DISTRICTS)
                state[category].append(poisson(self.chance, mean * self.chance.gauss(1, 0.04)))
        return Past(on=ON, places=places, state=state, days_off=[0] * LONGEST)


# The chance of a count


@unit
def test_without_spread_the_tail_is_poisson_s_and_with_spread_it_is_longer() -> None:
    poissons = 1 - sum(math.exp(-4) * 4**k / math.factorial(k) for k in range(9))
    assert chance_of(9, 4, 0) == pytest.approx(poissons, rel=1e-4)
    assert chance_of(9, 4, 0.5) > 3 * poissons
    # Of size 1 the negative binomial is geometric.
    assert chance_of(9, 4, 1) == pytest.approx((4 / 5) ** 9)
    assert (chance_of(0, 4, 1), chance_of(3, 0, 1)) == (1.0, 0.0)


@unit
@given(st.integers(1, 500), st.floats(0.01, 300), st.floats(0, 3))
def test_more_is_never_likelier_and_a_chance_is_a_chance(seen: int, expected: float, spread: float) -> None:
    one, more = chance_of(seen, expected, spread), chance_of(seen + 1, expected, spread)
    assert 0 <= more <= one <= 1


@unit
def test_the_spread_of_counts_is_found_again_and_one_outbreak_does_not_make_it() -> None:
    chance = random.Random(5)
    pairs = [(float(poisson(chance, 20 * chance.gammavariate(5, 0.2))), 20.0) for _ in range(4_000)]
    excess, squares = spread_parts(pairs)
    assert excess / squares == pytest.approx(0.2, abs=0.03)
    with_outbreak = spread_parts([*pairs[:100], (2_000.0, 20.0)])
    assert with_outbreak[0] / with_outbreak[1] < 1.2  # 98 without the cut
    assert deviation(100, 0) == 10


# What is usual


@unit
def test_a_holiday_s_loss_is_found_from_the_weeks_beside_it() -> None:
    days_off = [2 if at % 9 == 4 else 0 for at in range(60)]
    totals = [round(7_000 - 600 * off) for off in days_off]
    whole = short_weeks(totals, days_off)
    assert whole[4] == pytest.approx(1 - 1_200 / 7_000, abs=0.02)
    assert whole[5] == 1
    assert short_weeks([0] * 5, [1, 0, 0, 0, 0])[0] == 1


@unit
def test_a_season_is_read_off_the_year_before_and_not_known_without_one() -> None:
    curve = [100 + 50 * math.sin(at / 52 * 2 * math.pi) for at in range(LONGEST)]
    season, known = season_at(0, curve, curve)
    assert known
    assert season[0] == pytest.approx(curve[0] / (sum(curve[4:WEEKS]) / 12), abs=0.01)
    assert season_at(0, curve[:60], curve[:60]) == ((1.0,) * WEEKS, False)


# False alarms


@unit
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
def test_where_nothing_happens_no_more_is_told_than_was_allowed(spread: float) -> None:
    allowed, looks = 70.0, 8  # a week; ten a look
    lines = [find(World(seed, spread=spread).past(), false_alarms=allowed) for seed in range(looks)]
    places, everywhere = sum(len(one.places) for one in lines), sum(len(one.everywhere) for one in lines)
    mean = allowed / 7 / 2 * looks  # half of them for each test
    assert places <= mean + 2 * math.sqrt(mean)
    assert everywhere <= mean + 2 * math.sqrt(mean)
    strict = [find(World(seed, spread=spread).past()) for seed in range(looks)]
    assert sum(len(one.places) + len(one.everywhere) for one in strict) <= 3  # 1.1 are allowed on average


# What happened is found


def fourfold_in_one(category: str, district: str, back: int) -> float:
    return 4.0 if (category, district, back) == ("c4", "d7", 0) else 1.0


@unit
def test_a_week_of_four_times_as_many_in_one_district_is_found_and_told_with_its_evidence() -> None:
    found = 0
    for seed in range(6):
        world = World(seed, spread=0.03, lift=fourfold_in_one, busy=3)
        rises = find(world.past())
        for rise in rises.places:
            if (rise.category, rise.district) == ("c4", "d7"):
                found += 1
                assert rise.until == ON
                assert rise.since in {ON - timedelta(days=days) for days in (6, 13, 27)}
                assert rise.ratio > 1.4
                assert rise.season_known
    assert found >= 5


@unit
def test_nearly_half_more_in_all_districts_is_told_as_one_rise_of_many_though_no_district_shows_it() -> None:
    lift: Lift = lambda category, _district, back: 1.45 if category == "c3" and back < 2 else 1.0  # noqa: E731
    found = [find(World(seed, lift=lift).past()) for seed in range(6)]
    told = [[rise for rise in one.everywhere if rise.category == "c3"] for one in found]
    assert sum(map(bool, told)) >= 5
    assert sum(len(one.places) for one in found) <= 3
    (rise,) = next(rises for rises in told if rises)
    assert rise.district == ""
    assert len(rise.up) > 20
    assert all(seen > expected for _, seen, expected in rise.up)
    assert rise.districts == len(DISTRICTS)


@unit
def test_an_outbreak_in_one_district_is_not_told_as_a_rise_of_many() -> None:
    lift: Lift = lambda category, district, back: 60.0 if (category, district, back) == ("c3", "d7", 0) else 1.0  # noqa: E731
    rises = find(World(1, lift=lift).past())
    assert ("c3", "d7") in {(rise.category, rise.district) for rise in rises.places}
    assert not rises.everywhere


@unit
def test_an_outbreak_in_the_past_does_not_hide_the_next() -> None:
    def lift(category: str, district: str, back: int) -> float:
        return 6.0 if (category, district) == ("c4", "d7") and back in (0, 8) else 1.0

    rises = [find(World(seed, spread=0.03, lift=lift, busy=3).past()) for seed in range(4)]
    assert sum(("c4", "d7") in {(r.category, r.district) for r in one.places} for one in rises) >= 3


# History that is short


def cut(past: Past, category: str, weeks: int) -> Past:
    """As if the category had begun so many weeks ago."""
    none = [0] * LONGEST
    state = {**past.state, category: [*past.state[category][:weeks], *none][:LONGEST]}
    places = {
        place: [*numbers[:weeks], *none][:WEEKS] if place[0] == category else numbers
        for place, numbers in past.places.items()
    }
    return replace(past, state=state, places=places)


@unit
def test_a_new_category_is_not_taken_for_a_rise_and_is_named_while_it_is_too_new_to_judge() -> None:
    past = World(3).past()
    new = find(cut(past, "c5", 5))
    assert new.too_new == ("c5",)
    assert "c5" not in categories(new)
    young = find(cut(past, "c5", 13))
    assert young.too_new == ()
    assert "c5" not in categories(young)


@unit
def test_a_helpline_of_half_a_year_is_judged_without_a_season_and_it_is_said() -> None:
    past = World(3, spread=0.03, lift=fourfold_in_one, busy=3).past()
    for category in CATEGORIES:
        past = cut(past, category, 26)
    (rise,) = [rise for rise in find(past).places if (rise.category, rise.district) == ("c4", "d7")]
    assert not rise.season_known


@unit
def test_of_nothing_nothing_rises() -> None:
    assert find(Past(on=ON, places={}, state={}, days_off=[0] * LONGEST)).places == ()
    quiet = Past(on=ON, places={}, state={"c0": [0] * LONGEST}, days_off=[0] * LONGEST)
    assert find(quiet).too_new == ("c0",)


def categories(rises: Rises) -> set[str]:
    return {rise.category for rise in (*rises.places, *rises.everywhere)}


# Out of the store


@service
async def test_the_weeks_end_with_the_day_asked_about_whichever_day_of_the_week_it_is(engine: AsyncEngine) -> None:
    day_one, cell = ON - timedelta(days=7 * 30), ("162", "ENE-05")
    counts = {day_one + timedelta(days=n): 100 + n for n in range(7 * 30)}
    rows: dict[date, dict[str, int]] = {}
    for day, number in counts.items():
        rows.setdefault(day - timedelta(days=day.weekday()), dict.fromkeys(WEEKDAYS, 0))[WEEKDAYS[day.weekday()]] = (
            number
        )
    async with engine.begin() as connection:
        for district in (cell[0], ""):
            await connection.execute(
                insert(registered_weeks),
                [{"district": district, "category": cell[1], "week": week, **days} for week, days in rows.items()],
            )
    from grievance_core.figures import rising

    for back in range(8):
        on = ON - timedelta(days=back)
        expected = [
            sum(counts.get(on - timedelta(days=7 * week + at), 0) for at in range(7)) for week in range(LONGEST)
        ]
        async with engine.connect() as connection:
            places, state = await rising._places(connection, on), await rising._state(connection, on)
        assert places == {(cell[1], cell[0]): expected[:WEEKS]}
        assert state == {cell[1]: expected}


@service
async def test_a_day_is_asked_about_when_all_of_it_is_counted(engine: AsyncEngine, clock: FixedClock) -> None:
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    house = Grievances(sessions, catalogue=CATALOGUE, clock=clock, rng=random.Random(1), rules=RULES)
    rising = Rising(sessions, works=RULES.calendar.works, zone=KOLKATA)
    day = NOON.astimezone(KOLKATA).date()
    await house.register(a_draft())
    with pytest.raises(FiguresBehind, match="Not all that was registered"):
        await rising.find(day)
    assert (await rising.find(day - timedelta(days=1))).too_new == ()
    while await Audit(sessions, clock=clock).seal():
        pass
    with pytest.raises(FiguresBehind):
        await rising.find(day)
    await Rollups(sessions, zone=KOLKATA).catch_up()
    assert (await rising.find(day)).too_new == (a_draft().category,)
