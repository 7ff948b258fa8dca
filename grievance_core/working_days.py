"""The calendar by which time limits run: working days of the state's offices, and time that stands still between them.

Working time is a line of its own: each working day is 24 hours long on it, from midnight to midnight in the state, and
a day off has no length. So what falls on a holiday waits for the next morning, and stopping and running on loses
nothing: `add(add(t, a), b)` is `add(t, a + b)`.

The state's holidays come from the `holidays` library (India, Uttar Pradesh), which ships the moving feasts from 2001 to
2035; the moon may still move one by a day, so the settings can add days off and take some away.
"""

from __future__ import annotations

import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Kolkata")
SUNDAY: Final = 6
DAY: Final = timedelta(days=1)


@cache
def state_holidays(year: int) -> frozenset[date]:
    """Public holidays of Uttar Pradesh in a year."""
    import holidays  # here, because few commands need it and it costs them all a part of their start

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # beyond 2035 only fixed feasts are known, and it says so at each look
        return frozenset(holidays.country_holidays("IN", subdiv="UP", years=year))


def no_holidays(_year: int) -> frozenset[date]:
    """No day off but those of the week: for tests and for a trial."""
    return frozenset()


class WorkingCalendar:
    """Which days are worked. Each year is looked up once; after that a look-up costs a microsecond or two."""

    def __init__(
        self,
        *,
        holidays: Callable[[int], frozenset[date]] = state_holidays,
        extra: Iterable[date] = (),
        worked: Iterable[date] = (),
        days_off: frozenset[int] = frozenset({SUNDAY}),
        second_saturday_off: bool = True,
        zone: tzinfo = ZONE,
    ) -> None:
        """`extra`: days off beside the holidays; `worked`: days worked all the same, which wins.

        `days_off`: those of every week, 0 for Monday.
        """
        self._holidays = holidays
        self._extra = frozenset(extra)
        self._worked = frozenset(worked)
        self._days_off = days_off
        self._second_saturday_off = second_saturday_off
        self._zone = zone
        self._years: dict[int, list[int]] = {}

    @property
    def zone(self) -> tzinfo:
        """Where the days begin at midnight."""
        return self._zone

    def works(self, day: date) -> bool:
        """Whether offices work on this day."""
        return self._is_in(self._year(day.year), day.toordinal())

    def add(self, at: datetime, span: timedelta, *, working: bool = True) -> datetime:
        """The moment that lies `span` of working time after `at` (before, if negative); by the clock if not `working`.

        What ends exactly with a working day ends at its midnight, not when the next one begins.
        """
        if not working or not span:
            return at + span
        local = at.astimezone(self._zone).replace(tzinfo=None)
        ordinal, into = self._settled(local)
        days, rest = divmod(into + span, DAY)
        if not rest and span > timedelta():
            days, rest = days - 1, DAY  # the end of the day before
        return self._aware(self._walk(ordinal, days), rest, at)

    def between(self, start: datetime, end: datetime, *, working: bool = True) -> timedelta:
        """The working time from `start` to `end`, negative if `end` is before; by the clock if not `working`."""
        if not working:
            return end - start
        if end < start:
            return -self.between(end, start)
        first, into_first = self._settled(start.astimezone(self._zone).replace(tzinfo=None))
        last, into_last = self._settled(end.astimezone(self._zone).replace(tzinfo=None))
        return DAY * self._count(first, last) + into_last - into_first

    def _settled(self, local: datetime) -> tuple[int, timedelta]:
        """The working day that a moment belongs to, and how far into it; on a day off the beginning of the next one."""
        ordinal = local.toordinal()
        if self._is_in(self._year(local.year), ordinal):
            return ordinal, local - datetime.combine(local.date(), time())
        return self._walk(ordinal, 0), timedelta()

    def _walk(self, ordinal: int, days: int) -> int:
        """The working day `days` places from the first one that is not before `ordinal`."""
        year = date.fromordinal(ordinal).year
        worked = self._year(year)
        place = bisect_left(worked, ordinal) + days
        while place >= len(worked):
            place -= len(worked)
            year += 1
            worked = self._year(year)
        while place < 0:
            year -= 1
            worked = self._year(year)
            place += len(worked)
        return worked[place]

    def _count(self, first: int, last: int) -> int:
        """Working days from `first` up to, and without, `last`."""
        year, until = date.fromordinal(first).year, date.fromordinal(last).year
        total = -bisect_left(self._year(year), first)
        while year < until:
            total += len(self._year(year))
            year += 1
        return total + bisect_left(self._year(until), last)

    def _aware(self, ordinal: int, into: timedelta, like: datetime) -> datetime:
        moment = datetime.combine(date.fromordinal(ordinal), time(), self._zone) + into
        return moment.astimezone(like.tzinfo)

    @staticmethod
    def _is_in(worked: list[int], ordinal: int) -> bool:
        place = bisect_left(worked, ordinal)
        return place < len(worked) and worked[place] == ordinal

    def _year(self, year: int) -> list[int]:
        """The working days of a year, as ordinals in order."""
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._worked_days(year)
        return found

    def _worked_days(self, year: int) -> list[int]:
        off = self._holidays(year) | self._extra
        begin, end = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        days = (date.fromordinal(ordinal) for ordinal in range(begin, end + 1))
        return [day.toordinal() for day in days if day in self._worked or not (day in off or self._of_the_week(day))]

    def _of_the_week(self, day: date) -> bool:
        second_saturday = day.weekday() == SUNDAY - 1 and 8 <= day.day <= 14
        return day.weekday() in self._days_off or (self._second_saturday_off and second_saturday)
