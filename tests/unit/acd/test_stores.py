"""The real stores of the queue: Redis and a database; a restart on them keeps the order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from acd.engine.queues import Urgency
from acd.records import CallRecord, Conversation, Entry, Outcome, Request
from acd.service import Acd
from acd.settings import AcdSettings
from acd.store import QueueStore, SqlCallLog, calls_table, metadata
from acd.testing import FakeLink, PlainWords
from agents.testing import MemoryAgents
from telephony.testing import ScriptedCall

pytestmark = pytest.mark.service

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def entry(id: str, place: int) -> Entry:
    return Entry(
        call_id=id,
        channel=f"PJSIP/trunk-{id}",
        caller="9876543210",
        request=Request(
            language="hi",
            service="complaint",
            context={"what": "सड़क"},
            language_required=True,
            urgency=Urgency.ESCALATED,
        ),
        joined_at=NOON + timedelta(seconds=place),
        place=place,
    )


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'calls.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


async def test_who_waits_and_who_talks_comes_back_as_written_in_order(redis: Redis) -> None:
    store = QueueStore(redis)
    for place in (12, 3, 7):
        await store.put_waiting(entry(f"c{place}", place))
    talk = Conversation(entry=entry("c1", 1), agent="1001", since=NOON, recording="a.wav", answered_at=NOON)
    await store.put_conversation(talk)
    await store.put_conversation(replace(talk, entry=entry("c2", 2), answered_at=None))
    await store.drop_waiting("c7")
    found = await QueueStore(redis).read()
    assert found.waiting == [entry("c3", 3), entry("c12", 12)]
    assert talk in found.conversations
    assert {c.entry.call_id: c.answered_at for c in found.conversations} == {"c1": NOON, "c2": None}


async def test_a_calls_line_is_replaced_by_a_later_one(sessions: async_sessionmaker[AsyncSession]) -> None:
    log = SqlCallLog(sessions)
    record = CallRecord(
        call_id="c1",
        caller="9876543210",
        language="hi",
        service="complaint",
        joined_at=NOON,
        outcome=Outcome.WAITING,
    )
    await log.save([record, replace(record, call_id="c2")])
    await log.save([replace(record, outcome=Outcome.SERVED, agent="1001", answered_at=NOON, ended_at=NOON)])
    assert await log.close_unknown({"c3"}, NOON + timedelta(hours=1)) == 1
    async with sessions() as session:
        rows = {row.call_id: row for row in await session.execute(select(calls_table))}
    assert (rows["c1"].outcome, rows["c1"].agent, rows["c1"].answered_at) == ("served", "1001", NOON)
    assert (rows["c2"].outcome, rows["c2"].ended_at) == ("lost", NOON + timedelta(hours=1))


async def test_a_restart_on_real_stores_keeps_the_order(
    redis: Redis, sessions: async_sessionmaker[AsyncSession], tmp_path: Path
) -> None:
    def controller() -> Acd:
        return Acd(
            agents=MemoryAgents(clock=lambda: NOON),
            redis=redis,
            calls=SqlCallLog(sessions),
            link=link,
            clock=lambda: datetime.now(UTC),
            words=PlainWords(),
            settings=AcdSettings(recordings_folder=tmp_path),
        )

    link = FakeLink()
    link.connected = False
    first = controller()
    await first.start()
    names = [f"c{number}" for number in range(20)]
    tasks = [
        asyncio.create_task(
            first.wait_for_agent(ScriptedCall(call_id=n, caller=""), Request(language="hi", service="x"))
        )
        for n in names
    ]
    async with asyncio.timeout(10):
        while [w.attached for w in first.snapshot().waiting] != [True] * 20:
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await first.stop()
    second = controller()
    await second.start()
    assert [w.call_id for w in second.snapshot().waiting] == names
    assert [w.since for w in second.snapshot().waiting] == [w.since for w in first.snapshot().waiting]
    assert await second.resume(ScriptedCall(call_id="c7")) is not None
    await second.stop()
    async with sessions() as session:
        rows = (await session.execute(select(calls_table).order_by(calls_table.c.joined_at))).all()
    assert [(row.outcome, row.ended_at) for row in rows] == [("waiting", None)] * 20


async def test_who_is_vulnerable_is_kept_by_number_and_taken_back(
    sessions: async_sessionmaker[AsyncSession],
) -> None:
    log = SqlCallLog(sessions)
    await log.set_vulnerable("9876500001", True, by="1001", at=NOON)
    await log.set_vulnerable("9876500001", True, by="1002", at=NOON)
    await log.set_vulnerable("9876500002", True, by="1001", at=NOON)
    await log.set_vulnerable("9876500002", False, by="meera", at=NOON)
    assert await SqlCallLog(sessions).vulnerable_callers() == ["9876500001"]
