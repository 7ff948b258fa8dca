"""The engine's rules by examples: widening, the known agent, races, callbacks, work, overflow, whole sets."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from acd.engine.decisions import CallBack, Moved, SendAway, Suggest, Suggestion, Withdraw
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallbackFailed,
    CallerAttached,
    CallerDetached,
    CallerHolds,
    CallerMoved,
    ClockTicked,
    Kind,
    OfferAnswered,
    OfferFailed,
    QueueClosed,
    QueueOpened,
)
from acd.engine.explain import why_waiting
from acd.engine.queues import DEFAULT_QUEUES, Hours, Overflow, QueueRules, To, Urgency, When, Widening
from acd.engine.skills import Need
from tests.unit.acd.queueing import BOTH, HINDI, NOON, PLAIN, after, joins, needs, pairs, seat, tell, whys

pytestmark = pytest.mark.unit

KNOWING = QueueRules(name="plain", known_agent_seconds=30)
LAND = {**HINDI, "speciality:land": 7}


# -- widening


def test_what_a_queue_requires_is_dropped_and_lowered_by_waiting() -> None:
    rules = QueueRules(
        name="plain",
        widening=(Widening(after_seconds=20, drop=("speciality:",)), Widening(after_seconds=60, lower_to=2)),
    )
    queue = Engine([rules])
    tell(queue, seat("1001", {"language:hi": 2}))
    asked = (Need("language:hi", 5), Need("speciality:land"))
    assert tell(queue, joins("a", needs=asked)) == []
    assert queue.next_deadline() is not None
    assert tell(queue, ClockTicked(), at=20) == []
    assert pairs(tell(queue, ClockTicked(), at=60)) == [("a", "1001")]


def test_what_is_no_longer_required_is_preferred_still() -> None:
    queue = Engine([QueueRules(name="plain", widening=(Widening(after_seconds=20, drop=("speciality:",)),))])
    tell(queue, seat("plain", HINDI, idle_since=-99), joins("a", needs=needs("speciality:land")))
    tell(queue, OfferFailed("x", "x"), at=1)
    tell(queue, AgentPaused("plain"), at=2)
    tell(queue, ClockTicked(), at=30)
    decided = [*queue.handle_all([*seat("land", LAND), AgentReady("plain", after(-99))], after(31))]
    assert pairs(decided) == [("a", "land")]


def test_the_engine_says_when_the_clock_matters_next() -> None:
    queue = Engine([QueueRules(name="plain", widening=(Widening(after_seconds=20, drop=("language:",)),))])
    assert queue.next_deadline() is None
    tell(queue, seat("1001", {}), joins("a", needs=needs("language:hi")))
    due = queue.next_deadline()
    assert due is not None
    assert 20 <= (due - NOON).total_seconds() < 20.001
    assert pairs(queue.handle(ClockTicked(), due)) == [("a", "1001")]


# -- the known agent


def test_the_agent_who_knows_the_complaint_is_waited_for_and_then_anybody_will_do() -> None:
    queue = Engine([KNOWING])
    tell(queue, seat("other"), AgentSignedIn("knows", BOTH))
    assert tell(queue, joins("a", known_agent="knows")) == []
    assert tell(queue, ClockTicked(), at=29) == []
    assert pairs(tell(queue, ClockTicked(), at=30)) == [("a", "other")]


def test_the_agent_who_knows_the_complaint_has_the_caller_when_they_are_free_in_time() -> None:
    queue = Engine([KNOWING])
    tell(queue, seat("other"), AgentSignedIn("knows", BOTH), joins("a", known_agent="knows"))
    decided = tell(queue, AgentReady("knows", NOON), at=12)
    assert pairs(decided) == [("a", "knows")]
    assert whys(decided) == ["KNOWS"]


def test_waiting_for_the_known_agent_makes_nobody_else_wait() -> None:
    queue = Engine([KNOWING])
    tell(queue, AgentSignedIn("knows", BOTH), joins("early", 0), joins("known", 1, known_agent="knows"))
    assert pairs(tell(queue, AgentReady("knows", NOON), at=3)) == [("early", "knows")]


@pytest.mark.parametrize("gone", [AgentPaused("knows"), AgentSignedOut("knows"), AgentSignedIn("knows", {})])
def test_a_known_agent_who_pauses_leaves_or_does_not_fit_any_more_is_not_waited_for(gone: object) -> None:
    queue = Engine([KNOWING])
    tell(queue, seat("other"), AgentSignedIn("knows", BOTH))
    tell(queue, joins("a", known_agent="knows", needs=needs("language:hi")))
    assert pairs(tell(queue, gone, at=3)) == [("a", "other")]  # type: ignore[arg-type]


def test_two_who_wait_for_a_known_agent_who_pauses_are_both_served_by_others() -> None:
    queue = Engine([KNOWING])
    tell(queue, seat("1001"), seat("1002"), AgentSignedIn("knows", BOTH))
    tell(queue, joins("a", 1, known_agent="knows"), joins("b", 2, known_agent="knows"))
    assert {caller for caller, _ in pairs(tell(queue, AgentPaused("knows"), at=3))} == {"a", "b"}


def test_a_known_agent_who_did_not_take_the_offer_is_not_waited_for_again() -> None:
    queue = Engine([KNOWING])
    tell(queue, seat("knows"), joins("a", known_agent="knows"))
    tell(queue, OfferFailed("a", "knows"))
    assert pairs(tell(queue, seat("other"))) == [("a", "other")]


# -- races


def test_in_a_race_the_first_who_answers_has_the_caller_and_the_others_stop_ringing() -> None:
    queue = Engine([QueueRules(name="plain", race=2)])
    tell(queue, seat("1001"), seat("1002"), seat("1003"))
    decided = tell(queue, joins("a"))
    assert pairs(decided) == [("a", "1001"), ("a", "1002")]
    assert whys(decided) == ["LONGEST_IDLE", "RACE"]
    assert tell(queue, OfferAnswered("a", "1002")) == [Withdraw("a", "1001")]


def test_who_fails_in_a_race_is_replaced_and_the_caller_waits_again_only_when_all_failed() -> None:
    queue = Engine([QueueRules(name="plain", race=2)])
    tell(queue, seat("1001"), seat("1002"), seat("1003"), joins("a"))
    assert pairs(tell(queue, OfferFailed("a", "1001"))) == [("a", "1003")]
    assert tell(queue, OfferFailed("a", "1002"), OfferFailed("a", "1003")) == []
    assert pairs(tell(queue, seat("1004"))) == [("a", "1004")]


# -- callbacks


def test_a_caller_who_wants_to_be_called_back_moves_up_and_is_called_when_an_agent_is_free() -> None:
    queue = Engine([PLAIN])
    tell(queue, joins("a", 1), joins("held", 2), joins("b", 3), CallerHolds("held"))
    assert [queue.position(caller) for caller in ("a", "held", "b")] == [1, 2, 3]
    assert pairs(tell(queue, seat("1001"))) == [("a", "1001")]
    assert queue.position("held") == 2
    assert tell(queue, OfferAnswered("a", "1001"), at=1) == []
    assert queue.position("held") == 1
    assert pairs(tell(queue, seat("1002"), at=2)) == [("b", "1002")]
    assert tell(queue, seat("1003"), at=3) == [CallBack("held")]
    assert pairs(tell(queue, CallerAttached("held"), at=15)) == [("held", "1003")]


def test_a_callback_goes_out_ahead_of_time_when_agents_become_free_often_enough() -> None:
    queue = Engine([PLAIN])
    tell(queue, *(AgentSignedIn(f"{number}", BOTH) for number in range(60)))
    for number in range(60):  # one of them becomes free every second
        tell(queue, joins(f"x{number}"), AgentReady(f"{number}", after(number)), at=number)
        tell(queue, OfferAnswered(f"x{number}", f"{number}"), at=number)
        tell(queue, AgentReady(f"{number}", after(number)), at=number)
        tell(queue, joins(f"y{number}"), at=number)
        tell(queue, OfferAnswered(f"y{number}", f"{number}"), at=number)
    tell(queue, *(joins(f"ahead{number}", number) for number in range(3)), at=60)
    tell(queue, *(joins(f"a{number}0000", number + 60) for number in range(9)), at=70)
    decided = tell(queue, CallerHolds("a00000"), CallerHolds("a80000"), ClockTicked(), at=71)
    assert decided == [CallBack("a00000")], "3 are before the first, 11 before the other; 4 become free in 20 s"


def test_a_citizen_who_did_not_answer_is_rung_again_later_at_the_old_place_or_given_up() -> None:
    queue = Engine([PLAIN])
    tell(queue, seat("1001"), joins("other"), joins("held", attached=False))
    assert tell(queue, CallerHolds("held"), at=5) == []
    tell(queue, seat("1002"))
    assert queue.is_called_back("held")
    assert tell(queue, CallbackFailed("held", after(100)), ClockTicked(), at=20) == []
    assert tell(queue, ClockTicked(), at=99) == []
    assert tell(queue, ClockTicked(), at=101) == [CallBack("held")]
    assert tell(queue, CallbackFailed("held"), at=130) == []
    assert queue.caller("held") is None


def test_no_more_citizens_are_rung_at_once_than_agents_are_idle() -> None:
    queue = Engine([PLAIN])
    tell(queue, *(joins(f"c{number}", number, attached=False) for number in range(5)))
    tell(queue, *(CallerHolds(f"c{number}") for number in range(5)))
    assert tell(queue, seat("1001"), seat("1002")) == [CallBack("c0"), CallBack("c1")]


def wrapping(*, until: float) -> Engine:
    """Two citizens want to be called back; 1001 wraps up until then, 1002 talks."""
    queue = Engine([PLAIN])
    tell(queue, AgentSignedIn("1001", BOTH), AgentSignedIn("1002", BOTH))
    tell(queue, AgentBusy("1001", after(until)), AgentBusy("1002"))
    tell(queue, *(joins(f"c{number}", number, attached=False) for number in range(2)))
    assert tell(queue, *(CallerHolds(f"c{number}") for number in range(2))) == ([CallBack("c0")] if until <= 20 else [])
    return queue


def test_a_wrap_up_that_ends_while_the_citizen_is_rung_is_as_good_as_an_idle_agent() -> None:
    queue = wrapping(until=20)
    assert tell(queue, ClockTicked(), at=5) == []
    assert tell(queue, seat("1001"), at=20) == []
    assert tell(queue, AgentBusy("1002", after(30)), at=22) == []
    assert tell(queue, ClockTicked(), at=23) == [CallBack("c1")]


def test_a_wrap_up_that_lasts_longer_or_is_somebody_elses_who_waits_rings_nobody() -> None:
    queue = wrapping(until=60)
    tell(queue, joins("a", -5), at=30)
    assert tell(queue, ClockTicked(), at=41) == []
    assert tell(queue, AgentPaused("1001"), ClockTicked(), at=50) == []


# -- work


def test_work_waits_behind_all_live_callers_until_it_is_due_and_then_stands_as_if_it_came_then() -> None:
    queue = Engine([PLAIN])
    tell(queue, joins("work", kind=Kind.WORK, due_at=after(60)), joins("a", 30), joins("b", 61))
    assert queue.position("a") == 1, "work is no caller before them"
    assert pairs(tell(queue, seat("1001"), at=40)) == [("a", "1001")]
    tell(queue, ClockTicked(), at=60)
    assert pairs(tell(queue, seat("1002"), seat("1003"), at=70)) == [("work", "1002"), ("b", "1003")]


def test_work_is_given_to_whoever_is_idle() -> None:
    queue = Engine([PLAIN])
    tell(queue, seat("1001"))
    assert pairs(tell(queue, joins("work", kind=Kind.WORK, due_at=after(600)))) == [("work", "1001")]


# -- overflow, opening and closing


def flowing(*rules: Overflow, **more: object) -> Engine:
    return Engine([QueueRules(name="plain", overflow=rules, **more), QueueRules(name="other")])  # type: ignore[arg-type]


def test_by_length_who_comes_is_moved_and_who_waits_is_not() -> None:
    queue = flowing(Overflow(when=When.LENGTH, limit=2, to=To.QUEUE, queue="other"))
    assert tell(queue, joins("a", 1), joins("b", 2)) == []
    assert tell(queue, joins("c", 3)) == [Moved("c", "other", "too many wait")]
    assert [caller.id for caller in queue.waiting("other")] == ["c"]
    assert [caller.id for caller in queue.waiting()] == ["a", "b", "c"]


def test_a_caller_who_is_moved_meets_no_queue_twice() -> None:
    there = Overflow(when=When.WAIT, limit=10, to=To.QUEUE, queue="other")
    back = Overflow(when=When.WAIT, limit=20, to=To.QUEUE, queue="plain")
    queue = Engine([QueueRules(name="plain", overflow=(there,)), QueueRules(name="other", overflow=(back,))])
    tell(queue, joins("a"))
    assert tell(queue, ClockTicked(), at=10) == [Moved("a", "other", "waited too long")]
    assert tell(queue, ClockTicked(), ClockTicked(), at=30) == []


def test_by_wait_a_callback_is_suggested_once_and_the_caller_waits_on() -> None:
    queue = flowing(Overflow(when=When.WAIT, limit=60, to=To.CALLBACK))
    tell(queue, joins("a"))
    assert tell(queue, ClockTicked(), at=60) == [Suggest("a", Suggestion.CALLBACK)]
    assert tell(queue, ClockTicked(), at=600) == []
    assert pairs(tell(queue, seat("1001"), at=601)) == [("a", "1001")]


def test_a_rule_of_overflow_is_applied_once_though_the_caller_seeks_again() -> None:
    queue = flowing(Overflow(when=When.WAIT, limit=60, to=To.CALLBACK))
    tell(queue, joins("a"))
    assert tell(queue, ClockTicked(), at=60) == [Suggest("a", Suggestion.CALLBACK)]
    assert pairs(tell(queue, seat("1001"), at=70)) == [("a", "1001")]
    assert tell(queue, OfferFailed("a", "1001"), at=80) == []
    assert tell(queue, CallerDetached("a"), CallerAttached("a"), at=90) == []


def test_without_anybody_who_fits_a_caller_is_sent_away_at_once_also_when_the_last_one_leaves() -> None:
    queue = flowing(Overflow(when=When.NO_AGENTS, to=To.GOODBYE), required=needs("language:en"))
    tell(queue, seat("1001", HINDI))
    gone = SendAway("a", "nobody who fits is signed in")
    assert tell(queue, joins("a")) == [gone]
    tell(queue, AgentSignedIn("1002", BOTH), joins("b"), joins("c"))
    assert tell(queue, AgentSignedOut("1002")) == [SendAway(caller, gone.why) for caller in ("b", "c")]
    assert len(queue) == 0


def test_a_closed_queue_serves_those_who_wait_and_sends_away_who_comes() -> None:
    queue = Engine([PLAIN])
    tell(queue, joins("a", 1))
    assert tell(queue, QueueClosed("plain"), joins("b", 2)) == [SendAway("b", "the queue is closed")]
    assert pairs(tell(queue, seat("1001"))) == [("a", "1001")]
    tell(queue, QueueOpened(PLAIN), joins("c", 3))
    assert pairs(tell(queue, seat("1002"))) == [("c", "1002")]


def test_a_queue_that_is_closed_at_once_lets_those_who_wait_leave_a_message() -> None:
    queue = flowing(Overflow(when=When.CLOSED, to=To.MESSAGE))
    tell(queue, joins("a", 1), joins("later", 2, attached=False))
    assert tell(queue, QueueClosed("plain", drain=False)) == [Suggest("a", Suggestion.MESSAGE)]
    assert tell(queue, CallerAttached("later")) == [Suggest("later", Suggestion.MESSAGE)]


def test_hours_are_kept_by_the_clock_of_india_also_over_midnight() -> None:
    day = Hours(opens=time(7), closes=time(23))
    assert day.open_at(datetime(2026, 1, 5, 1, 30, tzinfo=UTC))
    assert not day.open_at(datetime(2026, 1, 5, 1, 29, tzinfo=UTC))
    assert day.next_change(datetime(2026, 1, 5, 1, 29, tzinfo=UTC)) == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    night = Hours(opens=time(23), closes=time(7))
    assert night.open_at(datetime(2026, 1, 4, 18, 0, tzinfo=UTC))
    assert night.next_change(datetime(2026, 1, 4, 18, 0, tzinfo=UTC)) == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    queue = Engine([QueueRules(name="plain", hours=Hours(opens=time(7), closes=time(17, 31)))])  # 12:01 UTC
    assert tell(queue, joins("a", 1), at=1) == []
    assert tell(queue, joins("b", 60), at=60) == [SendAway("b", "the queue is closed")]


def test_a_supervisor_moves_a_caller_to_the_front_or_to_another_queue_at_the_old_place() -> None:
    queue = Engine([PLAIN, QueueRules(name="other", required=needs("language:en"))])
    tell(queue, joins("a", 1), joins("b", 2), joins("c", 3))
    tell(queue, CallerMoved("c", front=True))
    assert [caller.id for caller in queue.waiting()] == ["c", "a", "b"]
    assert tell(queue, CallerMoved("b", queue="other")) == [Moved("b", "other", "by a supervisor")]
    assert pairs(tell(queue, seat("1", HINDI), seat("2", HINDI), seat("3", HINDI))) == [("c", "1"), ("a", "2")]


def test_new_rules_of_a_queue_count_for_those_who_wait_too() -> None:
    queue = Engine([QueueRules(name="plain", required=needs("language:en"))])
    tell(queue, seat("1001", HINDI), joins("a"))
    assert pairs(tell(queue, QueueOpened(QueueRules(name="plain")))) == [("a", "1001")]


# -- whole sets


def test_together_more_are_served_than_one_by_one() -> None:
    either, english = joins("either", 1, prefers=needs("language:en")), joins("english", 2, needs=needs("language:en"))
    events = [*seat("hindi", HINDI), *seat("both"), either, english]
    assert pairs(tell(Engine([PLAIN]), *events)) == [("either", "both")]
    decided = Engine([PLAIN]).handle_all(events, NOON)
    assert pairs(decided) == [("either", "hindi"), ("english", "both")]
    assert whys(decided) == ["WHOLE_SET", "WHOLE_SET"]


def test_the_default_queues_are_open_and_take_who_serves_them() -> None:
    queue = Engine(DEFAULT_QUEUES)
    everything = {f"service:{rules.name}": 5 for rules in DEFAULT_QUEUES}
    for rules in DEFAULT_QUEUES:
        tell(queue, joins(rules.name, queue=rules.name))
    tell(queue, seat("emergencies alone", {"service:emergency": 5}))
    assert queue.offered_caller("emergencies alone") == "emergency"
    tell(queue, *(seat(f"{number}", everything) for number in range(5)))
    assert sorted(queue.offered_caller(f"{number}") or "" for number in range(5)) == sorted(
        rules.name for rules in DEFAULT_QUEUES if rules.name != "emergency"
    )


# -- the document


def test_the_worked_example_of_the_document_is_what_the_engine_does() -> None:
    rules = next(rules for rules in DEFAULT_QUEUES if rules.name == "complaint")
    queue = Engine([rules])
    complaint = {"service:complaint": 5, "language:hi": 5}
    skills = {"1001": complaint, "1002": {**complaint, "language:en": 5}, "1003": {**complaint, "speciality:land": 7}}
    for agent in skills:
        tell(queue, AgentSignedIn(agent, skills[agent]), OfferAnswered(f"call of {agent}", agent))
    said = joins("A", 0, queue="complaint"), joins("B", 10, queue="complaint", needs=needs("language:en"))
    tell(queue, *said, joins("C", 20, queue="complaint", needs=needs("speciality:land")), at=20)
    tell(queue, joins("D", 180, queue="complaint", urgency=Urgency.VULNERABLE), at=180)
    assert [caller.id for caller in queue.waiting()] == ["D", "A", "B", "C"]
    assert pairs(tell(queue, AgentReady("1001", after(185)), at=185)) == [("D", "1001")]
    assert pairs(tell(queue, AgentReady("1003", after(190)), at=190)) == [("A", "1003")]
    text = (Path(__file__).parents[3] / "docs" / "queueing.md").read_text("utf-8")
    assert "\n".join(why_waiting(queue, "B", after(195))) in text
    assert tell(queue, OfferFailed("D", "1001"), AgentPaused("1001"), OfferAnswered("A", "1003"), at=200) == []
    assert [caller.id for caller in queue.waiting()] == ["D", "B", "C"]
    assert pairs(tell(queue, AgentReady("1002", after(205)), at=205)) == [("D", "1002")]
    assert pairs(tell(queue, AgentReady("1003", after(210)), at=210)) == [("C", "1003")]
    tell(queue, OfferAnswered("D", "1002"), at=211)
    assert pairs(tell(queue, AgentReady("1002", after(400)), at=400)) == [("B", "1002")]
