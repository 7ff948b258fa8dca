"""Whose rate stands out, read from roll-ups and events: officers against their own past, agents beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.figures.tables import figure_counts
from grievance_core.integrity.odd import FALSE_ALARMS, NOW_WEEKS, PAST_WEEKS, Answers, Odd, Weeks, jumps, odd_agents
from grievance_core.integrity.service import DISSATISFIED, GIVES, in_span
from grievance_core.lifecycle import EventKind
from grievance_core.rules import Rules
from grievance_core.store import plain_errors
from grievance_core.tables import complaint_events
from grievance_core.working_days import DAY

WEEKS = NOW_WEEKS + PAST_WEEKS
WEEK = timedelta(days=7)
QUICK = timedelta(days=1)  # from having it to the report
MACHINES = frozenset({"citizen", "dialer"})  # who wrote down what no agent did
ANSWERED = (EventKind.SATISFIED, *DISSATISFIED, EventKind.FEEDBACK_MISSED)

_counts = figure_counts.c
_events = complaint_events.c


class Watching:
    """Every method may raise StoreBusy (retryable) or StoreFailed."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], *, rules: Rules, clock: Callable[[], datetime]
    ) -> None:
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._zone = rules.calendar.zone
        self._clock = clock

    async def jumps(self, *, false_alarms: float = FALSE_ALARMS) -> list[Odd]:
        """Officers whose last NOW_WEEKS, up to yesterday, jumped beside their PAST_WEEKS before.

        Reads every report of these weeks: a question for the night.
        """
        today = self._clock().astimezone(self._zone).date()
        with plain_errors():
            async with self._engine.connect() as session:
                reported = await self._weeks(session, today, _counts.reported, _counts.reported)
                answered = _counts.solved + _counts.dissatisfied
                satisfied = await self._weeks(session, today, _counts.solved, answered)
                quick = await self._quick(session, today)
        return jumps(satisfied, reported, quick, false_alarms=false_alarms)

    async def agents(self, days: int, *, false_alarms: float = FALSE_ALARMS) -> list[Odd]:
        """Agents whose share of satisfied or of not reached stands out, by the channel of their calls."""
        now = self._clock()
        found: dict[tuple[str, str], Counter[EventKind]] = {}
        with plain_errors():
            async with self._engine.connect() as session:
                for kind in ANSWERED:
                    statement = (
                        select(_events.by, _events.channel, func.count().label("number"))
                        .where(*in_span(kind, now - timedelta(days=days), now), _events.by.not_in(sorted(MACHINES)))
                        .group_by(_events.by, _events.channel)
                    )
                    for row in await session.execute(statement):
                        found.setdefault((row.by, row.channel), Counter())[kind] += row.number
        answers = [
            Answers(
                agent=agent,
                kind=channel,
                satisfied=counts[EventKind.SATISFIED],
                dissatisfied=sum(counts[kind] for kind in DISSATISFIED),
                not_reached=counts[EventKind.FEEDBACK_MISSED],
            )
            for (agent, channel), counts in found.items()
        ]
        return odd_agents(answers, false_alarms=false_alarms)

    async def _weeks(
        self, session: AsyncConnection, today: date, hits: ColumnElement[int], tries: ColumnElement[int]
    ) -> dict[str, Weeks]:
        """By post, out of the roll-ups."""

        def week(what: ColumnElement[int], back: int) -> ColumnElement[int]:
            last = today - DAY - back * WEEK
            return func.sum(case((_counts.day.between(last - 6 * DAY, last), what), else_=0))

        columns = [week(hits, back) for back in range(WEEKS)] + [week(tries, back) for back in range(WEEKS)]
        statement = (
            select(_counts.post, *columns)
            .where(_counts.of == "post", _counts.day.between(today - WEEKS * WEEK, today - DAY), tries > 0)
            .group_by(_counts.post)
        )
        rows = await session.execute(statement)
        return {row[0]: Weeks([int(n) for n in row[1 : WEEKS + 1]], [int(n) for n in row[WEEKS + 1 :]]) for row in rows}

    async def _quick(self, session: AsyncConnection, today: date) -> dict[str, Weeks]:
        """By post, how many of its reports came within QUICK of its having the complaint."""
        end = datetime.combine(today, time(), tzinfo=self._zone)
        before = complaint_events.alias("before")
        statement = (
            select(_events.post, _events.at, func.max(before.c.at).label("had_since"))
            .join(before, and_(before.c.number == _events.number, before.c.seq < _events.seq))
            .where(
                *in_span(EventKind.REPORTED, end - WEEKS * WEEK, end),
                _events.at < end,
                before.c.kind.in_(sorted(kind.value for kind in GIVES)),
            )
            .group_by(_events.number, _events.seq, _events.post, _events.at)
        )
        found: dict[str, tuple[list[int], list[int]]] = {}
        async for row in await session.stream(statement):
            hits, tries = found.setdefault(row.post or "", ([0] * WEEKS, [0] * WEEKS))
            back = min(WEEKS, -((row.at - end) // WEEK)) - 1
            tries[back] += 1
            hits[back] += row.at - row.had_since < QUICK
        return {post: Weeks(hits, tries) for post, (hits, tries) in found.items()}
