"""What is said of a waiting caller and of an agent is what the engine holds."""

from __future__ import annotations

import pytest

from acd.engine.decisions import Offer
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentPaused,
    AgentSignedIn,
    CallbackFailed,
    CallerDetached,
    CallerHolds,
    CallerMoved,
    ClockTicked,
    Kind,
    OfferAnswered,
)
from acd.engine.explain import why_agent, why_chosen, why_waiting
from acd.engine.queues import Overflow, QueueRules, To, Urgency, When, Widening
from acd.engine.skills import Need
from tests.unit.acd.queueing import BOTH, HINDI, PLAIN, after, joins, needs, seat, tell

pytestmark = pytest.mark.unit

RULES = QueueRules(
    name="plain",
    known_agent_seconds=30,
    widening=(Widening(after_seconds=45, drop=("language:",)),),
    overflow=(
        Overflow(when=When.WAIT, limit=120, to=To.CALLBACK),
        Overflow(when=When.NO_AGENTS, limit=180, to=To.GOODBYE),
        Overflow(when=When.WAIT, limit=300, to=To.QUEUE, queue="other"),
    ),
)


def test_a_caller_for_whom_nobody_fits_hears_who_lacks_what_and_what_changes_when() -> None:
    engine = Engine([RULES])
    tell(
        engine,
        seat("1001", HINDI),
        AgentSignedIn("1002", {"language:en": 2}),
        joins("early", 0, needs=needs("language:ur")),
    )
    tell(engine, joins("a", 3, needs=(Need("language:en", 4),), prefers=needs("speciality:land")))
    tell(engine, AgentSignedIn("1003", {}), AgentPaused("1003"))
    assert why_waiting(engine, "a", after(13)) == [
        "Position 2 in the queue plain, since 10 s.",
        "The agent must have language:en at level 4 or above.",
        "Rather one with speciality:land.",
        "Nobody who fits is signed in.",
        "Nobody who is signed in has language:en at level 4 or above.",
        "Nobody before them may take an agent who fits: the next who fits and is free is theirs.",
        "At 12:00:48 (in 35 s) language:en at level 4 or above is only preferred; still required: nothing.",
        "At 12:02:03 (in 1 min 50 s) a callback is suggested to them.",
        "At 12:03:03 (in 2 min 50 s), if nobody who fits is signed in, they are let go.",
        "At 12:05:03 (in 4 min 50 s) they go on to the queue other at the old place.",
    ]


def test_who_is_ahead_is_who_may_take_the_same_agents() -> None:
    engine = Engine([PLAIN])
    tell(engine, AgentSignedIn("1001", BOTH), AgentSignedIn("1002", HINDI), OfferAnswered("x", "1001"))
    tell(engine, joins("urdu", 1, needs=needs("language:ur")), joins("any", 2))
    tell(engine, joins("repeat", 4, urgency=Urgency.REPEAT), joins("en", 3, needs=needs("language:en")))
    lines = why_waiting(engine, "en", after(5))
    assert "2 before them may take an agent who fits: repeat, any." in lines
    assert "Signed in and fitting: 1001 (has x)." in lines
    assert "As repeat, they stand as if they had come 5 min earlier." in why_waiting(engine, "repeat", after(5))
    tell(engine, CallerMoved("any", front=True))
    assert "A supervisor moved them to the front." in why_waiting(engine, "any", after(5))


def test_a_skill_that_some_have_who_lack_another_is_told_with_what_they_lack() -> None:
    engine = Engine([PLAIN])
    tell(engine, seat("1001", HINDI), joins("a", needs=needs("language:hi", "speciality:land")))
    lines = why_waiting(engine, "a", after(1))
    assert "language:hi have 1001 (lacks speciality:land)." in lines
    assert "Nobody who is signed in has speciality:land." in lines


