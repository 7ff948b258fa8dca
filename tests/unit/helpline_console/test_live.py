"""The stream that the live view follows, on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from helpline.console.live import LOOK_SECONDS, STILL_SECONDS, Live

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


class Floor:
    """A wall that shows what a test says."""

    def __init__(self) -> None:
        self.shows = 0
        self.looks = 0
        self.broken = False

    def __call__(self, callers: int, agents: int) -> dict[str, Any]:
        self.looks += 1
        if self.broken:
            raise ZeroDivisionError
        at = f"{asyncio.get_running_loop().time():.2f}"
        return {"at": at, "shows": self.shows, "callers": callers, "agents": agents}


def now() -> float:
    return asyncio.get_running_loop().time()


async def heard(stream: AsyncIterator[str]) -> tuple[str, Any]:
    """The next event: its name and its values."""
    text = await anext(stream)
    if text.startswith("retry"):
        text = await anext(stream)
    name, data, end = text.split("\n", 2)
    assert end == "\n"
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_a_watcher_is_told_at_once_and_after_each_change_within_half_a_second() -> None:
    floor = Floor()
    stream = Live(floor).follow(callers=5, agents=7)
    began = now()
    assert await heard(stream) == ("wall", {"at": "0.00", "shows": 0, "callers": 5, "agents": 7})
    assert now() == began
    await asyncio.sleep(0.7)
    floor.shows = 1
    changed = now()
    while (news := await heard(stream))[0] == "still":
        pass
    assert news[1]["shows"] == 1
    assert now() - changed <= LOOK_SECONDS
    await stream.aclose()


async def test_many_changes_between_two_looks_are_told_once() -> None:
    floor = Floor()
    stream = Live(floor).follow(callers=5, agents=7)
    await heard(stream)
    for floor.shows in range(1, 100):
        await asyncio.sleep(0.001)
    assert (await heard(stream))[1]["shows"] == 99
    assert (await heard(stream))[0] == "still"
    await stream.aclose()


async def test_when_nothing_changes_a_sign_of_life_comes_every_second() -> None:
    stream = Live(Floor()).follow(callers=5, agents=7)
    await heard(stream)
    began = now()
    assert await heard(stream) == ("still", {"at": "1.00"})
    assert now() - began == STILL_SECONDS
    await stream.aclose()


async def test_a_second_watcher_is_told_at_once_and_both_go_on() -> None:
    floor = Floor()
    live = Live(floor)
    first = live.follow(callers=5, agents=7)
    await heard(first)
    await asyncio.sleep(0.2)
    began = now()
    second = live.follow(callers=5, agents=7)
    assert (await heard(second))[0] == "wall"
    assert now() == began
    floor.shows = 1
    assert (await heard(first))[1]["shows"] == (await heard(second))[1]["shows"] == 1
    await first.aclose()
    floor.shows = 2
    assert (await heard(second))[1]["shows"] == 2
    await second.aclose()


async def test_watchers_with_screens_alike_share_one_look() -> None:
    floor = Floor()
    live = Live(floor)
    streams = [live.follow(callers=5, agents=7) for _ in range(10)]
    for stream in streams:
        await heard(stream)
    floor.looks = 0
    await asyncio.sleep(LOOK_SECONDS * 4.1)
    assert floor.looks == 4
    for stream in streams:
        await stream.aclose()


async def test_when_nobody_watches_nothing_is_looked_at() -> None:
    floor = Floor()
    live = Live(floor)
    stream = live.follow(callers=5, agents=7)
    await heard(stream)
    await stream.aclose()
    floor.looks = 0
    await asyncio.sleep(60)
    assert floor.looks == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    stream = live.follow(callers=5, agents=7)
    assert (await heard(stream))[0] == "wall"
    await stream.aclose()


async def test_one_who_reads_slowly_gets_the_newest_next_and_keeps_nobody_waiting() -> None:
    floor = Floor()
    stream = Live(floor).follow(callers=5, agents=7)
    await heard(stream)
    for floor.shows in range(1, 20):
        await asyncio.sleep(1)
    await heard(stream)  # what lay ready
    assert (await heard(stream))[1]["shows"] == 19
    await stream.aclose()


async def test_a_look_that_fails_costs_that_look_only(caplog: pytest.LogCaptureFixture) -> None:
    floor = Floor()
    stream = Live(floor).follow(callers=5, agents=7)
    await heard(stream)
    floor.broken = True
    await asyncio.sleep(1.2)
    floor.broken, floor.shows = False, 1
    while (news := await heard(stream))[0] == "still":
        pass
    assert news[1]["shows"] == 1
    assert "The live view failed" in caplog.text
    await stream.aclose()


async def test_closing_ends_every_stream_also_of_one_who_does_not_read() -> None:
    floor = Floor()
    live = Live(floor)
    reads, sleeps = live.follow(callers=5, agents=7), live.follow(callers=5, agents=7)
    await heard(reads)
    await heard(sleeps)
    floor.shows = 1
    await asyncio.sleep(1)
    live.close()
    assert [event async for event in reads] == []
    assert [event async for event in sleeps] == []
    assert [event async for event in live.follow(callers=5, agents=7)] == []
