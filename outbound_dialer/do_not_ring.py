"""The do-not-ring list: numbers that no campaign rings, from the moment they stand here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from outbound_dialer.errors import InvalidNumber
from outbound_dialer.rules import NUMBER
from outbound_dialer.store import do_not_ring_table

_columns = do_not_ring_table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One number on the list, and who put it there."""

    number: str = field(repr=False)
    since: datetime
    by: str
    reason: str


class DoNotRing:
    """The list as a supervisor keeps it. The dialer reads it right before each call."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock

    async def add(self, number: str, *, by: str, reason: str) -> None:
        """Ring it no more; one that stands there already stays as it is. Raises InvalidNumber."""
        if not NUMBER.fullmatch(number):
            raise InvalidNumber(number)
        values = {"number": number, "since": self._clock(), "by": by[:120], "reason": reason[:300]}
        try:
            async with self._sessions.begin() as session:
                await session.execute(insert(do_not_ring_table).values(values))
        except IntegrityError:
            return

    async def remove(self, number: str) -> bool:
        """Take it off. False: it was not there."""
        async with self._sessions.begin() as session:
            gone = await session.execute(delete(do_not_ring_table).where(_columns.number == number))
        return bool(gone.rowcount)  # type: ignore[attr-defined]

    async def all(self, limit: int = 1000) -> Sequence[Listed]:
        """The latest first."""
        async with self._sessions() as session:
            rows = await session.execute(select(do_not_ring_table).order_by(_columns.since.desc()).limit(limit))
            return [Listed(number=row.number, since=row.since, by=row.by, reason=row.reason) for row in rows]