def test_waiting_for_the_known_agent_is_told_with_its_end() -> None:
    engine = Engine([RULES])
    tell(engine, seat("other"), AgentSignedIn("1007", BOTH), joins("a", known_agent="1007"))
    lines = why_waiting(engine, "a", after(10))
    until = "until 12:00:30 (in 20 s); then anybody who fits will do."
    assert f"They wait for 1007 (busy) alone, who knows the complaint, {until}" in lines
    assert "Nobody before them may take an agent who fits." in lines
    assert "Waiting for 1007 alone, who knows the complaint: a." in why_agent(engine, "1007", after(10))
    tell(engine, ClockTicked(), at=31)
    assert not [line for line in why_waiting(engine, "a", after(31)) if "alone" in line]


def test_offers_are_told_with_their_reason_from_both_sides() -> None:
    engine = Engine([PLAIN])
    tell(engine, seat("1001"), seat("1002"))
    (offer,) = tell(engine, joins("a"), at=5)
    assert isinstance(offer, Offer)
    assert why_chosen(offer) == "1001 for a: longest idle of those who fit."
    told = "since 12:00:05: longest idle of those who fit."
    assert f"The phone of 1001 rings for them {told}" in why_waiting(engine, "a", after(6))
    assert why_agent(engine, "1001", after(6))[0] == f"The phone rings for a {told}"


def test_an_idle_agent_is_told_what_those_who_wait_need_and_who_is_taken_before() -> None:
    engine = Engine([PLAIN])
    tell(engine, joins("a", needs=needs("language:en")))
    tell(engine, seat("1001", HINDI, idle_since=-60), seat("1002", HINDI, busy=0.5))
    assert why_agent(engine, "1002", after(1)) == [
        "1002 is idle since 12:00:00: nobody who can be offered now fits.",
        "a waits for one with language:en, which 1002 lacks.",
        "Of 2 idle with the same skills, 1 are taken first: by idle time, less 7 min 30 s for 50% of the shift busy.",
        "Skills: language:hi 5.",
    ]


def test_every_other_state_of_an_agent_has_its_words() -> None:
    engine = Engine([PLAIN])
    assert why_agent(engine, "1001", after(0)) == ["1001 is not signed in."]
    tell(engine, AgentSignedIn("1001", {}))
    assert why_agent(engine, "1001", after(0)) == [
        "1001 is not ready: nobody is offered until they are.",
        "Skills: none.",
    ]
    tell(engine, AgentPaused("1001"))
    assert why_agent(engine, "1001", after(0))[0] == "1001 is paused, or the phone is away: nobody is offered."
    tell(engine, OfferAnswered("x", "1001"))
    assert why_agent(engine, "1001", after(0))[0] == "1001 has x."


def test_every_other_state_of_a_caller_has_its_words() -> None:
    engine = Engine([PLAIN])
    assert why_waiting(engine, "a", after(0)) == ["a is not in line: answered, gone, or never here."]
    tell(engine, joins("a"), CallerDetached("a"))
    assert "the place is held, nobody is offered." in why_waiting(engine, "a", after(0))[1]
    tell(engine, CallerHolds("a"))
    assert why_waiting(engine, "a", after(0))[1].startswith("They are to be called back when fewer stand before them")
    tell(engine, seat("1001"))
    assert why_waiting(engine, "a", after(0))[1] == "We ring them now: their place was due."
    tell(engine, CallbackFailed("a", after(60)))
    assert why_waiting(engine, "a", after(0))[1] == (
        "They did not answer our call; they are rung again from 12:01:00 (in 1 min) on, at the old place."
    )


def test_work_is_told_until_when_all_calls_go_first() -> None:
    engine = Engine([PLAIN])
    tell(engine, joins("work", kind=Kind.WORK, due_at=after(60)))
    assert why_waiting(engine, "work", after(1))[:2] == [
        "A piece of work in the queue plain, since 1 s.",
        "All live callers go before it until 12:01:00 (in 59 s); then it stands as if just come.",
    ]


def test_a_caller_who_was_moved_is_told_from_where() -> None:
    engine = Engine([PLAIN, QueueRules(name="other")])
    tell(engine, joins("a"), CallerMoved("a", queue="other"))
    assert why_waiting(engine, "a", after(1))[:2] == [
        "Position 1 in the queue other, since 1 s.",
        "Came to the queue plain and was moved here at the old place.",
    ]
