"""How likely so many are when so many were expected, and how much counts of one kind vary. Pure.

Counts of complaints vary more than by pure chance (Poisson): one cut wire makes twenty people ring. So they are taken
as negative binomial: mean m, variance m + spread · m². `spread` is the square of the coefficient of variation that is
left when the counts are large; 0 is Poisson.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

CLIPPED: Final = (
    3.0  # standard deviations: what lies beyond says no more than that, or one outbreak would hide the next
)
ROUNDS: Final = 10
ENDS: Final = 1e-9  # of the sum: smaller terms are left out


def chance_of(seen: int, expected: float, spread: float) -> float:
    """The chance of so many or more: the upper tail of the negative binomial."""
    if seen <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if spread < 1e-9:
        spread = 1e-9  # as good as Poisson
    size = 1 / spread
    log = (
        math.lgamma(seen + size)
        - math.lgamma(size)
        - math.lgamma(seen + 1)
        - size * math.log1p(expected / size)
        + seen * math.log(expected / (expected + size))
    )
    if seen <= expected:
        return 1.0  # not a rise, and the sum below would be long
    term = total = math.exp(log)
    step, k = expected / (expected + size), seen
    while term > ENDS * total:
        term *= (k + size) / (k + 1) * step
        k += 1
        total += term
    return min(1.0, total)


def deviation(expected: float, spread: float) -> float:
    """The standard deviation of a count."""
    return math.sqrt(expected + spread * expected * expected)


def spread_parts(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Excess of the squared differences over pure chance, and the squares of what was expected: (seen, expected).

    Their quotient is the spread, by the method of moments. Taken again and again: a difference counts for no more than
    CLIPPED deviations of the time before, so that past outbreaks do not widen what is taken as usual.
    """
    most = CLIPPED * CLIPPED
    squares = near = 0.0
    far = []  # only these can ever lie beyond
    for seen, expected in pairs:
        if expected > 0:
            off = (seen - expected) ** 2
            squares += expected * expected
            if off > most * expected:
                far.append((off, expected))
            else:
                near += off - expected
    if not squares:
        return 0.0, 0.0
    excess = near + sum(off - expected for off, expected in far)
    for _ in range(ROUNDS):
        spread = max(0.0, excess / squares)
        cut = near + sum(min(off, most * (expected + spread * expected * expected)) - expected for off, expected in far)
        if cut > 0.95 * excess:
            return cut, squares
        excess = cut
    return excess, squares
