"""Services to test on, each on SQLite and on a real PostgreSQL: `grievances` is one, `two_desks` two on one store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from grievance_core.service import Grievances
from grievance_core.tables import metadata
from grievance_core.testing import FixedClock, memory_grievances
from tests.postgres import Postgres
from tests.unit.grievance_core.stories import CATALOGUE, RULES


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="session")
def postgres(postgres_server: Postgres) -> Postgres:
    """The run's PostgreSQL with this room's tables."""
    asyncio.run(_make_tables(postgres_server.url()))
    return postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Postgres | None:
    """What a test that asks for it runs on, one after the other: None is SQLite."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
async def grievances(server: Postgres | None, clock: FixedClock) -> AsyncIterator[Grievances]:
    if server is None:
        async with memory_grievances(clock=clock, catalogue=CATALOGUE, rules=RULES) as service:
            yield service
    else:
        await emptied(server.url())
        async with desk(server.url(), clock, seed=1076) as service:
            yield service


@pytest.fixture
async def file_url(tmp_path: Path) -> str:
    """A database file with its tables."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'complaints.db'}"
    await _make_tables(url)
    return url


@pytest.fixture
async def store_url(server: Postgres | None, tmp_path: Path) -> str:
    """A store with its tables that several may open."""
    if server is None:
        url = f"sqlite+aiosqlite:///{tmp_path / 'complaints.db'}"
        await _make_tables(url)
        return url
    await emptied(server.url())
    return server.url()


@asynccontextmanager
async def desk(url: str, clock: FixedClock, *, patience: float = 30, seed: int) -> AsyncIterator[Grievances]:
    """A service with connections of its own, which waits `patience` seconds for a lock of SQLite."""
    engine = opened(url, patience=patience)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield Grievances(sessions, catalogue=CATALOGUE, clock=clock, rng=random.Random(seed), rules=RULES)
    await engine.dispose()


def opened(url: str, *, patience: float = 30) -> AsyncEngine:
    options: dict[str, Any] = {"connect_args": {"timeout": patience}} if url.startswith("sqlite") else {}
    return create_async_engine(url, hide_parameters=True, **options)


@pytest.fixture
async def engine(store_url: str) -> AsyncIterator[AsyncEngine]:
    """Connections to the store."""
    engine = opened(store_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def two_desks(store_url: str, clock: FixedClock) -> AsyncIterator[tuple[Grievances, Grievances]]:
    """Two services on one store, as two processes have them."""
    async with desk(store_url, clock, seed=1) as one, desk(store_url, clock, seed=2) as two:
        yield one, two


@pytest.fixture
async def hasty_desk(file_url: str, clock: FixedClock) -> AsyncIterator[Grievances]:
    """A service on a file that soon tires of waiting for a lock."""
    async with desk(file_url, clock, patience=0.1, seed=1) as service:
        yield service


async def _make_tables(url: str) -> None:
    engine = opened(url)
    async with engine.begin() as connection:
        if url.startswith("sqlite"):
            await connection.execute(text("PRAGMA journal_mode=WAL"))
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


async def emptied(url: str) -> None:
    """Take all rows out of a PostgreSQL database's tables."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    await engine.dispose()
