"""Several phones rung at once for one caller, and off-hook agents who are bridged; on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from acd.engine.queues import QueueRules
from acd.engine.skills import Need
from acd.service import Served
from agents.agent import Line
from agents.presence import DID_NOT_ANSWER, PHONE_BUSY, PHONE_NOT_REACHABLE, State
from telephony.call import CallId, Dialled
from telephony.errors import HungUp
from telephony.events import DialEnded
from telephony.testing import ScriptedCall
from tests.unit.acd.world import World, talking_channels

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

RACE = (QueueRules(name="complaint", required=(Need("service:complaint"),), race=2),)


def first_answers(world: World, call_id: str, agent: str, *, told: bool = True) -> Callable[[str], Awaitable[Dialled]]:
    """Of several phones that ring, that agent's is picked up after three seconds."""

    async def answer(target: str) -> Dialled:
        assert f"PJSIP/agent-{agent}" in target.split("&")
        await asyncio.sleep(3)
        if told:
            world.tell_answered(call_id, agent)
        await asyncio.sleep(60)
        return Dialled("ANSWER", 16, 3, 60, by=f"PJSIP/agent-{agent}-0000000a")

    return answer


def leg_ended(world: World, call_id: str, agent: str, status: str) -> None:
    world.link.tell(
        DialEnded(
            call_id=CallId(call_id),
            channel=f"PJSIP/trunk-{call_id}",
            dest_id=CallId(f"leg.{call_id}.{agent}"),
            dest_channel=f"PJSIP/agent-{agent}-0000000a",
            status=status,  # type: ignore[arg-type]
        )
    )


