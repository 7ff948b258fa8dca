"""What rises, asked of the roll-ups by week: one question for the places' last weeks, one for the state's years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from functools import reduce
from operator import add

from sqlalchemy import ColumnElement, case, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.errors import FiguresBehind
from grievance_core.figures.counting import WEEKDAYS, monday_of
from grievance_core.figures.rises import FALSE_ALARMS, Past, Place, Rises, find
from grievance_core.figures.tables import figures_position, registered_weeks
from grievance_core.figures.usual import LONGEST, WEEKS
from grievance_core.store import plain_errors
from grievance_core.tables import complaint_events
from grievance_core.working_days import DAY

_weeks = registered_weeks.c
_WEEK = timedelta(days=7)


class Rising:
    """Every method may raise StoreBusy (retryable) or StoreFailed."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        *,
        works: Callable[[date], bool],
        zone: tzinfo,
    ) -> None:
        """`works`: whether offices work on a day."""
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._works = works
        self._zone = zone

    async def find(self, on: date, *, false_alarms: float = FALSE_ALARMS) -> Rises:
        """What rises in the weeks that end with a day, which must be over.

        Raises FiguresBehind (retryable) while registrations of that day are not counted.
        """
        with plain_errors():
            async with self._engine.connect() as session:
                await self._whole(session, on)
                places = await _places(session, on)
                state = await _state(session, on)
        days_off = [
            sum(not self._works(day) for day in (on - back * _WEEK - at * DAY for at in range(7)))
            for back in range(LONGEST)
        ]
        return find(Past(on=on, places=places, state=state, days_off=days_off), false_alarms=false_alarms)

    async def _whole(self, session: AsyncConnection, on: date) -> None:
        """Nothing of the day may be missing in the counts."""
        end = datetime.combine(on + DAY, time(), tzinfo=self._zone)
        position = select(func.coalesce(func.max(figures_position.c.seal), 0)).scalar_subquery()
        at, seal = complaint_events.c.at, complaint_events.c.sealed_in
        missing = or_(exists().where(seal.is_(None), at < end), exists().where(seal > position, at < end))
        if await session.scalar(select(missing)):
            raise FiguresBehind(on)


async def _places(session: AsyncConnection, on: date) -> dict[Place, list[int]]:
    """WEEKS of seven days for each place, newest first."""
    monday, until, after = monday_of(on), *_halves(on)
    columns = [
        func.sum(
            case(
                (_weeks.week == monday - back * _WEEK, until),
                (_weeks.week == monday - (back + 1) * _WEEK, after),
                else_=0,
            )
        )
        for back in range(WEEKS)
    ]
    statement = (
        select(_weeks.category, _weeks.district, *columns)
        .where(_weeks.week.between(monday - WEEKS * _WEEK, monday), _weeks.district != "")
        .group_by(_weeks.category, _weeks.district)
    )
    return {(row[0], row[1]): [int(number) for number in row[2:]] for row in await session.execute(statement)}


async def _state(session: AsyncConnection, on: date) -> dict[str, list[int]]:
    """LONGEST weeks of seven days for each category, newest first."""
    monday, until, after = monday_of(on), *_halves(on)
    statement = select(_weeks.category, _weeks.week, until, after).where(
        _weeks.district == "", _weeks.week.between(monday - LONGEST * _WEEK, monday)
    )
    found: dict[str, list[int]] = {}
    for category, week, early, late in await session.execute(statement):
        numbers = found.setdefault(category, [0] * LONGEST)
        back = (monday - week).days // 7
        if back < LONGEST:
            numbers[back] += early
        if back > 0:
            numbers[back - 1] += late
    return found


def _halves(on: date) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Of a week of the calendar: its days up to this day of the week, and those after it."""
    days: list[ColumnElement[int]] = [_weeks[name] for name in WEEKDAYS]
    split = on.weekday() + 1
    return reduce(add, days[:split]), reduce(add, days[split:], literal(0))
