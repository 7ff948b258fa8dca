"""What the flows need of the house, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum, StrEnum
from typing import Final, Protocol

from acd.records import NotServed, Request, Resumed, Served
from grievance_core.complaint import Complaint
from grievance_core.lifecycle import State
from grievance_core.service import NotTold
from ivr.menu import Menu
from ivr.speaking import Language
from outbound_dialer.attempt import Attempt
from telephony.call import Call

Clock = Callable[[], datetime]

# Variables of the channel, which outlive the controller; the lifeline reads the language too.
LANGUAGE_VARIABLE: Final = "HELPLINE_LANGUAGE"
STEP_VARIABLE: Final = "HELPLINE_STEP"

COMPLAINT: Final = "complaint"
"""In the context of a feedback call's attempt: the complaint's number."""

ORDINARY_PRIORITY: Final = 1
URGENT_PRIORITY: Final = 0  # the queue takes the lower class first


class Step(StrEnum):
    """Where a call has come to, as far as a new controller must know it to go on there."""

    EMERGENCY = "emergency"
    AFTER_CONVERSATION = "after_conversation"


class Then(Enum):
    """How a flow ended that the main menu began."""

    MENU = "menu"  # the caller goes on in the main menu
    OVER = "over"  # all is said


class Desk(Protocol):
    """The queue, as a caller meets it. `acd.service.Acd` is one."""

    async def wait_for_agent(self, call: Call, request: Request) -> Served | NotServed: ...

    async def resume(self, call: Call) -> Resumed | None: ...


class Complaints(Protocol):
    """What is asked of the grievance core. `grievance_core.service.Grievances` is one."""

    async def for_call(self, call_id: str) -> list[Complaint]: ...

    async def find(
        self, *, caller: str | None = None, state: State | None = None, limit: int = 50
    ) -> list[Complaint]: ...

    async def status_of(self, number: str, caller: str) -> Complaint | NotTold: ...

    async def feedback(self, number: str, *, satisfied: bool, attempt: str, channel: str) -> Complaint: ...

    async def count_refusal(self, matter: str, caller: str) -> None: ...


class Survey(Protocol):
    """Whoever had a citizen rung for feedback. `outbound_dialer.service.Dialer` is one."""

    async def attempt_for(self, call_id: str) -> Attempt | None: ...

    async def finish(self, attempt_id: str, result: str) -> bool: ...


class LanguageMemory(Protocol):
    """The language that each caller chose last. `ivr.store.Languages` is one. Both raise MemoryUnavailable."""

    async def recall(self, caller: str) -> Language | None: ...

    async def remember(self, caller: str, language: Language) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """All that a flow may ask, wired by hand in one place."""

    desk: Desk
    complaints: Complaints
    survey: Survey
    languages: LanguageMemory
    menus: Mapping[str, Menu]
    zone: tzinfo  # the public's
    clock: Clock
    emergency_number: str = "112"
    emergency_route: str = "emergency-trunk"  # name of the PJSIP endpoint
