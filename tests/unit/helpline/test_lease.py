"""The lease with a real Redis: who may take it when, and what its holder does while Redis is away or emptied."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_port
from helpline.errors import RunFolderInUse, ServiceFailed
from helpline.holding import Terms
from helpline.lease import FENCE_KEY, LEASE_KEY, Lease, LeaseLost
from helpline.redis_server import RedisServer
from helpline.runfolder import RunFolder

pytestmark = pytest.mark.service

TERMS = Terms(lasts=1.0, renew_every=0.2)
SOON = 0.5


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    program = Programs().find("redis-server")
    folder = tmp_path / "redis"
    folder.mkdir()
    made = RedisServer(argv=program.argv, env=program.env, folder=folder, port=free_port(), password="of-a-test-only")
    await made.start()
    yield made
    await made.stop()


@dataclass
class Leases:
    """Makes leases, each with a connection of its own, in one of several run folders."""

    server: RedisServer
    root: Path
    clients: list[Redis] = field(default_factory=list)

    def folder(self, name: str) -> RunFolder:
        (self.root / name).mkdir(exist_ok=True)
        return RunFolder(self.root / name)

    def make(self, folder: str = "here", **more: Any) -> Lease:
        client = Redis.from_url(self.server.url, decode_responses=True, socket_timeout=2.0)
        self.clients.append(client)
        return Lease(client, self.folder(folder), **{"own_redis": True, "terms": TERMS} | more)


@pytest.fixture
async def leases(server: RedisServer, tmp_path: Path) -> AsyncIterator[Leases]:
    made = Leases(server, tmp_path)
    yield made
    for client in made.clients:
        await client.aclose()


@asynccontextmanager
async def kept(lease: Lease) -> AsyncIterator[asyncio.Task[None]]:
    """At work: renews it until the block ends."""
    keeping = asyncio.create_task(lease.keep())
    try:
        yield keeping
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})


@asynccontextmanager
async def standing_by(lease: Lease) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(lease.stand_by())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
        await lease.let_go()


def dies(lease: Lease) -> None:
    """As kill -9 does it: the kernel lets go of the lock, nothing is said to Redis."""
    lease._unlock()


async def test_of_two_in_one_run_folder_the_second_is_refused_at_once(leases: Leases) -> None:
    first, second = leases.make(), leases.make()
    await first.take()
    assert first.held()
    with pytest.raises(RunFolderInUse, match=r"A controller \(process \d+\) already runs in .*Stop it, or"):
        await second.take()
    assert not second.held()
    await first.let_go()
    assert not first.held()
    await second.take()
    assert second.held()
    await second.let_go()


@pytest.mark.parametrize("how", ["it dies", "it lets go"])
async def test_the_one_that_stands_by_has_it_at_once_when_the_first_one_ends(how: str, leases: Leases) -> None:
    first, second = leases.make(), leases.make()
    await first.take()
    async with kept(first), standing_by(second) as taking:
        await asyncio.sleep(1.5 * TERMS.lasts)
        assert not taking.done()
    async with standing_by(second) as taking:
        await asyncio.sleep(0.2)
        if how == "it dies":
            dies(first)
        else:
            await first.let_go()
        async with asyncio.timeout(SOON):
            await taking
        assert second.held()
        assert second.fence > first.fence


async def test_a_restart_after_a_crash_does_not_wait_for_the_dead_ones_lease(leases: Leases) -> None:
    first, second = leases.make(), leases.make()
    await first.take()
    dies(first)
    async with asyncio.timeout(SOON):
        await second.take()
    assert second.fence > first.fence
    with pytest.raises(LeaseLost, match="Another controller is at work"):
        await first.keep()
    await second.let_go()


@contextmanager
def lock_held_by_another_process(folder: RunFolder, *, named: str) -> Iterator[subprocess.Popen[bytes]]:
    code = (
        "import fcntl, os, sys, time\n"
        "file = open('controller.lock', 'a+'); fcntl.flock(file, fcntl.LOCK_EX); file.truncate(0)\n"
        "file.write(str(os.getpid())); file.flush(); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, named], cwd=folder.root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def test_a_holder_that_has_hung_is_ended_by_its_pid_and_replaced(leases: Leases) -> None:
    with lock_held_by_another_process(leases.folder("here"), named="helpline.controller") as hung:
        place = leases.folder("here").secret("place")
        await leases_client(leases).set(LEASE_KEY, f"1 0123abcd {place} {hung.pid}", px=int(TERMS.lasts * 1000))
        second = leases.make()
        began = time.monotonic()
        async with standing_by(second) as taking:
            async with asyncio.timeout(TERMS.lasts + 2.0):
                await taking
            assert time.monotonic() - began >= TERMS.lasts * 0.9
            assert hung.wait(1) == -9
            assert second.held()


async def test_a_process_that_is_no_controller_is_not_ended_whatever_the_lock_says(leases: Leases) -> None:
    with lock_held_by_another_process(leases.folder("here"), named="an editor") as stranger:
        async with standing_by(leases.make()) as taking:
            await asyncio.sleep(TERMS.grace + 0.5)
            assert stranger.poll() is None
            assert not taking.done()


# -- one Redis for several machines: the lease alone decides


async def test_of_another_run_folder_a_living_holder_is_left_alone_and_a_dead_one_is_followed_when_its_lease_ran_out(
    leases: Leases,
) -> None:
    here, there = leases.make("here", own_redis=False), leases.make("there", own_redis=False)
    await here.take()
    async with standing_by(there) as taking:
        async with kept(here):
            await asyncio.sleep(2 * TERMS.lasts)
            assert not taking.done()
            with pytest.raises(RunFolderInUse, match=r"another run folder works with this Redis .*redis_url"):
                await leases.make("third", own_redis=False).take()
        died = time.monotonic()
        async with asyncio.timeout(3.0):
            await taking
        assert time.monotonic() - died > TERMS.lasts / 2
        assert there.held()
        assert not here.held()
        with pytest.raises(LeaseLost):
            await here.keep()
    await here.let_go()


@pytest.mark.parametrize("back", ["emptied", "restarted"])
async def test_a_redis_that_was_away_and_comes_back_empty_costs_the_holder_nothing(
    back: str, leases: Leases, server: RedisServer
) -> None:
    here, there = leases.make("here", own_redis=False), leases.make("there", own_redis=False)
    await here.take()
    fence = here.fence
    async with kept(here) as keeping, standing_by(there) as taking:
        await asyncio.sleep(0.5)
        if back == "restarted":
            await server.stop()
            for _ in range(12):
                await asyncio.sleep(TERMS.lasts / 8)
                assert here.held()
            for file in (server.folder / "appendonlydir").iterdir():
                file.unlink()
            await server.start()
        else:
            await leases_client(leases).flushall()
        for _ in range(20):
            await asyncio.sleep(0.1)
            assert here.held()
        assert not taking.done()
        assert not keeping.done()
        assert here.fence == fence
        assert await leases_client(leases).get(FENCE_KEY) == str(fence)
        assert str(await leases_client(leases).get(LEASE_KEY)).startswith(f"{fence} ")
    await here.let_go()


def leases_client(leases: Leases) -> Redis:
    return leases.clients[0] if leases.clients else _client(leases)


def _client(leases: Leases) -> Redis:
    leases.clients.append(Redis.from_url(leases.server.url, decode_responses=True))
    return leases.clients[0]


async def fence_given_to(lease: Lease) -> int:
    await lease.take()
    fence = lease.fence
    await lease.let_go()
    return fence


async def test_the_fence_rises_although_redis_was_emptied_and_the_clock_set_back(leases: Leases) -> None:
    filed = leases.folder("here").root / "fence"
    first = await fence_given_to(leases.make())
    await leases_client(leases).flushall()
    second = await fence_given_to(leases.make(wall=lambda: 0.0))
    assert second == first + 1  # by the run folder's record
    filed.write_text("no number")
    third = await fence_given_to(leases.make(wall=lambda: 0.0))
    assert third == second + 1  # by Redis' own
    await leases_client(leases).flushall()
    filed.unlink()
    assert await fence_given_to(leases.make()) > third  # by the time of day


async def test_one_that_was_stopped_for_long_knows_it_by_its_own_clock_and_ends(leases: Leases) -> None:
    skipped = 0.0
    lease = leases.make(clock=lambda: time.monotonic() + skipped)
    await lease.take()
    async with kept(lease) as keeping:
        await asyncio.sleep(2.5 * TERMS.renew_every)
        assert lease.held()
        await leases_client(leases).delete(LEASE_KEY)  # it ran out while the process was stopped
        skipped = 10.0
        assert not lease.held()
        async with asyncio.timeout(1):
            await asyncio.wait({keeping})
        assert isinstance(keeping.exception(), LeaseLost)
        assert not lease.held()
    await lease.let_go()


async def test_without_redis_nobody_begins_to_work(leases: Leases, server: RedisServer) -> None:
    await server.stop()
    first, second = leases.make(), leases.make()
    with pytest.raises(ServiceFailed, match=r"Redis does not answer.*Start it, or mend redis_url"):
        await first.take()
    async with standing_by(second) as taking:  # the lock was let go of
        await asyncio.sleep(0.5)
        assert not second.held()
        await server.start()
        async with asyncio.timeout(3):
            await taking
        assert second.held()
