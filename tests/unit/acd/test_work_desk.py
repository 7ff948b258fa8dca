"""Work items among calls, on virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from acd.errors import NoSuchQueue, NoSuchWork
from acd.live.work import WorkItem
from agents.presence import WORK_NOT_DONE, State
from tests.unit.acd.world import NOON, World

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


def item(id: str = "w1", *, due_minutes: float = 60, **more: object) -> WorkItem:
    return WorkItem(
        id=id,
        added_at=NOON,
        due_at=NOON + timedelta(minutes=due_minutes),
        about="voice message 7",
        **({"queue": "complaint"} | more),  # type: ignore[arg-type]
    )


async def test_an_idle_agent_is_given_work_and_is_ready_again_when_it_is_done(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await world.acd.add_work(item())
        await asyncio.sleep(1)
        assert (world.agent("1001").state, world.agent("1001").call) == (State.WORKING, "w1")
        assert [(w.id, w.agent) for w in world.acd.snapshot().work] == [("w1", "1001")]
        await world.acd.done_work("w1")
        assert world.agent("1001").available
        assert world.acd.snapshot().work == ()
        assert world.redis.hashes["acd:work"] == {}
        with pytest.raises(NoSuchWork, match="w1"):
            await world.acd.done_work("w1")


@pytest.mark.parametrize(("due_minutes", "first"), [(60, "c1"), (-10, "w1")], ids=["not due", "overdue"])
async def test_work_comes_after_live_callers_until_it_is_due(tmp_path: Path, due_minutes: float, first: str) -> None:
    async with World(tmp_path) as world:
        await world.acd.add_work(item(due_minutes=due_minutes))
        world.wait(world.call("c1", world.answering("c1")))
        await asyncio.sleep(1)
        await world.seat("1001")
        await asyncio.sleep(1)
        assert world.agent("1001").call == first


async def test_work_that_is_not_finished_in_time_goes_to_the_next(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await world.acd.add_work(item(seconds=120))
        await asyncio.sleep(1)
        await world.seat("1002")
        await asyncio.sleep(121)
        assert (world.agent("1001").state, world.agent("1001").reason) == (State.PAUSED, WORK_NOT_DONE)
        assert world.agent("1002").call == "w1"


async def test_work_done_by_somebody_else_is_taken_back(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.acd.add_work(item())
        await world.acd.done_work("w1")
        await world.seat("1001")
        await asyncio.sleep(1)
        assert world.agent("1001").available


async def test_an_agent_at_work_is_rung_for_nobody(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await world.acd.add_work(item())
        await asyncio.sleep(1)
        task = world.wait(world.call("c1", world.answering("c1")))
        await asyncio.sleep(30)
        assert world.agent("1001").state is State.WORKING
        await world.acd.done_work("w1")
        await task


async def test_work_outlives_a_restart_where_it_was(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.seat("1001")
    await first.acd.add_work(item("w1"))
    await first.acd.add_work(item("w2"))
    await asyncio.sleep(1)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        world.link.reachable = {"agent-1001"}
        await world.link.come_up()
        assert [(w.id, w.agent) for w in world.acd.snapshot().work] == [("w1", "1001"), ("w2", "")]
        assert world.agent("1001").call == "w1"
        await world.acd.done_work("w1")
        await asyncio.sleep(1)
        assert world.agent("1001").call == "w2"


async def test_an_item_whose_first_write_fails_can_be_added_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")

        async def fails(_item: WorkItem) -> None:
            raise RuntimeError("no memory")

        with monkeypatch.context() as patch:
            patch.setattr(world.acd._store, "put_work", fails)
            with pytest.raises(RuntimeError):
                await world.acd.add_work(item())
        assert world.acd.snapshot().work == ()
        await world.acd.add_work(item())
        await asyncio.sleep(1)
        assert world.agent("1001").call == "w1"


async def test_work_for_a_queue_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        with pytest.raises(NoSuchQueue, match="complaint"):
            await world.acd.add_work(item(queue="no-such"))
        assert world.acd.snapshot().work == ()


async def test_what_was_spoken_by_whom_outlives_a_restart(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    spoken = item(sound="/there/m.wav", caller="9876500001", language="en")
    await first.acd.add_work(spoken)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        found = world.acd.work_item("w1")
        assert found is not None
        assert (found.sound, found.caller, found.language) == ("/there/m.wav", "9876500001", "en")
        assert "9876500001" not in repr(found)
