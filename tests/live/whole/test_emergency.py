"""Key 5 leads to 112 at once; where 112 can't be had, before everybody to an agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf.programs import Programs
from helpline.demo.lab import Lab
from helpline.demo.sipp import Sipp
from helpline.demo.softphone import Account, Softphone
from helpline.demo.sound import read_wav
from tests.live.whole.steps import (
    TELLING_SECONDS,
    agent_at_work,
    call_and_hear_the_welcome,
    first_words,
    has_called_before,
    heard_seconds,
    place_in_line,
    prompt,
    until_heard,
    until_left,
    until_talking,
)

pytestmark = pytest.mark.live

CITIZEN = "9800000112"
HEARD_WITHIN_SECONDS = 3.0


@pytest.fixture
def sipp(programs: Programs, tmp_path: Path) -> Sipp:
    return Sipp(programs.find("sipp"), tmp_path)


async def test_key_5_in_the_main_menu_lets_the_citizen_hear_112_within_three_seconds(
    lab: Lab, sipp: Sipp, voices: dict[str, Path]
) -> None:
    await has_called_before(lab, CITIZEN)
    voice = read_wav(voices["emergency"])
    async with (
        await sipp.answers(lab.emergency, voice=voices["emergency"]) as emergency,
        lab.citizen(CITIZEN, reachable=False) as citizen,
    ):
        await call_and_hear_the_welcome(lab, citizen)
        pressed = heard_seconds(citizen)
        await citizen.press("5")
        began = await until_heard(citizen, first_words(voice, TELLING_SECONDS), after=pressed, timeout=6)
        assert began - pressed < HEARD_WITHIN_SECONDS
        await citizen.hang_up()
        await citizen.expect("closed")
        results = await emergency.stop()
    assert (results.begun, results.badly) == (1, 0), str(results)


async def test_key_5_before_a_language_is_chosen_rings_112_with_the_citizens_own_number(
    lab: Lab, programs: Programs, tmp_path: Path, voices: dict[str, Path]
) -> None:
    number = "9800000113"
    control_room = Softphone(
        "112",
        program=programs.find("baresip"),
        folder=tmp_path / "112",
        account=Account(user="112", exchange=lab.exchange),
        listen=lab.emergency,
        speech=voices["emergency"],
    )
    async with control_room, lab.citizen(number, speech=voices["citizen"], reachable=False) as citizen:
        await call_and_hear_the_welcome(lab, citizen)
        pressed = heard_seconds(citizen)
        await citizen.press("5")
        rung = await control_room.expect("incoming")
        assert heard_seconds(citizen) - pressed < HEARD_WITHIN_SECONDS
        assert number in rung.peer
        await control_room.accept()
        await until_heard(control_room, first_words(read_wav(voices["citizen"]), TELLING_SECONDS))
        await until_heard(citizen, first_words(read_wav(voices["emergency"]), TELLING_SECONDS), after=pressed)
        await control_room.hang_up()
        await citizen.expect("closed")


@pytest.mark.parametrize("code", [486, 503], ids=["busy", "no line"])
async def test_when_112_can_not_be_had_its_number_is_said_and_the_citizen_is_served_before_all_others(
    lab: Lab, sipp: Sipp, code: int
) -> None:
    earlier, in_danger = lab.citizen("9800000114", reachable=False), lab.citizen(CITIZEN, reachable=False)
    await has_called_before(lab, "9800000114", CITIZEN)
    async with await sipp.refuses(lab.emergency, code), earlier, in_danger:
        await earlier.dial("1076")
        await in_danger.dial("1076")
        await earlier.expect("established")
        await earlier.press("4")
        await in_danger.expect("established")
        await in_danger.press("5")
        first = await place_in_line(lab, "9800000114")
        await until_heard(in_danger, first_words(prompt(lab, "emergency_failed"), 4.0))
        urgent = await place_in_line(lab, CITIZEN)
        assert (urgent["position"], urgent["service"]) == (1, "emergency")
        assert first["since"] < urgent["since"]
        async with agent_at_work(lab, lab.agents[0]):
            await until_talking(lab, in_danger)
            assert (await place_in_line(lab, "9800000114"))["position"] == 1
            await earlier.hang_up()
            await until_left(lab, "9800000114")
            await in_danger.hang_up()
            await until_left(lab, CITIZEN)
