"""From the wish to talk to a person to the end of the call: an agent, a call back, a message, or an apology."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, assert_never

from acd.engine.queues import Urgency, When
from acd.engine.seeking import OVERFLOW_REASONS
from acd.records import CallbackOwed, NotServed, Request, Served, WantsMessage
from grievance_core.complaint import Complaint
from grievance_core.errors import StoreError
from grievance_core.service import Standing
from ivr.flows import STEP_VARIABLE, Flows, Step
from ivr.menu import say
from ivr.message import leave_message
from ivr.speaking import Language, complaint_number_twice
from ivr.status import status_aside
from ivr.waiting_words import STATUS_KEY
from telephony.call import Call

log = logging.getLogger(__name__)

MOST_NUMBERS: Final = 3  # complaints of one call whose numbers are said; more nobody writes down
MOST_WAITS: Final = 3  # in one call: whose message comes to nothing is back in the queue, but not for ever
ESCALATED_LEVEL: Final = 2
"""From it on an open complaint makes its citizen's call urgent: one officer has failed them already."""
ABOUT_COMPLAINTS: Final = frozenset({"complaint", "status", "person"})
"""Services in which the agent who took the caller's last open complaint is the best one to talk to."""
NOT_SERVED_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        OVERFLOW_REASONS[When.CLOSED]: "not_served_closed",
        OVERFLOW_REASONS[When.WAIT]: "not_served_in_time",
        OVERFLOW_REASONS[When.NO_AGENTS]: "not_served_in_time",
        "nobody was free in time": "not_served_in_time",
    }
)
"""What is said, by the queue's reason; for any other there is the apology."""


async def talk_to_agent(call: Call, flows: Flows, language: Language, *, service: str) -> None:
    """Join the queue, talk, and hear the end. When nobody more can be taken in: a call back, or a message."""
    if service != "emergency":
        why = "full" if flows.desk.full() else "line_full" if flows.desk.line_full() else ""
        if why:
            await turn_to_callback(call, flows, language, service=service, why=why)
            return
    await say(call, language, "agent_connecting")
    await wait_and_talk(call, flows, await _request(call, flows, language, service), language)


async def wait_and_talk(call: Call, flows: Flows, request: Request, language: Language) -> None:
    """The same without a word before: for one who was waiting already, or was rung."""
    asides = {STATUS_KEY: status_aside(flows, language)}
    for _ in range(MOST_WAITS):
        met = await flows.desk.wait_for_agent(call, request, asides=asides)
        match met:
            case Served():
                await after_conversation(call, flows, language)
                return
            case CallbackOwed():
                await callback_owed(call, language)
                return
            case NotServed():
                await _not_served(call, language, met)
                return
            case WantsMessage():
                if await leave_message(call, flows, language):
                    return
                await say(call, language, "agent_connecting")
            case _:
                assert_never(met)
    await say(call, language, "apology", "goodbye")


async def turn_to_callback(call: Call, flows: Flows, language: Language, *, service: str, why: str = "full") -> None:
    """Nobody more can be taken in: an apology, and the place is kept; a withheld number leaves a message.

    `why`: the prompt that says which limit it is, `full` or `line_full`.
    """
    request = await _request(call, flows, language, service)
    owed = await flows.desk.owe_callback(call, request)  # first of all: it holds even for one who hangs up now
    log.warning("A caller can't be taken in", extra={"action": why, "call_id": call.id, "callback": owed})
    if owed:
        await call.set(STEP_VARIABLE, Step.CALLBACK_OWED.value)
        await say(call, language, why, "callback_taken", "goodbye")
        return
    await say(call, language, why)
    if not await leave_message(call, flows, language):
        await say(call, language, "apology", "goodbye")


async def callback_owed(call: Call, language: Language) -> None:
    """The queue has told the caller that the place is kept and that they will be rung: goodbye."""
    await call.set(STEP_VARIABLE, Step.CALLBACK_OWED.value)
    await say(call, language, "thanks", "goodbye")


async def after_conversation(call: Call, flows: Flows, language: Language) -> None:
    """The agent has hung up: the numbers of what was registered, slowly and twice; thanks; goodbye."""
    await call.set(STEP_VARIABLE, Step.AFTER_CONVERSATION.value)
    for complaint in (await _registered(call, flows))[:MOST_NUMBERS]:
        await say(call, language, *complaint_number_twice(complaint.number))
    await say(call, language, "thanks", "goodbye")


async def _not_served(call: Call, language: Language, ended: NotServed) -> None:
    """The queue let them go: why, if it is known, and what they can do."""
    log.warning("A caller was not served", extra={"action": "not_served", "call_id": call.id, "why": ended.reason})
    await say(call, language, NOT_SERVED_WORDS.get(ended.reason, "apology"), "goodbye")


async def _request(call: Call, flows: Flows, language: Language, service: str) -> Request:
    """What is asked of the queue, and how urgently: an emergency first, then whose complaint has gone up a level."""
    if service == "emergency":
        return Request(language=language, service=service, urgency=Urgency.EMERGENCY)
    standing = await _standing(call, flows)
    return Request(
        language=language,
        service=service,
        urgency=Urgency.ESCALATED if standing.highest_level >= ESCALATED_LEVEL else Urgency.ORDINARY,
        known_agent=standing.last_agent if service in ABOUT_COMPLAINTS else "",
    )


async def _standing(call: Call, flows: Flows) -> Standing:
    try:
        return await flows.complaints.standing_of(call.caller)
    except StoreError as error:
        log.warning(
            "It is not known how a caller's complaints stand",
            extra={"action": "standing_unknown", "call_id": call.id, "error": str(error)},
        )
        return Standing()


async def _registered(call: Call, flows: Flows) -> list[Complaint]:
    try:
        return await flows.complaints.for_call(call.id)
    except StoreError as error:
        # Nothing is lost: what the agent registered is kept, only the number can't be read out.
        log.error(
            "A complaint's number could not be said",
            extra={"action": "number_not_said", "call_id": call.id, "error": str(error)},
        )
        return []
