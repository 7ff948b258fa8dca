"""On a database server nobody waits for a lock for ever, and a connection that was cut is replaced before use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from grievance_core.catalogue import Catalogue
from grievance_core.errors import StoreBusy
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from helpline import storage
from helpline.errors import ServiceFailed
from helpline.storage import configuration, migrate, open_engine
from tests.postgres import Postgres

pytestmark = pytest.mark.service

WHO = text("SELECT pg_backend_pid()")


@pytest.fixture
async def url(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """An empty database of its own, whose locks are waited for so briefly that no test takes long."""
    monkeypatch.setattr(storage, "BUSY_SECONDS", 0.1)
    door = create_async_engine(postgres_server.url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with door.connect() as connection:
        await connection.execute(text("CREATE DATABASE locks"))
    yield postgres_server.url("locks")
    async with door.connect() as connection:
        await connection.execute(text("DROP DATABASE locks WITH (FORCE)"))


async def test_a_writer_behind_a_held_lock_is_told_to_try_again_and_readers_read_on(url: str) -> None:
    await migrate(url)
    engine = open_engine(url)
    desk = Grievances(async_sessionmaker(engine), catalogue=Catalogue.shipped(), clock=FixedClock())
    complaint = await desk.register(a_draft())
    async with engine.connect() as other:
        await other.execute(text("SELECT * FROM complaints FOR UPDATE"))
        with pytest.raises(StoreBusy, match="Try again in a moment"):
            await desk.report(complaint.number, by="JE", text="हो गया")
        assert await desk.get(complaint.number) == complaint
    assert (await desk.report(complaint.number, by="JE", text="हो गया")).reported_at is not None
    await engine.dispose()


async def test_a_step_of_the_schema_behind_a_held_lock_says_so_and_works_afterwards(url: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(url), "0002")
    engine = open_engine(url)
    async with engine.connect() as other:
        await other.execute(text("LOCK TABLE complaints"))
        with pytest.raises(ServiceFailed, match=r"locked by another program.*try again"):
            await migrate(url)
    await migrate(url)
    await engine.dispose()


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
