"""The parts of the day in which a number is rung, and what its own past tells of them: pure.

Who is not at the telephone at eleven is most likely not there at half past eleven either: a telephone that rang out or
was switched off is tried in another part of the day. Which one, its own past says: for each part a Beta distribution
of the chance of an answer, from the same prior for every number, so that one lucky call does not decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Final

PRIOR_ANSWERS: Final = 1.0
PRIOR_CALLS: Final = 3.0
"""A number that was never rung is taken to answer every third call: about what helplines in India see, and weak enough
that three calls of its own outweigh it."""


class DayPart(StrEnum):
    """A part of the day by the wall clock; each reaches to the beginning of the next, the last across midnight."""

    MORNING = "morning"
    MIDDAY = "midday"
    AFTERNOON = "afternoon"
    EVENING = "evening"


BEGINS: Final[Mapping[DayPart, time]] = MappingProxyType(
    {
        DayPart.MORNING: time(6),
        DayPart.MIDDAY: time(12),
        DayPart.AFTERNOON: time(15),
        DayPart.EVENING: time(18),
    }
)


def part_of(at: datetime, zone: tzinfo) -> DayPart:
    """The part of the day in which this moment lies."""
    clock = at.astimezone(zone).time()
    begun = [part for part, begins in BEGINS.items() if begins <= clock]
    return begun[-1] if begun else DayPart.EVENING


def beginnings_after(at: datetime, zone: tzinfo, *, days: int) -> list[datetime]:
    """The moments after `at` at which a part of the day begins, soonest first, of this day and `days` more."""
    day = at.astimezone(zone).date()
    moments = (
        datetime.combine(day + timedelta(days=ahead), begins, zone).astimezone(at.tzinfo)
        for ahead in range(days + 1)
        for begins in BEGINS.values()
    )
    return sorted(moment for moment in moments if moment > at)


@dataclass(frozen=True, slots=True)
class Count:
    """How often a number was rung in one part of the day, and answered."""

    calls: int = 0
    answers: int = 0

    @property
    def chance(self) -> float:
        """The expected chance of an answer: the mean of the Beta distribution."""
        return (self.answers + PRIOR_ANSWERS) / (self.calls + PRIOR_CALLS)


@dataclass(frozen=True, slots=True)
class Chances:
    """What is known of one number, by part of the day."""

    counts: Mapping[DayPart, Count] = field(default_factory=dict)

    def of(self, part: DayPart) -> float:
        return self.counts.get(part, Count()).chance


NOTHING_LEARNED: Final = Chances()


def learned(calls: Iterable[tuple[datetime, bool]], zone: tzinfo) -> Chances:
    """From the calls to a number: when each began to ring, and whether it was answered."""
    counts: dict[DayPart, Count] = {}
    for at, answered in calls:
        part = part_of(at, zone)
        before = counts.get(part, Count())
        counts[part] = Count(before.calls + 1, before.answers + answered)
    return Chances(counts)


def best(moments: Iterable[datetime], chances: Chances, *, zone: tzinfo, avoid: Collection[DayPart]) -> datetime | None:
    """Of moments in time order, the one with the best chance of an answer; of equals, the first.

    Those in the parts to `avoid` are left out; None: none is left.
    """
    left = [moment for moment in moments if part_of(moment, zone) not in avoid]
    return max(left, key=lambda moment: chances.of(part_of(moment, zone)), default=None)
