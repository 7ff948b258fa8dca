"""The engine under examples, random events and load."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from acd.engine import (
    AgentGone,
    AgentReady,
    CallerAttached,
    CallerDetached,
    CallerJoined,
    CallerLeft,
    Decision,
    Engine,
    Event,
    Offer,
    OfferAnswered,
    OfferFailed,
    Withdraw,
)
from acd.matching import Caller, IdleAgent

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def joins(id: str, place: int, **more: Any) -> CallerJoined:
    return CallerJoined(Caller(id=id, place=place, language=more.pop("language", "hi"), **more))


def ready(id: str, minute: int = 0, languages: tuple[str, ...] = ("hi", "en")) -> AgentReady:
    return AgentReady(IdleAgent(id=id, languages=languages, since=NOON + timedelta(minutes=minute)))


def decisions(engine: Engine, *events: Event) -> list[Decision]:
    return [decision for event in events for decision in engine.handle(event, NOON)]


def pairs(decided: list[Decision]) -> list[tuple[str, str]]:
    return [(decision.caller, decision.agent) for decision in decided if isinstance(decision, Offer)]


def test_the_longest_idle_agent_is_rung_first() -> None:
    engine = Engine()
    decided = decisions(engine, ready("1002", 5), ready("1001", 9), ready("1003", 1), joins("a", 1), joins("b", 2))
    assert pairs(decided) == [("a", "1003"), ("b", "1002")]


def test_callers_are_taken_strictly_by_arrival() -> None:
    engine = Engine()
    decisions(engine, joins("late", 2), joins("early", 1))
    assert pairs(decisions(engine, ready("1001"), ready("1002"))) == [("early", "1001"), ("late", "1002")]


def test_an_urgent_caller_goes_before_earlier_ordinary_ones() -> None:
    engine = Engine()
    decisions(engine, joins("ordinary", 1, priority=5), joins("urgent", 2, priority=0))
    assert pairs(decisions(engine, ready("1001"))) == [("urgent", "1001")]


def test_a_preferred_language_is_matched_if_it_can_be() -> None:
    engine = Engine()
    decisions(engine, ready("1001", 0, ("hi",)), ready("1002", 5, ("hi", "en")))
    assert pairs(decisions(engine, joins("english", 1, language="en"))) == [("english", "1002")]
    assert pairs(decisions(engine, joins("another", 2, language="en"))) == [("another", "1001")]


def test_a_required_language_waits_for_an_agent_who_speaks_it_and_holds_up_nobody() -> None:
    engine = Engine()
    decisions(engine, joins("english", 1, language="en", required=True), joins("hindi", 2))
    assert pairs(decisions(engine, ready("1001", 0, ("hi",)))) == [("hindi", "1001")]
    assert pairs(decisions(engine, ready("1002", 0, ("en",)))) == [("english", "1002")]


def test_after_a_failed_offer_the_next_agent_is_tried_at_once_at_the_old_place() -> None:
    engine = Engine()
    decisions(engine, ready("1001"), joins("a", 1), joins("b", 2))
    assert engine.position("a") == 1
    assert decisions(engine, OfferFailed("a")) == []
    assert [engine.position("a"), engine.position("b")] == [1, 2]
    assert pairs(decisions(engine, ready("1002"))) == [("a", "1002")]


def test_an_agent_who_did_not_answer_is_not_offered_again_until_ready() -> None:
    engine = Engine()
    decisions(engine, ready("1001"), joins("a", 1))
    assert decisions(engine, OfferFailed("a")) == []
    assert pairs(decisions(engine, ready("1001"))) == [("a", "1001")]


def test_a_caller_who_leaves_takes_the_offer_along() -> None:
    engine = Engine()
    decisions(engine, ready("1001"), joins("a", 1))
    assert decisions(engine, CallerLeft("a")) == [Withdraw("a", "1001")]
    assert engine.offered_caller("1001") is None
    assert len(engine) == 0


def test_a_detached_caller_holds_the_place_and_is_not_offered() -> None:
    engine = Engine()
    decisions(engine, joins("a", 1), joins("b", 2), CallerDetached("a"))
    assert engine.position("b") == 2
    assert pairs(decisions(engine, ready("1001"))) == [("b", "1001")]
    assert decisions(engine, CallerAttached("a")) == []
    assert pairs(decisions(engine, ready("1002"))) == [("a", "1002")]


def test_news_of_strangers_changes_nothing() -> None:
    engine = Engine()
    strangers = CallerLeft("x"), CallerAttached("x"), CallerDetached("x"), OfferFailed("x"), OfferAnswered("x")
    assert decisions(engine, *strangers, AgentGone("1009")) == []
    assert engine.position("x") is None


AGENTS = ["1001", "1002", "1003", "1004"]
LANGUAGES = {"1001": ("hi",), "1002": ("hi", "en"), "1003": ("en",), "1004": ("hi", "en")}


class EngineMachine(RuleBasedStateMachine):
    """Any events in any order, against what must always hold."""

    callers = Bundle("callers")

    @initialize()
    def begin(self) -> None:
        self.engine = Engine()
        self.now = NOON
        self.places = 0
        self.inside: dict[str, Caller] = {}
        self.attached: set[str] = set()
        self.idle: dict[str, datetime] = {}
        self.offers: dict[str, str] = {}
        self.names = 0

    def tell(self, event: Event) -> None:
        self.now += timedelta(seconds=1)
        for decision in self.engine.handle(event, self.now):
            if isinstance(decision, Withdraw):
                assert self.offers.pop(decision.caller) == decision.agent
                continue
            caller = self.inside[decision.caller]
            assert decision.caller in self.attached
            assert decision.caller not in self.offers, "two offers for one caller"
            assert decision.agent not in self.offers.values(), "two offers for one agent"
            assert fits(caller, decision.agent)
            ahead = [
                other
                for other in self.inside.values()
                if other.key < caller.key
                and other.id in self.attached
                and other.id not in self.offers
                and fits(other, decision.agent)
            ]
            assert not ahead, "somebody was passed over"
            if not isinstance(event, AgentReady):
                assert decision.agent == best(caller, self.idle)
            del self.idle[decision.agent]
            self.offers[decision.caller] = decision.agent

    @rule(
        target=callers,
        language=st.sampled_from(["hi", "en"]),
        required=st.booleans(),
        priority=st.integers(0, 2),
        attached=st.booleans(),
    )
    def join(self, language: str, required: bool, priority: int, attached: bool) -> str:
        self.names += 1
        self.places += 1
        caller = Caller(id=f"c{self.names}", place=self.places, language=language, required=required, priority=priority)
        self.inside[caller.id] = caller
        if attached:
            self.attached.add(caller.id)
        self.tell(CallerJoined(caller, attached))
        return caller.id

    @rule(caller=callers)
    def attach(self, caller: str) -> None:
        if caller in self.inside:
            self.attached.add(caller)
        self.tell(CallerAttached(caller))

    @rule(caller=callers)
    def detach(self, caller: str) -> None:
        self.attached.discard(caller)
        self.tell(CallerDetached(caller))
        assert caller not in self.offers

    @rule(caller=consumes(callers))
    def leave(self, caller: str) -> None:
        self.tell(CallerLeft(caller))
        self.inside.pop(caller, None)
        self.attached.discard(caller)
        assert caller not in self.offers

    @rule(caller=callers)
    def answer(self, caller: str) -> None:
        if caller in self.offers:
            del self.offers[caller]
            del self.inside[caller]
            self.attached.discard(caller)
            self.tell(OfferAnswered(caller))

    @rule(caller=callers)
    def fail(self, caller: str) -> None:
        if caller in self.offers:
            del self.offers[caller]
            self.tell(OfferFailed(caller))

    @rule(agent=st.sampled_from(AGENTS))
    def agent_ready(self, agent: str) -> None:
        if agent not in self.offers.values():
            self.idle[agent] = self.now
        self.tell(AgentReady(IdleAgent(id=agent, languages=LANGUAGES[agent], since=self.idle.get(agent, self.now))))

    @rule(agent=st.sampled_from(AGENTS))
    def agent_gone(self, agent: str) -> None:
        self.idle.pop(agent, None)
        self.tell(AgentGone(agent))

    @invariant()
    def nobody_is_lost_and_the_order_is_by_class_and_arrival(self) -> None:
        assert [caller.id for caller in self.engine.waiting()] == [
            caller.id for caller in sorted(self.inside.values(), key=lambda caller: caller.key)
        ]
        for number, caller in enumerate(self.engine.waiting(), start=1):
            assert self.engine.position(caller.id) == number

    @invariant()
    def offers_are_the_same_from_both_sides(self) -> None:
        assert len(set(self.offers.values())) == len(self.offers)
        for caller, agent in self.offers.items():
            assert self.engine.offered_caller(agent) == caller
            offer = self.engine.offer_to(caller)
            assert offer is not None
            assert offer.agent == agent

    @invariant()
    def no_idle_agent_and_waiting_caller_who_fit_are_left_apart(self) -> None:
        free = [
            caller for caller in self.inside.values() if caller.id in self.attached and caller.id not in self.offers
        ]
        assert not [(caller.id, agent) for caller in free for agent in self.idle if fits(caller, agent)]
        assert all(self.engine.is_idle(agent) == (agent in self.idle) for agent in AGENTS)


def fits(caller: Caller, agent: str) -> bool:
    return not caller.required or caller.language in LANGUAGES[agent]


def best(caller: Caller, idle: dict[str, datetime]) -> str:
    """The rule, written the slow way."""
    speaking = [agent for agent in idle if caller.language in LANGUAGES[agent]]
    return sorted(speaking or idle, key=lambda agent: (idle[agent], agent))[0]


EngineMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestEngine = EngineMachine.TestCase


def test_an_event_is_decided_within_a_millisecond_at_full_size() -> None:
    engine = Engine()
    for place in range(5000):
        engine.handle(joins(f"c{place}", place, language="en" if place % 5 else "hi", required=place % 7 == 0), NOON)
    took = []

    def timed(event: Event) -> list[Decision]:
        began = time.thread_time()
        decided = engine.handle(event, NOON)
        took.append(time.thread_time() - began)
        return decided

    for number in range(1000):
        for decision in timed(ready(f"{number + 1000}", number)):
            timed(OfferFailed(decision.caller) if number % 3 else OfferAnswered(decision.caller))
        timed(joins(f"d{number}", 5000 + number))
        timed(CallerLeft(f"c{4999 - number}"))
    took.sort()
    assert took[int(len(took) * 0.99)] < 0.001
