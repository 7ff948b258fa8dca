"""The waiting hall, with everybody who holds a place: the engine is told what happens, and what it decides is done.

Every caller in line has an entry here, mirrored in Redis; who has a coroutine has a session besides. What one caller's
event decides for another is put into effect by waking that other's coroutine, which looks at the engine and acts. What
no caller's coroutine can do (set an agent free, ring a citizen back, hand out work) is done in order by the jobs.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from acd.engine.decisions import CallBack, Decision, Moved, Offer, SendAway, Suggest, Withdraw
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallEnded,
    CallerAttached,
    CallerDetached,
    CallerJoined,
    CallerLeft,
    CallerMoved,
    ClockTicked,
    Event,
    OfferAnswered,
    OfferFailed,
)
from acd.history import journal
from acd.history.today import Today
from acd.live.jobs import Jobs
from acd.live.ledger import Ledger
from acd.live.ticker import Ticker
from acd.records import Entry, Outcome, Request, record_of
from acd.store import QueueStore
from acd.waiting.expectation import Expectation
from acd.waiting.forecast import Forecast
from acd.waiting.remembered import Remembered
from acd.waiting.session import Order, Session
from agents.agent import Agent
from agents.presence import State
from agents.service import Agents

log = logging.getLogger(__name__)

SPY = "spy-"
"""So the calls begin by which supervisors listen."""

Clock = Callable[[], datetime]
ById = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A supervisor wants a conversation to go on with somebody else: that agent, or whoever comes in that queue."""

    by: str
    agent: str = ""
    queue: str = ""


class Journal(Protocol):
    """Where every event and what it decided is noted (`acd.history.journal_file.JournalFile`). Returns at once."""

    def note(self, event: Event, at: datetime, decisions: Sequence[Decision]) -> None: ...
    def note_all(self, events: Sequence[Event], at: datetime, decisions: Sequence[Decision]) -> None: ...
    def note_choice(self, caller: str, what: str, at: datetime) -> None: ...


