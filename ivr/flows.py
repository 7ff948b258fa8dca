"""What the flows need of the house, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum, StrEnum
from pathlib import Path
from typing import Final, Protocol

from acd.records import CallbackOwed, NotServed, Request, Resumed, Served, WantsMessage
from acd.waiting.session import Aside
from grievance_core.complaint import Complaint
from grievance_core.service import NotTold, Standing
from ivr.menu import Menu
from ivr.speaking import Language
from telephony.call import Call

Clock = Callable[[], datetime]

# Variables of the channel, which outlive the controller; the lifeline reads the language too.
LANGUAGE_VARIABLE: Final = "HELPLINE_LANGUAGE"
STEP_VARIABLE: Final = "HELPLINE_STEP"


class Step(StrEnum):
    """Where a call has come to, as far as a new controller must know it to go on there."""

    EMERGENCY = "emergency"
    AFTER_CONVERSATION = "after_conversation"
    MESSAGE = "message"  # is leaving the complaint as a message
    MESSAGE_KEPT = "message_kept"
    CALLED_BACK = "called_back"  # whom we rang has heard who calls
    CALLBACK_OWED = "callback_owed"  # the place is kept, and the call may end


class Then(Enum):
    """How a flow ended that the main menu began."""

    MENU = "menu"  # the caller goes on in the main menu
    OVER = "over"  # all is said


class Desk(Protocol):
    """The queue, as a caller meets it. `acd.service.Acd` is one."""

    async def wait_for_agent(
        self, call: Call, request: Request, *, asides: Mapping[str, Aside]
    ) -> Served | NotServed | CallbackOwed | WantsMessage: ...

    async def resume(self, call: Call) -> Resumed | None: ...

    def full(self) -> bool:
        """No more calls can be carried now."""
        ...

    def line_full(self) -> bool:
        """So many wait that nobody more is let in to wait."""
        ...

    async def owe_callback(self, call: Call, request: Request) -> bool:
        """Give a caller who can't be taken in a place all the same, to be rung at its turn. False: number withheld."""
        ...


class Complaints(Protocol):
    """What is asked of the grievance core. `grievance_core.service.Grievances` is one."""

    async def for_call(self, call_id: str) -> list[Complaint]: ...

    async def feedback_of(self, caller: str) -> list[Complaint]: ...

    async def status_of(self, number: str, caller: str, pin: str = "") -> Complaint | NotTold: ...

    async def feedback(self, number: str, *, satisfied: bool, attempt: str, channel: str) -> Complaint: ...

    async def pressed(self, number: str, *, channel: str, attempt: str) -> Complaint: ...

    async def standing_of(self, caller: str) -> Standing: ...

    async def count_refusal(self, matter: str, caller: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a feedback call is about: the complaint's number, and the citizen's language."""

    number: str
    language: Language


class Survey(Protocol):
    """Whoever had a citizen rung for feedback: says what about, and takes the answer."""

    async def question(self, call_id: str) -> Question | None:
        """What to ask in this call; None when there is nothing to ask (any more)."""
        ...

    async def finish(self, call_id: str, result: str) -> bool:
        """Keep the answer of this call, "" for none. Whether it was kept; False when one was told before."""
        ...


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
    messages_folder: Path  # the lifeline's: who files its messages files ours
    zone: tzinfo  # the public's
    clock: Clock
    emergency_number: str = "112"
    emergency_route: str = "emergency-trunk"  # name of the PJSIP endpoint
