from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from helpline.console.feed import HEARTBEAT_SECONDS, Feed
from tests.unit.helpline_console.stand_ins import House

pytestmark = pytest.mark.unit


def followed(house: House) -> tuple[Feed, AsyncIterator[str]]:
    feed = cast(Feed, house.app.state.feed)

    async def show() -> str:
        agent = house.agents.get("1001")
        call = feed.call_of(agent)
        return f"{agent.state}\n{call.caller if call else '-'}"

    return feed, feed.follow("1001", show)


async def test_a_page_is_told_how_things_stand_and_then_each_change(house: House) -> None:
    _, stream = followed(house)
    assert await anext(stream) == "event: now\ndata: signed_out\ndata: -\n\n"
    await house.asha_talks()
    assert await anext(stream) == "event: now\ndata: talking\ndata: 9876543210\n\n"
    await house.agents.wrap_up("1001", seconds=30)
    assert await anext(stream) == "event: now\ndata: wrap_up\ndata: 9876543210\n\n"


async def test_a_change_between_two_looks_is_not_lost_and_many_are_one_look(house: House) -> None:
    _, stream = followed(house)
    await anext(stream)
    await house.agents.sign_in("1001", by="x")
    await house.agents.pause("1001", "break")
    assert (await anext(stream)).startswith("event: now\ndata: paused")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(stream)


@pytest.mark.looptime
async def test_a_silent_line_is_kept_alive(house: House) -> None:
    _, stream = followed(house)
    await anext(stream)
    before = asyncio.get_running_loop().time()
    assert (await anext(stream)).startswith(":")
    assert asyncio.get_running_loop().time() - before == pytest.approx(HEARTBEAT_SECONDS, abs=0.1)


async def test_closing_ends_every_stream(house: House) -> None:
    feed, stream = followed(house)
    await anext(stream)
    feed.close()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_the_stream_of_a_signed_in_agent_is_server_sent_events(house: House) -> None:
    await house.at_the_desk()
    house.app.state.feed.close()
    answer = await house.web.get("/desk/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"


async def test_without_a_session_the_browser_is_told_not_to_come_back(house: House) -> None:
    assert (await house.web.get("/desk/events")).status_code == 204
