"""The lifeline: with no controller and no agent's phone a citizen's complaint is taken by voice, and filed later."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from helpline.demo import hearing
from helpline.demo.lab import Lab
from helpline.demo.softphone import Softphone
from helpline.demo.sound import BYTES_PER_SECOND, Pcm, read_wav, seconds
from ivr.speaking import Language
from tests.live.whole.steps import (
    TELLING_SECONDS,
    agent_at_work,
    call_and_hear_the_welcome,
    first_words,
    has_called_before,
    prompt,
    until,
    until_heard,
    until_presence,
)

pytestmark = pytest.mark.live

IN_A_CALL, AFTERWARDS = "9800000701", "9800000702"
LIFELINE_SECONDS = 30.0  # until the words before the beep are over
FILED_SECONDS = 15.0


async def speaks_after_the_beep(lab: Lab, citizen: Softphone, *, language: Language, speech: Path) -> None:
    """Hear the lifeline to the end of its words, speak, press # and hear the thanks begin."""
    last_words = prompt(lab, "lifeline_welcome", language=language)[-2 * BYTES_PER_SECOND :]
    await until_heard(citizen, last_words, timeout=LIFELINE_SECONDS)
    await citizen.say(speech, again_and_again=True)
    spoken = seconds(read_wav(speech)) + 1.0
    place = seconds(citizen.heard())
    await until(lambda: _has_heard(citizen, place + spoken), what="the end of what is said", seconds=spoken + 5)
    await citizen.press("#")
    await until_heard(citizen, first_words(prompt(lab, "lifeline_thanks"), TELLING_SECONDS), after=place)
    await citizen.hang_up()
    await citizen.expect("closed")


async def _has_heard(citizen: Softphone, length: float) -> bool:
    return seconds(citizen.heard()) >= length


async def voice_messages(lab: Lab) -> dict[str, Pcm]:
    """The recordings that wait to be typed, by caller, as the command line lists them."""
    ran = await lab.command("complaint", "voice", "--json")
    assert ran.code == 0, ran.complained
    listed: list[dict[str, Any]] = json.loads(ran.said)
    return {message["caller"]: read_wav(Path(message["path"])) for message in listed}


async def test_with_no_controller_and_no_phone_a_citizen_s_words_are_recorded_and_filed_after_the_next_start(
    lab: Lab, voices: dict[str, Path]
) -> None:
    await has_called_before(lab, IN_A_CALL)
    in_a_call, afterwards = lab.citizen(IN_A_CALL, reachable=False), lab.citizen(AFTERWARDS, reachable=False)
    async with in_a_call, afterwards:
        await call_and_hear_the_welcome(lab, in_a_call)
        lab.stack.kill_controller()
        try:
            await afterwards.dial("1076")
            await afterwards.expect("established")
            # Who has chosen a language hears it alone, others hear both.
            await asyncio.gather(
                speaks_after_the_beep(lab, in_a_call, language="hi", speech=voices["citizen"]),
                speaks_after_the_beep(lab, afterwards, language="en", speech=voices["agent_two"]),
            )
        finally:
            await lab.stack.start_controller()

    async def filed() -> dict[str, Pcm]:
        messages = await voice_messages(lab)
        return messages if {IN_A_CALL, AFTERWARDS} <= messages.keys() else {}

    messages = await until(filed, what="the filing of both messages", seconds=FILED_SECONDS)
    assert hearing.heard(messages[IN_A_CALL], read_wav(voices["citizen"])).heard
    assert hearing.heard(messages[AFTERWARDS], read_wav(voices["agent_two"])).heard
    assert not hearing.heard(messages[IN_A_CALL], read_wav(voices["agent_two"])).heard
    items = {item["item"]: item for item in await lab.get("/api/queue/work")}
    assert len(items) == 2
    agent = lab.agents[0]
    async with agent_at_work(lab, agent):
        await until_presence(lab, agent, "working")  # a message to be typed up, with no caller there
        for item in items:
            ran = await lab.command("queue", "work", "done", item)
            assert ran.code == 0, ran.complained
        await until_presence(lab, agent, "ready")
    assert await lab.get("/api/queue/work") == []
