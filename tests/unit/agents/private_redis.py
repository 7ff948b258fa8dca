"""A real redis-server of the tests' own, for those that ask for `redis_server` and `redis`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_port
from helpline.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = Programs().find("redis-server")
    server = RedisServer(
        argv=program.argv,
        env=program.env,
        folder=tmp_path_factory.mktemp("redis"),
        port=free_port(),
        password="of-a-test",
    )
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    await redis_server.start()
    client = Redis.from_url(redis_server.url, decode_responses=True)
    await client.flushall()
    yield client
    await client.aclose()
