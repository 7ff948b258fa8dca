"""Callers whom an agent's phone transferred to nobody, or back to the helpline: they are not told goodbye."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.records import Outcome
from acd.service import Served
from agents.presence import State
from tests.unit.acd.world import HINDI, World, channel

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


async def transferred(world: World) -> None:
    await world.seat("1001")
    call = world.call("c1", world.answering("c1", ring=2, talk=600))
    task = world.wait(call)
    await asyncio.sleep(30)
    call.caller_hangs_up(transferred=True)
    await task
    assert world.agent("1001").state is State.WRAP_UP


@pytest.mark.parametrize("status", ["", "NOANSWER", "BUSY", "CHANUNAVAIL"], ids=["to-1076", "rang", "busy", "away"])
async def test_a_transferred_caller_whom_nobody_took_is_the_next_in_line(tmp_path: Path, status: str) -> None:
    async with World(tmp_path) as world:
        await transferred(world)
        other = world.wait(world.call("c2", world.answering("c2", talk=5)))
        await asyncio.sleep(1)
        back = world.call("c1", world.answering("c1", ring=2, talk=5), variables={"DIALSTATUS": status})
        resumed = await world.acd.resume(back)
        assert resumed is not None
        assert resumed.served is None
        assert not back.finished
        task = world.wait(back, resumed.request)
        await asyncio.sleep(40)
        served = await task
        assert isinstance(served, Served)
        assert not other.done()
        assert world.calls.records["c1"].outcome is Outcome.SERVED
        await other
        assert world.acd.snapshot().repairs == {}


async def test_a_caller_who_talked_over_a_bridge_when_the_controller_died_at_once_is_not_asked_to_wait_again(
    tmp_path: Path,
) -> None:
    """The line's answer is told a moment after the bridge is made; here the controller had none."""
    first = await World(tmp_path).__aenter__()
    await first.seat("1001")
    task = first.wait(first.call("c1", first.answering("c1", talk=600, told=False)), HINDI)
    await asyncio.sleep(10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        world.link.channels = [channel("c1")]
        await world.link.come_up()
        back = world.call("c1", variables={"BRIDGERESULT": "SUCCESS"})
        resumed = await world.acd.resume(back)
        assert resumed is not None
        assert resumed.served is not None
        assert back.variables["BRIDGERESULT"] == ""
