"""The queue's engine: what happened and when goes in, decisions come out as values.

Pure: it runs live, in a simulator and in a replay alike. What holds after every event:
- a caller and an agent have at most one live offer, and it is with each other;
- no idle agent and waiting caller who fit each other are left apart (so one event needs one look, not a scan);
- callers are offered strictly by arrival within their priority class; a failed offer does not cost the place;
- an agent whose offer ended is not offered again until told to be ready anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from acd.line import Line
from acd.matching import Caller, CallerKey, Callers, IdleAgent, IdleAgents


@dataclass(frozen=True, slots=True)
class CallerJoined:
    """A caller takes their place. Not attached: the place is held for one whose session is not there (yet)."""

    caller: Caller
    attached: bool = True


@dataclass(frozen=True, slots=True)
class CallerAttached:
    """The session of a caller who holds a place is there (again)."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerDetached:
    """The session is gone, the caller is not known to be: the place is held."""

    caller: str


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller is gone, or no longer wants an agent."""

    caller: str


@dataclass(frozen=True, slots=True)
class AgentReady:
    """The agent may be given a caller."""

    agent: IdleAgent


@dataclass(frozen=True, slots=True)
class AgentGone:
    """The agent may not be given a caller. An offer that is live is ended by its own event."""

    agent: str


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """They talk: the caller is out of the queue."""

    caller: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The agent did not take it: the caller is back at the old place."""

    caller: str


Event = (
    CallerJoined | CallerAttached | CallerDetached | CallerLeft | AgentReady | AgentGone | OfferAnswered | OfferFailed
)


@dataclass(frozen=True, slots=True)
class Offer:
    """Ring this agent for this caller."""

    caller: str
    agent: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The live offer is void: the caller is not there to be talked to. Stop ringing, set the agent free."""

    caller: str
    agent: str


Decision = Offer | Withdraw


class Engine:
    """One queue. Events that speak of somebody unknown change nothing: news may come late."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}
        self._everyone: Line[CallerKey] = Line()
        self._attached: set[str] = set()
        self._offerable = Callers()
        self._idle = IdleAgents()
        self._offers: dict[str, Offer] = {}  # by caller
        self._offered: dict[str, str] = {}  # agent to caller

    def handle(self, event: Event, at: datetime) -> list[Decision]:
        """What to do now that this happened."""
        match event:
            case CallerJoined(caller, attached):
                return self._join(caller, attached=attached, at=at)
            case CallerAttached(caller):
                if caller not in self._callers or caller in self._attached:
                    return []
                self._attached.add(caller)
                return self._seek_agent(caller, at)
            case CallerDetached(caller):
                self._attached.discard(caller)
                return self._unoffer(caller)
            case CallerLeft(caller):
                return self._leave(caller)
            case AgentReady(agent):
                if agent.id in self._offered:
                    return []
                self._idle.add(agent)
                return self._seek_caller(agent, at)
            case AgentGone(agent):
                self._idle.remove(agent)
                return []
            case OfferAnswered(caller):
                self._end_offer(caller)
                self._leave(caller)
                return []
            case OfferFailed(caller):
                if self._end_offer(caller) is None or caller not in self._attached:
                    return []
                return self._seek_agent(caller, at)

    # -- what may be asked

    def position(self, caller: str) -> int | None:
        """The caller's place in line, from 1, counting all who have not been answered; None for a stranger."""
        known = self._callers.get(caller)
        return None if known is None else self._everyone.before(known.key) + 1

    def offer_to(self, caller: str) -> Offer | None:
        """The live offer for that caller."""
        return self._offers.get(caller)

    def offered_caller(self, agent: str) -> str | None:
        """The caller whose live offer that agent has."""
        return self._offered.get(agent)

    def waiting(self) -> Iterator[Caller]:
        """Everyone in line, first to last."""
        return (self._callers[key[2]] for key in self._everyone)

    def is_attached(self, caller: str) -> bool:
        return caller in self._attached

    def is_idle(self, agent: str) -> bool:
        return self._idle.get(agent) is not None

    def __len__(self) -> int:
        return len(self._callers)

    # -- steps

    def _join(self, caller: Caller, *, attached: bool, at: datetime) -> list[Decision]:
        if caller.id in self._callers:
            return []
        self._callers[caller.id] = caller
        self._everyone.add(caller.key)
        if not attached:
            return []
        self._attached.add(caller.id)
        return self._seek_agent(caller.id, at)

    def _leave(self, id: str) -> list[Decision]:
        caller = self._callers.pop(id, None)
        if caller is None:
            return []
        self._everyone.remove(caller.key)
        self._offerable.remove(caller)
        self._attached.discard(id)
        return self._unoffer(id)

    def _unoffer(self, id: str) -> list[Decision]:
        """The caller can't be talked to (now): out of the offerable, and a live offer is void."""
        if id in self._callers:
            self._offerable.remove(self._callers[id])
        offer = self._end_offer(id)
        return [] if offer is None else [Withdraw(id, offer.agent)]

    def _end_offer(self, caller: str) -> Offer | None:
        offer = self._offers.pop(caller, None)
        if offer is not None:
            del self._offered[offer.agent]
        return offer

    def _seek_agent(self, id: str, at: datetime) -> list[Decision]:
        caller = self._callers[id]
        agent = self._idle.best_for(caller)
        if agent is None:
            self._offerable.add(caller)
            return []
        return [self._offer(caller, agent, at)]

    def _seek_caller(self, agent: IdleAgent, at: datetime) -> list[Decision]:
        caller = self._offerable.first_for(agent.languages)
        return [] if caller is None else [self._offer(self._callers[caller], agent.id, at)]

    def _offer(self, caller: Caller, agent: str, at: datetime) -> Offer:
        self._offerable.remove(caller)
        self._idle.remove(agent)
        offer = Offer(caller.id, agent, at)
        self._offers[caller.id] = offer
        self._offered[agent] = caller.id
        return offer
