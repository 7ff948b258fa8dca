"""What would have changed: a day played twice, as it was and with another number of seats, over several seeds.

Pure. Both plays of a seed have the same callers, talks and patience (common random numbers), so their difference is
that of the seats. Its uncertainty is that of the mean paired difference over the seeds (Student's t, 95 %); it tells
how much chance there is in the answer, not how well tomorrow resembles the day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean, stdev

from acd.engine.queues import ServicePromise
from acd.history.levels import End, Level, Wait, level_of, together
from acd.history.simulation import Busy, Day, Played, Shift

DAY_SECONDS = 86_400.0
# Student's t for 95 %, two-sided, by degrees of freedom from 1.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """So many seats more (or fewer: negative) from one time of the day to another, in seconds after its begin."""

    seats: int
    begins: float = 0.0
    ends: float = DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one play of a day came to for the callers of one stretch of it. None: nobody to judge by."""

    callers: int
    answered: int
    service_level: float | None
    abandoned: float | None
    mean_wait: float | None  # of the answered
    tenth_longest_wait: float | None  # nine of ten answered waited less
    occupancy: float | None


FIGURES = {
    "service_level": "service level",
    "abandoned": "abandoned",
    "mean_wait": "mean wait, s",
    "tenth_longest_wait": "9 of 10 wait less than, s",
    "occupancy": "occupancy of agents",
    "answered": "answered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure, as it was and changed (means over the seeds), and the difference with its 95 % margin.

    `margin` None: one seed alone, or nobody to judge by in one of them. `recorded`: what the journal itself says."""

    name: str
    recorded: float | None = None
    baseline: float | None
    changed: float | None
    difference: float | None
    margin: float | None


def changed_day(day: Day, change: Change) -> Day:
    """That day with those seats. Who is added has the skills of those who are there then, in turn; who is taken away
    goes for that stretch only, the last in the list first."""
    if change.seats >= 0:
        return replace(day, shifts=[*day.shifts, *_added(day, change)])
    left = -change.seats
    shifts: list[Shift] = []
    for shift in reversed(day.shifts):
        if left and shift.begins < change.ends and shift.ends > change.begins:
            left -= 1
            shifts += _around(shift, change)
        else:
            shifts.append(shift)
    shifts.reverse()
    return replace(day, shifts=shifts)


def _added(day: Day, change: Change) -> list[Shift]:
    like = [shift for shift in day.shifts if shift.begins < change.ends and shift.ends > change.begins] or day.shifts
    return [
        Shift(
            agent=f"more-{number + 1}",
            skills=like[number % len(like)].skills if like else {},
            begins=change.begins,
            ends=change.ends,
        )
        for number in range(change.seats)
    ]


def _around(shift: Shift, change: Change) -> list[Shift]:
    """What is left of a shift outside of the change; the later part first."""
    parts = []
    if shift.ends > change.ends:
        parts.append(replace(shift, begins=change.ends))
    if shift.begins < change.begins:
        parts.append(replace(shift, ends=change.begins))
    return parts


def figures(played: Played, begins: float = 0.0, ends: float = DAY_SECONDS) -> Figures:
    """For the callers who came in that stretch of the day (seconds after its begin)."""
    day = played.day
    start = day.begins
    low, high = start + timedelta(seconds=begins), start + timedelta(seconds=ends)
    busy = sum(_overlap(stretch, begins, ends) for stretch in played.busy)
    there = sum(_overlap(shift, begins, ends) for shift in day.shifts)
    level = _level((wait for wait in played.waits() if low <= wait.joined_at < high), day)
    return _figures(level, sorted(_answered(played, begins, ends)), min(1.0, busy / there) if there else None)


def recorded_figures(waits: Sequence[Wait], day: Day, begins: float = 0.0, ends: float = DAY_SECONDS) -> Figures:
    """The same from what the journal says itself; occupancy is not told."""
    low, high = day.begins + timedelta(seconds=begins), day.begins + timedelta(seconds=ends)
    found = [wait for wait in waits if low <= wait.joined_at < high]
    answered = sorted(seconds for wait in found if wait.end is End.ANSWERED and (seconds := wait.seconds()) is not None)
    return _figures(_level(found, day), answered, None)


def _figures(level: Level | None, answered: Sequence[float], occupancy: float | None) -> Figures:
    return Figures(
        callers=level.reached if level else 0,
        answered=level.answered if level else 0,
        service_level=level.service_level.value if level else None,
        abandoned=level.abandonment.value if level else None,
        mean_wait=fmean(answered) if answered else None,
        tenth_longest_wait=answered[int(0.9 * (len(answered) - 1))] if answered else None,
        occupancy=occupancy,
    )


def _level(waits: Iterable[Wait], day: Day) -> Level | None:
    promises = {rules.name: rules.promise for rules in day.rules}
    by_queue: dict[str, list[Wait]] = {}
    for wait in waits:
        by_queue.setdefault(wait.queue, []).append(wait)
    at = day.begins + timedelta(days=2)  # all is over
    return together(
        [
            level_of(found, at, promise=promises.get(queue, ServicePromise()), queue=queue)
            for queue, found in sorted(by_queue.items())
        ]
    )


def _answered(played: Played, begins: float, ends: float) -> Iterable[float]:
    return (
        ended - arrival.at
        for arrival, end, ended in zip(played.day.arrivals, played.ends, played.ended, strict=True)
        if end is End.ANSWERED and begins <= arrival.at < ends
    )


def _overlap(stretch: Busy | Shift, begins: float, ends: float) -> float:
    return max(0.0, min(stretch.ends, ends) - max(stretch.begins, begins))


def compare(pairs: Sequence[tuple[Figures, Figures]], recorded: Figures | None = None) -> list[Row]:
    """Baseline and changed of each seed, figure by figure."""
    return [
        _row(
            words,
            [(getattr(before, name), getattr(after, name)) for before, after in pairs],
            None if recorded is None else getattr(recorded, name),
        )
        for name, words in FIGURES.items()
    ]


def _row(name: str, pairs: Sequence[tuple[float | None, float | None]], recorded: float | None) -> Row:
    both = [(before, after) for before, after in pairs if before is not None and after is not None]
    if not both or len(both) < len(pairs):
        return Row(name=name, recorded=recorded, baseline=None, changed=None, difference=None, margin=None)
    differences = [after - before for before, after in both]
    return Row(
        name=name,
        recorded=recorded,
        baseline=fmean(before for before, _ in both),
        changed=fmean(after for _, after in both),
        difference=fmean(differences),
        margin=margin(differences),
    )


def margin(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of their mean; None for fewer than two."""
    if len(values) < 2:
        return None
    return STUDENT[min(len(values) - 1, len(STUDENT)) - 1] * stdev(values) / math.sqrt(len(values))


def moment_of_day(text: str) -> float:
    """ "10:00" as seconds after midnight; "24:00" is the end of the day. Raises ValueError."""
    if text == "24:00":
        return DAY_SECONDS
    clock = datetime.strptime(text, "%H:%M")  # noqa: DTZ007  (a time of day has no zone)
    return clock.hour * 3600.0 + clock.minute * 60.0
