"""The call that asks whether a citizen is satisfied."""

from __future__ import annotations

import pytest

from ivr.feedback import Answer, feedback
from ivr.flows import Question
from ivr.speaking import digits
from ivr.testing import FakeComplaints, FakeSurvey, House, a_complaint
from telephony.errors import HungUp
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import heard, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

NUMBER = a_complaint().number


def called(*keys: str, hang_up_at: int | None = None) -> ScriptedCall:
    return ScriptedCall(path="feedback", call_id="dial-1", keys=keys, hang_up_at=hang_up_at)


def asking() -> House:
    return House(survey=FakeSurvey(Question(NUMBER, "en")))


async def test_it_says_who_calls_about_what_before_it_asks() -> None:
    call = await run(asking(), called("1"))
    assert heard(call)[: 3 + len(digits(NUMBER))] == [
        *("feedback_greeting", "feedback_reported"),
        *digits(NUMBER),
        "feedback_menu",
    ]


@pytest.mark.parametrize(
    ("keys", "answer", "reply"),
    [
        pytest.param(["1"], Answer.SATISFIED, "feedback_satisfied", id="satisfied"),
        pytest.param(["2"], Answer.DISSATISFIED, "feedback_dissatisfied", id="dissatisfied"),
        pytest.param(["9", "", "2"], Answer.DISSATISFIED, "feedback_dissatisfied", id="after-wrong-and-silent-tries"),
        pytest.param(["#", "1"], Answer.SATISFIED, "feedback_satisfied", id="heard-again"),
        pytest.param(["12"], Answer.SATISFIED, "feedback_satisfied", id="too-many-keys"),
        pytest.param(["", "", ""], Answer.NONE, "feedback_no_key", id="silence"),
        pytest.param(["0", "*", "7"], Answer.NONE, "feedback_no_key", id="wrong-keys"),
    ],
)
async def test_the_answer_is_told_once_and_then_thanked_for(keys: list[str], answer: Answer, reply: str) -> None:
    house, call = asking(), called(*keys)
    assert await feedback(call, house.flows) is answer
    assert house.survey.results == [("dial-1", answer.value)]
    assert heard(call)[-2:] == [reply, "goodbye"]


async def test_who_was_put_under_pressure_says_so_by_one_key_and_is_then_asked_again() -> None:
    house, call = (
        House(survey=FakeSurvey(Question(NUMBER, "en")), complaints=FakeComplaints(a_complaint())),
        called("3", "2"),
    )
    assert await feedback(call, house.flows) is Answer.DISSATISFIED
    assert house.complaints.pressures == [(NUMBER, "feedback_call")]
    assert house.survey.results == [("dial-1", "dissatisfied")]
    said = heard(call)
    assert said[said.index("feedback_pressed") + 1] == "feedback_menu"


async def test_a_stuck_key_does_not_hold_the_line() -> None:
    house = House(survey=FakeSurvey(Question(NUMBER, "en")), complaints=FakeComplaints(a_complaint()))
    assert await feedback(called(*"333333"), house.flows) is Answer.NONE


async def test_pressure_that_could_not_be_written_down_does_not_cost_the_answer() -> None:
    house, call = (
        House(survey=FakeSurvey(Question(NUMBER, "en")), complaints=FakeComplaints(down=True)),
        called("3", "1"),
    )
    assert await feedback(call, house.flows) is Answer.SATISFIED


async def test_the_answer_is_kept_before_the_thanks_are_heard() -> None:
    house = asking()
    with pytest.raises(HungUp):
        await feedback(called("1", hang_up_at=2), house.flows)
    assert house.survey.results == [("dial-1", "satisfied")]


async def test_a_hang_up_before_a_key_is_no_feedback() -> None:
    house = asking()
    with pytest.raises(HungUp):
        await feedback(called("1", hang_up_at=1), house.flows)
    assert house.survey.results == [("dial-1", "")]


async def test_with_nothing_more_to_ask_the_citizen_is_told_so() -> None:
    call = called("1")
    house = House()
    assert await feedback(call, house.flows) is Answer.NONE
    assert "feedback_over" in heard(call)
    assert "feedback_menu" not in heard(call)
    assert house.survey.results == [("dial-1", "")]


async def test_an_answer_that_comes_second_is_not_claimed_to_be_kept() -> None:
    house = asking()
    await house.survey.finish("dial-1", "dissatisfied")
    call = await run(house, called("1"))
    assert heard(call)[-2:] == ["feedback_over", "goodbye"]
