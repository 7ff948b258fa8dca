"""What a citizen who dials 1076 hears and reaches."""

from __future__ import annotations

import pytest

from acd.records import Request, Resumed, Served
from grievance_core.excluded import ExcludedMatter
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Step
from ivr.speaking import digits
from ivr.testing import CALLER, FakeComplaints, FakeDesk, FakeLanguages, House, a_complaint, awaiting_feedback
from telephony.call import Dialled
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import heard, knows, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


def requests(house: House) -> list[tuple[str, str]]:
    return [(request.service, request.language) for request in house.desk.requests]


async def test_danger_is_the_first_word_and_both_languages_are_offered() -> None:
    call = await run(House(), ScriptedCall(keys=["1", "1"]))
    assert call.played[:6] == [
        *("helpline/hi/welcome_danger", "helpline/en/welcome_danger"),
        *("helpline/hi/welcome_greeting", "helpline/en/welcome_greeting"),
        *("helpline/hi/language_menu", "helpline/en/language_menu"),
    ]


@pytest.mark.parametrize(("key", "language"), [("1", "hi"), ("2", "en")])
async def test_the_chosen_language_is_spoken_and_remembered(key: str, language: str) -> None:
    house = House()
    call = await run(house, ScriptedCall(keys=[key, "1"]))
    assert f"helpline/{language}/main_menu" in call.played
    assert house.languages.known == {CALLER: language}
    assert call.variables[LANGUAGE_VARIABLE] == language  # for the lifeline, should we die
    assert requests(house)[0][1] == language


async def test_a_remembered_language_is_not_asked_again() -> None:
    call = await run(knows(House()), ScriptedCall(keys=["1"]))
    assert heard(call)[:4] == ["welcome_danger", "welcome_greeting", "welcome_recording", "main_menu"]
    assert all(sound.startswith("helpline/en/") for sound in call.played)


async def test_star_in_the_main_menu_leads_to_another_language() -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=["*", "1", "1"]))
    assert house.languages.known[CALLER] == "hi"
    assert requests(house) == [("complaint", "hi")]
    assert call.variables[LANGUAGE_VARIABLE] == "hi"


async def test_everyone_hears_that_the_conversation_is_recorded() -> None:
    for house in (House(), knows(House())):
        assert "welcome_recording" in heard(await run(house, ScriptedCall(keys=["2", "1"])))


async def test_a_complaint_goes_to_an_agent_and_its_number_is_said_twice() -> None:
    complaint = a_complaint(call_id="scripted.1")
    house = knows(House(complaints=FakeComplaints(complaint)))
    call = await run(house, ScriptedCall(keys=["1", "1"]))
    assert requests(house) == [("complaint", "en")]
    assert house.desk.requests[0].urgency == "ordinary"
    number = list(digits(complaint.number))
    assert heard(call)[-(2 * len(number) + 5) :] == [
        *("complaint_number_is", *number, "pause"),
        *("complaint_number_again", *number),
        *("thanks", "goodbye"),
    ]
    assert call.finished
    assert call.variables[STEP_VARIABLE] == Step.AFTER_CONVERSATION  # for the next controller, should we die here


async def test_who_stays_on_the_line_in_the_complaint_menu_gets_an_agent() -> None:
    house = knows(House())
    await run(house, ScriptedCall(keys=["1", ""]))
    assert requests(house) == [("complaint", "en")]


async def test_without_a_registered_complaint_there_are_thanks_only() -> None:
    other = a_complaint(call_id="another.call")
    call = await run(knows(House(complaints=FakeComplaints(other))), ScriptedCall(keys=["1", "1"]))
    assert heard(call)[-3:] == ["agent_connecting", "thanks", "goodbye"]


async def test_a_demand_goes_to_an_agent() -> None:
    house = knows(House())
    await run(house, ScriptedCall(keys=["4"]))
    assert requests(house) == [("demand", "en")]


async def test_scheme_information_is_read_and_leads_back_or_to_an_agent() -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=["3", "", "3", "1"]))
    assert heard(call).count("schemes_menu") == 2
    assert heard(call).count("main_menu") == 2
    assert requests(house) == [("scheme", "en")]


@pytest.mark.parametrize("keys", [["0"], ["1", "0"], ["1", "9", "0"], ["2", "0"], ["3", "0"]])
async def test_zero_is_a_person_from_anywhere(keys: list[str]) -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=keys))
    assert len(requests(house)) == 1
    assert call.finished


@pytest.mark.parametrize(
    "keys", [["", "", ""], ["7", "8", "9"], ["1", "7", "7", "7"], ["3", "7", "7", "7"], ["1", "9", "", "", ""]]
)
async def test_three_failed_tries_bring_help_and_a_person(keys: list[str]) -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=keys))
    assert "menu_help" in heard(call)
    assert len(requests(house)) == 1


async def test_who_cannot_choose_a_language_gets_a_person_too() -> None:
    house = House()
    await run(house, ScriptedCall())
    assert requests(house) == [("person", "hi")]
    assert house.languages.known == {}


@pytest.mark.parametrize(("key", "matter"), list(zip("12345", ExcludedMatter, strict=True)))
async def test_an_excluded_matter_is_counted_and_told_where_to_go(key: str, matter: str) -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=["1", "9", key, "0"]))
    assert house.complaints.refusals == [(matter, CALLER)]
    assert f"excluded_{matter}" in heard(call)
    assert heard(call).count("main_menu") == 2


async def test_who_hangs_up_on_hearing_where_to_go_is_counted() -> None:
    house = knows(House())
    await run(house, ScriptedCall(keys=["1", "9", "1"], hang_up_at=4))
    assert house.complaints.refusals == [("rti", CALLER)]


