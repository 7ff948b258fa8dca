"""How the wish for a person goes into the queue, and what the caller hears when no agent comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from acd.records import CallbackOwed, NotServed, Request, Resumed
from asterisk_conf import messages
from grievance_core.lifecycle import EventKind
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Step
from ivr.testing import FakeComplaints, FakeDesk, House, a_complaint
from telephony.call import Dialled, Recorded
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import SpeakingCall, heard, knows, run, told

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

REQUEST = Request(language="en", service="complaint")
ESCALATED = (EventKind.TIME_RAN_OUT,)  # from L1 to L2


# -- how urgent, and to whom


async def asked_for(house: House, *keys: str) -> Request:
    await run(house, ScriptedCall(keys=keys, dials=[Dialled("CONGESTION", 34)]))
    (request,) = house.desk.requests
    return request


async def test_whose_complaint_has_gone_up_a_level_goes_before_ordinary_callers() -> None:
    house = knows(House(complaints=FakeComplaints(a_complaint(), a_complaint(serial=1, events=ESCALATED))))
    assert (await asked_for(house, "4")).urgency == "escalated"


@pytest.mark.parametrize(
    "complaints",
    [
        FakeComplaints(),
        FakeComplaints(a_complaint()),
        FakeComplaints(a_complaint(events=[*ESCALATED, EventKind.REPORTED, EventKind.SATISFIED])),
        FakeComplaints(a_complaint(caller="9000000000", events=ESCALATED)),
        FakeComplaints(a_complaint(events=ESCALATED), down=True),
    ],
    ids=["none", "at-the-first-level", "closed", "of-somebody-else", "store-is-down"],
)
async def test_everybody_else_is_an_ordinary_caller(complaints: FakeComplaints) -> None:
    assert (await asked_for(knows(House(complaints=complaints)), "0")).urgency == "ordinary"


async def test_a_store_that_is_down_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    await asked_for(knows(House(complaints=FakeComplaints(down=True))), "0")
    assert told(caplog, "standing_unknown")


async def test_a_withheld_number_is_nobodys_complaint() -> None:
    house = House(complaints=FakeComplaints(a_complaint(caller="", agent="1007", events=ESCALATED)))
    await run(house, ScriptedCall(caller="", keys=["2", "0"]))
    assert (house.desk.requests[0].urgency, house.desk.requests[0].known_agent) == ("ordinary", "")


async def test_an_emergency_is_an_emergency_whatever_else_and_waits_for_no_agent_of_before() -> None:
    house = knows(House(complaints=FakeComplaints(a_complaint(agent="1007", events=ESCALATED))))
    request = await asked_for(house, "5")
    assert (request.service, request.urgency, request.known_agent) == ("emergency", "emergency", "")


@pytest.mark.parametrize(
    ("keys", "agent"),
    [(("1", "1"), "1007"), (("0",), "1007"), (("2", "0"), "1007"), (("4",), ""), (("3", "1"), "")],
    ids=["complaint", "person", "status", "demand", "scheme"],
)
async def test_the_agent_who_knows_the_complaint_is_asked_for_where_it_is_about_complaints(
    keys: tuple[str, ...], agent: str
) -> None:
    house = knows(House(complaints=FakeComplaints(a_complaint(agent="1002"), a_complaint(serial=1, agent="1007"))))
    assert (await asked_for(house, *keys)).known_agent == agent


# -- the queue lets them go


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("the queue is closed", "not_served_closed"),
        ("waited too long", "not_served_in_time"),
        ("nobody who fits is signed in", "not_served_in_time"),
        ("nobody was free in time", "not_served_in_time"),
        ("too many wait", "apology"),
        ("of a kind that came later", "apology"),
    ],
)
@pytest.mark.parametrize("language", ["hi", "en"])
async def test_who_is_not_served_hears_why_and_what_to_do(
    reason: str, words: str, language: str, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(desk=FakeDesk(ends=[NotServed(reason)]))
    call = await run(house, ScriptedCall(keys=["0"], variables={LANGUAGE_VARIABLE: language}))
    assert call.played[-2:] == [f"helpline/{language}/{words}", f"helpline/{language}/goodbye"]
    assert call.finished
    assert len(told(caplog, "not_served")) == 1


async def test_whose_place_is_kept_hears_goodbye_and_the_call_is_over() -> None:
    house = knows(House(desk=FakeDesk(ends=[CallbackOwed(REQUEST)])))
    call = await run(house, ScriptedCall(keys=["0"]))
    assert heard(call)[-2:] == ["thanks", "goodbye"]
    assert call.variables[STEP_VARIABLE] == Step.CALLBACK_OWED
    assert call.finished
    assert len(house.desk.requests) == 1


async def test_whose_controller_dies_at_the_goodbye_is_not_put_into_the_queue_a_second_time() -> None:
    house = House()
    variables = {LANGUAGE_VARIABLE: "en", STEP_VARIABLE: Step.CALLBACK_OWED.value}
    call = await run(house, ScriptedCall(variables=variables))
    assert heard(call) == ["thanks", "goodbye"]
    assert house.desk.requests == house.desk.owed == []


# -- nobody more can be taken in


async def test_when_the_lines_are_full_a_caller_hears_an_apology_and_is_owed_a_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = knows(House(desk=FakeDesk(full=True)))
    call = await run(house, ScriptedCall())
    assert heard(call) == ["welcome_danger", "full", "callback_taken", "goodbye"]
    assert [request.service for request in house.desk.owed] == ["person"]
    assert house.desk.requests == []
    assert call.variables[STEP_VARIABLE] == Step.CALLBACK_OWED  # for the next controller, should we die here
    assert call.finished
    assert len(told(caplog, "full")) == 1


async def test_the_call_is_owed_before_a_word_is_said_about_it() -> None:
    house = knows(House(desk=FakeDesk(full=True)))
    call = await run(house, ScriptedCall(hang_up_at=2))
    assert call.gone
    assert heard(call) == ["welcome_danger"]
    assert len(house.desk.owed) == 1


async def test_an_unknown_caller_hears_danger_in_both_languages_first() -> None:
    call = await run(House(desk=FakeDesk(full=True)), ScriptedCall())
    assert call.played[:3] == ["helpline/hi/welcome_danger", "helpline/en/welcome_danger", "helpline/hi/full"]


@pytest.mark.parametrize("house", [House(desk=FakeDesk(full=True)), knows(House(desk=FakeDesk(full=True)))])
async def test_one_in_danger_is_put_through_although_the_lines_are_full(house: House) -> None:
    call = await run(house, ScriptedCall(keys=["5"], dials=[Dialled("ANSWER", 16, 1.0, 9.0)]))
    assert [act.said for act in call.acts if act.verb == "dial"] == [("PJSIP/112@emergency-trunk",)]
    assert house.desk.owed == []


async def test_one_in_danger_whom_112_did_not_answer_waits_although_the_lines_are_full() -> None:
    house = knows(House(desk=FakeDesk(full=True)))
    await run(house, ScriptedCall(keys=["5"], dials=[Dialled("CONGESTION", 34)]))
    assert [request.service for request in house.desk.requests] == ["emergency"]


class FillingUp(FakeDesk):
    """There was room when the call came, and there is none when the caller would join."""

    asked = 0

    def full(self) -> bool:
        self.asked += 1
        return self.asked > 1


async def test_lines_that_fill_up_while_a_caller_is_in_the_menus_owe_a_call_for_what_was_chosen() -> None:
    house = knows(House(desk=FillingUp(), complaints=FakeComplaints(a_complaint(events=ESCALATED))))
    call = await run(house, ScriptedCall(keys=["1", "1"]))
    assert heard(call)[-3:] == ["full", "callback_taken", "goodbye"]
    assert [(request.service, request.urgency) for request in house.desk.owed] == [("complaint", "escalated")]


async def test_a_long_line_turns_away_who_would_wait_with_its_own_words_and_nobody_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = knows(House(desk=FakeDesk(line_full=True)))
    call = await run(house, ScriptedCall(keys=["1", "1"]))
    assert heard(call)[-3:] == ["line_full", "callback_taken", "goodbye"]
    assert "welcome_greeting" in heard(call)
    assert [request.service for request in house.desk.owed] == ["complaint"]
    assert len(told(caplog, "line_full")) == 1


async def test_one_in_danger_waits_however_long_the_line_is() -> None:
    house = knows(House(desk=FakeDesk(line_full=True)))
    await run(house, ScriptedCall(keys=["5"], dials=[Dialled("CONGESTION", 34)]))
    assert [request.service for request in house.desk.requests] == ["emergency"]


async def test_a_withheld_number_leaves_a_message_instead(tmp_path: Path) -> None:
    house = House(desk=FakeDesk(full=True), messages_folder=tmp_path)
    call = await run(house, SpeakingCall(caller="", recordings=[Recorded(8.0, "key", "#")]))
    assert heard(call)[-5:] == ["full", "message_ask", "message_kept", "thanks", "goodbye"]
    (message,) = messages.waiting(tmp_path)
    assert message.caller == ""


async def test_a_withheld_number_that_says_nothing_is_not_left_with_a_dead_line(tmp_path: Path) -> None:
    house = House(desk=FakeDesk(full=True), messages_folder=tmp_path)
    silent = Recorded(0.0, "silence")
    call = await run(house, ScriptedCall(caller="", recordings=[silent, silent]))
    assert heard(call)[-3:] == ["message_not_kept", "apology", "goodbye"]
    assert call.finished


async def test_who_waited_already_is_never_turned_away_by_full_lines() -> None:
    house = House(desk=FakeDesk(full=True, resumes=Resumed(request=REQUEST, served=None)))
    call = await run(house, ScriptedCall())
    assert house.desk.requests == [REQUEST]
    assert heard(call) == ["thanks", "goodbye"]


# -- the status while waiting


async def test_a_status_is_heard_while_waiting_and_the_place_is_kept() -> None:
    complaint = a_complaint()
    house = knows(House(desk=FakeDesk(offers="3"), complaints=FakeComplaints(complaint)))
    call = await run(house, ScriptedCall(keys=["0", "3", complaint.number, "1", "*"]))
    said = heard(call)[heard(call).index("status_ask") :]
    assert [id for id in said if id.startswith(("state_", "status_", "waiting_"))] == [
        *("status_ask", "state_with_officer", "status_waiting_menu"),
        *("state_with_officer", "status_waiting_menu", "waiting_on"),
    ]
    assert len(house.desk.requests) == len(house.desk.served) == 1


@pytest.mark.parametrize(
    "keys",
    [("*",), ("0",), ("12", "", "")],
    ids=["back", "a-person", "wrong-and-silent"],
)
async def test_whatever_is_pressed_there_the_caller_is_back_in_line(keys: tuple[str, ...]) -> None:
    house = knows(House(desk=FakeDesk(offers="3")))
    call = await run(house, ScriptedCall(keys=["0", "3", *keys]))
    assert heard(call)[-3:] == ["waiting_on", "thanks", "goodbye"]
    assert len(house.desk.requests) == len(house.desk.served) == 1


async def test_a_status_can_be_heard_as_often_as_one_likes() -> None:
    house = knows(House(desk=FakeDesk(offers="3")))
    call = await run(house, ScriptedCall(keys=["0", "3", "*", "3", "*"]))
    assert heard(call).count("waiting_on") == 2
