"""What was learned of waits goes from one controller to the next, on virtual time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.unit.acd.world import World, clock

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


async def learned(world: World) -> None:
    """A busy half hour, of which the forecast knows enough to speak."""
    await world.seat("1001", "1002")
    for number in range(80):
        name = f"b{number}"
        world.wait(world.call(name, world.answering(name, ring=1, talk=40)))
    await asyncio.sleep(1500)


async def test_what_was_learned_of_waits_outlives_the_controller_however_it_ends(tmp_path: Path) -> None:
    first = await World(tmp_path, wrap_up_seconds=1).__aenter__()
    await learned(first)
    killed = dict(first.redis.hashes["acd:forecast"])  # a minute old at the most
    waiting = first.call("c1")
    first.wait(waiting)
    await asyncio.sleep(20)
    told = first.acd._hall.expected.quote("c1", clock())
    assert told is not None
    await first.__aexit__()
    stopped = dict(first.redis.hashes["acd:forecast"])
    assert stopped != killed
    for text in (stopped, killed):
        first.redis.hashes["acd:forecast"] = dict(text)
        async with World(tmp_path, after=first, wrap_up_seconds=1) as world:
            assert world.acd._hall.expected.quote("c1", clock()) is not None


async def test_who_was_found_at_the_start_counts_as_no_arrival(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    for number in range(5):
        first.wait(first.call(f"c{number}"))
    await asyncio.sleep(1)
    await first.__aexit__()
    before = json.loads(first.redis.hashes["acd:forecast"]["state"])["inflow"]
    async with World(tmp_path, after=first) as world:
        assert json.loads(world.acd._hall.expected.kept())["inflow"] == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 0}', '{"version": 1}', '{"version": 1, "handled": 3}'])
async def test_what_can_not_be_read_of_it_is_learned_anew(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = await World(tmp_path).__aenter__()
    await first.__aexit__()
    first.redis.hashes["acd:forecast"]["state"] = text
    async with World(tmp_path, after=first) as world:
        assert json.loads(world.acd._hall.expected.kept())["handled"] == {}
    assert ("can't be read" in caplog.text) == bool(text)
