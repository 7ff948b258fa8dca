"""Redis or Asterisk dies in mid-call: what goes on, what ends, and that the helpline serves calls again by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asterisk_conf.processes import read_pid
from asterisk_conf.programs import Programs
from helpline.demo.lab import Lab
from helpline.demo.sound import read_wav
from tests.live.whole.conftest import nothing_goes_on
from tests.live.whole.steps import (
    TELLING_SECONDS,
    agent_at_work,
    ask_for_a_person,
    first_words,
    has_called_before,
    heard_seconds,
    longest_silence,
    place_in_line,
    presence_of,
    register,
    since,
    until,
    until_heard,
    until_left,
    until_presence,
    until_talking,
)

pytestmark = pytest.mark.live

TALKER, WAITER, NEW = "9800000801", "9800000802", "9800000803"
AWAY_SECONDS = 1.5
BACK_SECONDS = 20.0


@pytest.fixture(scope="module")
def module_lab(programs: Programs) -> Iterator[Lab]:
    """A helpline of its own for these tests: they break it."""
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    lab = Lab(folder, programs, ring_seconds=5)
    asyncio.run(lab.start())
    yield lab
    asyncio.run(lab.stop())
    shutil.rmtree(folder)


@pytest.fixture
async def lab(module_lab: Lab) -> AsyncIterator[Lab]:
    await has_called_before(module_lab, TALKER, WAITER, NEW)
    yield module_lab
    await nothing_goes_on(module_lab)
    for new in module_lab.agents:
        await module_lab.post(f"/api/agents/{new.agent.id}/sign-out", by="test")


@asynccontextmanager
async def supervised(lab: Lab) -> AsyncIterator[list[str]]:
    """What `helpline run` does besides: start again what ended. Yields what it tells."""
    told: list[str] = []
    stop = asyncio.Event()
    keeping = asyncio.create_task(lab.stack.keep(stop, told.append))
    try:
        yield told
    finally:
        stop.set()
        await keeping


def kill(pid_file: Path) -> None:
    pid = read_pid(pid_file)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def until_it_runs_again(lab: Lab, name: str, told: list[str]) -> None:
    """Wait until the supervisor has started it, and the controller has all it needs."""

    async def said() -> bool:
        return f"{name} runs again" in told

    await until(said, what=f"the restart of {name}", seconds=BACK_SECONDS)
    await lab.until("/api/status", lambda status: all(status["links"].values()), what="health", seconds=BACK_SECONDS)


async def test_when_redis_dies_those_who_talk_talk_on_those_who_wait_keep_their_place_and_all_are_served(
    lab: Lab, voices: dict[str, Path]
) -> None:
    agent = lab.agents[0]
    talker = lab.citizen(TALKER, speech=voices["citizen"], reachable=False)
    waiter, new = lab.citizen(WAITER, reachable=False), lab.citizen(NEW, reachable=False)
    async with agent_at_work(lab, agent, speech=voices["agent"]) as (phone, desk), talker, waiter, new:
        await ask_for_a_person(lab, talker)
        talk = await until_talking(lab, talker)
        await ask_for_a_person(lab, waiter)
        before = await place_in_line(lab, WAITER)

        kill(lab.stack.folder.redis / "redis.pid")
        killed = heard_seconds(phone), heard_seconds(waiter)
        await ask_for_a_person(lab, new)  # in line although Redis is away
        await until_heard(phone, first_words(read_wav(voices["citizen"]), TELLING_SECONDS), after=killed[0])
        async with supervised(lab) as told:
            await until_it_runs_again(lab, "Redis", told)
            number = await register(desk, talk)
            assert (await place_in_line(lab, WAITER))["since"] == before["since"]
            await phone.hang_up()
            assert (await until_talking(lab, waiter))["agent"] == agent.agent.id
            assert (await place_in_line(lab, NEW))["position"] == 1
            assert longest_silence(first_words(since(waiter.heard(), killed[1]), AWAY_SECONDS)) < 1.0
            await waiter.hang_up()
            assert (await until_talking(lab, new))["agent"] == agent.agent.id
            await talker.hang_up()
            await new.hang_up()
            await until_left(lab, NEW)
            await until_presence(lab, agent, "ready")
        async with lab.grievances() as grievances:
            assert (await grievances.get(number)).caller == TALKER


async def test_an_agent_who_hangs_up_while_redis_is_away_wraps_up_and_is_ready_when_it_is_back(lab: Lab) -> None:
    agent = lab.agents[0]
    talker, new = lab.citizen(TALKER, reachable=False), lab.citizen(NEW, reachable=False)
    async with agent_at_work(lab, agent) as (phone, _), talker, new:
        await ask_for_a_person(lab, talker)
        await until_talking(lab, talker)
        kill(lab.stack.folder.redis / "redis.pid")
        await phone.hang_up()
        await until_left(lab, TALKER)
        async with supervised(lab) as told:
            await until_it_runs_again(lab, "Redis", told)
            await until_presence(lab, agent, "ready")
            await talker.hang_up()
            await ask_for_a_person(lab, new)
            assert (await until_talking(lab, new))["agent"] == agent.agent.id
            await new.hang_up()
            await until_presence(lab, agent, "ready")


async def test_when_asterisk_dies_its_calls_are_over_the_agents_are_free_and_new_calls_are_served(
    lab: Lab, voices: dict[str, Path]
) -> None:
    assert lab.stack.asterisk is not None
    agent = lab.agents[0]
    talker, waiter = lab.citizen(TALKER, reachable=False), lab.citizen(WAITER, reachable=False)
    new = lab.citizen(NEW, speech=voices["citizen"], reachable=False)
    async with agent_at_work(lab, agent, speech=voices["agent"]) as (phone, desk), talker, waiter, new:
        await ask_for_a_person(lab, talker)
        number = await register(desk, await until_talking(lab, talker))
        await ask_for_a_person(lab, waiter)

        kill(lab.stack.asterisk.settings.pid_file)
        async with supervised(lab) as told:
            await until_left(lab, TALKER)
            await until_left(lab, WAITER)
            await until_it_runs_again(lab, "Asterisk", told)
            await until_presence(lab, agent, "ready")
            await phone.hang_up()  # the phones do not know that the call is over
            await talker.hang_up()
            await waiter.hang_up()
            await ask_for_a_person(lab, new)
            assert (await until_talking(lab, new))["agent"] == agent.agent.id
            await until_heard(phone, first_words(read_wav(voices["citizen"]), TELLING_SECONDS))
            await new.hang_up()
            await until_left(lab, NEW)
            assert await presence_of(lab, agent) in ("wrap_up", "ready")
            for cut_off, number_of in ((talker, TALKER), (waiter, WAITER)):
                # They are owed a call; whoever calls themselves before is not rung (any more).
                await ask_for_a_person(lab, cut_off)
                await cut_off.hang_up()
                await until_left(lab, number_of)
            assert (await lab.get("/api/queue"))["callbacks"] == []
        async with lab.grievances() as grievances:
            assert (await grievances.get(number)).caller == TALKER
