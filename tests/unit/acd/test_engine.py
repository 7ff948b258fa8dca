"""The engine by examples."""

from __future__ import annotations

import pytest

from acd.engine.decisions import Withdraw
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedOut,
    CallEnded,
    CallerAttached,
    CallerDetached,
    CallerLeft,
    ClockTicked,
    OfferAnswered,
    OfferFailed,
)
from acd.engine.queues import Urgency
from tests.unit.acd.queueing import HINDI, NOON, PLAIN, joins, needs, pairs, seat, tell, whys

pytestmark = pytest.mark.unit


def engine() -> Engine:
    return Engine([PLAIN])


def test_the_longest_idle_agent_is_rung_first() -> None:
    queue = engine()
    tell(queue, seat("1002", idle_since=-5), seat("1001", idle_since=-1), seat("1003", idle_since=-9))
    decided = tell(queue, joins("a", 1), joins("b", 2))
    assert pairs(decided) == [("a", "1003"), ("b", "1002")]
    assert whys(decided) == ["LONGEST_IDLE", "LONGEST_IDLE"]


def test_who_was_busy_for_more_of_the_shift_waits_longer_for_the_next_call() -> None:
    queue = engine()
    tell(queue, seat("busy", idle_since=-600, busy=0.9), seat("rested", idle_since=-60, busy=0.1))
    assert pairs(tell(queue, joins("a"), joins("b"))) == [("a", "rested"), ("b", "busy")]


def test_callers_are_taken_strictly_by_arrival() -> None:
    queue = engine()
    tell(queue, joins("late", 2), joins("early", 1))
    decided = tell(queue, seat("1001"), seat("1002"))
    assert pairs(decided) == [("early", "1001"), ("late", "1002")]
    assert whys(decided) == ["FIRST_IN_LINE", "FIRST_IN_LINE"]


@pytest.mark.parametrize(
    ("urgency", "minutes"),
    [(Urgency.EMERGENCY, 60), (Urgency.ESCALATED, 10), (Urgency.REPEAT, 5), (Urgency.VULNERABLE, 5)],
)
def test_an_urgent_caller_passes_those_who_came_less_than_the_head_start_before(urgency: Urgency, minutes: int) -> None:
    queue = engine()
    tell(queue, joins("long ago", -60 * minutes - 1), joins("since", -60 * minutes + 1))
    tell(queue, joins("urgent", 0, urgency=urgency))
    decided = tell(queue, seat("1001"), seat("1002"), seat("1003"))
    assert [caller for caller, _ in pairs(decided)] == ["long ago", "urgent", "since"]


def test_a_preferred_skill_is_matched_if_it_can_be() -> None:
    queue = engine()
    tell(queue, seat("1001", HINDI, idle_since=-9), seat("1002"))
    decided = tell(queue, joins("a", prefers=needs("language:en")), joins("b", prefers=needs("language:en")))
    assert pairs(decided) == [("a", "1002"), ("b", "1001")]
    assert whys(decided) == ["BEST_FIT", "LONGEST_IDLE"]


def test_of_those_who_fit_the_one_with_the_narrowest_skills_keeps_the_others_free() -> None:
    queue = engine()
    tell(queue, seat("both", idle_since=-9), seat("hindi", HINDI))
    decided = tell(queue, joins("a", needs=needs("language:hi")))
    assert pairs(decided) == [("a", "hindi")]
    assert whys(decided) == ["NARROWEST"]


def test_a_required_skill_is_waited_for_and_holds_up_nobody() -> None:
    queue = engine()
    tell(queue, joins("english", 1, needs=needs("language:en")), joins("hindi", 2))
    assert pairs(tell(queue, seat("1001", HINDI))) == [("hindi", "1001")]
    assert pairs(tell(queue, seat("1002"))) == [("english", "1002")]


def test_after_a_failed_offer_the_next_agent_is_tried_at_once_at_the_old_place() -> None:
    queue = engine()
    tell(queue, seat("1001"), joins("a", 1), joins("b", 2))
    assert queue.position("a") == 1
    assert tell(queue, OfferFailed("a", "1001")) == []
    assert [queue.position("a"), queue.position("b")] == [1, 2]
    assert pairs(tell(queue, seat("1002"))) == [("a", "1002")]


def test_an_agent_who_did_not_answer_is_not_offered_again_until_ready() -> None:
    queue = engine()
    tell(queue, seat("1001"), joins("a", 1))
    assert tell(queue, OfferFailed("a", "1001"), AgentPaused("1001"), ClockTicked()) == []
    assert pairs(tell(queue, AgentReady("1001", NOON))) == [("a", "1001")]


def test_an_agent_who_is_ready_while_their_phone_rings_is_given_nobody_else() -> None:
    queue = engine()
    tell(queue, seat("1001"), joins("a", 1), joins("b", 2))
    assert tell(queue, AgentReady("1001", NOON), AgentSignedOut("1001"), seat("1001")) == []
    assert tell(queue, OfferAnswered("a", "1001")) == []
    assert pairs(tell(queue, AgentReady("1001", NOON))) == [("b", "1001")]


def test_a_caller_who_leaves_takes_the_offer_along() -> None:
    queue = engine()
    tell(queue, seat("1001"), joins("a", 1))
    assert tell(queue, CallerLeft("a")) == [Withdraw("a", "1001")]
    assert queue.offered_caller("1001") is None
    assert len(queue) == 0


def test_a_detached_caller_holds_the_place_and_is_not_offered() -> None:
    queue = engine()
    tell(queue, joins("a", 1), joins("b", 2), CallerDetached("a"))
    assert queue.position("b") == 2
    assert pairs(tell(queue, seat("1001"))) == [("b", "1001")]
    assert tell(queue, CallerAttached("a")) == []
    assert pairs(tell(queue, seat("1002"))) == [("a", "1002")]


def test_a_call_that_was_not_offered_makes_the_agent_busy_too() -> None:
    queue = engine()
    tell(queue, seat("1001"), OfferAnswered("transferred", "1001"))
    assert tell(queue, joins("a")) == []
    assert pairs(tell(queue, CallEnded("transferred", "1001"), AgentReady("1001", NOON))) == [("a", "1001")]


def test_news_of_strangers_changes_nothing() -> None:
    queue = engine()
    of_callers = (
        CallerLeft("x"),
        CallerAttached("x"),
        CallerDetached("x"),
        OfferFailed("x", "1"),
        OfferAnswered("x", "1"),
    )
    of_agents = AgentSignedOut("1009"), AgentBusy("1009"), AgentPaused("1009"), AgentReady("1009", NOON)
    assert tell(queue, *of_callers, *of_agents) == []
    assert queue.position("x") is None
