"""The running controller's lines to other systems: letters go out, reports come in, and all ends well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from grievance_core.catalogue import Catalogue
from grievance_core.lifecycle import State
from grievance_core.service import Grievances
from grievance_core.tables import metadata
from grievance_core.testing import a_draft
from helpline.outside import outside
from helpline.rules import rules_of
from helpline.settings import Settings, parse
from helpline.storage import open_engine
from helpline.wiring import utc_now
from tests.igrs_server import ReferenceIgrs

pytestmark = pytest.mark.service


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'helpline.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


def settings_for(url: str, folder: Path) -> Settings:
    return parse(
        f'[igrs]\nurl = "{url}"\ntoken = "secret"\nfetch_seconds = 0.05\n', source="helpline.toml", base=folder
    )


async def test_a_complaint_goes_out_and_its_report_comes_back(
    tmp_path: Path, sessions: async_sessionmaker[AsyncSession]
) -> None:
    igrs = ReferenceIgrs()
    await igrs.start()
    settings = settings_for(igrs.url, tmp_path)
    catalogue = Catalogue.shipped()
    house = Grievances(sessions, catalogue=catalogue, clock=utc_now, rules=rules_of(settings, catalogue))
    async with outside(settings, sessions, house, clock=utc_now) as lines, asyncio.timeout(20):
        chores = [asyncio.create_task(chore(), name=name) for name, chore in lines.chores]
        number = (await house.register(a_draft())).number
        while len(igrs.changes.get(number, [])) < 2:
            await asyncio.sleep(0.01)
        igrs.reports["r1"] = {"id": "r1", "complaint": number, "by": "JE", "text": "हो गया"}
        while (await house.get(number)).state is not State.AWAITING_FEEDBACK:
            await asyncio.sleep(0.01)
        await igrs.stop()
        await asyncio.sleep(0.2)  # away: told in the log, and the chores go on
        assert not any(chore.done() for chore in chores)
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)


async def test_a_house_without_an_address_tells_nobody(
    tmp_path: Path, sessions: async_sessionmaker[AsyncSession]
) -> None:
    settings = parse("", source="helpline.toml", base=tmp_path)
    house = Grievances(sessions, catalogue=Catalogue.shipped(), clock=utc_now)
    async with outside(settings, sessions, house, clock=utc_now) as lines:
        assert lines.chores == ()
    assert list(rules_of(settings, Catalogue.shipped()).letters(await house.register(a_draft()), [])) == []
