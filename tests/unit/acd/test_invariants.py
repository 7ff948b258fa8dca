"""Random events of every kind against what must always hold, worked out the slow way beside the engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.engine.decisions import CallBack, Decision, Moved, Offer, SendAway, Suggest, Why, Withdraw
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallbackFailed,
    CallEnded,
    Caller,
    CallerAttached,
    CallerDetached,
    CallerHolds,
    CallerJoined,
    CallerLeft,
    CallerMoved,
    ClockTicked,
    Event,
    Kind,
    OfferAnswered,
    OfferFailed,
    QueueClosed,
    QueueOpened,
)
from acd.engine.places import asks_of
from acd.engine.queues import HEAD_START_SECONDS, Overflow, QueueRules, To, Urgency, When, Widening
from acd.engine.skills import Need
from tests.unit.acd.queueing import after

pytestmark = pytest.mark.unit

QUEUES = {
    rules.name: rules
    for rules in (
        QueueRules(name="plain", known_agent_seconds=20),
        QueueRules(
            name="skilled",
            required=(Need("service:complaint", 3),),
            widening=(
                Widening(after_seconds=15, drop=("speciality:",)),
                Widening(after_seconds=40, drop=("language:en",), lower_to=1),
            ),
        ),
        QueueRules(name="raced", race=2, known_agent_seconds=0),
        QueueRules(
            name="full",
            required=(Need("service:complaint"),),
            overflow=(
                Overflow(when=When.LENGTH, limit=3, to=To.QUEUE, queue="plain"),
                Overflow(when=When.WAIT, limit=20, to=To.CALLBACK),
                Overflow(when=When.NO_AGENTS, limit=30, to=To.GOODBYE),
                Overflow(when=When.WAIT, limit=60, to=To.QUEUE, queue="raced"),
            ),
        ),
    )
}
OTHER_RULES = replace(QUEUES["skilled"], required=(), known_agent_seconds=5)
SKILLS: dict[str, dict[str, int]] = {
    "1001": {"language:hi": 5},
    "1002": {"language:hi": 5, "language:en": 5, "service:complaint": 5},
    "1003": {"language:en": 9, "service:complaint": 1, "speciality:land": 2},
    "1004": {"language:hi": 5, "service:complaint": 3, "speciality:land": 7},
    "1005": {"language:hi": 5, "language:en": 5, "service:complaint": 5},
}
AGENTS = st.sampled_from(sorted(SKILLS))
SOME_NEEDS = [Need("language:en"), Need("speciality:land", 5), Need("language:hi")]
NEEDS = st.one_of(st.just([]), st.lists(st.sampled_from(SOME_NEEDS), max_size=2))
WHERE = st.sampled_from(["plain", "plain", *sorted(QUEUES)])
URGENCIES = st.sampled_from(sorted(Urgency))
KNOWN = st.sampled_from(["", "", *sorted(SKILLS)])


@dataclass
class Person:
    caller: Caller
    queue: str
    attached: bool = False
    holds: bool = False
    called: bool = False
    hold_until: float | None = None
    front: float | None = None
    overdue: bool = False
    agents: set[str] = field(default_factory=set)  # whose phones ring

    @property
    def key(self) -> tuple[float, int, str]:
        caller = self.caller
        order = self.front
        if order is None and caller.kind is Kind.WORK:
            order = caller.due_at.timestamp() if self.overdue and caller.due_at else 1e12 + caller.joined_at.timestamp()
        if order is None:
            order = caller.joined_at.timestamp() - HEAD_START_SECONDS[caller.urgency]
        return (order, caller.place, caller.id)


class EngineMachine(RuleBasedStateMachine):
    @initialize(crowd=st.lists(st.tuples(URGENCIES, KNOWN), max_size=8), busy=st.booleans())
    def begin(self, crowd: list[tuple[Urgency, str]], busy: bool) -> None:
        self.engine = Engine()
        self.seconds = 0.0
        self.told: list[tuple[list[Event], float, bool, list[Decision]]] = []
        self.people: dict[str, Person] = {}
        self.skills: dict[str, dict[str, int]] = {}  # of agents who are signed in
        self.idle: set[str] = set()
        self.paused: set[str] = set()
        self.rules = dict(QUEUES)
        self.numbers = 0
        self.fronts = 0
        for rules in QUEUES.values():
            self.tell(QueueOpened(rules))
        for agent in SKILLS if busy else ():
            self.sign_in(agent)
        for urgency, known in crowd:
            self.seconds += 1
            caller = self.new_caller(queue="plain", urgency=urgency, known_agent=known, age=0)
            self.tell(self.come(caller, True))

    # -- the model

    @property
    def now(self) -> float:
        return after(self.seconds).timestamp()

    def ringing(self) -> dict[str, str]:
        return {agent: person.caller.id for person in self.people.values() for agent in person.agents}

    def waits(self, person: Person) -> bool:
        return person.attached and not person.agents

    def fits_wide(self, person: Person, agent: str) -> bool:
        caller, ask = person.caller, None
        for seconds, stage in asks_of(self.rules[person.queue], caller.needs, caller.prefers):
            if caller.joined_at.timestamp() + seconds <= self.now:
                ask = stage
        assert ask is not None
        return agent in self.skills and ask.fits(self.skills[agent])

    def fits(self, person: Person, agent: str) -> bool:
        if person.hold_until is not None and person.hold_until > self.now and agent != person.caller.known_agent:
            return False
        return self.fits_wide(person, agent)

    def look_for_known(self, person: Person) -> None:
        known = person.caller.known_agent
        if not known or known in self.paused or not self.fits_wide(person, known):
            person.hold_until = 0.0
        elif person.hold_until is None:
            person.hold_until = self.now + self.rules[person.queue].known_agent_seconds

    def forget_known(self, agent: str) -> None:
        for person in self.people.values():
            if person.caller.known_agent == agent and self.waits(person):
                person.hold_until = 0.0

    def tell(self, *events: Event, together: bool = False) -> None:
        at = after(self.seconds)
        if together:
            decided = self.engine.handle_all(list(events), at)
        else:
            decided = [decision for event in events for decision in self.engine.handle(event, at)]
        self.told.append((list(events), self.seconds, together, decided))
        for person in self.people.values():
            if self.waits(person) and person.caller.due_at and person.caller.due_at.timestamp() <= self.now:
                person.overdue = True
        offered = {decision.caller for decision in decided if isinstance(decision, Offer)}
        for decision in decided:
            self.take(decision, offered)

    def take(self, decision: Decision, offered: set[str]) -> None:
        person = self.people[decision.caller]
        match decision:
            case Withdraw(_, agent):
                person.agents.remove(agent)
            case Offer(_, agent, _, why):
                assert person.attached
                assert not person.holds
                assert agent in self.idle, "an agent who is not idle"
                assert agent not in self.ringing(), "two offers for one agent"
                most = self.rules[person.queue].race if why is Why.RACE else 1
                assert len(person.agents) < most, "too many offers for one caller"
                assert self.fits_wide(person, agent) if why is Why.KNOWS else self.fits(person, agent)
                self.nobody_is_passed_over(person, agent, offered)
                self.idle.remove(agent)
                person.agents.add(agent)
            case Moved(_, queue, why):
                person.queue = queue
                if why != "to the front" and self.waits(person):
                    self.look_for_known(person)
            case CallBack(_):
                assert person.holds
                assert not person.called
                person.called = True
            case SendAway(_):
                assert not person.agents
                del self.people[decision.caller]
            case Suggest(_):
                assert self.waits(person)

    def nobody_is_passed_over(self, taken: Person, agent: str, offered: set[str]) -> None:
        for other in self.people.values():
            if other.caller.id in offered or not self.waits(other) or not self.fits(other, agent):
                continue
            assert taken.key < other.key, "somebody was passed over"
            if taken.front is None and taken.caller.kind is not Kind.WORK and other.caller.kind is not Kind.WORK:
                later = taken.caller.joined_at.timestamp() - other.caller.joined_at.timestamp()
                assert later <= HEAD_START_SECONDS[taken.caller.urgency], "the bound on starvation"

    def somebody(self, data: st.DataObject, wanted: Any = lambda person: True) -> Person | None:
        found = [id for id, person in self.people.items() if wanted(person)]
        return self.people[data.draw(st.sampled_from(found))] if found else None

    # -- callers

    def new_caller(self, **more: Any) -> Caller:
        self.numbers += 1
        number = self.numbers
        age = more.pop("age")
        return Caller(id=f"c{number}", place=number, joined_at=after(self.seconds - age), **more)

    def come(self, caller: Caller, attached: bool) -> CallerJoined:
        person = self.people[caller.id] = Person(caller, caller.queue, attached)
        if attached:
            self.look_for_known(person)
        return CallerJoined(caller, attached)

    @rule(
        queue=WHERE,
        needs=NEEDS,
        prefers=NEEDS,
        urgency=URGENCIES,
        known=KNOWN,
        kind=st.sampled_from([Kind.CALL, Kind.CALL, Kind.CALL, Kind.CALLBACK]),
        attached=st.sampled_from([True, True, False]),
        age=st.sampled_from([0, 0, 0, 25]),
    )
    def join(self, needs: list[Need], prefers: list[Need], known: str, attached: bool, **more: Any) -> None:
        caller = self.new_caller(needs=tuple(needs), prefers=tuple(prefers), known_agent=known, **more)
        self.tell(self.come(caller, attached))

    @rule(queue=st.sampled_from(sorted(QUEUES)), due=st.integers(0, 60))
    def work_comes(self, queue: str, due: int) -> None:
        caller = self.new_caller(queue=queue, kind=Kind.WORK, due_at=after(self.seconds + due), age=0)
        self.tell(self.come(caller, True))

    @rule(data=st.data())
    def attach(self, data: st.DataObject) -> None:
        if person := self.somebody(data, lambda person: not person.attached):
            if person.holds:
                person.hold_until = None
            person.attached, person.holds, person.called = True, False, False
            self.look_for_known(person)
            self.tell(CallerAttached(person.caller.id))

    @rule(data=st.data())
    def detach(self, data: st.DataObject) -> None:
        if person := self.somebody(data, lambda person: person.attached):
            self.tell(CallerDetached(person.caller.id))
            person.attached = False
            assert not person.agents

    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        if person := self.somebody(data):
            self.tell(CallerLeft(person.caller.id))
            assert not person.agents
            del self.people[person.caller.id]

    @rule(data=st.data(), queue=st.sampled_from(["", *sorted(QUEUES)]))
    def move(self, data: st.DataObject, queue: str) -> None:
        if person := self.somebody(data, lambda person: person.caller.kind is not Kind.WORK):
            if not queue:
                self.fronts += 1
                person.front = -1e12 - self.fronts
            self.tell(CallerMoved(person.caller.id, front=not queue, queue=queue))

    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        wanted = self.somebody(data, lambda person: not person.holds and person.caller.kind is not Kind.WORK)
        if wanted:
            ringing = set(wanted.agents)
            wanted.holds = True
            wanted.attached = False
            self.tell(CallerHolds(wanted.caller.id))
            assert not ringing & wanted.agents

    @rule(data=st.data(), again=st.sampled_from([None, 10, 100]))
    def callback_fails(self, data: st.DataObject, again: int | None) -> None:
        if person := self.somebody(data, lambda person: person.called):
            person.called = False
            if again is None:
                del self.people[person.caller.id]
            self.tell(CallbackFailed(person.caller.id, None if again is None else after(self.seconds + again)))

    # -- agents

    @rule(agent=AGENTS)
    def sign_in(self, agent: str) -> None:
        self.skills.setdefault(agent, SKILLS[agent])
        self.tell(AgentSignedIn(agent, SKILLS[agent]) if self.skills[agent] == SKILLS[agent] else ClockTicked())

    @precondition(lambda self: self.skills)
    @rule(data=st.data(), other=AGENTS)
    def learn(self, data: st.DataObject, other: str) -> None:
        agent = data.draw(st.sampled_from(sorted(self.skills)))
        if self.skills[agent] != SKILLS[other]:
            self.skills[agent] = SKILLS[other]
            self.forget_known(agent)
            self.tell(AgentSignedIn(agent, SKILLS[other]))

    @rule(agent=AGENTS, ago=st.integers(0, 60), busy=st.sampled_from([0.0, 0.5]))
    def ready(self, agent: str, ago: int, busy: float) -> None:
        self.tell(*self.is_ready(agent, ago, busy))

    def is_ready(self, agent: str, ago: int, busy: float) -> list[Event]:
        events: list[Event] = []
        if agent not in self.skills:
            self.skills[agent] = SKILLS[agent]
            events.append(AgentSignedIn(agent, SKILLS[agent]))
        if agent not in self.ringing():
            self.idle.add(agent)
            self.paused.discard(agent)
        return [*events, AgentReady(agent, after(self.seconds - ago), busy)]

    @rule(agent=AGENTS)
    def busy(self, agent: str) -> None:
        self.idle.discard(agent)
        self.paused.discard(agent)
        self.tell(AgentBusy(agent))

    @rule(agent=AGENTS)
    def pause(self, agent: str) -> None:
        self.idle.discard(agent)
        if agent in self.skills:
            self.paused.add(agent)
            self.forget_known(agent)
        self.tell(AgentPaused(agent))

    @rule(agent=AGENTS)
    def sign_out(self, agent: str) -> None:
        self.idle.discard(agent)
        self.paused.discard(agent)
        if self.skills.pop(agent, None):
            self.forget_known(agent)
        self.tell(AgentSignedOut(agent))

    # -- offers

    @rule(data=st.data(), works=st.booleans())
    def offer_ends(self, data: st.DataObject, works: bool) -> None:
        if not (person := self.somebody(data, lambda person: person.agents)):
            return
        agent = data.draw(st.sampled_from(sorted(person.agents)))
        person.agents.remove(agent)
        if not works:  # who paused while the phone rang is paused still
            if agent == person.caller.known_agent:
                person.hold_until = 0.0
            if self.waits(person):
                self.look_for_known(person)
            self.tell(OfferFailed(person.caller.id, agent))
            return
        self.paused.discard(agent)
        self.tell(OfferAnswered(person.caller.id, agent))
        assert not person.agents
        del self.people[person.caller.id]
        self.tell(CallEnded(person.caller.id, agent))

    # -- queues and time

    @rule(queue=st.sampled_from(sorted(QUEUES)), drain=st.booleans())
    def close(self, queue: str, drain: bool) -> None:
        self.tell(QueueClosed(queue, drain))

    @rule(queue=st.sampled_from(sorted(QUEUES)), other=st.booleans())
    def open(self, queue: str, other: bool) -> None:
        rules = OTHER_RULES if other and queue == "skilled" else QUEUES[queue]
        self.rules[queue] = rules
        for person in self.people.values():
            if person.queue == queue and self.waits(person):
                self.look_for_known(person)
        self.tell(QueueOpened(rules))

    @rule(seconds=st.sampled_from([0.5, 5, 20, 61]))
    def time_passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.tell(ClockTicked())

    @rule(
        agents=st.lists(AGENTS, unique=True, max_size=5),
        needs=st.lists(NEEDS, max_size=4),
        known=st.sampled_from(["", *sorted(SKILLS)]),
    )
    def many_at_once(self, agents: list[str], needs: list[list[Need]], known: str) -> None:
        events: list[Event] = []
        for agent in agents:
            events += self.is_ready(agent, 0, 0.0)
        for asked in needs:
            caller = self.new_caller(queue="plain", needs=tuple(asked), known_agent=known, age=0)
            events.append(self.come(caller, True))
        self.tell(*events, together=True)

    # -- what must always hold

    @invariant()
    def nobody_is_lost_and_every_queue_stands_by_class_and_arrival(self) -> None:
        assert len(self.engine) == len(self.people)
        for queue in QUEUES:
            calls = [p for p in self.people.values() if p.queue == queue and p.caller.kind is not Kind.WORK]
            expected = [person.caller.id for person in sorted(calls, key=lambda person: person.key)]
            assert [caller.id for caller in self.engine.waiting(queue)] == expected
            assert [self.engine.position(id) for id in expected] == list(range(1, len(expected) + 1))

    @invariant()
    def offers_are_the_same_from_both_sides(self) -> None:
        ringing = self.ringing()
        for person in self.people.values():
            assert {offer.agent for offer in self.engine.offers_to(person.caller.id)} == person.agents
            assert self.engine.is_attached(person.caller.id) == person.attached
            assert self.engine.wants_callback(person.caller.id) == person.holds
        for agent in SKILLS:
            assert self.engine.offered_caller(agent) == ringing.get(agent)

    @invariant()
    def no_idle_agent_and_waiting_caller_who_fit_are_left_apart(self) -> None:
        waiting = [person for person in self.people.values() if self.waits(person)]
        assert not [(p.caller.id, agent) for p in waiting for agent in self.idle if self.fits(p, agent)]
        assert {agent for agent in SKILLS if self.engine.is_idle(agent)} == self.idle

    @invariant()
    def nothing_that_is_due_is_left_undone(self) -> None:
        due = self.engine.next_deadline()
        assert due is None or due > after(self.seconds)

    def teardown(self) -> None:
        """The same events at the same times give the same decisions."""
        again = Engine()
        for events, seconds, together, decided in self.told:
            if together:
                assert again.handle_all(events, after(seconds)) == decided
            else:
                assert [d for event in events for d in again.handle(event, after(seconds))] == decided


EngineMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestEngine = EngineMachine.TestCase
