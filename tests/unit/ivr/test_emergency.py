"""Emergency: bridged to 112 at once; where that fails, the number to dial and an agent before all."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from ivr.flows import STEP_VARIABLE, Step
from ivr.service import Ivr
from ivr.testing import CALLER, House
from telephony.call import Dialled
from telephony.errors import CommandRefused
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import heard, knows, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

ANSWERED = Dialled("ANSWER", 16, 2.0, 45.0)


class TellingCall(ScriptedCall):
    """Notes the number shown to the called one."""

    shown: str | None = None

    async def dial(
        self, target: str, *, ring_seconds: int, music: bool = True, caller_id: str | None = None
    ) -> Dialled:
        self.shown = caller_id
        return await super().dial(target, ring_seconds=ring_seconds, music=music, caller_id=caller_id)


class BrokenTrunk(ScriptedCall):
    async def dial(
        self, target: str, *, ring_seconds: int, music: bool = True, caller_id: str | None = None
    ) -> Dialled:
        raise CommandRefused("EXEC Dial", "no such application")


async def test_one_key_bridges_to_112_with_the_callers_number() -> None:
    call = TellingCall(keys=["5"], dials=[ANSWERED])
    house = knows(House())
    await run(house, call)
    assert [act.said for act in call.acts if act.verb == "dial"] == [("PJSIP/112@emergency-trunk",)]
    assert call.shown == CALLER
    assert heard(call)[-1] == "emergency_connecting"
    assert house.desk.requests == []
    assert call.finished
    assert call.variables[STEP_VARIABLE] == Step.EMERGENCY  # for the next controller, should we die here


async def test_only_one_short_prompt_lies_between_the_key_and_the_call() -> None:
    call = await run(knows(House()), ScriptedCall(keys=["5"], dials=[ANSWERED]))
    verbs = [act.verb for act in call.acts]
    assert verbs[-2:] == ["play", "dial"]
    assert call.acts[-2].said == ("helpline/en/emergency_connecting",)


async def test_the_key_works_before_a_language_is_chosen() -> None:
    call = await run(House(), ScriptedCall(keys=["5"], dials=[ANSWERED]))
    assert [act.verb for act in call.acts] == ["ask", "play", "dial"]


async def test_a_withheld_number_is_not_made_up() -> None:
    call = TellingCall(caller="", keys=["5"], dials=[ANSWERED])
    await run(House(), call)
    assert call.shown is None


@pytest.mark.parametrize("status", ["BUSY", "NOANSWER", "CONGESTION", "CHANUNAVAIL", "FAILED"])
async def test_a_bridge_that_fails_says_the_number_and_gives_an_agent_first(status: str) -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=["5"], dials=[Dialled(status)]))  # type: ignore[arg-type]
    assert "emergency_failed" in heard(call)
    assert [(request.service, request.urgency) for request in house.desk.requests] == [("emergency", "emergency")]


async def test_a_trunk_that_cannot_even_be_dialled_is_a_failed_bridge() -> None:
    house = knows(House())
    call = await run(house, BrokenTrunk(keys=["5"]))
    assert "emergency_failed" in heard(call)
    assert len(house.desk.requests) == 1


@pytest.mark.parametrize("dialled", [ANSWERED, Dialled("CONGESTION", 34)])
async def test_each_emergency_call_is_logged_without_the_number_in_its_words(
    dialled: Dialled, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ivr")
    await run(knows(House()), ScriptedCall(keys=["5"], dials=[dialled]))
    lines = [record for record in caplog.records if getattr(record, "action", "").startswith("emergency")]
    assert [vars(line)["action"] for line in lines] == ["emergency_dialled", "emergency_over"]
    assert all(CALLER not in line.getMessage() for line in lines)
    assert vars(lines[1])["pii_caller"] == CALLER


async def test_a_caller_who_hangs_up_while_112_rings_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ivr")
    call = await run(knows(House()), ScriptedCall(keys=["5"], hang_up_at=3))
    assert call.gone
    assert [vars(record)["status"] for record in caplog.records if hasattr(record, "status")] == ["CANCEL"]


async def test_number_and_route_can_be_set() -> None:
    house = knows(House())
    flows = replace(house.flows, emergency_number="108", emergency_route="second")
    call = ScriptedCall(keys=["5"], dials=[ANSWERED])
    await Ivr(flows)(call)
    assert [act.said for act in call.acts if act.verb == "dial"] == [("PJSIP/108@second",)]