async def test_both_phones_ring_by_one_dial_and_the_loser_is_free_at_once(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001", "1002", "1003")
        call = world.call("c1", first_answers(world, "c1", "1002"))
        task = world.wait(call)
        await asyncio.sleep(1)
        assert [world.agent(id).state for id in ("1001", "1002", "1003")] == [
            State.RINGING,
            State.RINGING,
            State.READY,
        ]
        assert [act.said for act in call.acts if act.verb == "dial"] == [("PJSIP/agent-1001&PJSIP/agent-1002",)]
        await asyncio.sleep(2.01)
        assert (world.agent("1001").state, world.agent("1002").state) == (State.READY, State.TALKING)
        other = world.wait(world.call("c2", first_answers(world, "c2", "1001")))
        await asyncio.sleep(1)
        assert world.agent("1001").call == "c2"
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"
        assert world.calls.records["c1"].agent == "1002"
        assert isinstance(await other, Served)


async def test_who_answered_is_known_though_the_link_did_not_tell(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001", "1002")
        served = await world.wait(world.call("c1", Dialled("ANSWER", 16, 3, 9, by="PJSIP/agent-1002-0000000a")))
        assert isinstance(served, Served)
        assert served.agent == "1002"
        await asyncio.sleep(0.1)
        assert (world.agent("1001").state, world.agent("1002").state) == (State.READY, State.WRAP_UP)


async def test_a_phone_that_declines_is_out_of_the_race_at_once_and_the_other_rings_on(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001", "1002")
        task = world.wait(world.call("c1", first_answers(world, "c1", "1002")))
        await asyncio.sleep(1)
        leg_ended(world, "c1", "1001", "BUSY")
        await asyncio.sleep(0.1)
        assert (world.agent("1001").state, world.agent("1001").reason) == (State.PAUSED, PHONE_BUSY)
        assert world.agent("1002").state is State.RINGING
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"


async def test_when_nobody_answers_all_are_paused_and_the_caller_goes_on_at_the_old_place(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001", "1002")
        call = world.call("c1", Dialled("NOANSWER", 0, 15.0), world.answering("c1"))
        task = world.wait(call)
        await asyncio.sleep(16)
        assert {world.agent(id).reason for id in ("1001", "1002")} == {DID_NOT_ANSWER}
        assert call.music_on
        await world.seat("1003")
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1003"


async def test_a_caller_who_leaves_during_a_race_frees_both(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001", "1002")
        call = world.call("c1", first_answers(world, "c1", "1001"))
        task = world.wait(call)
        await asyncio.sleep(1)
        call.caller_hangs_up()
        with pytest.raises(HungUp):
            await task
        assert [world.agent(id).state for id in ("1001", "1002")] == [State.READY] * 2
        assert world.kept == set()


async def off_hook(world: World, *ids: str) -> None:
    await world.seat(*ids)
    for id in ids:
        await world.agents.set_line(id, Line.OFF_HOOK)
        line = ScriptedCall(call_id=f"line.{id}", channel=f"PJSIP/agent-{id}-000000ff", path="agent")
        world.tasks.append(asyncio.create_task(world.acd.attend(line)))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)


async def test_an_off_hook_agent_is_bridged_without_a_ring(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await off_hook(world, "1001")
        call = world.call("c1", Dialled("ANSWER", 16, 0, 30))
        task = world.wait(call)
        await asyncio.sleep(1)
        assert [act.said for act in call.acts if act.verb == "bridge"] == [("PJSIP/agent-1001-000000ff",)]
        assert world.agent("1001").state is State.TALKING
        assert world.acd.snapshot().waiting == ()
        served = await task
        assert isinstance(served, Served)
        assert (served.agent, served.talk_seconds) == ("1001", 30)
        assert world.agent("1001").state is State.WRAP_UP


async def test_a_line_that_drops_at_the_moment_of_the_bridge_costs_the_caller_nothing(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await off_hook(world, "1001")
        call = world.call("c1", Dialled("CHANUNAVAIL"), world.answering("c1"))
        task = world.wait(call)
        await asyncio.sleep(1)
        assert (world.agent("1001").state, world.agent("1001").reason) == (State.PAUSED, PHONE_NOT_REACHABLE)
        await world.seat("1002")
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"


async def test_in_a_race_an_off_hook_agent_has_the_caller_at_once_and_the_others_are_not_rung(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001")
        await off_hook(world, "1002")
        call = world.call("c1", Dialled("ANSWER", 16, 0, 30))
        task = world.wait(call)
        await asyncio.sleep(1)
        assert "dial" not in [act.verb for act in call.acts]
        assert (world.agent("1001").state, world.agent("1002").state) == (State.READY, State.TALKING)
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"


async def test_in_a_race_whose_line_drops_nobody_is_blamed_who_was_not_rung(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001")
        await off_hook(world, "1002")
        task = world.wait(world.call("c1", Dialled("CHANUNAVAIL"), world.answering("c1", talk=5)))
        await asyncio.sleep(1)
        assert (world.agent("1002").state, world.agent("1002").reason) == (State.PAUSED, PHONE_NOT_REACHABLE)
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1001"  # who was in the race, and was free for it


async def test_in_a_race_the_others_are_free_for_the_next_caller_at_once(tmp_path: Path) -> None:
    async with World(tmp_path, queues=RACE) as world:
        await world.seat("1001")
        await off_hook(world, "1002")
        world.wait(world.call("c1", Dialled("ANSWER", 16, 0, 30)))
        world.wait(world.call("c2", world.answering("c2", talk=30)))
        await asyncio.sleep(0.05)  # sooner than it is known that the line was really bridged
        assert (world.agent("1001").state, world.agent("1001").call) == (State.RINGING, "c2")
        await asyncio.sleep(5)
        talks = {talk.call_id: talk.agent for talk in world.acd.snapshot().talking}
        assert talks == {"c1": "1002", "c2": "1001"}
        assert world.redis.hashes["acd:conversations"].keys() == {"c1", "c2"}
        assert world.acd.snapshot().repairs == {}


async def test_after_a_restart_whoever_of_a_race_talks_is_found(tmp_path: Path) -> None:
    first = await World(tmp_path, queues=RACE).__aenter__()
    await first.seat("1001", "1002")
    first.wait(first.call("c1", first_answers(first, "c1", "1002", told=False)))
    await asyncio.sleep(1)
    await first.__aexit__()
    async with World(tmp_path, after=first, queues=RACE) as world:
        world.link.channels = talking_channels("c1", "1002")
        world.link.reachable = {"agent-1001", "agent-1002"}
        await world.link.come_up()
        await asyncio.sleep(0.1)
        assert [talk.agent for talk in world.acd.snapshot().talking] == ["1002"]
        assert (world.agent("1001").state, world.agent("1002").state) == (State.READY, State.TALKING)
