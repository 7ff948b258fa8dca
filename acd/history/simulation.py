"""A day of calls around the same engine that runs live: what would have happened, event by event, without a clock.

Pure and deterministic: a `Day` says who calls when, how long each talk takes and how long each is patient, and who is
on shift; `simulate` plays it. Nothing is drawn by chance while it plays, so two runs that differ in one thing (20 seats
more) differ by that thing alone. `days` draws days by a seed; `whatif` takes them from a journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush

from acd.engine.decisions import Decision, Offer, SendAway, Withdraw
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallEnded,
    Caller,
    CallerJoined,
    CallerLeft,
    ClockTicked,
    Event,
    OfferAnswered,
    OfferFailed,
    QueueOpened,
)
from acd.engine.queues import QueueRules, Urgency
from acd.engine.skills import Need, Skills
from acd.history.levels import End, Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One who will call: `at` seconds after the day's begin. `missed` agents in a row do not pick up for them."""

    id: str
    queue: str
    at: float
    talk_seconds: float
    wrap_up_seconds: float
    patience_seconds: float
    missed: int = 0
    urgency: Urgency = Urgency.ORDINARY
    needs: tuple[Need, ...] = ()
    prefers: tuple[Need, ...] = ()
    known_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """An agent is there from `begins` to `ends` (seconds after the day's begin); a call begun is brought to its end."""

    agent: str
    skills: Skills
    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """All that is needed. `arrivals` in order of time. An agent answers after `answer_seconds`; who does not pick up
    rings for `ring_seconds` and is back after `away_seconds`."""

    begins: datetime
    rules: tuple[QueueRules, ...]
    arrivals: Sequence[Arrival]
    shifts: Sequence[Shift]
    answer_seconds: float = 3.0
    ring_seconds: float = 15.0
    away_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Busy:
    """A stretch of an agent's time: from the ring to the end of wrap-up, in seconds after the day's begin."""

    begins: float
    ends: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of a day. `ends[i]` and `ended[i]` (seconds after the day's begin) belong to `day.arrivals[i]`."""

    day: Day
    ends: Sequence[End]
    ended: Sequence[float]
    busy: Sequence[Busy]
    events: int
    offers: int

    def waits(self) -> list[Wait]:
        """For `acd.history.levels`."""
        start = self.day.begins.timestamp()
        return [
            Wait(
                queue=arrival.queue,
                joined_at=datetime.fromtimestamp(start + arrival.at, UTC),
                end=end,
                ended_at=None if end is End.WAITING else datetime.fromtimestamp(start + ended, UTC),
            )
            for arrival, end, ended in zip(self.day.arrivals, self.ends, self.ended, strict=True)
        ]


Watch = Callable[[Event, datetime, Sequence[Decision]], None]
Ask = Callable[[str, datetime], None]


@dataclass(slots=True)
class _Agent:
    id: str
    ends: float
    begins: float
    busy: float = 0.0  # seconds so far
    since: float = 0.0  # of the ring, while a caller is theirs
    caller: int = -1  # index of who is ringing or talking
    offer: int = 0  # counts: what was planned for an older one is void
    talking: bool = False


# What is planned; the number also decides who goes first at one moment.
_SHIFT_BEGINS, _SHIFT_ENDS, _ANSWERS, _MISSES, _TALK_ENDS, _FREE, _GIVES_UP, _ASK = range(8)


def simulate(
    day: Day,
    *,
    engine: Engine | None = None,
    watch: Watch | None = None,
    ask: Ask | None = None,
    ask_after: float = 15.0,
    ask_every: float = 45.0,
) -> Played:
    """Play the day to its end, with a fresh engine if none is given. `watch` is shown every event with its decisions;
    `ask` is called for each who waits, first after `ask_after` seconds and then `ask_every`, as an announcement is."""
    return _Simulation(day, Engine() if engine is None else engine, watch, ask, ask_after, ask_every).run()


class _Simulation:
    def __init__(
        self, day: Day, engine: Engine, watch: Watch | None, ask: Ask | None, ask_after: float, ask_every: float
    ) -> None:
        self._day = day
        self._watch = watch
        self._ask = ask
        self._ask_after = ask_after
        self._ask_every = ask_every
        self._engine = engine
        self._start = day.begins.timestamp()
        self._planned: list[tuple[float, int, int, object, int]] = []
        self._count = 0
        self._agents: dict[str, _Agent] = {}
        self._index = {arrival.id: index for index, arrival in enumerate(day.arrivals)}
        self._missed = [arrival.missed for arrival in day.arrivals]
        self._ends = [End.WAITING] * len(day.arrivals)
        self._ended = [0.0] * len(day.arrivals)
        self._busy: list[Busy] = []
        self._events = 0
        self._offers = 0

    def run(self) -> Played:
        for rules in self._day.rules:
            self._tell(QueueOpened(rules), 0.0)
        for shift in self._day.shifts:
            self._plan(shift.begins, _SHIFT_BEGINS, shift, 0)
        self._play()
        return Played(
            day=self._day,
            ends=self._ends,
            ended=self._ended,
            busy=self._busy,
            events=self._events,
            offers=self._offers,
        )

    def _play(self) -> None:
        planned, arrivals, engine, start = self._planned, self._day.arrivals, self._engine, self._start
        coming, count = 0, len(arrivals)
        while planned or coming < count:
            joins = coming < count and (not planned or arrivals[coming].at < planned[0][0])
            at = arrivals[coming].at if joins else planned[0][0]
            due = engine.next_deadline()
            if due is not None and (tick := due.timestamp() - start) < at:
                self._tell(ClockTicked(), tick)
            elif joins:
                self._join(coming, at)
                coming += 1
            else:
                _, what, _, who, number = heappop(planned)
                _DO[what](self, at, who, number)

    def _plan(self, at: float, what: int, who: object, number: int) -> None:
        self._count += 1
        heappush(self._planned, (at, what, self._count, who, number))

    def _tell(self, event: Event, at: float) -> None:
        """To the engine, and do what it decides."""
        self._events += 1
        moment = datetime.fromtimestamp(self._start + at, UTC)
        decisions = self._engine.handle(event, moment)
        if self._watch is not None:
            self._watch(event, moment, decisions)
        for decision in decisions:
            if type(decision) is Offer:
                self._ring(decision, at)
            elif type(decision) is Withdraw:
                self._withdrawn(decision, at)
            elif type(decision) is SendAway:
                self._end(self._index[decision.caller], End.SENT_ON, at)

    # -- callers

    def _join(self, index: int, at: float) -> None:
        arrival = self._day.arrivals[index]
        moment = datetime.fromtimestamp(self._start + at, UTC)
        self._tell(CallerJoined(_caller(arrival, index, moment)), at)
        if self._ends[index] is End.WAITING:
            self._plan(at + arrival.patience_seconds, _GIVES_UP, None, index)
            if self._ask is not None:
                self._plan(at + self._ask_after, _ASK, None, index)

    def _gives_up(self, at: float, _: object, index: int) -> None:
        if self._ends[index] is End.WAITING:
            self._end(index, End.ABANDONED, at)
            self._tell(CallerLeft(self._day.arrivals[index].id), at)

    def _asks(self, at: float, _: object, index: int) -> None:
        if self._ends[index] is End.WAITING and self._ask is not None:
            self._ask(self._day.arrivals[index].id, datetime.fromtimestamp(self._start + at, UTC))
            self._plan(at + self._ask_every, _ASK, None, index)

    def _end(self, index: int, end: End, at: float) -> None:
        if self._ends[index] is End.WAITING:
            self._ends[index] = end
            self._ended[index] = at

    # -- offers and conversations

    def _ring(self, offer: Offer, at: float) -> None:
        self._offers += 1
        agent = self._agents[offer.agent]
        index = self._index[offer.caller]
        agent.caller, agent.since = index, at
        agent.offer += 1
        if self._missed[index]:
            self._missed[index] -= 1
            self._plan(at + self._day.ring_seconds, _MISSES, agent, agent.offer)
        else:
            self._plan(at + self._day.answer_seconds, _ANSWERS, agent, agent.offer)

    def _withdrawn(self, withdraw: Withdraw, at: float) -> None:
        agent = self._agents[withdraw.agent]
        agent.offer += 1
        agent.caller = -1
        self._ready(agent, at)

    def _answers(self, at: float, who: object, number: int) -> None:
        assert isinstance(who, _Agent)
        if who.offer != number:
            return
        index = who.caller
        who.talking = True
        self._end(index, End.ANSWERED, at)
        arrival = self._day.arrivals[index]
        self._plan(at + arrival.talk_seconds, _TALK_ENDS, who, index)
        self._tell(OfferAnswered(arrival.id, who.id), at)

    def _misses(self, at: float, who: object, number: int) -> None:
        assert isinstance(who, _Agent)
        if who.offer != number:
            return
        index, who.caller = who.caller, -1
        self._tell(AgentPaused(who.id), at)
        self._tell(OfferFailed(self._day.arrivals[index].id, who.id), at)
        self._plan(at + self._day.away_seconds, _FREE, who, -1)

    def _talk_ends(self, at: float, who: object, index: int) -> None:
        assert isinstance(who, _Agent)
        self._tell(CallEnded(self._day.arrivals[index].id, who.id), at)
        self._tell(AgentBusy(who.id), at)
        self._plan(at + self._day.arrivals[index].wrap_up_seconds, _FREE, who, index)

    # -- agents

    def _free(self, at: float, who: object, index: int) -> None:
        assert isinstance(who, _Agent)
        if index >= 0:
            who.busy += at - who.since
            self._busy.append(Busy(who.since, at))
        who.caller, who.talking = -1, False
        if self._agents.get(who.id) is who:
            self._ready(who, at)

    def _ready(self, agent: _Agent, at: float) -> None:
        if at >= agent.ends:
            self._sign_out(agent, at)
            return
        busy = agent.busy / (at - agent.begins) if at > agent.begins else 0.0
        self._tell(AgentReady(agent.id, datetime.fromtimestamp(self._start + at, UTC), busy), at)

    def _shift_begins(self, at: float, who: object, _: int) -> None:
        assert isinstance(who, Shift)
        if who.agent in self._agents:
            self._plan(at + 60.0, _SHIFT_BEGINS, who, 0)  # still in the call of the shift before
            return
        agent = self._agents[who.agent] = _Agent(who.agent, who.ends, at)
        self._tell(AgentSignedIn(who.agent, who.skills), at)
        self._ready(agent, at)
        if who.ends < float("inf"):
            self._plan(who.ends, _SHIFT_ENDS, agent, 0)

    def _shift_ends(self, at: float, who: object, _: int) -> None:
        assert isinstance(who, _Agent)
        if self._agents.get(who.id) is who and who.caller < 0 and self._engine.is_idle(who.id):
            self._sign_out(who, at)

    def _sign_out(self, agent: _Agent, at: float) -> None:
        del self._agents[agent.id]
        self._tell(AgentSignedOut(agent.id), at)


def _caller(arrival: Arrival, index: int, at: datetime) -> Caller:
    return Caller(
        id=arrival.id,
        queue=arrival.queue,
        place=index + 1,
        joined_at=at,
        urgency=arrival.urgency,
        needs=arrival.needs,
        prefers=arrival.prefers,
        known_agent=arrival.known_agent,
    )


_DO: tuple[Callable[[_Simulation, float, object, int], None], ...] = (
    _Simulation._shift_begins,
    _Simulation._shift_ends,
    _Simulation._answers,
    _Simulation._misses,
    _Simulation._talk_ends,
    _Simulation._free,
    _Simulation._gives_up,
    _Simulation._asks,
)
