"""What integrity reads out of the events. Every question names the days it looks at, and reads those only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.integrity.rates import TOO_FAST, FastReport, SecondCall
from grievance_core.lifecycle import EventKind
from grievance_core.rules import Rules
from grievance_core.store import plain_errors
from grievance_core.tables import WATCHED, complaint_events

_events = complaint_events.c
DISSATISFIED = (EventKind.DISSATISFIED_FIRST, EventKind.DISSATISFIED_AGAIN, EventKind.DISSATISFIED_AT_TOP)
# The kinds stand in the statements themselves, as they do in the index, or PostgreSQL would not take that one; SQLite
# takes it only for a question that holds the index's own condition, word for word.
_WATCHED = text(f"complaint_events.{WATCHED}")
_KINDS = {
    kind: text(f"complaint_events.kind = '{kind.value}'")
    for kind in (
        *(EventKind.SATISFIED, *DISSATISFIED, EventKind.FEEDBACK_MISSED),
        *(EventKind.REPORTED, EventKind.SECOND_FEEDBACK, EventKind.PRESSED),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bent:
    """A draw on record that is not what the key says: the event was made by another key, or changed."""

    number: str
    seq: int
    on_record: int  # hours until the second call, 0 for none
    drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """The draws of a span, checked one by one."""

    satisfied: int
    drawn: int
    bent: tuple[Bent, ...]
    key: str  # its SHA-256: told beforehand to others, it shows that the key was not chosen afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A citizen said that an officer pressed them; for the leadership only."""

    number: str
    post: str
    at: datetime


class Integrity:
    """Every method may raise StoreBusy (retryable) or StoreFailed."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], *, rules: Rules, clock: Callable[[], datetime]
    ) -> None:
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._rules = rules
        self._clock = clock

    def key_mark(self) -> str:
        """What to tell others before: the mark of the key by which second calls are drawn."""
        return hashlib.sha256(self._rules.draw_key).hexdigest()

    async def draws(self, since: datetime) -> Draws:
        """Draw anew who was to be rung a second time, and compare with the record."""
        statement = select(_events.number, _events.seq, _events.attempt, _events.amount).where(
            *in_span(EventKind.SATISFIED, since, self._clock()), _events.attempt.is_not(None)
        )
        satisfied = drawn = 0
        bent = []
        with plain_errors():
            async with self._engine.connect() as session:
                async for row in await session.stream(statement.order_by(_events.number, _events.seq)):
                    satisfied += 1
                    drawn += row.amount > 0
                    due = self._rules.second_call_after(row.number, row.attempt)
                    if due != row.amount:
                        bent.append(Bent(number=row.number, seq=row.seq, on_record=row.amount, drawn=due))
        return Draws(satisfied=satisfied, drawn=drawn, bent=tuple(bent), key=self.key_mark())

    async def second_calls(self, since: datetime) -> list[SecondCall]:
        """Second calls that were answered, with who took the first answer. Who was not reached gave none."""
        first = complaint_events.alias("first")
        statement = (
            select(_events.number, _events.at, _events.post, _events.reason, first.c.by, first.c.channel)
            .join(first, and_(first.c.number == _events.number, first.c.kind == EventKind.SATISFIED.value))
            .where(*in_span(EventKind.SECOND_FEEDBACK, since, self._clock()))
        )
        with plain_errors():
            async with self._engine.connect() as session:
                return [
                    SecondCall(
                        number=row.number,
                        at=row.at,
                        post=row.post or "",
                        agent=row.by if row.by != "citizen" else f"machine ({row.channel})",
                        agrees=row.reason == "satisfied",
                    )
                    for row in await session.execute(statement.order_by(_events.at))
                ]

    async def fast_reports(self, since: datetime, limit: int = 500) -> list[FastReport]:
        """Reports within TOO_FAST of the officer's having it, by one who was not on the spot; newest first."""
        before = complaint_events.alias("before")
        statement = (
            select(_events.number, _events.post, _events.at, _events.reason, func.max(before.c.at).label("had_since"))
            .join(before, and_(before.c.number == _events.number, before.c.seq < _events.seq))
            .where(
                *in_span(EventKind.REPORTED, since, self._clock()),
                _events.reason != "visited",
                before.c.kind.in_([kind.value for kind in GIVES]),
            )
            .group_by(_events.number, _events.seq, _events.post, _events.at, _events.reason)
            .order_by(_events.at.desc())
        )
        found = []
        with plain_errors():
            async with self._engine.connect() as session:
                async for row in await session.stream(statement):
                    after = row.at - row.had_since
                    if after < TOO_FAST:
                        found.append(
                            FastReport(
                                number=row.number, post=row.post or "", at=row.at, after=after, reason=row.reason
                            )
                        )
                    if len(found) == limit:
                        break
        return found

    async def pressed(self, since: datetime) -> list[Pressed]:
        """Who said that an officer pressed them, newest first."""
        statement = select(_events.number, _events.post, _events.at).where(
            *in_span(EventKind.PRESSED, since, self._clock())
        )
        with plain_errors():
            async with self._engine.connect() as session:
                rows = await session.execute(statement.order_by(_events.at.desc()))
                return [Pressed(number=row.number, post=row.post or "", at=row.at) for row in rows]


GIVES = frozenset(
    {
        *(EventKind.ASSIGNED, EventKind.OVERRIDDEN, EventKind.TRANSFERRED, EventKind.TRANSFER_DECIDED),
        *DISSATISFIED,
        *(EventKind.TIME_RAN_OUT, EventKind.OFFICER_GONE, EventKind.OBJECTED, EventKind.OBJECTED_AT_TOP),
        *(EventKind.LEFT_PARENT, EventKind.CLOSURE_DECLINED, EventKind.FEEDBACK_GIVEN_UP),
    }
)
"""Events after which an officer has a complaint to work on anew."""


def in_span(kind: EventKind, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Events of one of the watched kinds, found by their index."""
    return (_WATCHED, _KINDS[kind], _events.at >= since, _events.at <= until)  # type: ignore[return-value]
