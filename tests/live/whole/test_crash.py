"""kill -9 of the controller: whoever waits hears music on and keeps the place, whoever talks talks on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpline.demo import hearing
from helpline.demo.lab import Lab
from helpline.demo.sound import RATE, read_wav
from tests.live.whole.steps import (
    agent_at_work,
    call_and_wait_in_line,
    longest_silence,
    presence_of,
    register,
    until_presence,
    until_talking,
)

pytestmark = pytest.mark.live

AWAY_SECONDS = 2.0


async def test_a_controller_that_is_killed_loses_neither_waiter_nor_talker_nor_a_complaint(
    lab: Lab, voices: dict[str, Path]
) -> None:
    first, second, _ = lab.agents
    talker = lab.citizen("9811111111", speech=voices["citizen"], reachable=False)
    waiter = lab.citizen("9822222222", reachable=False)
    later = lab.citizen("9833333333", reachable=False)
    async with agent_at_work(lab, first, speech=voices["agent"]) as (phone, desk), talker, waiter, later:
        await call_and_wait_in_line(lab, talker)
        talk = await until_talking(lab, talker)
        of_talker = await register(desk, talk)
        before = await call_and_wait_in_line(lab, waiter)
        await call_and_wait_in_line(lab, later)

        lab.stack.kill_controller()
        await asyncio.sleep(AWAY_SECONDS)
        await lab.stack.start_controller()

        queue = await lab.until(
            "/api/queue",
            lambda queue: len(queue["waiting"]) == 2 and all(place["attached"] for place in queue["waiting"]),
            what="the return of both waiting callers",
        )
        assert [place["caller"] for place in queue["waiting"]] == ["9822222222", "9833333333"]
        assert queue["waiting"][0]["since"] == before["since"]
        assert [talk["caller"] for talk in queue["talking"]] == ["9811111111"]
        assert await presence_of(lab, first) == "talking"

        async with agent_at_work(lab, second) as (_, second_desk):
            served = await until_talking(lab, waiter)
            assert served["agent"] == second.agent.id
            of_waiter = await register(second_desk, served, text="सड़क टूटी है")
            await later.hang_up()
            await waiter.hang_up()
            await until_presence(lab, second, "wrap_up")

        await phone.hang_up()
        await talker.expect("closed", timeout=60)
        await until_presence(lab, first, "ready")
        assert hearing.heard(phone.heard(), read_wav(voices["citizen"])).heard
        assert hearing.heard(talker.heard(), read_wav(voices["agent"])).heard
        assert hearing.heard(read_wav(Path(talk["recording"])), read_wav(voices["citizen"])).heard
        assert longest_silence(waiter.heard()) < 1.0
        async with lab.grievances() as grievances:
            assert (await grievances.get(of_talker)).caller == "9811111111"
            assert (await grievances.get(of_waiter)).caller == "9822222222"


async def test_a_talker_whose_caller_hangs_up_while_no_controller_is_there_frees_the_agent_afterwards(
    lab: Lab,
) -> None:
    agent = lab.agents[0]
    citizen = lab.citizen("9844444444", reachable=False)
    async with agent_at_work(lab, agent), citizen:
        await call_and_wait_in_line(lab, citizen)
        await until_talking(lab, citizen)
        lab.stack.kill_controller()
        await citizen.hang_up()
        await lab.stack.start_controller()
        await until_presence(lab, agent, "ready")
        assert (await lab.get("/api/queue"))["talking"] == []


async def test_with_no_controller_for_long_the_caller_reaches_an_agent_by_the_dialplan(
    lab: Lab, voices: dict[str, Path]
) -> None:
    citizen = lab.citizen("9855555555", speech=voices["citizen"], reachable=False)
    async with lab.agent(lab.agents[0], speech=voices["agent"], answering="auto") as phone, citizen:
        lab.stack.kill_controller()
        try:
            await citizen.dial("1076")
            await phone.expect("established", timeout=30)
            await asyncio.sleep(hearing_seconds(voices))
            await phone.hang_up()
            await citizen.expect("closed", timeout=90)
        finally:
            await lab.stack.start_controller()
        assert hearing.heard(phone.heard(), read_wav(voices["citizen"])).heard


def hearing_seconds(voices: dict[str, Path]) -> float:
    """Long enough for everything to be said once."""
    return len(read_wav(voices["citizen"])) / 2 / RATE + 0.5
