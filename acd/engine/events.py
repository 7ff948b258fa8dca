"""What the engine is told: values without personal data, so that they can be kept in the journal as they are.

Events that speak of somebody unknown change nothing: news may come late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from acd.engine.queues import QueueRules, Urgency
from acd.engine.skills import Need, Skills


class Kind(StrEnum):
    """What stands in line."""

    CALL = "call"
    CALLBACK = "callback"  # we ring the citizen when the place is due
    WORK = "work"  # no call: a message to be typed up, an officer's question


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One who stands in line, or one piece of work.

    `place` counts arrivals; it and `joined_at` are kept through failed offers, restarts and redialling. `needs` and
    `prefers` come on top of what the queue requires. `due_at` (work): until then all live callers go first.
    """

    id: str
    queue: str
    place: int
    joined_at: datetime
    urgency: Urgency = Urgency.ORDINARY
    needs: tuple[Need, ...] = ()
    prefers: tuple[Need, ...] = ()
    known_agent: str = ""
    kind: Kind = Kind.CALL
    due_at: datetime | None = None


# -- queues


@dataclass(frozen=True, slots=True)
class QueueOpened:
    """The queue is there with these rules. Told again: the rules are changed, and a closed queue is open."""

    rules: QueueRules


@dataclass(frozen=True, slots=True)
class QueueClosed:
    """Who comes now is sent elsewhere by the queue's overflow. `drain` False: those who wait too."""

    queue: str
    drain: bool = True


# -- callers


@dataclass(frozen=True, slots=True)
class CallerJoined:
    """A caller takes their place. Not attached: the place is held for one whose session is not there (yet)."""

    caller: Caller
    attached: bool = True


@dataclass(frozen=True, slots=True)
class CallerAttached:
    """The session of a caller who holds a place is there (again): they can be offered."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerDetached:
    """The session is gone, or busy with something else; the caller is not known to be gone: the place is held."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller is gone, or no longer wants an agent; or the work is done."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerMoved:
    """A supervisor moves them: to the front of all, or to another queue at the same place."""

    caller: str
    front: bool = False
    queue: str = ""


@dataclass(frozen=True, slots=True)
class CallerHolds:
    """They want to be called back: the place moves up without them."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallbackFailed:
    """They did not answer our call. The place is due again from `again_at`; None: it is given up."""

    caller: str
    again_at: datetime | None = None


# -- agents


@dataclass(frozen=True, slots=True)
class AgentSignedIn:
    """The agent is there with these skills, and not ready yet. Told again: the skills are changed."""

    agent: str
    skills: Skills


@dataclass(frozen=True, slots=True)
class AgentSignedOut:
    """The agent is not there. An offer that is live is ended by its own event, here and in the next three."""

    agent: str


@dataclass(frozen=True, slots=True)
class AgentReady:
    """The agent may be given a caller; ready since, and busy for that share (0 to 1) of the shift so far."""

    agent: str
    since: datetime
    busy: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentBusy:
    """The agent may not be given a caller, and will come back by themselves: rings, talks, wraps up. `free_at`: when a
    wrap-up ends at the latest; None: nobody knows."""

    agent: str
    free_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentPaused:
    """The agent may not be given a caller, and nobody knows for how long; the phone being away counts as this."""

    agent: str


# -- offers and conversations


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """They talk: the caller is out of the queue, whoever was offered."""

    caller: str
    agent: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The agent did not take it: the caller is back at the old place. The agent is given nobody until ready anew."""

    caller: str
    agent: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The conversation is over."""

    caller: str
    agent: str


@dataclass(frozen=True, slots=True)
class ClockTicked:
    """A deadline has come, and nothing else happened."""


Event = (
    QueueOpened
    | QueueClosed
    | CallerJoined
    | CallerAttached
    | CallerDetached
    | CallerLeft
    | CallerMoved
    | CallerHolds
    | CallbackFailed
    | AgentSignedIn
    | AgentSignedOut
    | AgentReady
    | AgentBusy
    | AgentPaused
    | OfferAnswered
    | OfferFailed
    | CallEnded
    | ClockTicked
)
