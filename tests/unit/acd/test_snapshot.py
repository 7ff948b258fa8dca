"""What is seen of the queue at one moment: short lists, exact counts, on virtual time."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from acd.records import Entry, Request
from tests.unit.acd.world import HINDI, NOON, World

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


async def test_the_lists_are_cut_and_the_counts_are_of_all(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001", "1002")
        for name in ("t1", "t2"):
            world.wait(world.call(name, world.answering(name, talk=600)))
            await asyncio.sleep(5)
        await world.owed("b1")
        for number in range(5):
            service = "scheme" if number == 2 else "complaint"
            world.wait(world.call(f"c{number}"), Request(language="hi", service=service))
            await asyncio.sleep(1)
        whole, cut = world.acd.snapshot(), world.acd.snapshot(limit=1)
        assert [w.call_id for w in whole.waiting] == ["c0", "c1", "c2", "c3", "c4"]
        assert ([w.call_id for w in cut.waiting], [t.call_id for t in cut.talking]) == (["c0"], ["t1"])
        assert cut.counted == whole.counted
        counted = cut.counted
        assert (counted.waiting, counted.talking, counted.callbacks, counted.work) == (5, 2, {"complaint": 1}, 0)
        assert {queue: line.waiting for queue, line in counted.lines.items()} == {"complaint": 4, "scheme": 1}
        assert counted.lines["complaint"].longest_since == whole.waiting[0].since
        assert whole.waiting[0].position == 2  # the one who is called back stands before them


async def test_with_five_thousand_waiting_a_look_costs_a_few_milliseconds(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        for number in range(5000):
            await world.acd._hall.join(
                Entry(
                    call_id=f"c{number}",
                    channel=f"PJSIP/trunk-{number}",
                    caller=f"98765{number:05}",
                    request=HINDI,
                    joined_at=NOON - timedelta(seconds=number),
                    place=number,
                )
            )
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            seen = world.acd.snapshot(limit=50)
            taken.append(time.perf_counter() - began)
        assert (seen.counted.waiting, len(seen.waiting)) == (5000, 50)
        assert min(taken) < 0.05, "ten times what it takes on a quiet machine would still be a fault"
        print(f"\nSNAPSHOT of 5,000 waiting: {min(taken) * 1000:.1f} ms")  # noqa: T201


async def test_the_last_half_hour_stands_beside_the_day(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=1) as world:
        await world.seat("1001")
        await world.wait(world.call("early", world.answering("early", talk=5)))
        await asyncio.sleep(20 * 60)
        await world.wait(world.call("later", world.answering("later", talk=5)))
        assert world.acd.snapshot().recent["complaint"].answered == 2
        await asyncio.sleep(15 * 60)
        await world.agents.pause("1001", "tea")
        world.wait(world.call("waits"))
        await asyncio.sleep(60)
        seen = world.acd.snapshot()
        recent, today = seen.recent["complaint"], seen.levels["complaint"]
        assert (today.reached, today.answered) == (3, 2)
        assert (recent.reached, recent.answered, recent.waiting, recent.waiting_late) == (2, 1, 1, 1)
        assert (seen.recent[""].reached, seen.recent[""].queue, recent.queue) == (2, "", "complaint")
        assert recent.begins == seen.at - timedelta(minutes=30)
