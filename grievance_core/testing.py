"""Stand-ins that ship with the room: the real service on a database in memory, and a clock that moves when told."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from grievance_core.catalogue import Catalogue
from grievance_core.complaint import Draft
from grievance_core.rules import Rules
from grievance_core.service import Clock, Grievances
from grievance_core.tables import metadata

NOON = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 12:00 in Lucknow


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> datetime:
        self.now += timedelta(days=days, hours=hours, minutes=minutes)
        return self.now


def a_draft(
    *,
    category: str = "ENE-02",
    district: str = "162",
    text: str = "गाँव का ट्रांसफार्मर तीन दिन से जला है",
    caller: str = "9876543210",
    call_id: str | None = None,
) -> Draft:
    """A draft like one from an ordinary call."""
    return Draft(
        category=category, district=district, text=text, caller=caller, name="राम लाल", call_id=call_id, agent="1001"
    )


@asynccontextmanager
async def memory_grievances(
    *, clock: Clock | None = None, catalogue: Catalogue | None = None, seed: int = 1076, rules: Rules | None = None
) -> AsyncIterator[Grievances]:
    """The real service on a fresh SQLite in memory, which is gone afterwards. Complaint numbers follow from `seed`."""
    # One connection, because each connection to a database in memory has its own; whoever comes second waits.
    engine = create_async_engine(
        "sqlite+aiosqlite://", poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, hide_parameters=True
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield Grievances(
            async_sessionmaker(engine, expire_on_commit=False),
            catalogue=catalogue or Catalogue.shipped(),
            clock=clock or FixedClock(),
            rng=random.Random(seed),
            rules=rules,
        )
    finally:
        await engine.dispose()
