"""A citizen's call to 1076, as the caller hears it."""

from __future__ import annotations

import logging
from typing import Final

from grievance_core.errors import StoreError
from ivr.conversation import talk_to_agent, turn_to_callback
from ivr.emergency import emergency
from ivr.errors import MemoryUnavailable
from ivr.feedback import awaited_feedback, feedback_dialled_in
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Flows, Then
from ivr.menu import Choice, choose, say
from ivr.returning import go_on, go_on_with_agent
from ivr.speaking import DEFAULT_LANGUAGE, LANGUAGES, Language, language_of, sounds
from ivr.status import tell_status
from telephony.call import Call

log = logging.getLogger(__name__)

EMERGENCY_KEY: Final = "5"
DANGER_SECONDS: Final = 1.0  # left for that key when nothing else can be chosen


async def citizen(call: Call, flows: Flows) -> None:
    """In danger? Welcome; language; the main menu. A call that an earlier controller knew goes on where it was."""
    resumed = await flows.desk.resume(call)
    if resumed is not None:
        return await go_on_with_agent(call, flows, resumed)
    spoken = language_of(await call.get(LANGUAGE_VARIABLE))
    step = await call.get(STEP_VARIABLE)
    if step:
        return await go_on(call, flows, spoken or DEFAULT_LANGUAGE, step)
    if spoken is not None:
        return await _main_menu(call, flows, spoken)
    return await _welcome(call, flows)


async def _welcome(call: Call, flows: Flows) -> None:
    """A caller from the beginning. The language is asked once and then remembered for the number."""
    known = await _recall(call, flows)
    if flows.desk.full():
        return await _full(call, flows, known)
    if known is not None:
        await call.set(LANGUAGE_VARIABLE, known)
        words = sounds(known, ("welcome_danger", "welcome_greeting", "welcome_recording"))
        return await _awaited_or_menu(call, flows, known, first=words)
    parts = ((language, id) for id in ("welcome_danger", "welcome_greeting") for language in LANGUAGES)
    words = tuple(sound for language, id in parts for sound in sounds(language, [id]))
    choice = await _choose_language(call, flows, first=words)
    chosen = language_of(choice.name)
    if chosen is not None:
        return await _awaited_or_menu(call, flows, chosen, first=sounds(chosen, ["welcome_recording"]))
    if choice.wants_person:
        return await talk_to_agent(call, flows, DEFAULT_LANGUAGE, service="person")
    return await emergency(call, flows, DEFAULT_LANGUAGE)


async def _full(call: Call, flows: Flows, known: Language | None) -> None:
    """No more calls can be carried: no menus for this one, only the way out of danger, an apology and a call back."""
    spoken = LANGUAGES if known is None else (known,)
    danger = (sound for language in spoken for sound in sounds(language, ["welcome_danger"]))
    typed = await call.ask(*danger, digits=1, seconds=DANGER_SECONDS)
    language = known or DEFAULT_LANGUAGE
    await call.set(LANGUAGE_VARIABLE, language)
    if typed.keys == EMERGENCY_KEY:
        return await emergency(call, flows, language)
    return await turn_to_callback(call, flows, language, service="person")


async def _awaited_or_menu(call: Call, flows: Flows, language: Language, *, first: tuple[str, ...]) -> None:
    """Whose complaint awaits feedback is asked first; everyone hears the main menu."""
    complaint = await awaited_feedback(call, flows)
    if complaint is None:
        return await _main_menu(call, flows, language, first=first)
    choice = await feedback_dialled_in(call, flows, language, complaint, first=first)
    if choice.wants_person:
        return await talk_to_agent(call, flows, language, service="person")
    if choice.name == "emergency":
        return await emergency(call, flows, language)
    return await _main_menu(call, flows, language)


async def _main_menu(call: Call, flows: Flows, language: Language, *, first: tuple[str, ...] = ()) -> None:
    """The five choices, until all is said. * leads to the choice of language."""
    then = Then.MENU
    while then is Then.MENU:
        choice = await choose(call, flows.menus["main"], language, first=first)
        first = ()
        if choice.kind == "back":
            choice = await _choose_language(call, flows)
            language = language_of(choice.name) or language
        if choice.wants_person:
            await talk_to_agent(call, flows, language, service="person")
            return
        match choice.name:
            case "complaint":
                then = await _complaint(call, flows, language)
            case "status":
                then = await _status(call, flows, language)
            case "schemes":
                then = await _ask_or_back(call, flows, language, menu="schemes", service="scheme")
            case "demand":
                await talk_to_agent(call, flows, language, service="demand")
                return
            case "emergency":
                await emergency(call, flows, language)
                return
            case _:  # a language was chosen: the menu again, in it
                continue


async def _complaint(call: Call, flows: Flows, language: Language) -> Then:
    """To an agent, unless it is a matter that the helpline does not handle: then where to go, counted."""
    choice = await choose(call, flows.menus["complaint"], language)
    if choice.name == "excluded":
        choice = await choose(call, flows.menus["excluded"], language)
        if choice.kind == "chosen":
            await _turn_away(call, flows, language, matter=choice.name)
            return Then.MENU
    if choice.kind == "back":
        return Then.MENU
    await talk_to_agent(call, flows, language, service="complaint")
    return Then.OVER


async def _status(call: Call, flows: Flows, language: Language) -> Then:
    """How a complaint stands, by keys; a person only for who asks for one."""
    choice = await tell_status(call, flows, language)
    if choice.wants_person:
        await talk_to_agent(call, flows, language, service="status")
        return Then.OVER
    return Then.MENU


async def _turn_away(call: Call, flows: Flows, language: Language, *, matter: str) -> None:
    """Counted first: one who hangs up on hearing it was turned away all the same."""
    try:
        await flows.complaints.count_refusal(matter, call.caller)
    except StoreError as error:
        log.error(
            "A refusal could not be counted",
            extra={"action": "refusal_not_counted", "matter": matter, "call_id": call.id, "error": str(error)},
        )
    await say(call, language, f"excluded_{matter}")


async def _ask_or_back(call: Call, flows: Flows, language: Language, *, menu: str, service: str) -> Then:
    """A text with the offer to ask an agent about it."""
    choice = await choose(call, flows.menus[menu], language)
    if choice.kind == "back":
        return Then.MENU
    await talk_to_agent(call, flows, language, service=service)
    return Then.OVER


async def _choose_language(call: Call, flows: Flows, *, first: tuple[str, ...] = ()) -> Choice:
    choice = await choose(call, flows.menus["language"], DEFAULT_LANGUAGE, first=first)
    language = language_of(choice.name)
    if language is not None:
        await call.set(LANGUAGE_VARIABLE, language)
        await _remember(call, flows, language)
    return choice


async def _recall(call: Call, flows: Flows) -> Language | None:
    try:
        return await flows.languages.recall(call.caller)
    except MemoryUnavailable as error:
        log.warning("A caller's language is not known", extra={"action": "language_unknown", "error": str(error)})
        return None


async def _remember(call: Call, flows: Flows, language: Language) -> None:
    try:
        await flows.languages.remember(call.caller, language)
    except MemoryUnavailable as error:
        log.warning("A caller's language is not kept", extra={"action": "language_not_kept", "error": str(error)})
