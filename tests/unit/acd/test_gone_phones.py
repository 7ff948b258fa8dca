"""A phone that vanishes in the middle of a call, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from acd.records import Served
from telephony.call import Dialled
from telephony.events import ContactChanged
from telephony.testing import ScriptedCall
from tests.unit.acd.world import World, talking_channels

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

PHONE = "PJSIP/agent-1001-0000000a"


class Phone:
    """The phone of 1001 in its talk with that caller; `speaks`: its voice comes."""

    def __init__(self, world: World, call: ScriptedCall) -> None:
        self.speaks = False
        self.hung_up: list[str] = []
        self._world = world
        self._id = call.id
        self._ended = asyncio.Event()
        self._packets = 100
        call._dials.appendleft(self._talk)
        world.link.hang_up = self._hang_up  # type: ignore[method-assign]
        world.link.action = self._action  # type: ignore[method-assign]
        world.link.channels = talking_channels(call.id, "1001")

    async def _talk(self, target: str) -> Dialled:
        self._world.tell_answered(self._id, "1001")
        await self._ended.wait()
        return Dialled("ANSWER", 16, 0, 5)

    async def _hang_up(self, channel: str) -> bool:
        self.hung_up.append(channel)
        self._ended.set()
        return True

    async def _action(self, name: str, fields: Mapping[str, str] | None = None) -> Mapping[str, str]:
        assert (name, fields) == ("Getvar", {"Channel": PHONE, "Variable": "CHANNEL(rtcp,rxcount)"})
        self._packets += 50 * self.speaks
        return {"Value": str(self._packets)}


def tell(world: World, status: str) -> None:
    world.link.tell(ContactChanged(endpoint="agent-1001", status=status))


async def test_the_caller_of_a_phone_that_vanishes_goes_to_the_next_agent_before_all_who_wait(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", talk=20))
        phone = Phone(world, call)
        end = world.wait(call)
        await asyncio.sleep(1)
        world.wait(world.call("c2", world.answering("c2", talk=20)))
        await asyncio.sleep(1)
        tell(world, "Unreachable")
        world.agents.phone_state("agent-1001", False)
        await asyncio.sleep(1)
        assert phone.hung_up == [PHONE]
        assert [one.call_id for one in world.acd.snapshot().waiting] == ["c1", "c2"]
        await world.seat("1002")
        await asyncio.sleep(5)
        assert [(one.call_id, one.agent) for one in world.acd.snapshot().talking] == [("c1", "1002")]
        served = await end
        assert isinstance(served, Served)
        assert served.agent == "1002"
        assert world.acd.snapshot().repairs == {}


@pytest.mark.parametrize("status", ["Reachable", "Removed", "Unreachable"])
async def test_a_phone_whose_voice_comes_or_that_answers_again_keeps_its_talk(tmp_path: Path, status: str) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1")
        phone = Phone(world, call)
        phone.speaks = status == "Unreachable"
        world.wait(call)
        await asyncio.sleep(1)
        if status == "Reachable":
            tell(world, "Unreachable")
        tell(world, status)
        await asyncio.sleep(2)
        assert phone.hung_up == []
        assert [one.call_id for one in world.acd.snapshot().talking] == ["c1"]


async def test_what_can_not_be_asked_ends_no_talk(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1")
        phone = Phone(world, call)
        world.wait(call)
        await asyncio.sleep(1)
        del world.link.action  # type: ignore[method-assign]
        world.link.connected = False
        tell(world, "Unreachable")
        await asyncio.sleep(2)
        assert phone.hung_up == []
