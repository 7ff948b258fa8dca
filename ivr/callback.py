"""Our call to a citizen who waits for one: who calls, then an agent at the place they kept."""

from __future__ import annotations

import logging

from ivr.conversation import talk_to_agent, wait_and_talk
from ivr.errors import MemoryUnavailable
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Flows, Step
from ivr.menu import say
from ivr.returning import go_on, go_on_with_agent
from ivr.speaking import DEFAULT_LANGUAGE, Language, language_of
from telephony.call import Call

log = logging.getLogger(__name__)


async def callback(call: Call, flows: Flows) -> None:
    """Who calls in the first sentence, that it is recorded, then the queue at the old place.

    A hang-up before the agent counts as an attempt in the queue, which has known this call from its ringing on.
    """
    resumed = await flows.desk.resume(call)
    step = await call.get(STEP_VARIABLE)
    if resumed is None:
        await _unknown(call, flows, step)
    elif resumed.served is not None or step == Step.CALLED_BACK:  # an earlier controller greeted them
        await go_on_with_agent(call, flows, resumed)
    else:
        language = language_of(resumed.request.language) or DEFAULT_LANGUAGE
        await call.set(LANGUAGE_VARIABLE, language)
        await _greet(call, language)
        await wait_and_talk(call, flows, resumed.request, language)


async def _greet(call: Call, language: Language) -> None:
    """The step is set at the end: who heard half of it when a controller died hears it again."""
    await say(call, language, "callback_greeting", "welcome_recording")
    await call.set(STEP_VARIABLE, Step.CALLED_BACK.value)


async def _unknown(call: Call, flows: Flows, step: str) -> None:
    """The queue knows nothing of it: the call was past the queue when a controller died, or the queue's memory is gone.

    A citizen who was rung is not sent away: they are connected like anybody who asks for a person.
    """
    language = language_of(await call.get(LANGUAGE_VARIABLE)) or await _recall(call, flows)
    if step and step != Step.CALLED_BACK:
        await go_on(call, flows, language, step)
        return
    log.warning("Nobody knows of a call back", extra={"action": "callback_unknown", "call_id": call.id})
    if not step:
        await _greet(call, language)
    await talk_to_agent(call, flows, language, service="person")


async def _recall(call: Call, flows: Flows) -> Language:
    try:
        return await flows.languages.recall(call.caller) or DEFAULT_LANGUAGE
    except MemoryUnavailable as error:
        log.warning("A caller's language is not known", extra={"action": "language_unknown", "error": str(error)})
        return DEFAULT_LANGUAGE
