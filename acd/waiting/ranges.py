"""A wait as it is spoken: a range of whole minutes; and where the ends of a range lie among what was seen. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """Whole minutes still to wait: `low` to `high`. (0, 1) is "less than a minute"."""

    low: int
    high: int

    def holds(self, seconds: float) -> bool:
        return self.low * 60.0 <= seconds <= self.high * 60.0


def spoken(low_seconds: float, high_seconds: float) -> Range:
    """In words that people use: single minutes up to twenty, then fives. Rounded outwards."""
    low = _minutes(low_seconds / 60.0, up=False)
    return Range(low, max(_minutes(high_seconds / 60.0, up=True), low + 1))


def _minutes(minutes: float, *, up: bool) -> int:
    step = 1 if minutes <= 20.0 else 5
    whole = math.ceil(minutes / step) if up else math.floor(minutes / step)
    return max(0, whole * step)


def no_longer(new: Range, said: Range) -> Range | None:
    """What may follow on what this caller heard before: nothing that is longer at either end."""
    if new.high > said.high:
        return None
    return Range(min(new.low, said.low), new.high)


def quantiles(scores: Iterable[tuple[float, bool]], low: float, high: float) -> tuple[float, float]:
    """The scores below which the shares `low` and `high` lie; one that is not exact is only known to be larger.

    Kaplan–Meier: the share of a score that is not exact is spread over those beyond it.
    """
    ordered = sorted(scores)
    surviving = 1.0
    found_low: float | None = None
    for index, (score, exact) in enumerate(ordered):
        if not exact:
            continue
        surviving *= 1.0 - 1.0 / (len(ordered) - index)
        if found_low is None and 1.0 - surviving >= low - 1e-9:
            found_low = score
        if 1.0 - surviving >= high - 1e-9:
            return (found_low if found_low is not None else score), score
    last = ordered[-1][0]
    return (found_low if found_low is not None else last), last
