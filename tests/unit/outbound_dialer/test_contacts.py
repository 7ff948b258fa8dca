"""Lists of contacts: loaded whole or not at all, and the next one chosen by due time without a search."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from outbound_dialer import contacts as contacts_module
from outbound_dialer.campaign import Campaign, CampaignState, Mode
from outbound_dialer.campaign_tables import contacts_table, lists_table
from outbound_dialer.campaigns import Campaigns
from outbound_dialer.contact_lines import Listed
from outbound_dialer.contacts import Contacts, Loaded, head_of
from outbound_dialer.errors import CampaignRefused, ImportUnderWay
from outbound_dialer.store import metadata
from tests.postgres import Postgres
from tests.unit.outbound_dialer.conftest import ELEVEN

pytestmark = pytest.mark.service

Sessions = async_sessionmaker[AsyncSession]


class Clock:
    def __init__(self) -> None:
        self.now = ELEVEN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def campaigns(sessions: Sessions, clock: Clock) -> Campaigns:
    made = Campaigns(sessions, clock=clock)
    for name in ("water", "roads"):
        await made.make(Campaign(name=name, made_at=ELEVEN, made_by="supervisor"))
    return made


@pytest.fixture
def contacts(sessions: Sessions, campaigns: Campaigns, clock: Clock) -> Contacts:
    return Contacts(sessions, clock=clock)


def line(key: str, *, due: int = 0) -> Listed:
    return Listed(key=key, number=f"98765{hash(key) % 100_000:05}", due=ELEVEN + timedelta(minutes=due))


async def load(contacts: Contacts, *lines: Listed, campaign: str = "water") -> Loaded:
    return await contacts.load(campaign, lines, source="list.csv", by="supervisor")


async def keys(contacts: Contacts, limit: int = 10) -> list[str]:
    return [one.key for one in await contacts.next("water", limit)]


async def test_the_next_is_the_earliest_due_over_all_lists_of_the_campaign(contacts: Contacts) -> None:
    await load(contacts, line("c", due=3), line("a", due=1))
    await load(contacts, line("d", due=4), line("b", due=2))
    await load(contacts, line("other", due=0), campaign="roads")
    assert await keys(contacts) == ["a", "b", "c", "d"]
    assert await keys(contacts, 2) == ["a", "b"]


async def test_the_same_import_again_adds_nothing(contacts: Contacts) -> None:
    lines = [line("a"), line("b")]
    assert await load(contacts, *lines) == Loaded(new=2, known=0)
    assert await load(contacts, *lines) == Loaded(new=0, known=2)
    assert await load(contacts, *lines, line("c")) == Loaded(new=1, known=2)
    assert await keys(contacts) == ["a", "b", "c"]


async def test_an_import_again_does_not_bring_back_who_is_settled(contacts: Contacts) -> None:
    await load(contacts, line("a"))
    await contacts.settle("water", "a", "answered")
    await load(contacts, line("a"))
    assert await keys(contacts) == []


async def test_an_import_that_fails_half_way_leaves_nothing(
    contacts: Contacts, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts_module, "ROWS_AT_ONCE", 2)

    def breaks() -> Iterator[Listed]:
        yield from (line("a"), line("b"), line("c"))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        await contacts.load("water", breaks(), source="list.csv", by="x")
    assert await keys(contacts) == []
    async with sessions() as session:
        for table in (contacts_table, lists_table):
            assert (await session.execute(select(func.count()).select_from(table))).scalar_one() == 0


async def test_what_a_killed_import_left_is_never_rung_and_the_next_one_takes_it_away(
    contacts: Contacts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts_module, "ROWS_AT_ONCE", 2)

    def killed() -> Iterator[Listed]:
        yield from (line("a"), line("b"), line("c"))
        raise asyncio.CancelledError  # nothing is tidied up, as after kill -9

    with pytest.raises(asyncio.CancelledError):
        await contacts.load("water", killed(), source="list.csv", by="x")
    assert await keys(contacts) == []
    assert await contacts.find("a") == []
    with pytest.raises(ImportUnderWay, match="Try again in half a minute"):
        await load(contacts, line("b"))
    clock.now += timedelta(seconds=21)
    assert await load(contacts, line("b"), line("z")) == Loaded(new=2, known=0)
    assert await keys(contacts) == ["b", "z"]


async def test_who_rests_is_left_out_until_the_rest_is_over(contacts: Contacts, clock: Clock) -> None:
    await load(contacts, line("a", due=1), line("b", due=2))
    await contacts.rest("water", "a", clock.now + timedelta(minutes=10))
    assert await contacts.wake("water") == 0
    assert await keys(contacts) == ["b"]
    clock.now += timedelta(minutes=10)
    assert await contacts.wake("water") == 1
    assert await keys(contacts) == ["a", "b"]


async def test_how_it_was_settled_first_stands(contacts: Contacts, campaigns: Campaigns, clock: Clock) -> None:
    await load(contacts, line("a"), line("b"), line("c"))
    await contacts.settle("water", "a", "answered")
    await contacts.settle("water", "a", "lost")
    await contacts.rest("water", "a", clock.now)
    await contacts.rest("water", "b", clock.now + timedelta(hours=1))
    found = await campaigns.progress("water")
    assert (found.waiting, found.resting, dict(found.settled), found.contacts) == (1, 1, {"answered": 1}, 3)


async def test_all_contacts_of_a_campaign_are_read_page_by_page(
    contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(contacts, *(line(key) for key in "abcde"))
    monkeypatch.setattr(contacts_module, "PAGE", 2)
    assert [one.key async for one in contacts.of_campaign("water")] == list("abcde")


async def test_the_next_is_the_head_of_an_index_and_nothing_is_sorted(contacts: Contacts, sessions: Sessions) -> None:
    query = head_of(50).params(list=1).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    async with sessions() as session:
        steps = await session.execute(text(f"EXPLAIN QUERY PLAN {query}"))
        plan = " / ".join(str(step[3]) for step in steps)
    assert "USING INDEX ix_dialer_contacts_next (list=?)" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


async def test_a_campaign_runs_only_with_a_list_and_in_a_mode_that_dials(
    campaigns: Campaigns, contacts: Contacts
) -> None:
    with pytest.raises(CampaignRefused, match="no contacts yet"):
        await campaigns.move("water", CampaignState.RUNNING)
    await load(contacts, line("a"))
    assert (await campaigns.move("water", CampaignState.RUNNING)).state is CampaignState.RUNNING
    await campaigns.make(Campaign(name="agents-first", made_at=ELEVEN, made_by="x", mode=Mode.PREDICTIVE))
    with pytest.raises(CampaignRefused, match="does not make calls yet"):
        await campaigns.move("agents-first", CampaignState.RUNNING)
    assert [one.name for one in await campaigns.all()] == ["agents-first", "roads", "water"]


@pytest.mark.parametrize("name", ["feedback", "water"])
async def test_a_name_that_is_taken_is_refused(campaigns: Campaigns, name: str) -> None:
    with pytest.raises(CampaignRefused, match=r"always there|already"):
        await campaigns.make(Campaign(name=name, made_at=ELEVEN, made_by="x"))


async def test_a_list_is_loaded_on_postgresql_as_well(postgres_server: Postgres, clock: Clock) -> None:
    engine = create_async_engine(postgres_server.url())
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        await Campaigns(sessions, clock=clock).make(Campaign(name="water", made_at=ELEVEN, made_by="supervisor"))
        contacts = Contacts(sessions, clock=clock)
        assert await load(contacts, line("b", due=2), line("a", due=1)) == Loaded(new=2, known=0)
        assert await load(contacts, line("b"), line("c", due=3)) == Loaded(new=1, known=1)
        assert await keys(contacts) == ["a", "b", "c"]
        async with engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
    finally:
        await engine.dispose()
