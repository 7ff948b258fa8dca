"""Emergency: to 112 through a trunk of its own, past every queue and rule."""

from __future__ import annotations

import logging

from ivr.conversation import talk_to_agent
from ivr.flows import STEP_VARIABLE, Flows, Step
from ivr.menu import say
from ivr.speaking import Language
from telephony.call import Call, Dialled
from telephony.errors import HungUp, TelephonyError

log = logging.getLogger(__name__)

RING_SECONDS = 30


async def emergency(call: Call, flows: Flows, language: Language) -> None:
    """Bridge the caller to 112 with their own number; if that fails, the number to dial, and an agent before all."""
    await call.set(STEP_VARIABLE, Step.EMERGENCY.value)
    await say(call, language, "emergency_connecting")
    if not await _bridged(call, flows):
        await emergency_failed(call, flows, language)


async def emergency_failed(call: Call, flows: Flows, language: Language) -> None:
    """112 was not reached."""
    await say(call, language, "emergency_failed")
    await talk_to_agent(call, flows, language, service="emergency")


async def _bridged(call: Call, flows: Flows) -> bool:
    """Whether they talked. Each try is logged, however it ends."""
    target = f"PJSIP/{flows.emergency_number}@{flows.emergency_route}"
    log.info("An emergency call goes out", extra={"action": "emergency_dialled", **_about(call, flows)})
    try:
        dialled = await call.dial(target, ring_seconds=RING_SECONDS, caller_id=call.caller or None)
    except HungUp as end:
        _log_end(call, flows, end.dialled or Dialled("CANCEL"))
        raise
    except TelephonyError as error:
        log.error(
            "The emergency trunk refused",
            extra={"action": "emergency_failed", "why": str(error), **_about(call, flows)},
        )
        return False
    _log_end(call, flows, dialled)
    return dialled.answered


def _log_end(call: Call, flows: Flows, dialled: Dialled) -> None:
    log.log(
        logging.INFO if dialled.status in ("ANSWER", "CANCEL") else logging.ERROR,
        "An emergency call is over",
        extra={
            "action": "emergency_over",
            "status": dialled.status,
            "cause": dialled.cause,
            "ring_seconds": dialled.ring_seconds,
            "talk_seconds": dialled.talk_seconds,
            **_about(call, flows),
        },
    )


def _about(call: Call, flows: Flows) -> dict[str, str]:
    return {"call_id": call.id, "number": flows.emergency_number, "pii_caller": call.caller}
