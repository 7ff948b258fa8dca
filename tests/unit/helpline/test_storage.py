"""The database's connections: one whose server has gone is replaced before it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from helpline import storage
from helpline.storage import open_engine
from tests.postgres import Postgres

pytestmark = pytest.mark.service

WHO = text("SELECT pg_backend_pid()")


@pytest.fixture
async def engine(postgres_server: Postgres) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(postgres_server.url())
    yield engine
    await engine.dispose()


async def use(engine: AsyncEngine) -> int:
    """One statement; who served it."""
    async with engine.connect() as connection:
        return int((await connection.execute(WHO)).scalar_one())


async def end(engine: AsyncEngine, served_by: int) -> None:
    """As a restarted server does to all its connections; by one that is not of the pool under test."""
    other = open_engine(str(engine.url))
    async with other.connect() as connection:
        await connection.execute(text(f"SELECT pg_terminate_backend({served_by}, 5000)"))
    await other.dispose()


async def test_a_connection_that_was_cut_while_it_rested_is_replaced_unseen(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await use(engine)
    await end(engine, first)
    monkeypatch.setattr(storage, "REST_SECONDS", 0.0)
    assert await use(engine) != first


async def test_a_busy_connection_is_kept_and_not_asked_each_time(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(engine.sync_engine.dialect, "do_ping", asked.append)
    monkeypatch.setattr(storage, "REST_SECONDS", 60.0)
    assert await use(engine) == await use(engine) == await use(engine)
    assert not asked
    monkeypatch.setattr(storage, "REST_SECONDS", 0.0)
    await use(engine)
    assert len(asked) == 1
