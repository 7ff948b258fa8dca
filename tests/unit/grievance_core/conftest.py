"""Services to test on: `grievances` is a database in memory, `two_desks` are two on one file."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from grievance_core.service import Grievances
from grievance_core.tables import metadata
from grievance_core.testing import FixedClock, memory_grievances
from tests.unit.grievance_core.stories import CATALOGUE, RULES


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def grievances(clock: FixedClock) -> AsyncIterator[Grievances]:
    async with memory_grievances(clock=clock, catalogue=CATALOGUE, rules=RULES) as service:
        yield service


@pytest.fixture
async def file_url(tmp_path: Path) -> str:
    """A database file with its tables."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'complaints.db'}"
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("PRAGMA journal_mode=WAL"))
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    return url


@asynccontextmanager
async def desk(url: str, clock: FixedClock, *, patience: float, seed: int) -> AsyncIterator[Grievances]:
    """A service with connections of its own, which waits `patience` seconds for a lock."""
    engine = create_async_engine(url, connect_args={"timeout": patience}, hide_parameters=True)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield Grievances(sessions, catalogue=CATALOGUE, clock=clock, rng=random.Random(seed), rules=RULES)
    await engine.dispose()


@pytest.fixture
async def two_desks(file_url: str, clock: FixedClock) -> AsyncIterator[tuple[Grievances, Grievances]]:
    """Two services on one file, as two processes have them."""
    async with desk(file_url, clock, patience=30, seed=1) as one, desk(file_url, clock, patience=30, seed=2) as two:
        yield one, two


@pytest.fixture
async def hasty_desk(file_url: str, clock: FixedClock) -> AsyncIterator[Grievances]:
    """A service on a file that soon tires of waiting for a lock."""
    async with desk(file_url, clock, patience=0.1, seed=1) as service:
        yield service
