"""Today's service levels in the live queue: the same as a recount from the journal and from the calls' records."""

from __future__ import annotations

import asyncio
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from acd.engine.queues import ServicePromise
from acd.history.journal import Entry
from acd.history.levels import Level, Recount, level_of, wait_of
from acd.records import Request
from agents.presence import State
from tests.unit.acd.world import World

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


async def a_morning(world: World) -> None:
    """Answered in time and late, given up at once and later, a message, a call back, one who waits."""
    await world.seat("1001")
    await world.wait(world.call("in-time", world.answering("in-time", talk=5)))
    late = world.wait(world.call("late", world.answering("late", talk=5)))
    short, patient = world.call("short"), world.call("patient")
    world.wait(short)
    world.wait(patient)
    await asyncio.sleep(3)
    short.caller_hangs_up()
    await asyncio.sleep(15)
    patient.caller_hangs_up()
    await world.wait(world.call("message", keys=["", "2"]))
    await world.owed("callback")
    await late
    await world.agents.pause("1001", "lunch")
    world.wait(world.call("waits"), Request(language="hi", service="scheme"))
    await asyncio.sleep(25)


def figures(level: Level) -> tuple[int, ...]:
    return (level.reached, level.answered, level.in_time, level.abandoned, level.short, level.sent_on, level.waiting)


async def test_the_live_figures_are_those_of_the_calls(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await a_morning(world)
        levels = world.acd.snapshot().levels
        assert figures(levels["complaint"]) == (6, 2, 1, 1, 1, 2, 0)
        assert figures(levels["scheme"]) == (1, 0, 0, 0, 0, 0, 1)
        assert levels["scheme"].waiting_late == 1
        assert figures(levels[""]) == (7, 2, 1, 1, 1, 2, 1)
        assert str(levels["complaint"].service_level) == "20.0% (1/5)"


async def test_they_equal_the_recount_from_records_and_from_the_journal(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await a_morning(world)
        live = world.acd.snapshot().levels["complaint"]
        waits = [wait for record in world.calls.records.values() if (wait := wait_of(record))]
        complaint = [wait for wait in waits if wait.queue == "complaint"]
        assert figures(level_of(complaint, world.acd.snapshot().at, promise=ServicePromise())) == figures(live)
        recount = Recount()
        for line in world.journal.lines:
            recount.note(line)
        told = [wait for wait in recount.waits() if wait.queue == "complaint"]
        assert figures(level_of(told, world.acd.snapshot().at, promise=ServicePromise())) == figures(live)
        assert any(isinstance(line, Entry) for line in world.journal.lines)


async def test_a_restart_of_the_controller_does_not_begin_the_day_anew(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await a_morning(first)
    before = first.acd.snapshot().levels[""]
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        await asyncio.sleep(2)
        assert figures(world.acd.snapshot().levels[""]) == figures(before)


async def test_a_citizen_whom_we_rang_counts_once_by_the_call_they_made(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.owed("c1")
        await world.seat("1001")
        await asyncio.sleep(2)
        made = world.link.originated[0]
        citizen = world.called_back(world.answering(made.call_id, talk=1))
        resumed = await world.acd.resume(citizen)
        assert resumed is not None
        await world.wait(citizen, resumed.request)
        await asyncio.sleep(2)
        assert figures(world.acd.snapshot().levels[""]) == (1, 0, 0, 0, 0, 1, 0)


async def test_at_midnight_a_new_day_begins(tmp_path: Path) -> None:
    two_to_twelve = timezone(timedelta(hours=11, minutes=58))  # where the test's noon is two minutes before midnight
    async with World(tmp_path, zone=two_to_twelve) as world:
        await a_morning(world)
        assert figures(world.acd.snapshot().levels[""]) == (7, 2, 1, 1, 1, 2, 1)
        await asyncio.sleep(120)
        assert figures(world.acd.snapshot().levels[""])[1:6] == (0, 0, 0, 0, 0)
        assert world.agent("1001").state is State.PAUSED
