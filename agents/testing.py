"""Stand-ins that ship: a Redis in memory and a store in memory, for tests on virtual time.

The real ones pass the same tests (tests/unit/agents/test_mirror.py, test_service.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.ext.asyncio import async_sessionmaker

from agents.agent import Agent, AgentId, Line
from agents.errors import InvalidAgent
from agents.pins import Pins
from agents.presence import signed_out
from agents.service import Agents
from agents.skills import default_skills
from agents.store import Record


class MemoryRedis:
    """The few commands that the mirrors use. `down = True` makes every one fail; `lose()` is a restart without data."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, str]] = {}
        self.down = False
        self._run = 1

    def lose(self) -> None:
        self.hashes.clear()
        self._run += 1

    def check(self) -> None:
        if self.down:
            raise RedisConnectionError("connection refused")

    async def wait_to_write(self) -> None:
        """How long a write takes; no time at all, here."""

    async def info(self, section: str) -> dict[str, str]:
        self.check()
        return {"run_id": str(self._run)}

    async def hgetall(self, key: str) -> dict[str, str]:
        self.check()
        return dict(self.hashes.get(key, {}))

    @property
    def connection_pool(self) -> _Pool:
        return _Pool(self)

    def as_redis(self) -> Redis:
        return cast(Redis, self)


class _Pool:
    """Its one connection: commands are carried out when they are sent."""

    def __init__(self, redis: MemoryRedis) -> None:
        self._redis = redis

    async def get_connection(self) -> _Pool:
        self._redis.check()
        return self

    async def release(self, connection: _Pool) -> None:
        return None

    async def disconnect(self, *, nowait: bool) -> None:
        return None

    def pack_commands(self, commands: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
        return commands

    async def send_packed_command(self, commands: Sequence[tuple[str, ...]], *, check_health: bool) -> None:
        await self._redis.wait_to_write()
        self._redis.check()
        for name, *words in commands:
            match name:
                case "DEL":
                    self._redis.hashes.pop(words[0], None)
                case "HDEL":
                    for field in words[1:]:
                        self._redis.hashes.get(words[0], {}).pop(field, None)
                case "HSET":
                    self._redis.hashes.setdefault(words[0], {}).update(zip(words[1::2], words[2::2], strict=True))

    async def read_response(self) -> None:
        return None


class MemoryAgentStore:
    """The table `agents` as a dict."""

    def __init__(self) -> None:
        self.records: dict[AgentId, Record] = {}

    async def add(self, record: Record) -> None:
        if record.id in self.records:
            raise InvalidAgent(f"Agent {record.id} exists already. Choose another number.")
        self.records[record.id] = record

    async def all(self) -> Sequence[Record]:
        return [self.records[id] for id in sorted(self.records)]

    async def pin_tried(self, agent: AgentId, *, wrong_pins: int, locked_until: datetime | None) -> None:
        self.records[agent] = replace(self.records[agent], wrong_pins=wrong_pins, locked_until=locked_until)

    async def new_secrets(self, agent: AgentId, *, md5_cred: str, pin_hash: str) -> None:
        self.records[agent] = replace(
            self.records[agent], md5_cred=md5_cred, pin_hash=pin_hash, wrong_pins=0, locked_until=None
        )

    async def put(self, record: Record) -> None:
        self.records[record.id] = replace(
            self.records[record.id],
            languages=record.languages,
            skills=record.skills,
            line=record.line,
            auto_answer=record.auto_answer,
        )


class MemoryAgents(Agents):
    """Agents without a database. A second one on the same `redis` and `store` is the controller after a restart."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        redis: MemoryRedis | None = None,
        store: MemoryAgentStore | None = None,
    ) -> None:
        self.redis = redis or MemoryRedis()
        self.store = store or MemoryAgentStore()
        super().__init__(async_sessionmaker(), self.redis.as_redis(), clock=clock)
        self._store = self.store
        self._pins = Pins(self._records, self.store, clock=clock, choose=secrets.choice)

    async def seat(
        self,
        id: str,
        *,
        languages: Sequence[str] = ("hi", "en"),
        skills: Mapping[str, int] | None = None,
        line: Line = Line.ON_HOOK,
        auto_answer: bool = False,
    ) -> Agent:
        """An agent who is there already: known, phone registered, signed in. `skills` None: the default ones."""
        record = Record(
            id=AgentId(id),
            name=f"Agent {id}",
            languages=tuple(languages),
            md5_cred="",
            pin_hash="",
            created_at=self._clock(),
            skills=default_skills(languages) if skills is None else skills,
            line=line,
            auto_answer=auto_answer,
        )
        await self.store.add(record)
        self._take_up(record, signed_out(self._clock()))
        self.phone_state(f"agent-{id}", True)
        return await self.sign_in(id, by="test")