class Hall:
    """See the module. `ring_back` and `hand_out` are set by whoever makes the calls back and hands out the work, and
    `rings` by whoever knows if an agent's phone rings for a caller.
    """

    def __init__(
        self,
        *,
        agents: Agents,
        store: QueueStore,
        ledger: Ledger,
        jobs: Jobs,
        clock: Clock,
        queues: Sequence[str],
        today: Today,
        notes: Journal | None = None,
    ) -> None:
        self.engine = Engine()
        self.remembered = Remembered()
        self.today = today
        self.expected = Expectation(self.engine, Forecast())
        self.entries: dict[str, Entry] = {}
        self.sessions: dict[str, Session] = {}
        self.called: dict[str, str] = {}  # by call of a citizen who was reached and is greeted: the place called for
        self.moves: dict[str, Move] = {}  # by call: to be seen to when the conversation is ended for it
        self.ring_back: ById | None = None
        self.hand_out: Callable[[Offer], Awaitable[object]] | None = None
        self.rings: Callable[[str, str], bool] = lambda call_id, agent: False
        self._agents = agents
        self._store = store
        self._ledger = ledger
        self._jobs = jobs
        self._clock = clock
        self._queues = tuple(queues)
        self._journal = notes
        self._skills_told: dict[str, object] = {}
        self._orders: dict[str, list[Order]] = {}  # for those whose coroutine is not there yet
        self._next_place = 1
        self._fronts = 0
        self._ticker = Ticker(clock, self._tick)

    # -- the engine

    def tell(self, *events: Event) -> None:
        """Tell the engine what happened now, and have its decisions acted on."""
        now = self._clock()
        for event in events:
            decisions = self.engine.handle(event, now)
            if self._journal is not None:
                self._journal.note(event, now, decisions)
            self._carry_out((event,), now, decisions)

    def tell_together(self, events: Sequence[Event]) -> None:
        """The same for all that was found at the start, which is decided as one set."""
        now = self._clock()
        decisions = self.engine.handle_all(events, now)
        if self._journal is not None:
            self._journal.note_all(events, now, decisions)
        self._carry_out(events, now, decisions, found=True)

    def _carry_out(
        self, events: Sequence[Event], now: datetime, decisions: Sequence[Decision], *, found: bool = False
    ) -> None:
        self.today.note(journal.Entry(at=now, events=tuple(events), decisions=tuple(decisions)))
        self.expected.hear(events, now, [one.caller for one in decisions if isinstance(one, SendAway)], found=found)
        for decision in decisions:
            self._act(decision)
        self._ticker.set(self.engine.next_deadline())

    def _note_choice(self, caller: str, what: str, now: datetime) -> None:
        """They do not leave by hanging up."""
        self.today.note(journal.Chose(at=now, caller=caller, what=what))
        if self._journal is not None:
            self._journal.note_choice(caller, what, now)

    def _tick(self) -> None:
        self.tell(ClockTicked())

    def stop(self) -> None:
        self._ticker.set(None)

    def _act(self, decision: Decision) -> None:
        match decision:
            case Offer(caller, _):
                if caller in self.sessions:
                    self.sessions[caller].call.wake()
                elif self.hand_out is not None:
                    self._jobs.put(partial(self.hand_out, decision), of=caller)
            case Withdraw(caller, agent):
                self._jobs.put(partial(self._set_free, agent, caller), of=caller)
            case CallBack(caller):
                if self.ring_back is not None:
                    self._jobs.put(partial(self.ring_back, caller), of=caller)
            case Moved(caller, queue, why):
                self._move(caller, queue, why)
            case Suggest(caller) | SendAway(caller):
                self._order(caller, decision)

    def _order(self, caller: str, order: Order) -> None:
        session = self.sessions.get(caller)
        if session is not None:
            session.orders.append(order)
            session.call.wake()
        elif caller in self.entries:
            self._orders.setdefault(caller, []).append(order)

    def _move(self, call_id: str, queue: str, why: str) -> None:
        entry = self.entries.get(call_id)
        if entry is None or entry.queue == queue:
            return
        self._changed(replace(entry, queue=queue))
        log.info(
            "A caller was moved to another queue",
            extra={"action": "moved", "call_id": call_id, "queue": queue, "why": why},
        )

    def _changed(self, entry: Entry) -> None:
        self.entries[entry.call_id] = entry
        if entry.call_id in self.sessions:
            self.sessions[entry.call_id].entry = entry
        self._jobs.put(partial(self._store.put_waiting, entry), of=entry.call_id)

    # -- callers

    def new_place(self) -> int:
        place, self._next_place = self._next_place, self._next_place + 1
        return place

    def place_is_taken(self, place: int) -> None:
        """New places are behind that one."""
        self._next_place = max(self._next_place, place + 1)

    def take_up(self, entries: Sequence[Entry]) -> list[Event]:
        """Those whom the controller before left; what the engine is to be told of them."""
        for entry in entries:
            self.place_is_taken(entry.place)
            self._fronts = max(self._fronts, entry.front)
            self.entries[entry.call_id] = entry
        front = sorted((entry for entry in entries if entry.front), key=lambda entry: entry.front)
        joined: list[Event] = [CallerJoined(entry.in_line(), attached=False) for entry in entries]
        return joined + [CallerMoved(entry.call_id, front=True) for entry in front]

    def queue_of(self, request: Request) -> str:
        """The queue of the service that was asked for; one that has none goes where people are asked for."""
        if request.service in self._queues:
            return request.service
        return "person" if "person" in self._queues else self._queues[0]

    async def join(self, entry: Entry) -> None:
        """Take the place: in line at once, and written before anybody is offered (which needs `attach`)."""
        self.entries[entry.call_id] = entry
        self.tell(CallerJoined(entry.in_line(), attached=False))
        self._ledger.note(record_of(entry, Outcome.WAITING))
        await self._store.put_waiting(entry)

    def to_front(self, call_id: str) -> None:
        """Before all others; kept for the next controller too."""
        self._fronts += 1
        self._changed(replace(self.entries[call_id], front=self._fronts))
        self.tell(CallerMoved(call_id, front=True))

    def attach(self, session: Session) -> None:
        """The caller's coroutine is there: they can be offered."""
        call_id = session.call.id
        self.sessions[call_id] = session
        session.orders.extend(self._orders.pop(call_id, ()))
        self._into_own_place(call_id)
        self.tell(CallerAttached(call_id))

    def _into_own_place(self, call_id: str) -> None:
        """A citizen whom we called stands in line by the new call. Until now they counted as being called, so that no
        further citizen was rung for the agent who is theirs."""
        place = self.called.pop(call_id, None)
        if place is not None:
            self.tell(CallerLeft(place), CallerJoined(self.entries[call_id].in_line(), attached=False))

    def detach(self, call_id: str) -> None:
        """The coroutine is over. A caller who is still in line keeps the place; an offer is void."""
        self.sessions.pop(call_id, None)
        if call_id in self.entries:
            self.tell(CallerDetached(call_id))

    def step_aside(self, call_id: str) -> None:
        """The caller hears something else for a while: the place moves up, nobody is offered."""
        self.tell(CallerDetached(call_id))

    def step_back(self, call_id: str) -> None:
        if call_id in self.entries:
            self.tell(CallerAttached(call_id))

    async def answered(self, call_id: str, agent: str) -> None:
        """They talk: no longer waiting, and no offer is open."""
        self.tell(OfferAnswered(call_id, agent))
        if self.entries.pop(call_id, None) is not None:
            await self._store.drop_waiting(call_id)

    def offer_failed(self, call_id: str, agent: str) -> None:
        self.tell(OfferFailed(call_id, agent))
        self.feed(self._agents.get(agent))

    async def leave(self, call_id: str, outcome: Outcome) -> Entry | None:
        """Out of the queue without an agent; done once, whoever asks first. An agent held for the caller is free."""
        entry = self.entries.pop(call_id, None)
        if entry is None:
            return None
        self._orders.pop(call_id, None)
        now = self._clock()
        if outcome is not Outcome.ABANDONED:
            self._note_choice(call_id, outcome.value, now)
        self.tell(CallerLeft(self.called.pop(call_id, call_id)))
        log.info(
            "A caller left the queue",
            extra={
                "action": outcome.value,
                "call_id": call_id,
                "waited": (now - entry.joined_at).total_seconds(),
            },
        )
        self._ledger.note(record_of(entry, outcome, ended_at=now))
        left = self.remembered.left(entry, now) if outcome is Outcome.ABANDONED else None
        if left is not None:
            await self._store.put_left(left)
        await self._ledger.written(call_id)
        await self._store.drop_waiting(call_id)
        return entry

    def take_out(self, call_id: str) -> Entry | None:
        """The entry alone goes: whoever asks sees to the rest (a callback keeps the place in the engine)."""
        self._orders.pop(call_id, None)
        if call_id in self.entries:
            self._into_own_place(call_id)
        return self.entries.pop(call_id, None)

    async def rejoin(self, entry: Entry, move: Move) -> Entry:
        """One who talked stands in line again, before all others: a supervisor wants another to take the call."""
        self._fronts += 1
        entry = replace(
            entry,
            queue=move.queue or entry.queue,
            request=replace(entry.request, known_agent=move.agent),
            front=self._fronts,
        )
        self.entries[entry.call_id] = entry
        self.tell(CallerJoined(entry.in_line(), attached=False), CallerMoved(entry.call_id, front=True))
        await self._store.put_waiting(entry)
        return entry

    def ended(self, call_id: str, agent: str) -> None:
        """The conversation is over. How the agent stands is told anew: a repair may have freed them before the caller
        came back and said how it ended, and then nothing changes any more that would tell it."""
        self.tell(CallEnded(call_id, agent))
        self.feed(self._agents.get(agent))

    # -- agents

    def feed(self, agent: Agent) -> None:
        """Tell the engine how an agent stands."""
        self.tell(*self.events_of(agent))

    def events_of(self, agent: Agent) -> list[Event]:
        if agent.state is State.SIGNED_OUT:
            known = self._skills_told.pop(agent.id, None) is not None
            return [AgentSignedOut(agent.id)] if known else []
        events: list[Event] = []
        if self._skills_told.get(agent.id) != agent.skills:
            self._skills_told[agent.id] = agent.skills
            events.append(AgentSignedIn(agent.id, dict(agent.skills)))
        if agent.available:
            events.append(AgentReady(agent.id, agent.ready_since or agent.since, agent.busy_share))
        elif agent.state in (State.PAUSED, State.READY) or (agent.state is State.WRAP_UP and not agent.phone_reachable):
            events.append(AgentPaused(agent.id))  # or ready, or will be, but the phone is away
        else:
            presence = agent.presence
            soon = agent.state is State.WRAP_UP and presence.afterwards is State.READY
            events.append(AgentBusy(agent.id, presence.until if soon else None))
        return events

    async def _set_free(self, agent: str, call_id: str) -> None:
        """Unless their phone rings on in Asterisk without us: then the caller's return tells how that ended."""
        if not self.rings(call_id, agent):
            self.feed(await self._agents.released(agent, call_id))
