"""A ranking that is fair to size. Pure.

A district with 12 complaints may have solved all of them by luck. So each share is drawn towards the share of all, the
more the fewer complaints stand behind it: empirical Bayes with a Beta prior, whose weight (how many complaints' worth)
follows from how much the shares differ beyond what chance explains (method of moments; Kleinman 1973). With many
complaints of its own a district's share is hardly moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_WEIGHT: Final = 10_000.0  # when the shares differ by no more than chance, all are taken to be alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One place in the ranking."""

    key: str
    hits: int
    tries: int
    share: float  # drawn towards all
    low: float  # the interval of 95 %, by the normal approximation of the Beta distribution
    high: float


@dataclass(frozen=True, slots=True)
class Prior:
    """The share of all, and with how many complaints' weight it stands in each place's."""

    share: float
    weight: float


def prior_of(counts: Iterable[tuple[int, int]]) -> Prior:
    """The prior from (hits, tries) of each place; places without tries say nothing."""
    pairs = [(hits, tries) for hits, tries in counts if tries]
    total = sum(tries for _, tries in pairs)
    if not total:
        return Prior(0.5, 2.0)
    share = sum(hits for hits, _ in pairs) / total
    spread = total - sum(tries * tries for _, tries in pairs) / total
    if len(pairs) < 2 or spread <= 0 or not 0 < share < 1:
        return Prior(share, MOST_WEIGHT)
    observed = sum(tries * (hits / tries - share) ** 2 for hits, tries in pairs)
    by_chance = (len(pairs) - 1) * share * (1 - share)
    between = (observed - by_chance) / (spread - (len(pairs) - 1)) if spread > len(pairs) - 1 else 0.0
    if between <= 0:
        return Prior(share, MOST_WEIGHT)
    return Prior(share, min(MOST_WEIGHT, max(1.0, share * (1 - share) / between - 1)))


def ranked(counts: Iterable[tuple[str, int, int]]) -> list[Ranked]:
    """The places, best first: (key, hits, tries) of each."""
    rows = [row for row in counts if row[2]]
    prior = prior_of((hits, tries) for _, hits, tries in rows)
    found = []
    for key, hits, tries in rows:
        alpha = prior.share * prior.weight + hits
        beta = (1 - prior.share) * prior.weight + tries - hits
        share = alpha / (alpha + beta)
        half = 1.96 * math.sqrt(share * (1 - share) / (alpha + beta + 1))
        found.append(
            Ranked(
                key=key, hits=hits, tries=tries, share=share, low=max(0.0, share - half), high=min(1.0, share + half)
            )
        )
    return sorted(found, key=lambda one: (-one.share, one.key))
