"""The status of a complaint, by its number on the keys."""

from __future__ import annotations

import logging
from datetime import date

from acd.waiting.session import Aside
from grievance_core import numbers
from grievance_core.complaint import Complaint
from grievance_core.errors import NumberUnreadable, StoreError
from grievance_core.service import NotTold
from ivr import speaking
from ivr.flows import Flows
from ivr.menu import BACK, BACK_KEY, GAVE_UP, PERSON, PERSON_KEY, Choice, choose, say
from ivr.speaking import Language, sounds
from telephony.call import Call

log = logging.getLogger(__name__)

TRIES = 3
FIRST_KEY_SECONDS = 8.0  # people look for the paper first
NEXT_KEY_SECONDS = 5.0
PIN_DIGITS = 4
NO_MATCH = "status_no_match"


async def tell_status(call: Call, flows: Flows, language: Language, *, menu: str = "status") -> Choice:
    """Ask for the number, say how the complaint stands, offer to say it again or another one; `menu` offers it.

    What the caller wants then: back, or a person.
    """
    while True:
        asked = await _ask_number(call, flows, language)
        if isinstance(asked, Choice):
            return asked
        chosen = await _tell(call, flows, language, asked, menu)
        if chosen != Choice("chosen", "another"):
            return chosen


def status_aside(flows: Flows, language: Language) -> Aside:
    """The same for one who waits: whatever they choose, they are back in line, for an agent is what they wait for.

    The queue minds the music, which would come up between the keys of the number.
    """

    async def aside(call: Call) -> None:
        await tell_status(call, flows, language, menu="status_waiting")
        await say(call, language, "waiting_on")

    return aside


async def _ask_number(call: Call, flows: Flows, language: Language) -> Complaint | Choice:
    """The caller's complaint; or that they go back, want a person, or have given up."""
    before: tuple[str, ...] = ()
    for _ in range(TRIES):
        typed = await call.ask(
            *sounds(language, (*before, "status_ask")),
            digits=numbers.DIGITS,
            seconds=FIRST_KEY_SECONDS,
            gap=NEXT_KEY_SECONDS,
        )
        # No number begins with 0, so both keys keep their meaning here.
        if typed.keys.startswith(BACK_KEY):
            return BACK
        if typed.keys.startswith(PERSON_KEY):
            return PERSON
        found: Complaint | Choice | str = await _look_up(call, flows, typed.keys)
        if found == NO_MATCH:
            found = await _ask_pin(call, flows, language, typed.keys)
        if not isinstance(found, str):
            return found
        before = (found,)
    await say(call, language, *before, "menu_help")
    return GAVE_UP


async def _ask_pin(call: Call, flows: Flows, language: Language, number: str) -> Complaint | Choice | str:
    """Who calls from another phone may key the complaint's PIN.

    It is asked for numbers that no complaint has too, so that a stranger does not learn which there are.
    """
    typed = await call.ask(
        *sounds(language, ("status_ask_pin",)), digits=PIN_DIGITS, seconds=FIRST_KEY_SECONDS, gap=NEXT_KEY_SECONDS
    )
    if typed.keys.startswith(BACK_KEY):
        return BACK
    if typed.keys == PERSON_KEY:  # alone: a PIN may begin with it
        return PERSON
    if not typed.keys:
        return NO_MATCH
    found = await _look_up(call, flows, number, pin=typed.keys)
    return "status_wrong_pin" if found == NO_MATCH else found


async def _look_up(call: Call, flows: Flows, keys: str, *, pin: str = "") -> Complaint | str:
    """The complaint, or the prompt that says why there is none. A wrong key is told without a look-up."""
    if not keys:
        return "menu_silent"
    try:
        number = numbers.parse(keys)
        found = await flows.complaints.status_of(number, call.caller, pin)
    except NumberUnreadable as wrong:
        return "status_wrong_digit" if wrong.flaw == "check_digit" else "status_wrong_length"
    except StoreError as error:
        log.error(
            "A status could not be told", extra={"action": "status_failed", "call_id": call.id, "error": str(error)}
        )
        return "status_unavailable"
    return NO_MATCH if isinstance(found, NotTold) else found


async def _tell(call: Call, flows: Flows, language: Language, complaint: Complaint, menu: str) -> Choice:
    """Say how it stands, as often as the caller likes."""
    told = sounds(
        language,
        speaking.status(
            state_of=complaint.state,
            department_code=complaint.department,
            level_of=complaint.level if complaint.is_open else None,
            due=_due_day(complaint, flows),
        ),
    )
    while True:
        chosen = await choose(call, flows.menus[menu], language, first=told)
        if chosen != Choice("chosen", "again"):
            return chosen


def _due_day(complaint: Complaint, flows: Flows) -> date | None:
    """The day in the public's time until which the officer has time; None when no time runs, or it ran out."""
    ends_at = complaint.clock_ends_at
    if ends_at is None or ends_at <= flows.clock():
        return None
    return ends_at.astimezone(flows.zone).date()
