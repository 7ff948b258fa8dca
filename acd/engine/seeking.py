"""The engine's hands: how a caller is given an agent, a place in line, another queue, a call back.

Apart from `acd.engine.engine`, which says for each event which of these is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from acd.engine.assignment import Bits
from acd.engine.decisions import CallBack, Decision, Moved, Offer, SendAway, Suggest, Suggestion, Why, Withdraw
from acd.engine.events import Kind
from acd.engine.matching import AskLine, CallerKey
from acd.engine.places import Place, Queue, Seat, State, applies
from acd.engine.queues import To, When
from acd.engine.view import View
from acd.engine.whole_set import matched

RING_AHEAD_SECONDS = 20.0  # from our call to the citizen's voice: how far a callback looks ahead
CALLBACK_LOOK_SECONDS = 1.0  # how often it is looked whether one is due
LINES_IN_A_LOOK = 4
OVERFLOW_REASONS = {
    When.WAIT: "waited too long",
    When.LENGTH: "too many wait",
    When.NO_AGENTS: "nobody who fits is signed in",
    When.CLOSED: "the queue is closed",
}


class Seeking(View):
    """What is decided is put into `_out`."""

    def __init__(self) -> None:
        super().__init__()
        self._out: list[Decision] = []
        self._soon: dict[str, float] = {}  # agents in wrap-up: when it ends
        self._held: dict[int, AskLine] = {}  # lines with one who is to be called back
        self._look_at: float | None = None  # for callbacks that are due
        self._deadlines: list[tuple[float, int, str]] = []  # heap of time, place, id; some are void
        self._together = False  # first everybody takes their place, then all are matched as a whole set
        self._unsettled: list[tuple[Place, bool]] = []  # those, and whether they come in

    # -- matching

    def _seek(self, place: Place) -> None:
        """An agent for a caller who can be offered; else a place in line."""
        arriving, place.met = not place.met, True
        if arriving and not place.queue.is_open(self._at) and self._flow_over(place, arriving=True, closed=True):
            return
        if place.work_due is not None and place.work_due <= self._now:
            self._set_order(place, place.work_due)
            place.work_due = None
        line = self._line_now(place)
        if self._together:
            self._unsettled.append((place, arriving))
        elif self._give(place, line) or self._flow_over(place, arriving=arriving):
            return
        self._stand(place, line)

    def _seek_again(self, places: list[Place]) -> None:
        """What these ask has changed, or may have."""
        together, self._together = self._together, self._together or len(places) > 1
        for place in sorted(places, key=lambda place: place.key):
            if place.holds:
                if place.caller.id not in self._calling:
                    self._leave_line(place)
                    self._hold(place)
            elif place.attached and not place.offers:
                self._leave_line(place)
                self._seek(place)
        self._together = together
        if not together and len(places) > 1:
            self._match_all()

    def _match_all(self) -> None:
        for caller, agent in matched(self._matching, self._agents):
            place = self._places[caller]
            self._offer(place, agent, Why.KNOWS if place.caller.known_agent == agent else Why.WHOLE_SET)
        unsettled, self._unsettled = self._unsettled, []
        for place, arriving in unsettled:
            if place.line is not None:
                self._flow_over(place, arriving=arriving)
        if self._held:
            self._look_for_callbacks(self._matching.idle)

    def _line_now(self, place: Place) -> AskLine:
        """Where the caller belongs by the time they have waited."""
        line = self._widened(place)
        if not place.caller.known_agent or place.hold_until == 0.0:
            return line
        seat = self._agents.get(place.caller.known_agent)
        if seat is not None and seat.state is not State.PAUSED and line.fitting & seat.pool.bit:
            if place.hold_until is None:
                place.hold_until = self._now + place.queue.rules.known_agent_seconds
            if place.hold_until > self._now:
                return self._matching.line_for(seat.id)
        place.hold_until = 0.0
        return line

    def _widened(self, place: Place) -> AskLine:
        stages = place.stages
        while place.stage + 1 < len(stages) and place.joined + stages[place.stage + 1][0] <= self._now:
            place.stage += 1
        return stages[place.stage][1]

    def _give(self, place: Place, line: AskLine) -> bool:
        """An idle agent, if one fits."""
        known = place.caller.known_agent
        if known and (seat := self._agents.get(known)) is not None:
            if seat.state is State.IDLE and place.wide.fitting & seat.pool.bit:
                self._offer(place, known, Why.KNOWS)
                return True
            if line.ask.only:
                return False
        found = self._matching.best_agent(line)
        if found is None:
            return False
        self._offer(place, *found)
        for _ in range(1, place.queue.rules.race):
            found = self._matching.best_agent(line)
            if found is None:
                break
            self._offer(place, found[0], Why.RACE)
        return True

    def _stand(self, place: Place, line: AskLine) -> None:
        self._matching.stand(line, place.key)
        place.line = line
        now, due = self._now, place.work_due
        if place.stage + 1 < len(place.stages):
            due = _sooner(due, place.joined + place.stages[place.stage + 1][0])
        if line.ask.only:
            due = _sooner(due, place.hold_until)
        if place.caller.kind is Kind.CALL:
            for rule, limit in place.queue.timed:
                if place.joined + limit > now and rule not in place.used:
                    due = _sooner(due, place.joined + limit)
        self._set_deadline(place, due)

    def _leave_line(self, place: Place) -> None:
        line = place.line
        place.due = None
        if line is None:
            return
        place.line = None
        if place.holds:
            line.held.remove(place.key)
        else:
            self._matching.leave(line, place.key)

    def _remove(self, place: Place) -> None:
        self._leave_line(place)
        self._withdraw(place)
        del self._places[place.caller.id]
        self._calling.pop(place.caller.id, None)
        if not place.is_work:
            place.queue.everyone.remove(place.key)

    def _set_order(self, place: Place, order: float) -> None:
        """Another place in line; what they ask stays."""
        line, due = place.line, place.due
        self._leave_line(place)
        if not place.is_work:
            place.queue.everyone.remove(place.key)
        place.key = (order, *place.key[1:])
        if not place.is_work:
            place.queue.everyone.add(place.key)
        if line is None:
            return
        place.line, place.due = line, due
        if place.holds:
            line.held.add(place.key)
        else:
            self._matching.stand(line, place.key)

    # -- offers

    def _offer(self, place: Place, agent: str, why: Why) -> None:
        self._leave_line(place)
        self._not_idle(self._agents[agent], State.BUSY)
        offer = place.offers[agent] = Offer(place.caller.id, agent, self._at, why)
        self._offered[agent] = place.caller.id
        self._out.append(offer)

    def _withdraw(self, place: Place) -> None:
        for agent in place.offers:
            del self._offered[agent]
            self._out.append(Withdraw(place.caller.id, agent))
        place.offers.clear()

    def _not_idle(self, seat: Seat, state: State) -> bool:
        self._soon.pop(seat.id, None)
        was_idle = seat.state is State.IDLE
        if was_idle:
            self._matching.rise(seat.pool, seat.key)
        seat.state = state
        return was_idle

    # -- overflow

    def _flow_over(self, place: Place, *, arriving: bool = False, closed: bool = False) -> bool:
        """Apply the queue's rules of overflow. True: the caller is gone, or stands in another queue."""
        queue, rules = place.queue, place.queue.rules
        if place.caller.kind is not Kind.CALL:
            return False
        if not closed and place.joined + queue.soonest > self._now and not (arriving and queue.looks_at_length):
            return False
        for number, rule in enumerate(rules.overflow):
            if (rules.name, number) in place.used or not applies(
                rule, place, self._matching, now=self._now, arriving=arriving, closed=closed
            ):
                continue
            place.used.add((rules.name, number))
            if rule.when is When.CLOSED:
                closed = False
            match rule.to:
                case To.CALLBACK | To.MESSAGE:
                    self._out.append(Suggest(place.caller.id, Suggestion(rule.to.value)))
                case To.GOODBYE:
                    self._send_away(place, OVERFLOW_REASONS[rule.when])
                    return True
                case To.QUEUE if rule.queue in self._queues and rule.queue not in place.been:
                    self._move(place, self._queues[rule.queue], OVERFLOW_REASONS[rule.when])
                    place.met = False
                    self._seek(place)
                    return True
        if closed:
            self._send_away(place, OVERFLOW_REASONS[When.CLOSED])
        return closed

    def _send_away(self, place: Place, why: str) -> None:
        self._remove(place)
        self._out.append(SendAway(place.caller.id, why))

    def _move(self, place: Place, queue: Queue, why: str) -> None:
        """Into another queue at the old place; out of the line until they seek again."""
        self._leave_line(place)
        if not place.is_work:
            place.queue.everyone.remove(place.key)
            queue.everyone.add(place.key)
        place.been.add(place.queue.rules.name)
        place.queue, place.stage = queue, 0
        place.stages = queue.stages(place.caller, self._matching)
        self._out.append(Moved(place.caller.id, queue.rules.name, why))

    # -- time

    def next_deadline(self) -> datetime | None:
        """When to tell ClockTicked, should nothing happen before."""
        heap = self._deadlines
        while heap and ((place := self._places.get(heap[0][2])) is None or place.due != heap[0][0]):
            heappop(heap)
        due = heap[0][0] if heap else None
        if self._look_at is not None and (due is None or self._look_at < due):
            due = self._look_at
        # Never before it: a fraction of a microsecond may be cut off.
        return None if due is None else datetime.fromtimestamp(due, UTC) + timedelta(microseconds=1)

    def _set_deadline(self, place: Place, due: float | None) -> None:
        place.due = due
        if due is not None:
            heappush(self._deadlines, (due, place.caller.place, place.caller.id))

    def _pass_time(self) -> None:
        heap, now = self._deadlines, self._now
        if heap and heap[0][0] <= now:
            due = []
            while heap and heap[0][0] <= now:
                when, _, id = heappop(heap)
                place = self._places.get(id)
                if place is not None and place.due == when:
                    place.due = None
                    due.append(place)
            self._seek_again(due)
        if self._look_at is not None and self._look_at <= now:
            self._look_by_the_clock()

    # -- callbacks

    def _hold(self, place: Place) -> None:
        """The place of one who is to be called back: it moves up, and is looked at until it is due."""
        if place.again > self._now:
            self._set_deadline(place, place.again)
            return
        if place.again:
            place.again = 0.0
            self._look_at = self._now  # they have waited for this long enough
        line = self._widened(place)
        line.held.add(place.key)
        place.line = line
        self._held[line.index] = line
        if self._look_at is None:
            self._look_at = self._now + CALLBACK_LOOK_SECONDS
        following = place.stage + 1
        if following < len(place.stages):
            self._set_deadline(place, place.joined + place.stages[following][0])

    def _look_for_callbacks(self, fitting: Bits) -> None:
        """Decide who is called back now; of those whom these pools can serve."""
        self._call_back([line for line in self._held.values() if line.held and line.fitting & fitting])

    def _look_at_once(self, place: Place) -> None:
        """They have just begun to hold their place."""
        if place.line is not None:
            self._call_back([place.line])

    def _look_by_the_clock(self) -> None:
        """Some lines each time, one after the other, so that no look takes long."""
        for index in [index for index, line in self._held.items() if not line.held]:
            del self._held[index]
        some = [self._held.pop(index) for index in list(self._held)[:LINES_IN_A_LOOK]]
        self._held.update({line.index: line for line in some})
        self._call_back(some)
        looks = len(self._held) / LINES_IN_A_LOOK
        self._look_at = self._now + CALLBACK_LOOK_SECONDS / max(1.0, looks) if self._held else None

    def _call_back(self, lines: Iterable[AskLine]) -> None:
        for line in sorted(lines, key=lambda line: next(iter(line.held))):
            while (key := line.held.first()) is not None and self._is_due(line, key):
                place = self._places[key[2]]
                self._leave_line(place)
                self._calling[place.caller.id] = place
                self._out.append(CallBack(place.caller.id))

    def _is_due(self, line: AskLine, key: CallerKey) -> bool:
        """Fewer stand before them, the called ones too, than agents who fit become free while the phone rings."""
        matching = self._matching
        idle = line.fitting & matching.idle
        called = [place for place in self._calling.values() if place.wide.fitting & line.fitting]
        if idle and matching.idle_for(line) > len(called):
            return True
        soon = self._free_soon(line)
        if soon and matching.idle_for(line) + soon > len(called) + self._waiting_before(line, key):
            return True
        ahead = sum(place.key < key for place in called)
        freed = matching.pace(line, self._now) * RING_AHEAD_SECONDS
        for other in matching.sharing(line):
            if ahead >= freed:
                break
            ahead += other.waiting.before(key)
        return ahead < freed and self._more_are_there(line, ahead)

    def _free_soon(self, line: AskLine) -> int:
        """How many who fit end their wrap-up while the citizen's phone would ring."""
        until, fitting = self._now + RING_AHEAD_SECONDS, line.fitting
        return sum(at <= until and bool(fitting & self._agents[agent].pool.bit) for agent, at in self._soon.items())

    def _waiting_before(self, line: AskLine, key: CallerKey) -> int:
        return sum(other.waiting.before(key) for other in self._matching.sharing(line))

    def _more_are_there(self, line: AskLine, than: int) -> bool:
        """Whether more agents fit and are not away. The pace is that of the last minutes: those who made it may have
        left since."""
        fitting, left = line.fitting, than
        for seat in self._agents.values():
            if fitting & seat.pool.bit and seat.state is not State.PAUSED:
                if left == 0:
                    return True
                left -= 1
        return False


def _sooner(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
