"""The same problem everywhere: what rises beyond what its past explains, in one district or in many at once. Pure.

Two tests, each with half of the false alarms that are allowed a week (docs/figures.md tells them without formulas):
- a category in a district: its count against the negative binomial whose mean is its level of 12 weeks, times season
  and growth, and whose spread holds the usual spread of such counts and how uncertain level and season are;
- a category over the state: the sum of its districts, each cut at two deviations above what is expected of it, so that
  one district can't make a rise of many, against how far forecasts of the sum were off in the past year.
A count is told when so many or more come by chance so seldom that all counts, windows and days of a week together give
the allowed number (Bonferroni, so it holds although windows overlap and days are alike).

After Farrington et al. 1996 (J. R. Statist. Soc. A 159, 547) and Noufaily et al. 2013 (Statist. Med. 32, 1206): base
weeks with a guard, season from the same weeks of former years, past outbreaks cut down, negative binomial tail, no
alarm below five cases. Levels of sparse districts lean on category and district by empirical Bayes (gamma-Poisson).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from grievance_core.figures.chance import chance_of, deviation, spread_parts
from grievance_core.figures.usual import BASE, GUARD, WEEKS, WINDOWS, Usual, short_weeks, usual

FALSE_ALARMS: Final = 1.0  # a week, over the whole state and both tests, if it is asked every day
LOOKS: Final = 7  # a week
FEWEST: Final = 5  # complaints in the window: fewer are nobody's rise, however rare
FEWEST_UP: Final = 10  # districts above what is expected of them: fewer are not "many at once"
CUT: Final = 2.0  # deviations above the expected at which a district counts in the sum over the state
WORTH_A_LOOK: Final = 1.5  # deviations; below, the chance is never as small as any limit
SPREAD_WEIGHT: Final = 2000.0  # squares of expected counts with which the spread of all stands in that of a category
MARGIN: Final = 1.4  # on the spread, which is estimated too, and from counts whose outliers were cut
PRIOR: Final = (0.3, 30.0)  # between which the weight lies with which a district leans on what is usual, in complaints

Place = tuple[str, str]
"""Category and district."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was registered. Weeks are seven days each, newest first, the newest ends with `on`."""

    on: date
    places: Mapping[Place, Sequence[int]]  # WEEKS of them each; a place without any complaint may be left out
    state: Mapping[str, Sequence[int]]  # by category, as far back as is of use
    days_off: Sequence[int]  # holidays in each week, as far back as `state`


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """More than expected, in one district (with `up` empty) or over the state (with `district` empty)."""

    category: str
    district: str
    since: date
    until: date
    seen: int
    expected: float
    chance: float  # of so many or more, if nothing had happened
    season_known: bool
    up: tuple[tuple[str, int, float], ...] = ()  # districts above what is expected: seen, expected; the highest first
    districts: int = 1  # that were looked at

    @property
    def ratio(self) -> float:
        return self.seen / self.expected if self.expected else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Rises:
    """All that rises, the most surprising first."""

    on: date
    false_alarms: float  # a week, as was allowed
    everywhere: tuple[Rise, ...]
    places: tuple[Rise, ...]
    too_new: tuple[str, ...]  # categories whose history is too short to judge


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What is expected of a place, in a window."""

    expected: float
    spread: float


def find(past: Past, *, false_alarms: float = FALSE_ALARMS) -> Rises:
    """What rises on that day; `false_alarms` a week are allowed on average when nothing happens."""
    totals = [sum(one[at] for one in past.state.values() if at < len(one)) for at in range(len(past.days_off))]
    whole = short_weeks(totals, past.days_off)
    known = usual(past.state, whole)
    by_category: dict[str, dict[str, Sequence[int]]] = {}
    in_district: dict[str, int] = {}
    for (category, district), numbers in past.places.items():
        by_category.setdefault(category, {})[district] = numbers
        in_district[district] = in_district.get(district, 0) + sum(numbers[GUARD:WEEKS])
    spreads = _spreads({one: by_category.get(one, {}) for one in known}, known, whole)
    half = false_alarms / 2 / LOOKS / len(WINDOWS)
    places_limit = half / max(1, len(known) * len(in_district))
    state_limit = half / max(1, len(known))
    places: list[Rise] = []
    everywhere: list[Rise] = []
    for category, one in known.items():
        here = by_category.get(category, {})
        if not here:
            continue
        levels = _levels(here, one, whole, in_district)
        outlooks = {window: _outlooks(levels, one, whole, spreads[category], window) for window in WINDOWS}
        places += _in_places(past.on, category, one, here, outlooks, places_limit)
        everywhere += _over_the_state(past, category, one, whole, here, outlooks, state_limit)
    return Rises(
        on=past.on,
        false_alarms=false_alarms,
        everywhere=tuple(sorted(everywhere, key=lambda rise: rise.chance)),
        places=tuple(sorted(places, key=lambda rise: rise.chance)),
        too_new=tuple(sorted(set(past.state) - set(known))),
    )


@dataclass(frozen=True, slots=True)
class _Level:
    """Complaints in a whole week of usual season, and how much is known of it."""

    weekly: float
    complaints: float  # that stand behind it
    share_own: float  # of the weight, how much is the place's own past


def _levels(
    here: Mapping[str, Sequence[int]], one: Usual, whole: Sequence[float], in_district: Mapping[str, int]
) -> dict[str, _Level]:
    """Of each district, leaning on what the size of district and category would have it be."""
    weight = math.fsum(one.season[at] * whole[at] for at in one.base)
    counts = {district: _without_outbreaks(numbers, one, whole) for district, numbers in here.items()}
    size = sum(in_district.values()) or 1
    usual_week = math.fsum(counts.values()) / weight
    fair = {district: usual_week * in_district[district] / size for district in here}
    pairs = ((counts[district], fair[district] * weight) for district in here)
    excess, squares = spread_parts(pairs)
    leaning = min(PRIOR[1], max(PRIOR[0], squares / excess if excess > 0 else PRIOR[1]))
    found = {}
    for district, count in counts.items():
        if not fair[district]:
            continue
        behind = count + leaning
        found[district] = _Level(behind / (weight + leaning / fair[district]), behind, count / behind)
    return found


def _without_outbreaks(numbers: Sequence[int], one: Usual, whole: Sequence[float]) -> float:
    """The base's count, a week far above the others cut to what is just usual (and so its mirror, below)."""
    weights = [one.season[at] * whole[at] for at in one.base]
    counts = [numbers[at] for at in one.base]
    total = float(sum(counts))
    if not total:
        return 0.0
    weekly = sorted(count / weight for count, weight in zip(counts, weights, strict=True))[len(counts) // 2]
    kept = 0.0
    for count, weight in zip(counts, weights, strict=True):
        expected = max(weekly, total / sum(weights) / 4) * weight
        kept += min(count, expected + 4 * math.sqrt(expected) + 2 + expected / 2)
    return kept


def _spreads(
    by_category: Mapping[str, Mapping[str, Sequence[int]]], known: Mapping[str, Usual], whole: Sequence[float]
) -> dict[str, dict[int, float]]:
    """How much a district's weeks (two, four of them) vary about its own mean: by category, leaning on all."""
    parts: dict[str, dict[int, tuple[float, float]]] = {}
    for category, here in by_category.items():
        one = known[category]
        weeks = [one.season[at] * whole[at] for at in one.base]
        parts[category] = {}
        for window in WINDOWS:
            if len(weeks) < 2 * window:
                parts[category][window] = (0.0, 0.0)
                continue
            runs = range(0, len(weeks) - window + 1, window)
            weights = [math.fsum(weeks[at : at + window]) for at in runs]
            pairs: list[tuple[float, float]] = []
            for numbers in here.values():
                sums = [sum(numbers[GUARD + at : GUARD + at + window]) for at in runs]
                if any(sums):
                    mean = sum(sums) / math.fsum(weights)
                    pairs += [(number, mean * weight) for number, weight in zip(sums, weights, strict=True)]
            excess, squares = spread_parts(pairs)
            # About their own mean they vary less than about the true one.
            pure = math.fsum(expected for _, expected in pairs)
            parts[category][window] = ((excess + pure) * len(weights) / (len(weights) - 1) - pure, squares)
    found: dict[str, dict[int, float]] = {category: {} for category in parts}
    for window in WINDOWS:
        top = math.fsum(of[window][0] for of in parts.values())
        bottom = math.fsum(of[window][1] for of in parts.values())
        of_all = max(0.0, top / bottom) if bottom else 0.0
        for category, of in parts.items():
            excess, squares = of[window]
            found[category][window] = max(0.0, (excess + SPREAD_WEIGHT * of_all) / (squares + SPREAD_WEIGHT))
    return found


def _outlooks(
    levels: Mapping[str, _Level], one: Usual, whole: Sequence[float], spreads: Mapping[int, float], window: int
) -> dict[str, _Outlook]:
    weeks = math.fsum(one.season[at] * whole[at] for at in range(window)) * (1 + one.growth[window])
    return {
        district: _Outlook(
            level.weekly * weeks,
            MARGIN * (spreads[window] + spreads[1] * level.share_own / len(one.base))
            + 1 / level.complaints
            + max(one.spread[window], one.season_spread),
        )
        for district, level in levels.items()
    }


def _in_places(
    on: date,
    category: str,
    one: Usual,
    here: Mapping[str, Sequence[int]],
    outlooks: Mapping[int, Mapping[str, _Outlook]],
    limit: float,
) -> list[Rise]:
    """The districts in which the category rises, each with the window that says so most clearly."""
    best: dict[str, Rise] = {}
    for window, of in outlooks.items():
        for district, outlook in of.items():
            seen = sum(here[district][:window])
            usual_off = deviation(outlook.expected, outlook.spread)
            if seen < FEWEST or seen < outlook.expected + WORTH_A_LOOK * usual_off:
                continue
            chance = chance_of(seen, outlook.expected, outlook.spread)
            if chance < limit and (district not in best or chance < best[district].chance):
                best[district] = Rise(
                    category=category,
                    district=district,
                    since=_since(on, window),
                    until=on,
                    seen=seen,
                    expected=outlook.expected,
                    chance=chance,
                    season_known=one.season_known,
                )
    return list(best.values())


def _over_the_state(
    past: Past,
    category: str,
    one: Usual,
    whole: Sequence[float],
    here: Mapping[str, Sequence[int]],
    outlooks: Mapping[int, Mapping[str, _Outlook]],
    limit: float,
) -> list[Rise]:
    """At most one: the category's rise in many districts at once."""
    best: Rise | None = None
    for window, of in outlooks.items():
        expected = math.fsum(outlook.expected for outlook in of.values())
        counts = {district: sum(here[district][:window]) for district in of}
        cut = sum(
            min(counts[district], math.floor(outlook.expected + CUT * deviation(outlook.expected, outlook.spread)))
            for district, outlook in of.items()
        )
        spread = one.spread[window] + (0.0 if one.season_known else one.season_spread) + 1 / (BASE * expected or 1.0)
        up = sorted(
            ((district, counts[district], outlook.expected) for district, outlook in of.items()),
            key=lambda row: (row[2] - row[1]) / deviation(row[2], of[row[0]].spread),
        )
        up = [row for row in up if row[1] > row[2]]
        if cut < FEWEST or len(up) < FEWEST_UP:
            continue
        chance = chance_of(cut, expected, spread)
        if chance < limit and (best is None or chance < best.chance):
            best = Rise(
                category=category,
                district="",
                since=_since(past.on, window),
                until=past.on,
                seen=sum(counts.values()),
                expected=expected,
                chance=chance,
                season_known=one.season_known,
                up=tuple(up),
                districts=len(of),
            )
    return [] if best is None else [best]


def _since(on: date, window: int) -> date:
    return on - timedelta(days=7 * window - 1)
