"""What is known of a number before it calls, on virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.engine.queues import Urgency
from acd.errors import NotKept
from acd.records import Request
from tests.unit.acd.world import HINDI, World

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

SENIOR = "9876500001"


async def urgency(world: World, call_id: str, caller: str, request: Request = HINDI) -> str:
    world.wait(world.call(call_id, caller=caller), request)
    await asyncio.sleep(0.1)
    return next(one.urgency for one in world.acd.snapshot().waiting if one.call_id == call_id)


async def test_a_senior_caller_goes_first_at_the_next_call_and_after_a_restart(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.acd.callers.set_vulnerable(SENIOR, True, by="1001")
    assert first.calls.vulnerable == {SENIOR: "1001"}
    assert await urgency(first, "c1", SENIOR) == "vulnerable"
    await first.__aexit__()
    first.calls.records.clear()  # else they called a moment ago
    async with World(tmp_path, after=first) as world:
        await asyncio.sleep(0.1)
        assert world.acd.callers.is_vulnerable(SENIOR)
        assert await urgency(world, "c2", "9876500002") == "ordinary"
        assert await urgency(world, "c3", SENIOR) == "vulnerable"
        assert [one.call_id for one in world.acd.snapshot().waiting][-2:] == ["c3", "c2"]


async def test_what_is_more_urgent_stays_so_and_what_is_taken_back_is_forgotten(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.acd.callers.set_vulnerable(SENIOR, True, by="1001")
        escalated = Request(language="hi", service="complaint", urgency=Urgency.ESCALATED)
        assert await urgency(world, "c1", SENIOR, escalated) == "escalated"
        await world.acd.callers.set_vulnerable("9876500002", True, by="1001")
        await world.acd.callers.set_vulnerable("9876500002", False, by="1001")
        assert await urgency(world, "c2", "9876500002") == "ordinary"


async def test_what_can_not_be_kept_is_told_and_not_believed(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        world.calls.down = True
        with pytest.raises(NotKept, match="again"):
            await world.acd.callers.set_vulnerable(SENIOR, True, by="1001")
        with pytest.raises(NotKept, match="withheld"):
            await world.acd.callers.set_vulnerable("", True, by="1001")
        assert not world.acd.callers.is_vulnerable(SENIOR)


async def test_what_is_said_while_the_database_is_read_is_newer(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.acd.callers.set_vulnerable(SENIOR, True, by="1001")
    await first.acd.callers.set_vulnerable(SENIOR, False, by="1001")
    first.calls.vulnerable[SENIOR] = "an old answer"
    await first.acd.callers.read()
    assert not first.acd.callers.is_vulnerable(SENIOR)
    await first.__aexit__()
