"""Colleagues whose line is open, dialled or transferred to, on virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agents.agent import Line
from agents.presence import State
from telephony.call import Dialled
from telephony.errors import HungUp
from telephony.testing import ScriptedCall
from tests.unit.acd.world import World, channel

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

LINE = "PJSIP/agent-1002-000000ff"


async def off_hook(world: World) -> None:
    """1002's line is open."""
    await world.seat("1002")
    await world.agents.set_line("1002", Line.OFF_HOOK)
    line = ScriptedCall(call_id="line.1002", channel=LINE, path="agent")
    world.tasks.append(asyncio.create_task(world.acd.attend(line)))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)


def asking(*dials: Dialled, dialled: str = "1002") -> ScriptedCall:
    phone = "PJSIP/agent-1001-0000000b"
    return ScriptedCall(call_id="ask.1", channel=phone, caller="1001", dialled=dialled, path="colleague", dials=dials)


async def test_one_who_is_free_is_bridged_and_is_given_nobody_meanwhile(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=2) as world:
        await off_hook(world)
        call = asking(Dialled("ANSWER", 16, 0, 30))
        asked = asyncio.create_task(world.acd.put_through(call))
        await asyncio.sleep(1)
        world.link.channels = [channel("ask.1", bridge="b1"), channel("line.1002", name=LINE, bridge="b1")]
        assert [act.said for act in call.acts if act.verb == "bridge"] == [(LINE,)]
        assert world.agent("1002").state is State.TALKING
        world.wait(world.call("c1"))
        await asyncio.sleep(5)
        assert world.agent("1002").call == "ask.1"
        await asked
        assert call.finished
        assert world.agent("1002").state is State.WRAP_UP
        assert world.acd.snapshot().repairs == {}


async def test_one_who_hangs_up_on_a_colleague_frees_them(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=2) as world:
        await off_hook(world)
        call = asking(Dialled("ANSWER", 16, 0, 30))
        asked = asyncio.create_task(world.acd.put_through(call))
        await asyncio.sleep(1)
        call.caller_hangs_up()
        with pytest.raises(HungUp):
            await asked
        await asyncio.sleep(3)
        assert world.agent("1002").available


async def test_one_who_talks_is_busy_and_is_not_taken_from_their_caller(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await off_hook(world)
        world.wait(world.call("c1", Dialled("ANSWER", 16, 0, 60)))
        await asyncio.sleep(1)
        call = asking(Dialled("ANSWER", 16, 0, 30))
        await world.acd.put_through(call)
        assert call.variables == {"HELPLINE_COLLEAGUE": "busy"}
        assert not call.finished
        assert (world.agent("1002").state, world.agent("1002").call) == (State.TALKING, "c1")


@pytest.mark.parametrize("dialled", ["1003", "1009", ""], ids=["on-hook", "unknown", "nobody"])
async def test_any_other_phone_is_the_dialplans_to_ring(tmp_path: Path, dialled: str) -> None:
    async with World(tmp_path) as world:
        await world.seat("1003")
        call = asking(dialled=dialled)
        await world.acd.put_through(call)
        assert (call.variables, call.finished) == ({}, False)
        assert [act.verb for act in call.acts if act.verb in ("bridge", "dial")] == []


async def test_a_caller_who_is_transferred_waits_before_all_others_for_that_one(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", talk=600))
        task = world.wait(call)
        await asyncio.sleep(5)
        world.wait(world.call("c2", Dialled("ANSWER", 16, 0, 600)))
        await asyncio.sleep(1)
        await off_hook(world)  # c2 has this one
        await world.seat("1003")
        await world.agents.pause("1003", "training")
        call.caller_hangs_up(transferred=True)
        await task
        passed = ScriptedCall(call_id="c1", channel=call.channel, dialled="1002", path="colleague")
        await world.acd.put_through(passed)
        assert passed.variables == {"HELPLINE_COLLEAGUE": "queued"}
        back = world.call("c1", world.answering("c1", talk=5))
        resumed = await world.acd.resume(back)
        assert resumed is not None
        assert resumed.request.known_agent == "1002"
        world.wait(back, resumed.request)
        await asyncio.sleep(1)
        assert [one.call_id for one in world.acd.snapshot().waiting] == ["c1"]
