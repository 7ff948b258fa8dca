"""How these tests run a flow: a scripted call, the flow, and what was heard."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import Any

from ivr.service import Ivr
from ivr.testing import House
from telephony.call import Recorded
from telephony.errors import HungUp
from telephony.testing import ScriptedCall

LONGEST_CALL_SECONDS = 3600.0  # of virtual time: a flow that never ends fails its test instead of holding it


class SpeakingCall(ScriptedCall):
    """A caller who speaks when they are recorded: the file is there, as Asterisk leaves it, whatever ends it."""

    spoken_seconds = 5.0  # of one who hangs up while speaking

    def __init__(self, **script: Any) -> None:
        super().__init__(**script)
        self.spoke: list[float] = []  # seconds, by recording

    async def record(
        self, file: Path, *, max_seconds: float, silence_seconds: float, keys: str = "#", beep: bool = True
    ) -> Recorded:
        try:
            recorded = await super().record(
                file, max_seconds=max_seconds, silence_seconds=silence_seconds, keys=keys, beep=beep
            )
        except HungUp:
            self._speak(file, self.spoken_seconds)
            raise
        self._speak(file, recorded.seconds)
        return recorded

    def _speak(self, file: Path, seconds: float) -> None:
        self.spoke.append(seconds)
        with wave.open(str(file), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(round(seconds * 8000) * 2))


def told(caplog: Any, action: str) -> list[Any]:
    """The lines of the log with that action."""
    return [record for record in caplog.records if vars(record).get("action") == action]


async def run(house: House, call: ScriptedCall) -> ScriptedCall:
    """The call from its first word to its end, as the FastAGI server runs it."""
    try:
        async with asyncio.timeout(LONGEST_CALL_SECONDS):
            await Ivr(house.flows)(call)
    except HungUp:
        assert call.gone
    return call


def heard(call: ScriptedCall) -> list[str]:
    """The prompts' ids in the order played."""
    return [sound.rpartition("/")[2] for sound in call.played]


def knows(house: House, caller: str = "9876543210") -> House:
    """The caller has called before and chosen English."""
    house.languages.known[caller] = "en"
    return house
