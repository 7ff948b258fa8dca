"""How these tests run a flow: a scripted call, the flow, and what was heard."""

from __future__ import annotations

import asyncio

from ivr.service import Ivr
from ivr.testing import House
from telephony.errors import HungUp
from telephony.testing import ScriptedCall

LONGEST_CALL_SECONDS = 3600.0  # of virtual time: a flow that never ends fails its test instead of holding it


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
