"""From the wish to talk to a person to the end of the call."""

from __future__ import annotations

import logging

from acd.records import NotServed, Request
from grievance_core.complaint import Complaint
from grievance_core.errors import StoreError
from ivr.flows import ORDINARY_PRIORITY, STEP_VARIABLE, Flows, Step
from ivr.menu import say
from ivr.speaking import Language, complaint_number_twice
from telephony.call import Call

log = logging.getLogger(__name__)

MOST_NUMBERS = 3  # complaints of one call whose numbers are said; more nobody writes down


async def talk_to_agent(
    call: Call, flows: Flows, language: Language, *, service: str, priority: int = ORDINARY_PRIORITY
) -> None:
    """Join the queue, talk, and hear the end."""
    await say(call, language, "agent_connecting")
    await wait_and_talk(call, flows, Request(language=language, service=service, priority=priority), language)


async def wait_and_talk(call: Call, flows: Flows, request: Request, language: Language) -> None:
    """The same without a word before: for one who was waiting already."""
    met = await flows.desk.wait_for_agent(call, request)
    if isinstance(met, NotServed):
        log.warning("A caller was not served", extra={"action": "not_served", "call_id": call.id, "why": met.reason})
        await say(call, language, "apology", "goodbye")
        return
    await after_conversation(call, flows, language)


async def after_conversation(call: Call, flows: Flows, language: Language) -> None:
    """The agent has hung up: the numbers of what was registered, slowly and twice; thanks; goodbye."""
    await call.set(STEP_VARIABLE, Step.AFTER_CONVERSATION.value)
    for complaint in (await _registered(call, flows))[:MOST_NUMBERS]:
        await say(call, language, *complaint_number_twice(complaint.number))
    await say(call, language, "thanks", "goodbye")


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