async def test_back_leads_from_each_menu_to_the_one_before() -> None:
    house = knows(House())
    call = await run(house, ScriptedCall(keys=["1", "*", "3", "*", "2", "*", "1", "9", "*", "0"]))
    assert heard(call).count("main_menu") == 5
    assert requests(house) == [("person", "en")]


# -- feedback of one who dials in


async def test_who_dials_in_while_feedback_is_awaited_is_asked_first() -> None:
    complaint = awaiting_feedback()
    house = knows(House(complaints=FakeComplaints(complaint)))
    call = await run(house, ScriptedCall(keys=["1", "0"]))
    said = heard(call)
    assert said.index("feedback_reported") < said.index("feedback_menu") < said.index("main_menu")
    assert list(house.complaints.answers.values()) == [True]
    assert "feedback_satisfied" in said


async def test_a_dissatisfied_answer_of_who_dials_in_is_kept() -> None:
    house = knows(House(complaints=FakeComplaints(awaiting_feedback())))
    call = await run(house, ScriptedCall(keys=["2"], hang_up_at=2))
    assert call.gone
    assert list(house.complaints.answers.values()) == [False]


@pytest.mark.parametrize("key", ["*", ""])
async def test_feedback_can_be_left_for_later(key: str) -> None:
    house = knows(House(complaints=FakeComplaints(awaiting_feedback())))
    call = await run(house, ScriptedCall(keys=[key, "0"]))
    assert house.complaints.answers == {}
    assert "main_menu" in heard(call)


async def test_an_emergency_is_not_held_up_by_the_feedback_question() -> None:
    house = knows(House(complaints=FakeComplaints(awaiting_feedback())))
    call = await run(house, ScriptedCall(keys=["5"], dials=[Dialled("ANSWER", 16, 2.0, 30.0)]))
    assert [act.said for act in call.acts if act.verb == "dial"] == [("PJSIP/112@emergency-trunk",)]


async def test_another_callers_complaint_and_a_withheld_number_are_not_asked_about() -> None:
    for complaint, caller in ((awaiting_feedback(caller="9000000001"), CALLER), (awaiting_feedback(caller=""), "")):
        house = House(complaints=FakeComplaints(complaint))
        call = await run(house, ScriptedCall(caller=caller, keys=["1", "0"]))
        assert "feedback_menu" not in heard(call)


# -- what is out of reach


async def test_without_the_memory_of_languages_the_caller_is_asked() -> None:
    house = House(languages=FakeLanguages(down=True))
    call = await run(house, ScriptedCall(keys=["2", "1", "1"]))
    assert "language_menu" in heard(call)
    assert requests(house) == [("complaint", "en")]


async def test_with_the_database_down_the_caller_still_gets_an_agent() -> None:
    house = knows(House(complaints=FakeComplaints(down=True)))
    call = await run(house, ScriptedCall(keys=["1", "9", "1", "1", "1"]))
    assert "excluded_rti" in heard(call)
    assert requests(house) == [("complaint", "en")]
    assert heard(call)[-2:] == ["thanks", "goodbye"]
    assert call.finished


# -- after a crash of the controller

WAITED = Request(language="en", service="demand")
TALKED = Served(agent="1001", talk_seconds=40.0, recording="", ended_by="agent")


async def test_who_was_waiting_goes_on_waiting_with_the_same_request_and_no_word() -> None:
    house = House(desk=FakeDesk(resumes=Resumed(request=WAITED, served=None)))
    call = await run(house, ScriptedCall())
    assert house.desk.requests == [WAITED]
    assert call.played == ["helpline/en/thanks", "helpline/en/goodbye"]


async def test_whose_conversation_ended_meanwhile_hears_the_number() -> None:
    complaint = a_complaint(call_id="scripted.1")
    house = House(desk=FakeDesk(resumes=Resumed(request=WAITED, served=TALKED)), complaints=FakeComplaints(complaint))
    call = await run(house, ScriptedCall())
    assert house.desk.requests == []
    assert heard(call)[0] == "complaint_number_is"
    assert call.finished


async def test_who_was_hearing_the_number_hears_it_again() -> None:
    house = House(complaints=FakeComplaints(a_complaint(call_id="scripted.1")))
    variables = {LANGUAGE_VARIABLE: "en", STEP_VARIABLE: Step.AFTER_CONVERSATION.value}
    call = await run(house, ScriptedCall(variables=variables))
    assert call.played[0] == "helpline/en/complaint_number_is"
    assert house.desk.requests == []


async def test_who_was_in_a_menu_goes_on_in_the_main_menu_in_the_same_language() -> None:
    call = await run(House(), ScriptedCall(keys=["0"], variables={LANGUAGE_VARIABLE: "en"}))
    assert call.played[0] == "helpline/en/main_menu"


async def test_an_emergency_call_that_was_answered_meanwhile_is_over() -> None:
    variables = {STEP_VARIABLE: Step.EMERGENCY.value, "DIALSTATUS": "ANSWER"}
    house = House()
    call = await run(house, ScriptedCall(variables=variables))
    assert heard(call) == ["goodbye"]
    assert house.desk.requests == []


async def test_an_emergency_call_that_failed_meanwhile_leads_to_an_agent_at_once() -> None:
    house = House()
    call = await run(house, ScriptedCall(variables={STEP_VARIABLE: Step.EMERGENCY.value, "DIALSTATUS": "CONGESTION"}))
    assert heard(call)[0] == "emergency_failed"
    assert [request.urgency for request in house.desk.requests] == ["emergency"]
