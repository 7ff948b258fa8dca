"""On a database server nobody waits for a lock for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
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
