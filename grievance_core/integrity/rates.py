"""How often second answers contradict first ones, for whom that is more than chance explains, and by what right. Pure.

The rate of an officer or an agent is compared with that of all. It is flagged when so many contradictions, or more,
would come by chance in fewer than one of a thousand honest ones (the binomial distribution's upper tail): the false
alarms are bounded by that for any number of calls, which a test shows by simulation. Small numbers are told with the
interval in which the true rate lies (Wilson's, 95 %), and a single contradiction flags nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FALSE_ALARMS: Final = 0.001  # of the honest, per look
FEWEST: Final = 2  # contradictions; one is nobody's pattern
NORMAL_95: Final = 1.959964
TOO_FAST: Final = timedelta(minutes=30)
"""From the officer's having it to the report, by one who was not on the spot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondCall:
    """A blind second call that was answered."""

    number: str
    at: datetime
    post: str  # whose report it is about
    agent: str  # who took the first answer; the machine is an agent too
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Contradictions among second answers, of one officer's post or one agent."""

    who: str
    asked: int
    contradicted: int
    flagged: bool
    numbers: tuple[str, ...]  # the complaints behind it, newest first

    @property
    def share(self) -> float:
        return self.contradicted / self.asked if self.asked else 0.0

    @property
    def between(self) -> tuple[float, float]:
        """In which the true share lies with 95 %."""
        return interval(self.contradicted, self.asked)


def interval(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %. (0, 1) when nothing was tried."""
    if not tries:
        return 0.0, 1.0
    share, square = hits / tries, NORMAL_95**2
    middle = (share + square / (2 * tries)) / (1 + square / tries)
    half = NORMAL_95 / (1 + square / tries) * math.sqrt(share * (1 - share) / tries + square / (4 * tries**2))
    # Rounded, the ends may miss a share of none or all by a hair; the interval holds its share.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def tail(hits: int, tries: int, share: float) -> float:
    """The chance of so many hits or more when each comes with this chance."""
    if hits <= 0:
        return 1.0
    if not 0 < share < 1:
        return float(share >= 1)
    logs = (
        math.lgamma(tries + 1)
        - math.lgamma(k + 1)
        - math.lgamma(tries - k + 1)
        + k * math.log(share)
        + (tries - k) * math.log1p(-share)
        for k in range(hits, tries + 1)
    )
    return min(1.0, math.fsum(math.exp(log) for log in logs))


def rates_by_post(calls: Iterable[SecondCall]) -> list[Rate]:
    """By the officer's post, the flagged and those with most contradictions first."""
    return _rates([(call.post, call) for call in calls])


def rates_by_agent(calls: Iterable[SecondCall]) -> list[Rate]:
    """By who took the first answer."""
    return _rates([(call.agent, call) for call in calls])


def _rates(pairs: list[tuple[str, SecondCall]]) -> list[Rate]:
    all_asked, all_against = len(pairs), sum(not call.agrees for _, call in pairs)
    of: dict[str, list[SecondCall]] = {}
    for who, call in sorted(pairs, key=lambda pair: pair[1].at, reverse=True):
        of.setdefault(who, []).append(call)
    rates = []
    for who, calls in of.items():
        against = [call.number for call in calls if not call.agrees]
        # Beside the others, not beside all: one who takes most calls would hide behind their own rate. With one call
        # of each answer added, so that no others, or faultless ones, do not make every contradiction a proof.
        others = (all_against - len(against) + 1) / (all_asked - len(calls) + 2)
        odd = len(against) >= FEWEST and tail(len(against), len(calls), others) < FALSE_ALARMS
        rates.append(Rate(who=who, asked=len(calls), contradicted=len(against), flagged=odd, numbers=tuple(against)))
    return sorted(rates, key=lambda rate: (not rate.flagged, -rate.contradicted, -rate.asked, rate.who))


@dataclass(frozen=True, slots=True, kw_only=True)
class FastReport:
    """A report that came too fast to be true, without a visit."""

    number: str
    post: str
    at: datetime
    after: timedelta
    reason: str  # "not_visited", or "" when the officer did not say
