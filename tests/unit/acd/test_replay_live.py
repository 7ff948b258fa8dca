"""What the live queue does is in its journal so that a replay does the same, also after a controller died."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.engine.events import OfferAnswered
from acd.history.journal import Begin, Entry, Line, decode, encode
from acd.history.replay import replay
from acd.records import Served
from tests.unit.acd.world import HINDI, NOON, World

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


def journal_of(*worlds: World) -> list[Line]:
    """As the file has it: each controller begins anew."""
    lines: list[Line] = []
    for number, world in enumerate(worlds):
        lines += [Begin(at=NOON, run=str(number)), *world.journal.lines]
    return [decode(encode(line)) for line in lines]


async def test_a_live_day_is_replayed_also_from_the_controller_that_took_it_up(tmp_path: Path) -> None:
    async with World(tmp_path) as first:
        await first.seat("1001")
        served = first.wait(first.call("c1", first.answering("c1")))
        waiting = [first.wait(first.call(f"c{number}"), HINDI) for number in (2, 3)]
        await asyncio.sleep(20)
        assert not served.done()
        for task in waiting:
            task.cancel()
    async with World(tmp_path, after=first) as second:
        await asyncio.sleep(1)
        await second.link.come_up()
        await second.seat("1002")
        again = second.call("c2", second.answering("c2"))
        await second.acd.resume(again)
        assert isinstance(await second.wait(again), Served)
        await asyncio.sleep(60)
    whole, from_second = replay(journal_of(first, second)), replay(journal_of(second))
    assert whole.difference is None, str(whole.difference)
    assert from_second.difference is None, str(from_second.difference)
    assert whole.starts == 2
    assert from_second.decisions >= 1
    told = [event for line in second.journal.lines if isinstance(line, Entry) for event in line.events]
    assert any(isinstance(event, OfferAnswered) for event in told)
