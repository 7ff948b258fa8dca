"""The queue's engine: what happened goes in, decisions come out as values.

Pure: it runs live, in a simulator and in a replay alike; the same events at the same times give the same decisions. One
engine holds all queues and all agents. What holds after every event:
- an agent has at most one live offer, a caller one (or one race);
- no idle agent and waiting caller who fit each other are left apart, so one event needs one look, not a scan;
- whoever is offered was the first in line of all who fit that agent;
- a failed offer does not cost the place, and an agent whose offer ended is given nobody until told to be ready anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from acd.engine.decisions import Decision, Moved, Why
from acd.engine.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallbackFailed,
    CallEnded,
    CallerAttached,
    CallerDetached,
    CallerHolds,
    CallerJoined,
    CallerLeft,
    CallerMoved,
    ClockTicked,
    Event,
    OfferAnswered,
    OfferFailed,
    QueueClosed,
    QueueOpened,
)
from acd.engine.matching import Pool
from acd.engine.places import BALANCE_SECONDS, BEFORE_ALL, Place, Queue, Seat, State
from acd.engine.queues import QueueRules
from acd.engine.seeking import Seeking


class Engine(Seeking):
    """Queues that nobody told of have no rules; events that speak of somebody unknown change nothing."""

    def __init__(self, queues: Iterable[QueueRules] = ()) -> None:
        super().__init__()
        self._fronts = 0
        self._do: dict[type, Callable[[Any], None]] = {
            QueueOpened: self._queue_opened,
            QueueClosed: self._queue_closed,
            CallerJoined: self._joined,
            CallerAttached: self._attached,
            CallerDetached: self._detached,
            CallerLeft: self._left,
            CallerMoved: self._moved,
            CallerHolds: self._holds,
            CallbackFailed: self._callback_failed,
            AgentSignedIn: self._signed_in,
            AgentSignedOut: self._signed_out,
            AgentReady: self._ready,
            AgentBusy: self._busy,
            AgentPaused: self._paused,
            OfferAnswered: self._answered,
            OfferFailed: self._failed,
            CallEnded: self._ended,
            ClockTicked: lambda _: None,
        }
        for rules in queues:
            self._queues[rules.name] = Queue(rules)

    def handle(self, event: Event, at: datetime) -> list[Decision]:
        """What to do now that this happened. Deadlines up to that moment are minded first."""
        self._at, self._now, self._out = at, at.timestamp(), []
        self._pass_time()
        self._do[type(event)](event)
        return self._out

    def handle_all(self, events: Iterable[Event], at: datetime) -> list[Decision]:
        """Many events of one moment: the callers and agents they bring together are matched as a whole set."""
        self._at, self._now, self._out = at, at.timestamp(), []
        self._pass_time()
        self._together = True
        try:
            for event in events:
                self._do[type(event)](event)
        finally:
            self._together = False
        self._match_all()
        return self._out

    # -- queues

    def _queue_opened(self, event: QueueOpened) -> None:
        rules = event.rules
        queue = self._queues.get(rules.name)
        if queue is None:
            self._queues[rules.name] = Queue(rules)
            return
        queue.open()
        if queue.rules == rules:
            return
        queue.set_rules(rules)
        concerned = [place for place in self._places.values() if place.queue is queue]
        for place in concerned:
            place.stages, place.stage = queue.stages(place.caller, self._matching), 0
        self._seek_again(concerned)

    def _queue_closed(self, event: QueueClosed) -> None:
        queue = self._queues.get(event.queue)
        if queue is None:
            return
        queue.close()
        if event.drain:
            return
        for key in list(queue.everyone):
            place = self._places[key[2]]
            if place.line is not None and not place.holds:
                self._flow_over(place, closed=True)
            elif not place.attached:
                place.met = False  # to be told when they are there again

    def _queue(self, name: str) -> Queue:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = Queue(QueueRules(name=name))
        return queue

    # -- callers

    def _joined(self, event: CallerJoined) -> None:
        caller = event.caller
        if caller.id in self._places:
            return
        queue = self._queue(caller.queue)
        place = self._places[caller.id] = Place(caller, queue, queue.stages(caller, self._matching))
        if not place.is_work:
            queue.everyone.add(place.key)
        if event.attached:
            place.attached = True
            self._seek(place)

    def _attached(self, event: CallerAttached) -> None:
        place = self._places.get(event.caller)
        if place is None or place.attached:
            return
        if place.holds:
            self._leave_line(place)
            self._calling.pop(event.caller, None)
            place.holds = False
            place.hold_until = None
        place.attached = True
        self._seek(place)

    def _detached(self, event: CallerDetached) -> None:
        place = self._places.get(event.caller)
        if place is None or place.holds:
            return
        place.attached = False
        self._leave_line(place)
        self._withdraw(place)

    def _left(self, event: CallerLeft) -> None:
        place = self._places.get(event.caller)
        if place is not None:
            self._remove(place)

    def _moved(self, event: CallerMoved) -> None:
        place = self._places.get(event.caller)
        if place is None:
            return
        if event.front:
            self._fronts += 1
            self._set_order(place, BEFORE_ALL - self._fronts)
            self._out.append(Moved(event.caller, place.queue.rules.name, "to the front"))
        if event.queue and event.queue != place.queue.rules.name:
            self._move(place, self._queue(event.queue), "by a supervisor")
            self._seek_again([place])

    def _holds(self, event: CallerHolds) -> None:
        place = self._places.get(event.caller)
        if place is None or place.holds:
            return
        place.attached = False
        self._leave_line(place)
        self._withdraw(place)
        place.holds = True
        place.met = True
        self._hold(place)
        self._look_at_once(place)

    def _callback_failed(self, event: CallbackFailed) -> None:
        place = self._places.get(event.caller)
        if place is None or not place.holds:
            return
        self._calling.pop(event.caller, None)
        if event.again_at is None:
            self._remove(place)
            return
        self._leave_line(place)
        place.again = event.again_at.timestamp()
        self._hold(place)
        self._look_at_once(place)

    # -- agents

    def _signed_in(self, event: AgentSignedIn) -> None:
        pool = self._matching.pool_of(event.skills)
        seat = self._agents.get(event.agent)
        if seat is None:
            self._agents[event.agent] = Seat(event.agent, pool)
            self._matching.sign_in(pool)
            return
        if seat.pool is pool:
            return
        was_idle = self._not_idle(seat, State.BUSY) if seat.state is State.IDLE else False
        self._matching.sign_out(seat.pool)
        self._matching.sign_in(pool)
        before, seat.pool = seat.pool, pool
        if was_idle:
            self._idle(seat)
        self._release(event.agent)
        self._look_for_unserved(before)

    def _signed_out(self, event: AgentSignedOut) -> None:
        seat = self._agents.pop(event.agent, None)
        if seat is None:
            return
        self._not_idle(seat, State.PAUSED)
        self._matching.sign_out(seat.pool)
        self._release(event.agent)
        self._look_for_unserved(seat.pool)

    def _ready(self, event: AgentReady) -> None:
        seat = self._agents.get(event.agent)
        if seat is None or event.agent in self._offered:
            return
        self._not_idle(seat, State.BUSY)
        if seat.worked:
            seat.worked = False
            self._matching.freed(seat.pool, self._now)
        seat.since, seat.busy_share = event.since, event.busy
        seat.key = (event.since.timestamp() + BALANCE_SECONDS * event.busy, event.agent)
        self._idle(seat)

    def _busy(self, event: AgentBusy) -> None:
        seat = self._agents.get(event.agent)
        if seat is not None:
            self._not_idle(seat, State.BUSY)
            if event.free_at is not None:
                self._soon[event.agent] = event.free_at.timestamp()

    def _paused(self, event: AgentPaused) -> None:
        seat = self._agents.get(event.agent)
        if seat is not None:
            self._not_idle(seat, State.PAUSED)
            self._release(event.agent)

    def _idle(self, seat: Seat) -> None:
        """Give the agent the first caller who fits; else they are idle."""
        if not self._together:
            first = self._matching.first_caller(seat.pool)
            caller = None if first is None else first[2]
            known = self._matching.known.get(seat.id)
            if known is not None and (key := known.waiting.first()) is not None and (first is None or key < first[:3]):
                caller = key[2]
            if caller is not None:
                place = self._places[caller]
                self._offer(place, seat.id, Why.KNOWS if place.caller.known_agent == seat.id else Why.FIRST_IN_LINE)
                return
        seat.state = State.IDLE
        self._matching.sit(seat.pool, seat.key)
        if self._held and not self._together:
            self._look_for_callbacks(seat.pool.bit)

    def _release(self, agent: str) -> None:
        """Nobody waits for that agent alone any more."""
        line = self._matching.known.get(agent)
        if line is not None and line.waiting:
            places = [self._places[key[2]] for key in line.waiting]
            for place in places:
                place.hold_until = 0.0
            self._seek_again(places)

    def _look_for_unserved(self, pool: Pool) -> None:
        """One of that pool is gone: callers whom now nobody can serve may be sent elsewhere."""
        if pool.signed_in:
            return
        for line in self._matching.waiting_lines():
            if line.bit & pool.fitting and not self._matching.can_be_served(line):
                for key in list(line.waiting):
                    self._flow_over(self._places[key[2]])

    # -- offers

    def _answered(self, event: OfferAnswered) -> None:
        if self._offered.get(event.agent) == event.caller:
            del self._offered[event.agent]
        seat = self._agents.get(event.agent)
        if seat is not None:
            self._not_idle(seat, State.BUSY)
            seat.caller = event.caller
            seat.worked = True
        place = self._places.get(event.caller)
        if place is not None:
            place.offers.pop(event.agent, None)
            self._remove(place)

    def _failed(self, event: OfferFailed) -> None:
        place = self._places.get(event.caller)
        if place is None or place.offers.pop(event.agent, None) is None:
            return
        del self._offered[event.agent]
        if event.agent == place.caller.known_agent:
            place.hold_until = 0.0
        if not place.offers:
            self._seek(place)
        elif (found := self._matching.best_agent(place.wide)) is not None:
            self._offer(place, found[0], Why.RACE)

    def _ended(self, event: CallEnded) -> None:
        seat = self._agents.get(event.agent)
        if seat is not None and seat.caller == event.caller:
            seat.caller = ""
