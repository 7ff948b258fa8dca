"""Which message a change means for the citizen. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from grievance_core.catalogue import Catalogue
from grievance_core.complaint import Complaint, Event, SpecialReason
from grievance_core.lifecycle import EventKind, State
from grievance_core.messages.texts import VARIABLE_LIMIT, Templates, parts
from grievance_core.numbers import spoken_groups
from grievance_core.officers import LEADERSHIP, post_by_id
from grievance_core.outbox.letters import Letter, Letters

SYSTEM: Final = "sms"
MOBILE: Final = re.compile(r"[6-9]\d{9}")

LEADERS: Final[Mapping[str, str]] = {"hi": "शासन के वरिष्ठ अधिकारी", "en": "senior officers of the state"}
REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    SpecialReason.IN_COURT: {"hi": "मामला न्यायालय में है", "en": "the matter is in court"},
    SpecialReason.AGAINST_RULES: {"hi": "माँग नियम के विरुद्ध है", "en": "it is against the rules"},
    SpecialReason.NEEDS_POLICY: {"hi": "नई नीति या धन चाहिए", "en": "it needs a new policy"},
    SpecialReason.FOUND_UNTRUE: {"hi": "जाँच में सही नहीं पाई गई", "en": "an inquiry found it untrue"},
    SpecialReason.NEVER_REACHED: {"hi": "आपसे बात नहीं हो पाई", "en": "you could not be reached"},
    SpecialReason.DECIDED_BEFORE: {"hi": "पहले निर्णय हो चुका है", "en": "it was decided before"},
}

Values = Callable[[Complaint, Event, str], tuple[str, ...]]


def sms_letters(templates: Templates, catalogue: Catalogue) -> Letters:
    """The messages of a change: to the mobile it was registered from, in the language of the complaint."""

    def officer(complaint: Complaint, _event: Event, language: str) -> str:
        if complaint.post in (None, LEADERSHIP):
            return LEADERS[language]
        post, district = post_by_id(catalogue, complaint.post), catalogue.district(complaint.district)
        named = f"{post.designation}, {district.name_hi if language == 'hi' else district.name_en}"
        # Half a name of a district helps nobody.
        return named if len(named) <= VARIABLE_LIMIT else post.designation

    def message(complaint: Complaint, event: Event) -> tuple[str, tuple[str, ...]] | None:
        number, language = " ".join(spoken_groups(complaint.number)), complaint.language
        match event.kind:
            case EventKind.ASSIGNED:
                return "registered", (number, officer(complaint, event, language), complaint.pin)
            case EventKind.REPORTED:
                return "reported", (number,)
            case EventKind.FEEDBACK_MISSED:
                return "feedback_missed", (number,)
            case EventKind.SATISFIED if event.state is State.CLOSED_SATISFIED:
                return "closed", (number,)
            case EventKind.SPECIAL_CLOSURE:
                reason = REASONS.get(complaint.proposed_reason or event.reason, {}).get(language, "-")
                return "closed_specially", (number, reason)
            case EventKind.DISSATISFIED_AGAIN | EventKind.TIME_RAN_OUT | EventKind.OBJECTED | EventKind.OFFICER_GONE:
                return "risen", (number, officer(complaint, event, language))
            case _:
                return None

    def letters(complaint: Complaint, events: Sequence[Event]) -> list[Letter]:
        if not MOBILE.fullmatch(complaint.caller):
            return []
        found = []
        for event in events:
            chosen = message(complaint, event)
            if chosen is None:
                continue
            template = templates[chosen[0], complaint.language]
            text = template.filled(chosen[1])
            key = f"{SYSTEM}:{event.number}:{event.seq}"
            body = {"to": complaint.caller, "template": template.template_id, "text": text, "parts": parts(text)}
            # Each in a lane of its own: a message that can't be sent holds up no other.
            found.append(Letter(to=SYSTEM, key=key, lane=key, about=event.number, body=body))
        return found

    return letters
