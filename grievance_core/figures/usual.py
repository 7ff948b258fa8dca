"""What a category's past leads to expect over the whole state: season, growth, how far that is usually off. Pure.

All counts are of seven days that end with the day asked about, newest first: so each holds every day of the week once.
The same seven days a year ago are 52 further on. A short week, with holidays in it, counts for less of a week.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from grievance_core.figures.chance import spread_parts

WINDOWS: Final = (1, 2, 4)  # weeks back that are tried: a sudden rise shows in one, a slow one in four
GUARD: Final = 4  # weeks that say nothing of the past: a rise that has begun must not explain itself
BASE: Final = 12  # the weeks before them, which tell the level
WEEKS: Final = GUARD + BASE
FEWEST_WEEKS: Final = GUARD + 4  # of history; a younger category isn't judged
YEAR: Final = 52
SMOOTH: Final = 2  # weeks to either side that a week of the season is smoothed with
LOOKED_BACK: Final = range(GUARD, GUARD + YEAR, 2)  # past days on which the forecast is tried against what came
SEASON_WEIGHT: Final = 20.0  # complaints a week: with fewer of its own a category leans on the season of all
USUAL_SPREAD: Final = 0.03  # of a forecast (17 %), until there is a past to try it on
USUAL_WEIGHT: Final = 8  # tries: how much the other categories' errors count beside its own
MOST_GROWTH: Final = 0.5
LONGEST: Final = 2 * YEAR + YEAR // 2  # weeks that are of use


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is expected of a category."""

    weeks: int  # of history
    season: tuple[float, ...]  # of each of the last WEEKS beside the mean of the base
    season_known: bool
    season_spread: float
    growth: Mapping[int, float]  # by window
    spread: Mapping[int, float]  # of the state's forecast, by window

    @property
    def base(self) -> range:
        """The weeks that tell the level, newest first."""
        return range(GUARD, min(WEEKS, self.weeks))


def short_weeks(totals: Sequence[int], days_off: Sequence[int]) -> tuple[float, ...]:
    """How much of a usual week each is, by how much a day off took from the weeks beside their neighbours."""
    sides = [
        (totals[at] / around - 1, days_off[at] - off)
        for at in range(len(totals))
        for near in ([i for i in range(max(0, at - 3), min(len(totals), at + 4)) if i != at],)
        if near
        for around in (sum(totals[i] for i in near) / len(near),)
        if around
        for off in (sum(days_off[i] for i in near) / len(near),)
    ]
    square = sum(off * off for _, off in sides)
    slope = sum(less * off for less, off in sides) / square if square else 0.0
    a_day = min(1 / 7, max(0.0, -slope))
    return tuple(max(0.3, 1 - a_day * off) for off in days_off)


def usual(series: Mapping[str, Sequence[int]], whole: Sequence[float]) -> dict[str, Usual]:
    """For each category that is old enough, from its weeks (as far back as it has any) and how whole each week is."""
    rates = {
        category: [number / whole[at] for at, number in enumerate(_since_first(numbers))]
        for category, numbers in series.items()
    }
    longest = max((len(one) for one in rates.values()), default=0)
    of_all = [math.fsum(one[at] for one in rates.values() if at < len(one)) for at in range(longest)]
    all_smooth = _smooth(of_all)
    tries: dict[str, dict[int, list[tuple[float, float]]]] = {}
    smooth = {}
    for category, rate in rates.items():
        if len(rate) >= FEWEST_WEEKS:
            smooth[category] = _smooth(rate)
            tries[category] = _tries(rate, smooth[category], all_smooth)
    growth = {category: {w: _growth(pairs) for w, pairs in of.items()} for category, of in tries.items()}
    spread = _spreads(tries, growth)
    found = {}
    for category, curve in smooth.items():
        season, known = season_at(0, curve, all_smooth)
        found[category] = Usual(
            weeks=len(rates[category]),
            season=season,
            season_known=known,
            season_spread=_season_spread(curve) if known else 0.0,
            growth=growth[category],
            spread=spread[category],
        )
    return found


