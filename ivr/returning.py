"""A call that comes back because the controller died in the middle of it: it goes on where it was."""

from __future__ import annotations

from acd.records import Resumed
from ivr.conversation import after_conversation, callback_owed, talk_to_agent, wait_and_talk
from ivr.emergency import emergency_failed
from ivr.flows import Flows, Step
from ivr.menu import say
from ivr.message import leave_message, message_kept
from ivr.speaking import DEFAULT_LANGUAGE, Language, language_of
from telephony.call import Call


async def go_on_with_agent(call: Call, flows: Flows, resumed: Resumed) -> None:
    """The controller died while the caller waited or talked: the place was kept, or the conversation is over."""
    language = language_of(resumed.request.language) or DEFAULT_LANGUAGE
    if resumed.served is None:
        await wait_and_talk(call, flows, resumed.request, language)
    else:
        await after_conversation(call, flows, language)


async def go_on(call: Call, flows: Flows, language: Language, step: str) -> None:
    """The queue knows nothing of the call any more; the step says what the caller was about to hear or do."""
    match step:
        case Step.AFTER_CONVERSATION:
            await after_conversation(call, flows, language)
        case Step.CALLBACK_OWED:
            await callback_owed(call, language)
        case Step.MESSAGE_KEPT:
            await message_kept(call, language)
        case Step.MESSAGE:  # what they said before is brought in too, should it have been half a message
            if not await leave_message(call, flows, language):
                await talk_to_agent(call, flows, language, service="complaint")
        case Step.EMERGENCY:
            if await call.get("DIALSTATUS") == "ANSWER":
                await say(call, language, "goodbye")
            else:
                await emergency_failed(call, flows, language)
        case _:
            await talk_to_agent(call, flows, language, service="person")
