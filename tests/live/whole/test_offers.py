"""An agent's phone is rung: what happens when it does not answer, refuses, is not there, or either side hangs up."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from agents.presence import DID_NOT_ANSWER, PHONE_BUSY
from agents.service import NewAgent
from helpline.demo import hearing
from helpline.demo.lab import Lab
from helpline.demo.sound import Pcm, read_wav
from ivr.speaking import digits
from tests.live.whole.steps import (
    agent_at_work,
    ask_for_a_person,
    first_words,
    has_called_before,
    longest_silence,
    place_in_line,
    presence_of,
    prompt,
    register,
    since,
    until_heard,
    until_left,
    until_presence,
    until_talking,
)

pytestmark = pytest.mark.live

CITIZEN, LATER = "9800000201", "9800000202"
NUMBER_SECONDS = 40.0  # a complaint's number said twice, slowly
AT_ONCE_SECONDS = 2.0
WHOLE = 0.9  # of what was said, as far as hearing can tell


async def paused_because(lab: Lab, new: NewAgent) -> str:
    agents: list[dict[str, Any]] = await lab.get("/api/agents")
    agent = next(agent for agent in agents if agent["id"] == new.agent.id)
    assert agent["presence"] == "paused"
    return str(agent["reason"])


async def test_a_caller_whom_an_agent_does_not_answer_gets_the_next_at_the_old_place_with_no_gap_in_the_sound(
    lab: Lab, voices: dict[str, Path]
) -> None:
    silent, willing, _ = lab.agents
    await has_called_before(lab, CITIZEN, LATER)
    citizen, later = lab.citizen(CITIZEN, reachable=False), lab.citizen(LATER, reachable=False)
    async with (
        agent_at_work(lab, silent, answering="manual") as (silent_phone, _),
        agent_at_work(lab, willing, speech=voices["agent"], ready=False) as (_, willing_desk),
        citizen,
        later,
    ):
        await ask_for_a_person(lab, citizen)
        first = await place_in_line(lab, CITIZEN)
        await silent_phone.expect("incoming")
        await ask_for_a_person(lab, later)
        # Somebody of an earlier test may stand before them, owed a call that is not due yet.
        assert (await place_in_line(lab, LATER))["position"] == first["position"] + 1
        await until_presence(lab, silent, "paused")
        assert await paused_because(lab, silent) == DID_NOT_ANSWER
        still = await place_in_line(lab, CITIZEN)
        assert (still["position"], still["since"]) == (first["position"], first["since"])
        await willing_desk.ready()
        talk = await until_talking(lab, citizen)
        assert talk["agent"] == willing.agent.id
        await until_heard(citizen, first_words(read_wav(voices["agent"]), 1.2))
        assert (await place_in_line(lab, LATER))["position"] == first["position"]
        await later.hang_up()
        await until_left(lab, LATER)
        await citizen.hang_up()
        await until_left(lab, CITIZEN)
        assert longest_silence(citizen.heard()) < 1.0


async def test_phones_that_do_not_disturb_or_decline_pause_their_agents_and_the_next_one_is_rung_at_once(
    lab: Lab,
) -> None:
    resting, declining, willing = lab.agents
    await has_called_before(lab, CITIZEN)
    citizen = lab.citizen(CITIZEN, reachable=False)
    async with (
        agent_at_work(lab, resting) as (resting_phone, _),
        agent_at_work(lab, declining, answering="manual") as (declining_phone, _),
        agent_at_work(lab, willing),
        citizen,
    ):
        await resting_phone.do_not_disturb(True)
        await ask_for_a_person(lab, citizen)
        began = time.monotonic()
        await declining_phone.expect("incoming", timeout=AT_ONCE_SECONDS)
        await declining_phone.hang_up()
        assert (await until_talking(lab, citizen))["agent"] == willing.agent.id
        assert time.monotonic() - began < AT_ONCE_SECONDS
        assert await paused_because(lab, resting) == DID_NOT_ANSWER  # baresip says 480, as a phone out of reach does
        assert await paused_because(lab, declining) == PHONE_BUSY
        await citizen.hang_up()
        await until_presence(lab, willing, "ready")


async def test_an_agent_whose_phone_is_not_registered_is_never_offered_a_caller(lab: Lab) -> None:
    absent, present, _ = lab.agents
    await has_called_before(lab, CITIZEN)
    citizen = lab.citizen(CITIZEN, reachable=False)
    async with lab.desk(absent) as desk, citizen:
        await desk.ready()
        await ask_for_a_person(lab, citizen)
        assert (await place_in_line(lab, CITIZEN))["rings"] == ""
        async with agent_at_work(lab, present):
            assert (await until_talking(lab, citizen))["agent"] == present.agent.id
            assert await presence_of(lab, absent) == "ready"
            await citizen.hang_up()
            await until_presence(lab, present, "ready")


async def test_after_the_agents_hang_up_the_citizen_hears_the_complaints_number_twice(
    lab: Lab, voices: dict[str, Path]
) -> None:
    await has_called_before(lab, CITIZEN)
    citizen = lab.citizen(CITIZEN, reachable=False)
    async with agent_at_work(lab, lab.agents[0], speech=voices["agent"]) as (phone, desk), citizen:
        await ask_for_a_person(lab, citizen)
        number = await register(desk, await until_talking(lab, citizen))
        await phone.hang_up()
        await until_presence(lab, lab.agents[0], "ready")
        await citizen.expect("closed", timeout=NUMBER_SECONDS)
    recording = citizen.heard()
    again = hearing.heard(recording, prompt(lab, "complaint_number_again"))
    assert again.at is not None
    assert says(lab, first_words(recording, again.at), number)
    assert says(lab, since(recording, again.at), number)


def says(lab: Lab, recording: Pcm, number: str) -> bool:
    """Whether the digits of the number are in the recording."""
    spoken = prompt(lab, *(id for id in digits(number) if id.startswith("number")))
    return hearing.share_heard(recording, spoken) > WHOLE


async def test_when_the_caller_hangs_up_while_it_rings_the_phone_stops_and_the_agent_is_ready(lab: Lab) -> None:
    agent = lab.agents[0]
    await has_called_before(lab, CITIZEN)
    citizen = lab.citizen(CITIZEN, reachable=False)
    async with agent_at_work(lab, agent, answering="manual") as (phone, _), citizen:
        await ask_for_a_person(lab, citizen)
        await phone.expect("incoming")
        await until_presence(lab, agent, "ringing")
        await citizen.hang_up()
        await phone.expect("closed", timeout=2)
        await until_presence(lab, agent, "ready", seconds=2)
        assert (await lab.get("/api/queue"))["waiting"] == []


async def test_when_the_caller_hangs_up_in_the_conversation_the_agent_wraps_up_and_is_ready(lab: Lab) -> None:
    agent = lab.agents[0]
    await has_called_before(lab, CITIZEN)
    citizen = lab.citizen(CITIZEN, reachable=False)
    async with agent_at_work(lab, agent) as (phone, _), citizen:
        await ask_for_a_person(lab, citizen)
        await until_talking(lab, citizen)
        await citizen.hang_up()
        await phone.expect("closed", timeout=2)
        await until_presence(lab, agent, "wrap_up", seconds=1)
        await until_presence(lab, agent, "ready", seconds=lab.settings.queue.wrap_up_seconds + 1)
