"""Citizens hang up at any moment and press any keys: afterwards nothing is left, and nothing was logged as an error."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.programs import Programs
from helpline.demo.lab import Lab
from helpline.demo.sipp import Running, Sipp
from tests.live.whole.conftest import nothing_goes_on
from tests.live.whole.steps import agent_at_work, controller_log, has_called_before

pytestmark = pytest.mark.live

MOMENTS = (0.05, 0.2, 0.5, 1.0, 1.7, 2.5, 4.0, 6.0, 9.0, 12.0)  # seconds from the last key to the hang-up
AROUND_THE_ANSWER = tuple(2.8 + 0.12 * step for step in range(15))  # the words before the queue last about 3 seconds
CALLS_A_SECOND = 5
KEYS = ("", "0", "1", "11", "12", "2", "3", "4", "19", "5")
WRONG_AND_RIGHT = "023456789*#"  # without 1: pressed while one waits it asks for a call back, and one would be owed
SEED = 1076


@pytest.fixture
def sipp(programs: Programs, tmp_path: Path) -> Sipp:
    return Sipp(programs.find("sipp"), tmp_path)


@pytest.fixture
async def quiet_lab(lab: Lab, sipp: Sipp) -> AsyncIterator[Lab]:
    """The helpline with 112 there; afterwards nothing goes on, was logged as an error, or had to be mended."""
    logged = len(controller_log(lab))
    mended = (await lab.get("/api/queue"))["repairs"]
    async with await sipp.answers(lab.emergency):
        yield lab
        await nothing_goes_on(lab)
    assert [line for line in controller_log(lab)[logged:] if line["level"] in ("error", "critical")] == []
    assert (await lab.get("/api/queue"))["repairs"] == mended


async def thirty_citizens(lab: Lab, sipp: Sipp, *, keys: Sequence[str], moments: Sequence[float]) -> None:
    """Five calls begin in a second, those that last longest first, each with other keys."""
    numbers = [f"98000003{index:02}" for index in range(30)]
    async with AsyncExitStack() as stack:
        running: list[Running] = []
        for turn, number in enumerate(numbers):
            call = await sipp.calls(
                lab.exchange,
                numbers=[number],
                keys=keys[turn * 7 % len(keys)],
                stay=moments[-1 - turn * len(moments) // len(numbers)],
            )
            running.append(await stack.enter_async_context(call))
            await asyncio.sleep(1 / CALLS_A_SECOND)
        await all_well(running)


def happened(lab: Lab, since: int) -> Counter[str]:
    """How often each thing was logged by the controller since that line."""
    return Counter(str(line.get("action")) for line in controller_log(lab)[since:])


async def all_well(running: Sequence[Running]) -> None:
    for results in await asyncio.gather(*(each.finished(timeout=60) for each in running)):
        assert results.well == results.begun, str(results)


async def test_thirty_citizens_who_hang_up_at_every_moment_leave_nothing(quiet_lab: Lab, sipp: Sipp) -> None:
    logged = len(controller_log(quiet_lab))
    await has_called_before(quiet_lab, *(f"98000003{index:02}" for index in range(0, 30, 2)))
    await thirty_citizens(quiet_lab, sipp, keys=KEYS, moments=MOMENTS)
    await nothing_goes_on(quiet_lab)
    assert happened(quiet_lab, logged)["call_over"] == 30


async def test_thirty_citizens_who_hang_up_while_agents_answer_at_once_leave_the_agents_ready(
    quiet_lab: Lab, sipp: Sipp
) -> None:
    async with AsyncExitStack() as seats:
        for new in quiet_lab.agents:
            await seats.enter_async_context(agent_at_work(quiet_lab, new))
        logged = len(controller_log(quiet_lab))
        await has_called_before(quiet_lab, *(f"98000003{index:02}" for index in range(30)))
        await thirty_citizens(quiet_lab, sipp, keys="0", moments=AROUND_THE_ANSWER)
        found = happened(quiet_lab, logged)
        assert (found["joined"] >= 10, found["ringing"] >= 5) == (True, True), str(found)

        def all_ready(agents: Any) -> bool:
            return all(agent["presence"] == "ready" for agent in agents)

        await quiet_lab.until("/api/agents", all_ready, what="every agent's being ready")


async def test_wrong_late_and_too_many_keys_do_no_harm(quiet_lab: Lab, sipp: Sipp) -> None:
    draw = random.Random(SEED)
    numbers = [f"98000004{index:02}" for index in range(20)]
    await has_called_before(quiet_lab, *numbers[::2])
    async with AsyncExitStack() as stack:
        running: list[Running] = []
        for number in numbers:
            keys = "".join(draw.choice(WRONG_AND_RIGHT + ",,") for _ in range(draw.randint(1, 30)))
            call = await sipp.calls(quiet_lab.exchange, numbers=[number], keys=keys, stay=draw.uniform(0.1, 4.0))
            running.append(await stack.enter_async_context(call))
            await asyncio.sleep(1 / CALLS_A_SECOND)
        await all_well(running)