def season_at(offset: int, curve: Sequence[float], of_all: Sequence[float]) -> tuple[tuple[float, ...], bool]:
    """The season of WEEKS weeks from `offset` on, mean 1 over the base; and whether a year before tells of it."""
    years = [back for back in (YEAR, 2 * YEAR) if offset + back + WEEKS <= len(curve)]
    if not years:
        return (1.0,) * WEEKS, False
    found = [0.0] * WEEKS
    for back in years:
        own = curve[offset + back : offset + back + WEEKS]
        others = of_all[offset + back : offset + back + WEEKS]
        lean = SEASON_WEIGHT / (math.fsum(others[GUARD:]) / BASE or 1.0)
        mixed = [one + lean * other for one, other in zip(own, others, strict=True)]
        level = math.fsum(mixed[GUARD:]) / BASE or 1.0
        for at, one in enumerate(mixed):
            found[at] += one / level / len(years)
    return tuple(found), True


def level(rate: Sequence[float], season: Sequence[float], base: range, offset: int = 0) -> float:
    """Complaints a week, season taken out; the highest week counts for no more than the next, against outbreaks."""
    weeks = sorted(rate[offset + at] / season[at] for at in base if season[at] > 0)
    if not weeks:
        return 0.0
    if len(weeks) > 2:
        # Both ends drawn in alike, so that the mean of usual weeks stays where it is.
        weeks[-1], weeks[0] = weeks[-2], weeks[1]
    return math.fsum(weeks) / len(weeks)


def _since_first(numbers: Sequence[int]) -> Sequence[int]:
    """Without the weeks before its first complaint, and without the first, which was not a whole week of it."""
    last = max((at for at, number in enumerate(numbers) if number), default=-1)
    return numbers[: max(0, last)]


def _smooth(rate: Sequence[float]) -> list[float]:
    """The mean of the weeks around each; the highest of them counts as the next one."""
    found = []
    for at in range(len(rate)):
        near = sorted(rate[max(0, at - SMOOTH) : at + SMOOTH + 1])
        if len(near) > 2:
            near[-1], near[0] = near[-2], near[1]
        found.append(math.fsum(near) / len(near))
    return found


def _tries(
    rate: Sequence[float], curve: Sequence[float], of_all: Sequence[float]
) -> dict[int, list[tuple[float, float]]]:
    """What came and what had been forecast, on past days, by window."""
    found: dict[int, list[tuple[float, float]]] = {window: [] for window in WINDOWS}
    for offset in LOOKED_BACK:
        if offset + WEEKS > len(rate):
            break
        season, _ = season_at(offset, curve, of_all)
        at_level = level(rate, season, range(GUARD, WEEKS), offset)
        for window in WINDOWS:
            came = math.fsum(rate[offset : offset + window])
            found[window].append((came, at_level * math.fsum(season[:window])))
    return found


def _growth(pairs: Sequence[tuple[float, float]]) -> float:
    """By what part the forecast is usually too low."""
    ratios = [came / forecast - 1 for came, forecast in pairs if forecast > 0]
    if not ratios:
        return 0.0
    return max(-MOST_GROWTH, min(MOST_GROWTH, median(ratios) * len(ratios) / (len(ratios) + USUAL_WEIGHT)))


def _spreads(
    tries: Mapping[str, Mapping[int, Sequence[tuple[float, float]]]], growth: Mapping[str, Mapping[int, float]]
) -> dict[str, dict[int, float]]:
    """Of each category's forecast, drawn towards that of all."""
    found: dict[str, dict[int, float]] = {category: {} for category in tries}
    for window in WINDOWS:
        own: dict[str, tuple[float, int]] = {}
        top = bottom = 0.0
        for category, of in tries.items():
            grown = 1 + growth[category][window]
            excess, squares = spread_parts((came, forecast * grown) for came, forecast in of[window])
            own[category] = (excess / squares if squares else 0.0, len(of[window]) if squares else 0)
            top, bottom = top + excess, bottom + squares
        of_all = max(0.0, top / bottom) if bottom else USUAL_SPREAD
        for category, (spread, number) in own.items():
            found[category][window] = max(0.0, (number * spread + USUAL_WEIGHT * of_all) / (number + USUAL_WEIGHT))
    return found


def _season_spread(curve: Sequence[float]) -> float:
    """How uncertain a season is that is read off so many complaints (five weeks of them)."""
    mean = math.fsum(curve[YEAR : YEAR + WEEKS]) / WEEKS
    return 1 / ((mean + SEASON_WEIGHT) * (2 * SMOOTH + 1))
