"""The caller may hang up at any moment: every step of every flow is walked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from acd.records import Request, Resumed, Served
from grievance_core.complaint import Complaint
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Question, Step
from ivr.testing import FakeComplaints, FakeDesk, FakeSurvey, House, a_complaint, awaiting_feedback
from telephony.call import Dialled
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import knows, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

MOST_STEPS = 60
ANSWERED = Dialled("ANSWER", 16, 2.0, 45.0)
FAILED = Dialled("CONGESTION", 34)


def registered() -> Complaint:
    return a_complaint(call_id="scripted.1")


def known(*complaints: Complaint) -> House:
    return knows(House(complaints=FakeComplaints(*complaints)))


def resumed(*, served: bool) -> House:
    talked = Served(agent="1001", talk_seconds=9.0, recording="", ended_by="agent") if served else None
    desk = FakeDesk(resumes=Resumed(request=Request(language="hi", service="complaint"), served=talked))
    return House(desk=desk, complaints=FakeComplaints(registered()))


@dataclass(frozen=True)
class Walk:
    """A way through a flow, from the first step to the last."""

    house: Callable[[], House]
    keys: tuple[str, ...] = ()
    dials: tuple[Dialled, ...] = ()
    path: str = "citizen"
    variables: tuple[tuple[str, str], ...] = ()

    def call(self, hang_up_at: int) -> ScriptedCall:
        return ScriptedCall(
            path=self.path, keys=self.keys, dials=self.dials, hang_up_at=hang_up_at, variables=dict(self.variables)
        )


WALKS = {
    "first-call": Walk(lambda: House(complaints=FakeComplaints(registered())), ("2", "1", "1")),
    "wrong-late-and-silent": Walk(House, ("7", "", "1", "8", "", "1", "#", "")),
    "nothing-pressed": Walk(House),
    "demand": Walk(known, ("4",)),
    "schemes-and-back": Walk(known, ("3", "", "3", "1")),
    "excluded-matters": Walk(known, ("1", "9", "1", "1", "9", "5", "1", "9", "*", "0")),
    "other-language": Walk(known, ("*", "2", "0")),
    "status": Walk(
        lambda: known(a_complaint()), ("2", "12", a_complaint().number, "1", "2", a_complaint().number, "*", "0")
    ),
    "emergency": Walk(known, ("5",), (ANSWERED,)),
    "emergency-before-a-language": Walk(House, ("5",), (ANSWERED,)),
    "emergency-that-fails": Walk(known, ("5",), (FAILED,)),
    "nobody-serves": Walk(lambda: knows(House(desk=FakeDesk(serves=False))), ("1", "1")),
    "feedback-dialled-in": Walk(lambda: known(awaiting_feedback()), ("2", "0")),
    "feedback-left-for-later": Walk(lambda: known(awaiting_feedback()), ("", "0")),
    "back-in-the-queue": Walk(lambda: resumed(served=False)),
    "back-after-the-conversation": Walk(lambda: resumed(served=True)),
    "back-in-the-end": Walk(
        lambda: House(complaints=FakeComplaints(registered())),
        variables=((STEP_VARIABLE, Step.AFTER_CONVERSATION.value), (LANGUAGE_VARIABLE, "hi")),
    ),
    "back-in-an-emergency": Walk(House, variables=((STEP_VARIABLE, Step.EMERGENCY.value),)),
    "feedback": Walk(
        lambda: House(survey=FakeSurvey(Question(a_complaint().number, "hi"))), ("9", "", "1"), path="feedback"
    ),
    "feedback-without-a-key": Walk(
        lambda: House(survey=FakeSurvey(Question(a_complaint().number, "hi"))), path="feedback"
    ),
    "feedback-over": Walk(House, path="feedback"),
}


@pytest.mark.parametrize("name", WALKS)
async def test_a_hang_up_at_any_step_ends_the_call_and_the_after_part_runs_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    walk = WALKS[name]
    caplog.set_level(logging.INFO, logger="ivr")
    for step in range(1, MOST_STEPS):
        caplog.clear()
        house, call = walk.house(), walk.call(step)
        await run(house, call)
        ends = [vars(record)["ended"] for record in caplog.records if vars(record).get("action") == "call_over"]
        assert ends == ["hung_up" if call.gone else "finished"], f"step {step}"
        assert len(house.survey.results) == (1 if walk.path == "feedback" else 0), f"step {step}"
        assert len(house.desk.requests) <= 1, f"step {step}"
        assert call.finished is not call.gone, f"step {step}"
        if not call.gone:
            assert step > 1, "the walk has no step"
            return
    pytest.fail(f"{name} does not end within {MOST_STEPS} steps")


async def test_a_caller_who_leaves_during_the_conversation_hears_no_more() -> None:
    house = known(registered())
    call = ScriptedCall(keys=["1", "1"], hang_up_at=6)
    await run(house, call)
    assert [act.verb for act in call.acts][-1] == "wait"
    assert "helpline/en/thanks" not in call.played
