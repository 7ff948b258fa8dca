"""The language each caller chose is remembered by number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from ivr.errors import MemoryUnavailable
from ivr.store import Languages, metadata

pytestmark = pytest.mark.service

CALLER = "9876543210"


@pytest.fixture
async def languages(tmp_path: Path) -> AsyncIterator[Languages]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'ivr.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield Languages(async_sessionmaker(engine), clock=lambda: datetime(2026, 11, 24, tzinfo=UTC))
    await engine.dispose()


async def test_a_number_that_never_called_has_no_language(languages: Languages) -> None:
    assert await languages.recall(CALLER) is None


async def test_the_last_choice_counts(languages: Languages) -> None:
    await languages.remember(CALLER, "hi")
    await languages.remember(CALLER, "en")
    assert await languages.recall(CALLER) == "en"
    assert await languages.recall("9000000001") is None


async def test_a_withheld_number_is_nobodys(languages: Languages) -> None:
    await languages.remember("", "en")
    assert await languages.recall("") is None


async def test_a_number_can_be_forgotten(languages: Languages) -> None:
    await languages.remember(CALLER, "en")
    await languages.forget(CALLER)
    assert await languages.recall(CALLER) is None


async def test_a_database_without_our_table_is_told_with_the_next_step(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite3'}")
    languages = Languages(async_sessionmaker(engine), clock=lambda: datetime(2026, 11, 24, tzinfo=UTC))
    for asked in (languages.recall(CALLER), languages.remember(CALLER, "hi"), languages.forget(CALLER)):
        with pytest.raises(MemoryUnavailable, match="migrated"):
            await asked
    await engine.dispose()
