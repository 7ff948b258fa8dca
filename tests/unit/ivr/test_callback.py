"""We ring a citizen who kept the place: who calls comes first, then the queue; at any moment they may hang up."""

from __future__ import annotations

import pytest

from acd.engine.queues import Urgency
from acd.records import Request, Resumed, Served
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Step
from ivr.testing import CALLER, FakeComplaints, FakeDesk, FakeLanguages, House, a_complaint
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import heard, run, told

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

TALKED = Served(agent="1001", talk_seconds=40.0, recording="", ended_by="agent")


def owed(language: str = "hi", *, served: Served | None = None, **house: object) -> House:
    request = Request(language=language, service="complaint", urgency=Urgency.ESCALATED)
    return House(desk=FakeDesk(resumes=Resumed(request=request, served=served, called_back=True)), **house)  # type: ignore[arg-type]


def rung(**more: object) -> ScriptedCall:
    return ScriptedCall(path="callback", call_id="callback-7-1", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["hi", "en"])
async def test_the_citizen_hears_who_calls_and_is_in_the_queue_with_the_old_request(language: str) -> None:
    house = owed(language)
    call = await run(house, rung())
    assert call.played == [
        f"helpline/{language}/{id}" for id in ("callback_greeting", "welcome_recording", "thanks", "goodbye")
    ]
    assert house.desk.requests == [Request(language=language, service="complaint", urgency=Urgency.ESCALATED)]
    assert call.finished
    assert call.variables[LANGUAGE_VARIABLE] == language


async def test_the_number_of_what_was_registered_is_said_at_the_end() -> None:
    house = owed(complaints=FakeComplaints(a_complaint(call_id="callback-7-1")))
    assert "complaint_number_is" in heard(await run(house, rung()))


async def test_full_lines_turn_no_one_away_whom_we_rang() -> None:
    house = owed()
    house.desk._full = True
    await run(house, rung())
    assert len(house.desk.served) == 1


# -- after a crash of the controller


async def test_who_was_greeted_before_the_controller_died_is_not_greeted_again() -> None:
    house = owed()
    call = await run(house, rung(variables={STEP_VARIABLE: Step.CALLED_BACK.value}))
    assert heard(call) == ["thanks", "goodbye"]
    assert len(house.desk.requests) == 1


async def test_who_heard_half_of_the_greeting_hears_it_again() -> None:
    call = rung(hang_up_at=1)
    await run(owed(), call)
    assert STEP_VARIABLE not in call.variables


async def test_whose_conversation_ended_meanwhile_hears_the_end() -> None:
    house = owed(served=TALKED)
    call = await run(house, rung(variables={STEP_VARIABLE: Step.CALLED_BACK.value}))
    assert heard(call) == ["thanks", "goodbye"]
    assert house.desk.requests == []


async def test_who_was_hearing_the_end_hears_it_again_in_their_language() -> None:
    variables = {STEP_VARIABLE: Step.AFTER_CONVERSATION.value, LANGUAGE_VARIABLE: "en"}
    call = await run(House(), rung(variables=variables))
    assert call.played == ["helpline/en/thanks", "helpline/en/goodbye"]


@pytest.mark.parametrize("greeted", [False, True], ids=["not-greeted", "greeted"])
async def test_a_call_back_that_nobody_knows_of_leads_to_a_person_all_the_same(
    greeted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(languages=FakeLanguages({CALLER: "en"}))
    call = await run(house, rung(variables={STEP_VARIABLE: Step.CALLED_BACK.value} if greeted else {}))
    assert [(request.service, request.language) for request in house.desk.requests] == [("person", "en")]
    assert ("callback_greeting" in heard(call)) is not greeted
    assert len(told(caplog, "callback_unknown")) == 1


async def test_a_language_that_can_not_be_looked_up_is_hindi() -> None:
    call = await run(House(languages=FakeLanguages(down=True)), rung())
    assert call.played[0] == "helpline/hi/callback_greeting"
