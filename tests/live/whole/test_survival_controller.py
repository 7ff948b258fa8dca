"""The controller dies or hangs with a hundred waiting and twenty talking: nobody notices, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from acd.store import FORECAST_KEY
from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_ports
from helpline import wiring
from helpline.controller import LOST
from helpline.controllers import ControllerProcess
from helpline.demo.lab import Lab
from helpline.demo.sipp import Running
from helpline.runfolder import RunFolder
from tests.live.whole.conftest import nothing_goes_on
from tests.live.whole.crowd import (
    AGENTS,
    Crowd,
    Phones,
    end_lab,
    make_lab,
    moment,
    percentile,
    print_figures,
    spare_is_loaded,
    start_lab,
    supervised,
)
from tests.live.whole.steps import controller_log, until

pytestmark = pytest.mark.live

TALKING, WAITING = 20, 100
ATTACH_SECONDS = 1.5
TAKE_OVER_SECONDS = 3.0
HUNG_SECONDS = 1.5


@pytest.fixture(scope="module")
def module_lab(programs: Programs) -> Iterator[Lab]:
    lab = make_lab(programs)
    asyncio.run(start_lab(lab))
    yield lab
    end_lab(lab)


@pytest.fixture
async def crowd(module_lab: Lab, programs: Programs, tmp_path: Path, voices: dict[str, Path]) -> AsyncIterator[Crowd]:
    made = Crowd(module_lab, Phones(programs.find("sipp"), tmp_path / "sipp"), voices["agent"])
    made.next_number += 1000 * int(time.time() % 10_000)
    yield made
    await made.end_all()
    await nothing_goes_on(module_lab)
    await made.sign_all_out()


async def full_house(crowd: Crowd) -> tuple[list[str], list[str], dict[str, Any], Running, Running]:
    """Twenty talk, and a hundred wait behind them; who they are, how the queue stands, and their phones."""
    talkers, waiters = crowd.numbers(TALKING), crowd.numbers(WAITING)
    talks = await crowd.call(talkers)
    await crowd.until_queue(talking=TALKING)
    waits = await crowd.call(waiters)
    queue = await crowd.until_queue(waiting=WAITING, talking=TALKING)
    return talkers, waiters, queue, talks, waits


def places(queue: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(place["position"], place["call"], place["since"]) for place in queue["waiting"]]


def talks_of(queue: dict[str, Any]) -> set[tuple[str, str]]:
    return {(talk["call"], talk["agent"]) for talk in queue["talking"]}


async def nobody_lost_anything(crowd: Crowd, before: dict[str, Any], mark: int) -> dict[str, float]:
    """After another controller has come: all are attached, in the same order; how long that took them."""
    queue = await crowd.until_queue(waiting=WAITING)
    assert places(queue) == places(before)
    assert talks_of(queue) == talks_of(before)
    assert queue["repairs"] == {} or not any(queue["repairs"].values()), queue["repairs"]
    serving = moment(crowd.logged("serving", since=mark)[-1])
    came_back = [moment(line) - serving for line in crowd.logged("reattached", since=mark)]
    assert len(came_back) == WAITING
    assert max(came_back) <= ATTACH_SECONDS, max(came_back)
    return {"p50": percentile(came_back, 0.5), "p95": percentile(came_back, 0.95), "max": max(came_back)}


async def the_talkers_ends_are_recorded(crowd: Crowd, talkers: list[str], calls: Running) -> None:
    """They hang up; each has a line with its answer, its agent and its end."""
    calls_of_talkers = [row.call_id for row in await crowd.call_log(talkers)]
    await crowd.hang_up(calls_of_talkers)
    results = await calls.finished(20)
    assert (results.well, results.badly) == (TALKING, 0), results
    async with asyncio.timeout(10):
        while any(row.ended_at is None for row in await crowd.call_log(talkers)):
            await asyncio.sleep(0.1)
    rows = await crowd.call_log(talkers)
    assert len(rows) == TALKING
    for row in rows:
        assert row.agent in AGENTS
        assert row.ended_at > row.answered_at >= row.joined_at
        assert row.outcome not in ("lost", "abandoned"), row.outcome
    crowd.callers.remove(calls)


async def test_killed_with_a_hundred_waiting_and_twenty_talking(crowd: Crowd) -> None:
    async with crowd.agents_at_work(AGENTS[:TALKING]):
        talkers, _, before, talks, waits = await full_house(crowd)
        channels, mark = await crowd.channels(), crowd.log_mark()
        began = time.monotonic()
        crowd.lab.stack.kill_controller()
        await crowd.lab.stack.start_controller()
        started = time.monotonic() - began
        figures = await nobody_lost_anything(crowd, before, mark)
        assert await crowd.channels() == channels
        await crowd.sign_all_out()  # who becomes free takes no other call
        await the_talkers_ends_are_recorded(crowd, talkers, talks)
        assert waits.results().badly == 0, waits.results()
        print_figures(
            "kill -9, no spare",
            a_new_one_after=f"{started:.2f} s",
            attached_after=", ".join(f"{name} {value:.2f} s" for name, value in figures.items()),
        )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
async def test_with_a_spare_another_is_at_work_within_three_seconds_and_the_first_one_does_nothing_more(
    how: signal.Signals, crowd: Crowd
) -> None:
    async with crowd.agents_at_work(AGENTS[:TALKING]), supervised(crowd.lab):
        talkers, _, before, talks, waits = await full_house(crowd)
        channels, mark, first = await crowd.channels(), crowd.log_mark(), crowd.controller
        os.kill(first, how)
        away = await crowd.until_another_serves(first)
        figures = await nobody_lost_anything(crowd, before, mark)
        assert await crowd.channels() == channels
        assert away <= TAKE_OVER_SECONDS
        with pytest.raises(ProcessLookupError):
            os.kill(first, signal.SIGCONT)
        await crowd.sign_all_out()
        await the_talkers_ends_are_recorded(crowd, talkers, talks)
        assert waits.results().badly == 0, waits.results()
        print_figures(
            f"{how.name}, with a spare",
            another_served_after=f"{away:.2f} s",
            attached_after=", ".join(f"{name} {value:.2f} s" for name, value in figures.items()),
        )


async def test_with_no_supervisor_the_one_that_stands_by_ends_a_stopped_one_itself(crowd: Crowd) -> None:
    lab, waiters = crowd.lab, crowd.numbers(10)
    await crowd.call(waiters)
    before = await crowd.until_queue(waiting=10)
    first = lab.stack.controller
    assert first is not None
    lab.stack.start_spare()
    async with asyncio.timeout(20):
        while not spare_is_loaded(lab):
            await asyncio.sleep(0.05)
    os.kill(first.pid, signal.SIGSTOP)
    away = await crowd.until_another_serves(first.pid)
    assert away <= TAKE_OVER_SECONDS
    assert not first.lives()
    lab.stack.controller, lab.stack.spare = lab.stack.spare, None
    assert places(await crowd.until_queue(waiting=10)) == places(before)
    print_figures("SIGSTOP, no supervisor", another_served_after=f"{away:.2f} s")


class Beside:
    """A controller in a run folder of its own, at the same Redis, database and Asterisk: nobody can end the first one
    for it, as on another machine. Asterisk's calls go to the first one's port, so it serves none."""

    def __init__(self, lab: Lab) -> None:
        settings = lab.settings
        password = lab.stack.folder.secret("redis")
        agi_port, console_port = free_ports(2)
        self.settings = settings.model_copy(
            update={
                "run_folder": lab.folder / "beside",
                "redis_url": f"redis://:{password}@127.0.0.1:{settings.redis_port}/0",
                "database_url": settings.database,
                "telephony": settings.telephony.model_copy(update={"agi_port": agi_port}),
                "console": settings.console.model_copy(update={"port": console_port}),
            }
        )
        folder = RunFolder(self.settings.run_folder)
        folder.prepare()
        shutil.copytree(lab.stack.folder.asterisk / "keys", folder.asterisk / "keys")
        file = folder.root / "controller.json"
        file.write_text(self.settings.model_dump_json(), encoding="utf-8")
        self.log = folder.log / "spare.log"
        self.process = ControllerProcess(file, words=folder.log / "words", standby=True, limit=60.0)

    async def stands_by(self) -> bool:
        return self.log.exists() and "standing_by" in self.log.read_text(encoding="utf-8")

    async def serves(self) -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=0.5) as client:
            try:
                answer = await client.get(f"{self.settings.api_url}/api/health")
            except httpx.HTTPError:
                return False
        return int(answer.json()["process"]) == self.process.pid


async def kept(lab: Lab) -> dict[str, Any]:
    """All that Redis keeps of the queue, the agents and the lease."""
    async with contextlib.aclosing(wiring.redis_client(lab.settings)) as redis:
        names = [name for name in await redis.keys("*") if name != FORECAST_KEY]  # written by the clock
        return {
            name: await (redis.hgetall(name) if await redis.type(name) == "hash" else redis.get(name))
            for name in sorted(names)
        }


async def test_a_stopped_controller_that_is_continued_beside_another_ends_without_touching_anything(
    crowd: Crowd,
) -> None:
    lab = crowd.lab
    first = lab.stack.controller
    assert first is not None
    talkers, waiters = crowd.numbers(2), crowd.numbers(5)
    async with crowd.agents_at_work(AGENTS[:2]):
        await crowd.call(talkers)
        await crowd.until_queue(talking=2)
        await crowd.call(waiters)
        before = await crowd.until_queue(waiting=5, talking=2)
        beside = Beside(lab)
        try:
            await until(beside.stands_by, what="the other one's standing by", seconds=20)
            channels, lines = await crowd.channels(), await crowd.call_log([*talkers, *waiters])
            os.kill(first.pid, signal.SIGSTOP)
            stopped = time.monotonic()
            await until(beside.serves, what="the other one at work", seconds=10)
            took_over = time.monotonic() - stopped
            await asyncio.sleep(1.0)
            held, mark = await kept(lab), crowd.log_mark()
            os.kill(first.pid, signal.SIGCONT)
            began = time.monotonic()
            code = await asyncio.to_thread(first._process.wait, 10)
            ended = time.monotonic() - began
            assert code == LOST
            assert ended < 1.0
            did = [line["action"] for line in controller_log(lab)[mark:]]
            assert did[-1] == "lease_lost"
            assert set(did[:-1]) <= {"redis_lost"}  # what it wanted to write was held back by its own fence
            await asyncio.sleep(1.0)
            assert await kept(lab) == held
            assert await crowd.channels() == channels
            assert await crowd.call_log([*talkers, *waiters]) == lines
            assert beside.process.lives()
        finally:
            os.kill(first.pid, signal.SIGCONT) if first.lives() else None
            await asyncio.to_thread(beside.process.stop)
            await lab.stack.start_controller()
        assert places(await crowd.until_queue(waiting=5, talking=2)) == places(before)
        print_figures(
            "SIGSTOP, then SIGCONT beside another", took_over_after=f"{took_over:.2f} s", ended_after=f"{ended:.2f} s"
        )
