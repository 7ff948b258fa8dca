"""The caller may hang up at any moment: every step of every flow is walked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd.records import CallbackOwed, NotServed, Request, Resumed, Served, WantsMessage
from asterisk_conf import messages
from grievance_core.complaint import Complaint
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Question, Step
from ivr.message import SHORTEST_SECONDS
from ivr.testing import CALLER, FakeComplaints, FakeDesk, FakeSurvey, House, a_complaint, awaiting_feedback
from telephony.call import Dialled, Recorded
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import SpeakingCall, heard, knows, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

MOST_STEPS = 60
ANSWERED = Dialled("ANSWER", 16, 2.0, 45.0)
FAILED = Dialled("CONGESTION", 34)
REQUEST = Request(language="hi", service="complaint")
SPOKEN, SILENT = Recorded(7.0, "key", "#"), Recorded(0.0, "silence")


def registered() -> Complaint:
    return a_complaint(call_id="scripted.1")


def known(*complaints: Complaint) -> House:
    return knows(House(complaints=FakeComplaints(*complaints)))


def resumed(*, served: bool, called_back: bool = False) -> House:
    talked = Served(agent="1001", talk_seconds=9.0, recording="", ended_by="agent") if served else None
    desk = FakeDesk(resumes=Resumed(request=REQUEST, served=talked, called_back=called_back))
    return House(desk=desk, complaints=FakeComplaints(registered()))


@dataclass(frozen=True)
class Walk:
    """A way through a flow, from the first step to the last."""

    house: Callable[[], House]
    keys: tuple[str, ...] = ()
    dials: tuple[Dialled, ...] = ()
    path: str = "citizen"
    variables: tuple[tuple[str, str], ...] = ()

    caller: str = CALLER
    recordings: tuple[Recorded, ...] = ()
    most_requests: int = 1

    def call(self, hang_up_at: int) -> ScriptedCall:
        return SpeakingCall(
            caller=self.caller,
            path=self.path,
            keys=self.keys,
            dials=self.dials,
            recordings=self.recordings,
            hang_up_at=hang_up_at,
            variables=dict(self.variables),
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
    "nobody-serves": Walk(lambda: knows(House(desk=FakeDesk(ends=[NotServed("nobody was free in time")]))), ("1", "1")),
    "queue-closed": Walk(lambda: knows(House(desk=FakeDesk(ends=[NotServed("the queue is closed")]))), ("1", "1")),
    "place-kept": Walk(lambda: knows(House(desk=FakeDesk(ends=[CallbackOwed(REQUEST)]))), ("0",)),
    "message": Walk(lambda: knows(House(desk=FakeDesk(ends=[WantsMessage(REQUEST)]))), ("0",), recordings=(SPOKEN,)),
    "message-without-words": Walk(
        lambda: knows(House(desk=FakeDesk(ends=[WantsMessage(REQUEST)]))),
        ("0",),
        recordings=(SILENT, SILENT),
        most_requests=2,
    ),
    "status-while-waiting": Walk(
        lambda: knows(House(desk=FakeDesk(offers="3"), complaints=FakeComplaints(a_complaint()))),
        ("0", "3", "9", a_complaint().number, "1", "2", "*"),
    ),
    "full": Walk(lambda: House(desk=FakeDesk(full=True))),
    "full-and-in-danger": Walk(lambda: House(desk=FakeDesk(full=True)), ("5",), (FAILED,)),
    "full-for-a-withheld-number": Walk(lambda: House(desk=FakeDesk(full=True)), caller="", recordings=(SILENT, SPOKEN)),
    "called-back": Walk(lambda: resumed(served=False, called_back=True), path="callback"),
    "called-back-after-the-conversation": Walk(lambda: resumed(served=True, called_back=True), path="callback"),
    "called-back-and-unknown": Walk(House, path="callback"),
    "back-in-a-message": Walk(House, recordings=(SILENT, SPOKEN), variables=((STEP_VARIABLE, Step.MESSAGE.value),)),
    "back-after-a-message": Walk(House, variables=((STEP_VARIABLE, Step.MESSAGE_KEPT.value),)),
    "back-with-the-place-kept": Walk(House, variables=((STEP_VARIABLE, Step.CALLBACK_OWED.value),)),
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


def assert_nothing_said_is_lost(call: ScriptedCall, folder: Path, where: str) -> None:
    """Whoever spoke has a message, also who hung up meanwhile; nothing half is left lying about."""
    spoke = isinstance(call, SpeakingCall) and any(seconds >= SHORTEST_SECONDS for seconds in call.spoke)
    assert len(messages.waiting(folder)) == spoke, where
    assert not list((folder / messages.TAKING).glob("*")), where
    assert ("message_kept" in heard(call)) <= (spoke or call.variables.get(STEP_VARIABLE) == Step.MESSAGE_KEPT), where


@pytest.mark.parametrize("name", WALKS)
async def test_a_hang_up_at_any_step_ends_the_call_and_the_after_part_runs_once(
    name: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    walk = WALKS[name]
    caplog.set_level(logging.INFO, logger="ivr")
    for step in range(1, MOST_STEPS):
        caplog.clear()
        house, call = walk.house(), walk.call(step)
        house.messages_folder = tmp_path / str(step)
        await run(house, call)
        ends = [vars(record)["ended"] for record in caplog.records if vars(record).get("action") == "call_over"]
        assert ends == ["hung_up" if call.gone else "finished"], f"step {step}"
        assert len(house.survey.results) == (1 if walk.path == "feedback" else 0), f"step {step}"
        assert len(house.desk.requests) + len(house.desk.owed) <= walk.most_requests, f"step {step}"
        assert_nothing_said_is_lost(call, house.messages_folder, f"step {step}")
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
