"""What the engine decides: values, carried out elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Why(StrEnum):
    """Why this agent for this caller."""

    KNOWS = "knows the complaint"
    BEST_FIT = "best fit on what is preferred"
    NARROWEST = "narrowest skills of those who fit"
    LONGEST_IDLE = "longest idle of those who fit"
    FIRST_IN_LINE = "came free, and the caller was first in line of those who fit"
    WHOLE_SET = "the most callers are served together in this way"
    RACE = "rung along with others: the first who answers has the caller"


@dataclass(frozen=True, slots=True)
class Offer:
    """Ring this agent for this caller."""

    caller: str
    agent: str
    at: datetime
    why: Why


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The live offer is void: the caller can't be talked to, or another agent has them. Stop ringing, set the agent
    free."""

    caller: str
    agent: str


@dataclass(frozen=True, slots=True)
class CallBack:
    """The place of one who wanted to be called back is due: ring the citizen now. Tell how it went by CallerAttached or
    CallbackFailed."""

    caller: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The caller stands in that queue now, at the old place."""

    caller: str
    queue: str
    why: str


class Suggestion(StrEnum):
    """What may be offered to a caller instead of waiting."""

    CALLBACK = "callback"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Suggest:
    """Tell the caller of it; they wait on."""

    caller: str
    what: Suggestion


@dataclass(frozen=True, slots=True)
class SendAway:
    """The caller is out of the queue without an agent: tell them so."""

    caller: str
    why: str


Decision = Offer | Withdraw | CallBack | Moved | Suggest | SendAway
