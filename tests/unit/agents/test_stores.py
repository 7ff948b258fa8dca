"""The real stores: Redis through the mirror, agents in a database; the stand-ins keep the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from agents.agent import AgentId, Line
from agents.errors import InvalidAgent, PresenceUnreadable
from agents.mirror import Mirror
from agents.presence import State
from agents.service import Agents
from agents.store import PRESENCE_KEY, AgentStore, AgentTable, Record, metadata
from agents.testing import MemoryAgentStore, MemoryRedis
from helpline.redis_server import RedisServer

pytestmark = pytest.mark.service

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'agents.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture(params=["memory", "sql"])
def table(request: pytest.FixtureRequest, sessions: Sessions) -> AgentTable:
    return MemoryAgentStore() if request.param == "memory" else AgentStore(sessions)


@pytest.fixture(params=["memory", "real"])
def any_redis(request: pytest.FixtureRequest, redis: Redis) -> Redis:
    return MemoryRedis().as_redis() if request.param == "memory" else redis


def record(id: str) -> Record:
    return Record(id=AgentId(id), name="आशा", languages=("hi", "en"), md5_cred="m" * 32, pin_hash="p", created_at=NOON)


async def test_an_agent_comes_back_as_kept(table: AgentTable) -> None:
    await table.add(record("1002"))
    await table.add(record("1001"))
    assert await table.all() == [record("1001"), record("1002")]
    with pytest.raises(InvalidAgent):
        await table.add(record("1001"))
    until = NOON + timedelta(minutes=5)
    await table.pin_tried(AgentId("1001"), wrong_pins=2, locked_until=until)
    kept = (await table.all())[0]
    assert (kept.wrong_pins, kept.locked_until) == (2, until)
    await table.new_secrets(AgentId("1001"), md5_cred="n" * 32, pin_hash="q")
    kept = (await table.all())[0]
    assert (kept.md5_cred, kept.pin_hash, kept.wrong_pins, kept.locked_until) == ("n" * 32, "q", 0, None)


async def test_what_an_agent_can_do_is_kept_and_the_secrets_stay(table: AgentTable) -> None:
    await table.add(record("1001"))
    await table.add(record("1002"))
    await table.pin_tried(AgentId("1001"), wrong_pins=2, locked_until=None)
    skills = {"service:complaint": 7, "language:ur": 5}
    after = replace(record("1001"), skills=skills, languages=("ur",), line=Line.OFF_HOOK, auto_answer=True)
    await table.put(after)
    assert await table.all() == [replace(after, wrong_pins=2), record("1002")]


async def test_a_naive_time_is_refused(sessions: Sessions) -> None:
    with pytest.raises(Exception, match="an aware time was expected"):
        await AgentStore(sessions).pin_tried(AgentId("1001"), wrong_pins=0, locked_until=datetime(2026, 1, 5))  # noqa: DTZ001


async def test_what_is_put_can_be_read_by_the_next(any_redis: Redis) -> None:
    mirror = Mirror(any_redis, "test:hash")
    await asyncio.gather(*(mirror.put(f"f{number}", str(number)) for number in range(20)))
    await mirror.put("f3", None)
    assert await Mirror(any_redis, "test:hash").read() == {f"f{n}": str(n) for n in range(20) if n != 3}


async def test_writers_who_come_together_share_a_round_trip_whatever_hash_they_write_to(redis: Redis) -> None:
    async def writes() -> int:
        return int((await redis.info("commandstats")).get("cmdstat_hset", {"calls": 0})["calls"])

    before = await writes()
    mirrors = Mirror(redis, "test:hash"), Mirror(redis, "test:other")
    await asyncio.gather(*(mirror.put(f"f{number}", "x") for number in range(100) for mirror in mirrors))
    assert [len(await redis.hgetall(mirror.key)) for mirror in mirrors] == [100, 100]
    assert await writes() - before == 2


async def test_a_restart_of_redis_without_its_data_is_mended(redis_server: RedisServer, redis: Redis) -> None:
    mirror = Mirror(redis, "test:hash")
    await mirror.read()
    mirror.start()
    await mirror.put("kept", "1")
    await redis_server.stop()
    await mirror.put("while-away", "2")
    assert mirror.down
    for file in redis_server.folder.glob("appendonlydir/*"):
        file.unlink()
    await redis_server.start()
    async with asyncio.timeout(10):
        while mirror.down:
            await asyncio.sleep(0.05)
    assert await redis.hgetall("test:hash") == {"kept": "1", "while-away": "2"}
    await mirror.stop()


async def test_presence_survives_the_controller(sessions: Sessions, redis: Redis) -> None:
    agents = Agents(sessions, redis, clock=lambda: NOON)
    await agents.load()
    new = await agents.add(id="1001", name="Asha", languages=["hi"])
    await agents.add(id="1002", name="Ravi", languages=["hi"])
    await agents.sign_in("1001", pin=new.pin)
    await agents.talking("1001", "c1")
    restarted = Agents(sessions, redis, clock=lambda: NOON + timedelta(minutes=1))
    await restarted.start()
    assert (restarted.get("1001").state, restarted.get("1001").call) == (State.TALKING, "c1")
    assert restarted.get("1001").presence == agents.get("1001").presence
    assert restarted.get("1002").state is State.SIGNED_OUT
    assert [phone.endpoint for phone in restarted.phones()] == ["agent-1001", "agent-1002"]
    await restarted.stop()


async def test_the_presence_of_an_agent_who_is_no_more_is_dropped(sessions: Sessions, redis: Redis) -> None:
    await redis.hset(PRESENCE_KEY, "1009", "{}")
    await Agents(sessions, redis, clock=lambda: NOON).load()
    assert await redis.hgetall(PRESENCE_KEY) == {}


async def test_without_redis_at_start_up_it_is_said_what_to_do(sessions: Sessions) -> None:
    redis = MemoryRedis()
    redis.down = True
    with pytest.raises(PresenceUnreadable, match="redis_url"):
        await Agents(sessions, redis.as_redis(), clock=lambda: NOON).load()


async def test_wrong_pins_are_still_counted_after_a_restart(sessions: Sessions, redis: Redis) -> None:
    agents = Agents(sessions, redis, clock=lambda: NOON)
    await agents.load()
    await agents.add(id="1001", name="Asha", languages=["hi"])
    for _ in range(3):
        with pytest.raises(Exception, match="more tries"):
            await agents.sign_in("1001", pin="000000")
    restarted = Agents(sessions, redis, clock=lambda: NOON)
    await restarted.load()
    with pytest.raises(Exception, match="; 1 more tries"):
        await restarted.sign_in("1001", pin="000000")


async def test_secrets_lie_nowhere_in_clear(sessions: Sessions, redis: Redis) -> None:
    agents = Agents(sessions, redis, clock=lambda: NOON)
    await agents.load()
    new = await agents.add(id="1001", name="Asha", languages=["hi"])
    await agents.sign_in("1001", pin=new.pin)
    async with sessions() as session:
        rows = str((await session.execute(text("SELECT * FROM agents"))).all())
    kept = rows + str(await redis.hgetall(PRESENCE_KEY))
    assert new.password not in kept
    assert new.pin not in kept
