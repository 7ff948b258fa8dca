"""How many false lines `helpline figures rises` tells when nothing happens, and how soon it finds what does.

Worlds of 20 categories in 75 districts are drawn week by week: districts of all sizes, each category with a season
of its own, growth, weeks that are busy in a whole category, and counts that vary more than by chance. Two and a half
years of them are the past; then the live reckoning is asked. Limits are those of the whole state (158 categories,
11,850 places). Needs numpy (test requirements). Run: .venv/bin/python -m bench.grievance.rises [--worlds N]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from grievance_core.figures.rises import Past, find
from grievance_core.figures.usual import LONGEST, WEEKS

CATEGORIES, DISTRICTS = 20, 75
STATE_CATEGORIES, STATE_PLACES = 158, 11_850
HISTORY = LONGEST + 50  # weeks; asked again every fourth of the last 50
ON = date(2026, 11, 24)
CHANCES = (1e-3, 1e-4, 1e-5)
LOOSE = 42.0 * CATEGORIES * DISTRICTS * CHANCES[0]  # false lines a week with which the likeliest of these is told
SIZES = (2, 10, 40, 150)  # complaints a week of a place
DAYS = (7, 14, 28)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a world is like."""

    name: str
    spread: float = 0.1  # of a place's week, beyond chance: the square of its coefficient of variation
    busy: float = 0.003  # of a category's week in all districts
    season: float = 0.2  # mean amplitude
    growth: float = 0.1  # a year
    mean: float = 8.0  # complaints a week of a place


KINDS = (
    Kind("usual"),
    Kind("strong season", season=0.3, busy=0.01),
    Kind("few complaints", mean=1.0),
    Kind("much spread", spread=0.3, busy=0.02, mean=3.0),
)


def world(chance: np.random.Generator, kind: Kind) -> tuple[Any, Any]:
    """Counts and their means by category, district and week, oldest first."""
    size = chance.lognormal(0, 0.5, DISTRICTS)
    level = chance.lognormal(0, 1.3, CATEGORIES)
    taste = chance.gamma(4, 1 / 4, (CATEGORIES, DISTRICTS))
    week = np.arange(HISTORY)
    peak, height = chance.uniform(0, 52, CATEGORIES), chance.uniform(0, 2 * kind.season, CATEGORIES)
    rhythm = 1 + height[:, None] * np.sin(2 * np.pi * (week[None, :] - peak[:, None]) / 52)
    rhythm *= (1 + kind.growth) ** (week / 52) * chance.gamma(1 / kind.busy, kind.busy, (CATEGORIES, HISTORY))
    place = (level * kind.mean / level.mean())[:, None] * taste * (size / size.mean())[None, :]
    mean = place[:, :, None] * rhythm[:, None, :]
    return chance.poisson(mean * chance.gamma(1 / kind.spread, kind.spread, mean.shape)), mean


def past(counts: Any, newest: int) -> Past:
    weeks = counts[:, :, newest - LONGEST + 1 : newest + 1][:, :, ::-1]
    return Past(
        on=ON,
        places={(str(c), str(d)): weeks[c, d, :WEEKS].tolist() for c in range(CATEGORIES) for d in range(DISTRICTS)},
        state={str(c): weeks[c].sum(0).tolist() for c in range(CATEGORIES)},
        days_off=[0] * LONGEST,
    )


def false_lines(kind: Kind, worlds: int) -> str:
    """How often a chance was told as so small, beside how often it is allowed to be; each window has a third."""
    chance = np.random.default_rng(11)
    places: Counter[float] = Counter()
    state: Counter[float] = Counter()
    looks = 0
    for _ in range(worlds):
        counts, _ = world(chance, kind)
        for newest in range(LONGEST, HISTORY, 4):
            rises = find(past(counts, newest), false_alarms=LOOSE)
            looks += 1
            places.update(limit for rise in rises.places for limit in CHANCES if rise.chance < limit / 3)
            state.update(10 * limit for rise in rises.everywhere for limit in CHANCES if rise.chance < 10 * limit / 3)
    told = [f"{at:g}: {places[at]} of {at * looks * CATEGORIES * DISTRICTS:.1f}" for at in CHANCES]
    told += [f"everywhere {10 * at:g}: {state[10 * at]} of {10 * at * looks * CATEGORIES:.1f}" for at in CHANCES[:2]]
    return f"{kind.name:16} " + "   ".join(told)


def found_in_places(worlds: int) -> list[str]:
    """By size, ratio and days since it began: the share that one allowed false line a week finds."""
    chance, found, tried = np.random.default_rng(3), Counter[Any](), Counter[Any]()
    for _ in range(worlds):
        counts, mean = world(chance, KINDS[0])
        for size in SIZES:
            near = np.argwhere((mean[:, :, -1] > size * 0.7) & (mean[:, :, -1] < size * 1.4))
            chosen = chance.permutation(near)[:40]
            for ratio in (2, 3, 5):
                for days in DAYS:
                    lifted = counts.copy()
                    for c, d in chosen:
                        for back in range(days // 7):
                            lifted[c, d, -1 - back] += _more(chance, mean[c, d, -1 - back], ratio)
                    rises = find(past(lifted, HISTORY - 1), false_alarms=CATEGORIES * DISTRICTS / STATE_PLACES)
                    told = {(rise.category, rise.district) for rise in rises.places}
                    found[size, ratio, days] += sum((str(c), str(d)) in told for c, d in chosen)
                    tried[size, ratio, days] += len(chosen)
    return [
        f"{size:4} a week, {ratio} times: "
        + "  ".join(f"{days} days {found[size, ratio, days] / (tried[size, ratio, days] or 1):.0%}" for days in DAYS)
        for size in SIZES
        for ratio in (2, 3, 5)
    ]


def found_everywhere(worlds: int) -> list[str]:
    """By ratio and days: the share of categories told as a rise of many, and lines of single districts beside them."""
    chance, found, single = np.random.default_rng(5), Counter[Any](), Counter[Any]()
    for _ in range(worlds):
        counts, mean = world(chance, KINDS[0])
        for ratio in (1.2, 1.3, 1.5, 2.0):
            for days in DAYS:
                lifted = counts.copy()
                for back in range(days // 7):
                    lifted[:, :, -1 - back] += _more(chance, mean[:, :, -1 - back], ratio)
                rises = find(past(lifted, HISTORY - 1), false_alarms=CATEGORIES / STATE_CATEGORIES)
                found[ratio, days] += len(rises.everywhere)
                strict = find(past(lifted, HISTORY - 1), false_alarms=CATEGORIES * DISTRICTS / STATE_PLACES)
                single[ratio, days] += len(strict.places)
    lines = []
    for ratio in (1.2, 1.3, 1.5, 2.0):
        told = []
        for days in DAYS:
            share = found[ratio, days] / worlds / CATEGORIES
            alone = single[ratio, days] / worlds / CATEGORIES / DISTRICTS
            told.append(f"{days} days {share:.0%} (districts that show it alone: {alone:.1%})")
        lines.append(f"all districts {ratio} times: " + "  ".join(told))
    return lines


def _more(chance: np.random.Generator, mean: Any, ratio: float) -> Any:
    spread = KINDS[0].spread
    return chance.poisson((ratio - 1) * mean * chance.gamma(1 / spread, spread, np.shape(mean)))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--worlds", type=int, default=8)
    worlds = asked.parse_args().worlds
    for kind in KINDS:
        sys.stdout.write(false_lines(kind, worlds) + "\n")
        sys.stdout.flush()
    for line in [*found_everywhere(worlds // 2 or 1), *found_in_places(worlds // 2 or 1)]:
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
