"""Feedback: is the citizen satisfied? Asked by our call, or when the citizen dials in first."""

from __future__ import annotations

import logging
from enum import StrEnum

from grievance_core.complaint import Complaint
from grievance_core.errors import GrievanceError, NotAllowed
from ivr.flows import Flows, Question
from ivr.menu import GAVE_UP, Choice, choose, say
from ivr.speaking import DEFAULT_LANGUAGE, Language, digits, sounds
from telephony.call import Call
from telephony.errors import HungUp

log = logging.getLogger(__name__)

CHANNEL = "dialled_in"
PRESSED = "pressed"
MOST_PRESSED = 3  # a stuck key must not hold a line for ever


class Answer(StrEnum):
    """What the citizen answered; the values are what the survey is told."""

    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    NONE = ""  # hung up or pressed no key: no feedback


async def feedback(call: Call, flows: Flows) -> Answer:
    """Our call to a citizen: who calls, about which complaint, satisfied or not, thanks.

    The survey is told the answer exactly once, before the citizen hears that it is kept; a hang-up before it is none.
    """
    question = await flows.survey.question(call.id)
    if question is None:
        # The citizen answered meanwhile by dialling in, or before an earlier controller died.
        await flows.survey.finish(call.id, Answer.NONE.value)
        await say(call, DEFAULT_LANGUAGE, "feedback_greeting", "feedback_over", "goodbye")
        return Answer.NONE
    try:
        answer = await _ask(call, flows, question)
    except HungUp:
        await flows.survey.finish(call.id, Answer.NONE.value)
        raise
    kept = await flows.survey.finish(call.id, answer.value)
    await say(call, question.language, _reply(answer) if kept else "feedback_over", "goodbye")
    return answer


async def awaited_feedback(call: Call, flows: Flows) -> Complaint | None:
    """The caller's complaint that awaits feedback; the one reported last, if there are several."""
    if not call.caller:
        return None
    try:
        found = await flows.complaints.feedback_of(call.caller)
    except GrievanceError as error:
        log.warning(
            "A caller's complaints can't be looked up",
            extra={"action": "awaited_unknown", "call_id": call.id, "error": str(error)},
        )
        return None
    return found[0] if found else None


async def feedback_dialled_in(
    call: Call, flows: Flows, language: Language, complaint: Complaint, *, first: tuple[str, ...]
) -> Choice:
    """Ask a citizen who dialled 1076 first. An answer is kept here; the choice says what else they want."""
    about = sounds(language, ("feedback_reported", *digits(complaint.number)))
    question = Question(number=complaint.number, language=language)
    choice = await _choose(call, flows, question, menu="feedback_dialled_in", first=(*first, *about), channel=CHANNEL)
    if choice.name in (Answer.SATISFIED, Answer.DISSATISFIED):
        answer = Answer(choice.name)
        await say(call, language, await _kept(call, flows, complaint, answer))
    return choice


async def _ask(call: Call, flows: Flows, question: Question) -> Answer:
    """A menu without an answer has given up: then there is none."""
    about = sounds(question.language, ("feedback_greeting", "feedback_reported", *digits(question.number)))
    choice = await _choose(call, flows, question, menu="feedback", first=about, channel="feedback_call")
    return Answer(choice.name)


async def _choose(
    call: Call, flows: Flows, question: Question, *, menu: str, first: tuple[str, ...], channel: str
) -> Choice:
    """What the citizen chose; who says that they were put under pressure is believed, and asked again."""
    for _ in range(MOST_PRESSED):
        choice = await choose(call, flows.menus[menu], question.language, first=first)
        if choice.name != PRESSED:
            return choice
        try:
            attempt = f"{PRESSED}:{call.id}:{question.number}"
            await flows.complaints.pressed(question.number, channel=channel, attempt=attempt)
        except GrievanceError as error:
            log.error(
                "That a citizen was put under pressure could not be kept",
                extra={"action": "pressed_not_kept", "complaint": question.number, "error": str(error)},
            )
        first = sounds(question.language, ("feedback_pressed",))
    return GAVE_UP


async def _kept(call: Call, flows: Flows, complaint: Complaint, answer: Answer) -> str:
    """Keep the answer; the prompt that tells what came of it."""
    try:
        await flows.complaints.feedback(
            complaint.number,
            satisfied=answer is Answer.SATISFIED,
            attempt=f"{CHANNEL}:{call.id}:{complaint.number}",
            channel=CHANNEL,
        )
    except NotAllowed:
        return "feedback_over"  # another call was faster, or it was withdrawn
    except GrievanceError as error:
        log.error(
            "Feedback could not be kept",
            extra={"action": "feedback_not_kept", "complaint": complaint.number, "error": str(error)},
        )
        return "feedback_not_kept"
    return _reply(answer)


def _reply(answer: Answer) -> str:
    return {
        Answer.SATISFIED: "feedback_satisfied",
        Answer.DISSATISFIED: "feedback_dissatisfied",
        Answer.NONE: "feedback_no_key",
    }[answer]
