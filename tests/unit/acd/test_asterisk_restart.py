"""Asterisk is restarted: everybody's line is cut, and those who were on it are called back, on virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from acd.records import Outcome
from agents.presence import State
from telephony.call import CallId, Dialled
from telephony.errors import HungUp
from telephony.originate import Originated
from telephony.session import CLOSED
from tests.unit.acd.world import World, channel

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

ANSWERED = Originated(answered=True, reason=4)


def died(world: World) -> None:
    """Asterisk is gone at one blow: every session is closed, no hang-up was told."""
    world.link.connected = False
    for session in list(world.acd._hall.sessions.values()):
        session.call._hung_up = lambda: HungUp(CLOSED)  # type: ignore[attr-defined]
        session.call.caller_hangs_up()  # type: ignore[attr-defined]


async def restarted(world: World, *agents: str) -> None:
    world.link.started += timedelta(hours=1)
    world.link.channels = []
    world.link.reachable = {f"agent-{agent}" for agent in agents}
    await world.link.come_up()


async def test_who_talked_and_who_waited_is_called_back_talkers_first_then_by_place(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=1) as world:
        await world.link.come_up()
        await world.seat("1001")
        talker = world.call("t1", world.answering("t1", talk=600))
        world.wait(talker)
        await asyncio.sleep(5)
        waiters = [world.call(f"c{number}") for number in range(3)]
        for waiter in waiters:
            world.wait(waiter)
            await asyncio.sleep(1)
        died(world)
        await asyncio.sleep(5)
        assert len(world.redis.hashes["acd:waiting"]) == 3
        world.link.outcomes = [ANSWERED] * 4
        await restarted(world, "1001")
        assert set(world.redis.hashes["acd:callbacks"]) == {"t1", "c0", "c1", "c2"}
        assert world.kept == set()
        rung = []
        for number in range(4):
            for _ in range(6):
                await asyncio.sleep(1)
                world.link.channels = [channel(made.call_id) for made in world.link.originated]
            made = world.link.originated[number]
            rung.append(made.channel)
            citizen = world.called_back(world.answering(made.call_id, ring=1, talk=1), made=made)
            resumed = await world.acd.resume(citizen)
            assert resumed is not None
            if made.channel == f"PJSIP/{talker.caller}@trunk":
                assert resumed.request.known_agent == "1001"
            await world.wait(citizen, resumed.request)
        assert rung == [f"PJSIP/{call.caller}@trunk" for call in (talker, *waiters)]
        await asyncio.sleep(1)
        assert world.calls.records["t1"].outcome is Outcome.CALLBACK
        assert world.acd.snapshot().repairs == {}


async def test_an_orderly_stop_hangs_up_on_callers_who_are_called_back_all_the_same(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.link.come_up()
        long_gone = world.call("c0")
        world.wait(long_gone)
        await asyncio.sleep(1)
        long_gone.caller_hangs_up()
        await asyncio.sleep(60)
        call = world.call("c1")
        world.wait(call)
        await asyncio.sleep(3)
        call.caller_hangs_up()  # as Asterisk tells it: a hang-up like any other
        await asyncio.sleep(1)
        world.link.connected = False
        await asyncio.sleep(20)
        await restarted(world)
        assert set(world.redis.hashes["acd:callbacks"]) == {"c1"}


async def test_whoever_only_lost_the_session_is_not_called_back(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.link.come_up()
        call = world.call("c1")
        world.wait(call)
        await asyncio.sleep(1)
        world.link.channels = [channel("c1")]
        died(world)
        await asyncio.sleep(1)
        world.link.connected = True
        await world.link.come_up()
        await asyncio.sleep(1)
        assert world.redis.hashes.get("acd:callbacks", {}) == {}
        assert [(w.call_id, w.attached) for w in world.acd.snapshot().waiting] == [("c1", False)]


async def test_it_is_seen_by_a_controller_that_was_restarted_too(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.link.come_up()
    first.wait(first.call("c1"))
    first.wait(first.call("c2", caller=""))
    await asyncio.sleep(1)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        await restarted(world)
        await asyncio.sleep(1)
        assert set(world.redis.hashes["acd:callbacks"]) == {"c1"}
        assert world.kept == set()
        assert world.calls.records["c2"].outcome is Outcome.LOST  # nobody knows a number to ring


async def test_an_agent_whose_phone_rang_is_ready_again(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.link.come_up()
        await world.seat("1001")
        call = world.call("c1", Dialled("NOANSWER", 0, 15.0))
        world.wait(call)
        await asyncio.sleep(1)
        assert world.agent("1001").state is State.RINGING
        died(world)
        await asyncio.sleep(1)
        await restarted(world, "1001")
        await asyncio.sleep(1)
        assert world.agent("1001").state is State.READY
        assert [made.channel for made in world.link.originated] == [f"PJSIP/{call.caller}@trunk"]


async def test_whoever_was_cut_off_hours_ago_is_not_rung_out_of_the_blue(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.link.come_up()
    first.wait(first.call("c1"))
    await asyncio.sleep(1)
    await first.__aexit__()
    await asyncio.sleep(3 * 3600)
    async with World(tmp_path, after=first) as world:
        await restarted(world)
        await asyncio.sleep(1)
        assert world.redis.hashes.get("acd:callbacks", {}) == {}
        assert world.calls.records[CallId("c1")].outcome is Outcome.LOST


async def test_an_asterisk_that_is_met_for_the_first_time_was_not_restarted(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    first.wait(first.call("c1"))
    await asyncio.sleep(1)
    await first.__aexit__()
    del first.redis.hashes["acd:orders"]
    async with World(tmp_path, after=first) as world:
        await world.link.come_up()
        await asyncio.sleep(1)
        assert world.redis.hashes.get("acd:callbacks", {}) == {}
        assert world.acd.snapshot().repairs == {"CallerGone": 1}


async def test_nobody_is_rung_back_before_the_agents_phones_are_there_again(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=1) as world:
        await world.link.come_up()
        await world.seat("1001")
        for number in range(20):
            name = f"b{number}"
            await world.wait(world.call(name, world.answering(name, ring=0.1, talk=0.5)))
        world.wait(world.call("t1", world.answering("t1", talk=600)))
        await asyncio.sleep(5)
        for number in range(3):
            world.wait(world.call(f"c{number}"))
        await asyncio.sleep(1)
        died(world)
        await asyncio.sleep(5)
        await restarted(world)
        await asyncio.sleep(20)
        assert len(world.redis.hashes["acd:callbacks"]) == 4
        assert world.link.originated == []
        world.agents.phone_state("agent-1001", True)
        await asyncio.sleep(0.5)
        assert len(world.link.originated) >= 1
