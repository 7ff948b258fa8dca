"""What happens to a complaint, told as short stories on the values; in offices that never rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from grievance_core.errors import NotAllowed
from grievance_core.life import due_event, register
from grievance_core.lifecycle import EventKind, State, decision_event, extension_event, objection_event, transfer_event
from grievance_core.numbers import SERIALS, number_for
from grievance_core.officers import LEADERSHIP
from grievance_core.rules import Policy
from grievance_core.testing import NOON, a_draft
from tests.unit.grievance_core.stories import NUMBER, RULES, Story, fresh

pytestmark = pytest.mark.unit


def with_level(level: int, category: str = "HOM-01") -> Story:
    story = Story(fresh(category))
    while story.complaint.level < level:
        story.time_runs_out()
    return story


def kinds(story: Story) -> list[str]:
    return [event.kind.value for event in story.events]


# The way up


def test_a_complaint_is_with_its_l1_officer_from_the_start() -> None:
    complaint, events = register(a_draft(category="HOM-01"), number=NUMBER, at=NOON, rules=RULES)
    assert (complaint.state, complaint.level, complaint.post) == (State.WITH_OFFICER, 1, "HOM/162/circle-officer")
    assert complaint.due_at == complaint.clock_ends_at == NOON + timedelta(days=3)
    assert [event.kind for event in events] == [EventKind.REGISTERED, EventKind.ASSIGNED]
    assert [event.seq for event in events] == [1, 2]
    assert (complaint.version, events[1].due_at) == (2, complaint.due_at)


def test_a_complaint_refused_again_and_again_goes_back_once_then_up_to_l4_and_stays_there() -> None:
    story = Story()
    seen = []
    for _ in range(6):
        story.report().answer(satisfied=False)
        seen.append(story.now)
    assert seen == [
        (State.UNDER_REVIEW, 1),
        (State.ESCALATED, 2),
        (State.ESCALATED, 3),
        (State.ESCALATED, 4),
        (State.UNDER_REVIEW, 4),
        (State.UNDER_REVIEW, 4),
    ]
    assert story.report().answer(satisfied=True).now == (State.CLOSED_SATISFIED, 4)


def test_the_review_is_by_the_same_officer() -> None:
    story = Story()
    first = story.complaint.post
    assert story.report().answer(satisfied=False).complaint.post == first


def test_an_officer_is_warned_at_half_and_at_four_fifths_and_then_loses_the_complaint() -> None:
    story = Story().wait(days=1.5).clock_strikes()
    assert (story.complaint.warned, [event.amount for event in story.events]) == (50, [50])
    story.wait(hours=21.5).clock_strikes()
    assert story.complaint.warned == 50
    story.wait(hours=0.2).clock_strikes()
    assert (story.complaint.warned, story.now) == (80, (State.WITH_OFFICER, 1))
    story.wait(hours=15).clock_strikes()
    assert story.now == (State.ESCALATED, 2)
    assert story.complaint.warned == 0
    assert kinds(story) == ["warned", "warned", "time_ran_out"]


def test_a_sweep_that_comes_late_warns_once_with_the_higher_share() -> None:
    story = Story().wait(days=2.9).clock_strikes()
    assert [(event.kind, event.amount) for event in story.events] == [(EventKind.WARNED, 80)]


def test_l4_that_lets_its_time_run_out_is_flagged_once() -> None:
    story = with_level(4).wait(days=8).clock_strikes()
    assert story.now == (State.ESCALATED, 4)
    assert story.complaint.overdue
    assert due_event(story.complaint, story.wait(days=100).clock(), rules=RULES) is None


def test_a_demand_rises_no_further_than_l2_and_is_closed_by_the_answer() -> None:
    demand, _ = register(replace(a_draft(), kind="demand"), number=NUMBER, at=NOON, rules=RULES)
    story = Story(demand).time_runs_out().time_runs_out()
    assert story.now == (State.ESCALATED, 2)
    assert story.complaint.overdue
    assert story.do(EventKind.ANSWERED).now == (State.CLOSED_ANSWERED, 2)


def test_information_that_was_given_is_closed_at_once() -> None:
    given, events = register(replace(a_draft(), kind="information"), number=NUMBER, at=NOON, rules=RULES)
    assert (given.state, given.post, given.closed_at) == (State.CLOSED_ANSWERED, None, NOON)
    assert [event.kind for event in events] == [EventKind.REGISTERED, EventKind.ANSWERED]


def test_a_complaint_against_the_officer_it_would_go_to_goes_a_level_up_and_past_l4_to_the_leadership() -> None:
    accused = fresh("HOM-01").post
    up, events = register(replace(a_draft(category="HOM-01"), accused=accused), number=NUMBER, at=NOON, rules=RULES)
    assert (up.level, up.post, up.flags) == (2, with_level(2).complaint.post, "against_officer")
    assert events[1].flags == "against_officer"
    top = with_level(4).complaint.post
    story = Story(register(replace(a_draft(category="HOM-01"), accused=top), number=NUMBER, at=NOON, rules=RULES)[0])
    story.time_runs_out().time_runs_out().time_runs_out()
    assert (story.complaint.post, story.complaint.level) == (LEADERSHIP, 4)


# The clock


def test_the_clock_stands_still_while_feedback_is_awaited_and_then_runs_on() -> None:
    story = Story().wait(days=2).report()
    due_at = story.complaint.due_at
    assert story.complaint.clock_ends_at is None
    assert due_event(story.wait(days=30).complaint, story.clock(), rules=RULES) is None
    story.answer(satisfied=False)
    assert story.complaint.due_at == due_at == NOON + timedelta(days=3)
    assert story.complaint.clock_ends_at == story.clock() + timedelta(days=1)


def test_a_second_wait_adds_to_the_first_and_a_new_level_starts_afresh() -> None:
    story = Story(fresh("ENE-05")).report().wait(days=10).answer(satisfied=False)
    story.report().wait(days=4)
    assert story.complaint.waited == timedelta(days=10)
    story.answer(satisfied=False)
    assert (story.complaint.level, story.complaint.waited, story.complaint.stopped_at) == (2, timedelta(), None)


def test_a_clock_set_back_takes_no_time_from_the_officer() -> None:
    story = Story().report().wait(days=-1).answer(satisfied=False)
    assert story.complaint.clock_ends_at == story.complaint.due_at


@pytest.mark.parametrize(
    "kind",
    [EventKind.COMMENTED, EventKind.REMINDED, EventKind.ATTACHED, EventKind.QUESTION_ASKED, EventKind.PRESSED],
)
def test_nothing_that_is_only_noted_moves_the_due_time(kind: EventKind) -> None:
    story = Story().wait(days=1)
    before = story.complaint
    after = story.do(kind).complaint
    assert (after.due_at, after.ends_at, after.sweep_at) == (before.due_at, before.ends_at, before.sweep_at)


def test_an_extension_moves_the_due_time_once_and_only_from_above() -> None:
    story = Story().wait(days=2.9).clock_strikes()
    story.do(extension_event(level=1, by_level=2, extended_before=0), amount=2, by_level=2)
    assert story.complaint.due_at == story.complaint.clock_ends_at == NOON + timedelta(days=5)
    with pytest.raises(NotAllowed, match="extended already"):
        story.do(extension_event(level=1, by_level=2, extended_before=story.complaint.extended))
    with pytest.raises(NotAllowed, match="higher level"):
        story.do(extension_event(level=1, by_level=1, extended_before=0))
    story.time_runs_out()
    assert (story.now, story.complaint.extended) == ((State.ESCALATED, 2), 0)


def test_warnings_come_at_shares_of_the_extended_time() -> None:
    story = Story().do(EventKind.EXTENDED, amount=2, by_level=2)  # five days instead of three
    assert story.wait(days=2.4).clock_strikes().complaint.warned == 0
    assert story.wait(days=0.2).clock_strikes().complaint.warned == 50


def test_a_transfer_moves_the_department_and_not_the_due_time() -> None:
    story = Story().wait(days=1)
    due_at = story.complaint.due_at
    for other in ("REV-01", "ENE-05"):
        transfers = story.complaint.transfers
        story.do(transfer_event(transfers_before=transfers, most=2, by_supervisor=False), about=other)
    assert (story.complaint.department, story.complaint.due_at, story.complaint.level) == ("ENE", due_at, 1)
    assert story.complaint.post is not None
    assert story.complaint.post.startswith("ENE/162/")
    with pytest.raises(NotAllowed, match="supervisor decides"):
        story.do(transfer_event(transfers_before=2, most=2, by_supervisor=False), about="HOM-01")
    assert story.do(transfer_event(transfers_before=2, most=2, by_supervisor=True), about="HOM-01").now[1] == 1


# Whoever is not reached


def test_not_reached_never_counts_as_satisfied_and_goes_to_the_superior_after_the_span() -> None:
    story = Story().report()
    for _ in range(6):
        story.do(EventKind.FEEDBACK_MISSED).wait(days=3).clock_strikes()
    assert story.now == (State.AWAITING_FEEDBACK, 1)
    assert (story.complaint.missed, story.complaint.ask_at) == (6, story.clock())
    story.wait(days=3).clock_strikes()
    assert story.now == (State.WITH_SUPERIOR, 2)
    assert story.complaint.ask_at is None
    assert story.complaint.feedback_wanted
    assert story.answer(satisfied=True).now == (State.CLOSED_SATISFIED, 2)


def test_one_whom_nobody_tried_to_ring_is_not_given_up() -> None:
    story = Story().report().wait(days=300).clock_strikes()
    assert story.now == (State.AWAITING_FEEDBACK, 1)


def test_a_withheld_number_that_nobody_can_ring_goes_to_the_superior_after_the_span() -> None:
    withheld, _ = register(replace(a_draft(), caller=""), number=NUMBER, at=NOON, rules=RULES)
    assert Story(withheld).report().wait(days=22).clock_strikes().now == (State.WITH_SUPERIOR, 2)


def test_at_l4_the_leadership_is_the_superior() -> None:
    story = with_level(4).report().do(EventKind.FEEDBACK_MISSED).wait(days=22).clock_strikes()
    assert (story.now, story.complaint.post) == ((State.WITH_SUPERIOR, 4), LEADERSHIP)


def test_the_superior_may_have_the_citizen_asked_again() -> None:
    story = Story().report().do(EventKind.FEEDBACK_MISSED).wait(days=22).clock_strikes().do(EventKind.ASKED_AGAIN)
    assert (story.now, story.complaint.ask_at) == ((State.AWAITING_FEEDBACK, 2), story.clock())
    assert story.wait(days=10).clock_strikes().answer(satisfied=False).now == (State.UNDER_REVIEW, 2)


def test_when_the_citizen_is_rung_is_drawn_evenly_within_the_span_and_can_be_checked() -> None:
    rules = replace(RULES, policy=Policy(ask_within=timedelta(hours=24)), draw_key=b"secret")
    waits = []
    for serial in range(300):
        complaint, _ = register(a_draft(), number=number_for(SERIALS[serial]), at=NOON, rules=rules)
        story = Story(complaint, rules=rules).report()
        waits.append((story.complaint.ask_at or NOON) - story.clock())
        assert story.complaint.ask_at == rules.ask_at(complaint.number, story.complaint.version, story.clock())
    assert timedelta() <= min(waits) < timedelta(hours=1)
    assert timedelta(hours=23) < max(waits) < timedelta(hours=24)
    assert timedelta(hours=10) < sorted(waits)[150] < timedelta(hours=14)
    other = replace(rules, draw_key=b"another")
    assert other.ask_at(NUMBER, 3, NOON) != rules.ask_at(NUMBER, 3, NOON)


# Special closure


@pytest.mark.parametrize("by_level", [1, 2, 3, 4])
def test_nobody_closes_specially_what_is_with_l1(by_level: int) -> None:
    story = Story().report().answer(satisfied=False)  # under review at L1
    with pytest.raises(NotAllowed, match="L1 never closes") as caught:
        story.propose(by_level=by_level)
    assert caught.value.barred == "l1_never_closes"


def decided(story: Story, *, by_level: int, by: str = "DM", approve: bool = True) -> Story:
    complaint = story.complaint
    kind = decision_event(
        approve=approve,
        proposed_level=complaint.proposed_level,
        by_level=by_level,
        same_person=by == complaint.proposed_by,
    )
    return story.do(kind, by=by, by_level=by_level)


def test_l3_approves_what_l2_proposed_and_nobody_alone() -> None:
    story = with_level(2).propose(by_level=2)
    assert story.now == (State.CLOSURE_PROPOSED, 2)
    with pytest.raises(NotAllowed, match="Someone other"):
        decided(story, by_level=3, by="SP")
    with pytest.raises(NotAllowed, match="A higher level"):
        decided(story, by_level=2)
    assert decided(story, by_level=3).now == (State.CLOSED_SPECIALLY, 2)


@pytest.mark.parametrize("by_level", [4, 5])
def test_what_l4_proposed_a_second_l4_or_the_leadership_approves(by_level: int) -> None:
    story = with_level(4).propose(by_level=4)
    with pytest.raises(NotAllowed, match="A higher level"):
        decided(story, by_level=3)
    assert decided(story, by_level=by_level).now == (State.CLOSED_SPECIALLY, 4)


def test_l3_proposes_for_what_is_with_l2_but_not_the_other_way() -> None:
    assert with_level(2).propose(by_level=3).now == (State.CLOSURE_PROPOSED, 2)
    with pytest.raises(NotAllowed, match="higher one"):
        with_level(3).propose(by_level=2)


def test_a_declined_proposal_goes_back_to_the_officer_and_its_clock_never_stood() -> None:
    story = with_level(2)
    ends = story.complaint.clock_ends_at
    decided(story.propose(by_level=2), by_level=3, approve=False)
    assert story.now == (State.UNDER_REVIEW, 2)
    assert (story.complaint.clock_ends_at, story.complaint.proposed_by) == (ends, "")


def test_a_proposal_nobody_decides_does_not_keep_the_complaint_from_rising() -> None:
    story = with_level(2).propose(by_level=2).time_runs_out()
    assert (story.now, story.complaint.proposed_by) == ((State.ESCALATED, 3), "")


def test_the_citizen_objects_once_and_that_brings_it_to_the_next_level() -> None:
    story = decided(with_level(2).propose(by_level=2), by_level=3)
    story.do(objection_event(level=2, objections_before=0))
    assert (story.now, story.complaint.is_open, story.complaint.closed_at) == ((State.ESCALATED, 3), True, None)
    decided(story.propose(by_level=3), by_level=4)
    with pytest.raises(NotAllowed, match="one objection"):
        story.do(objection_event(level=3, objections_before=story.complaint.objections))


def test_an_objection_at_l4_goes_to_the_leadership() -> None:
    story = decided(with_level(4).propose(by_level=4), by_level=4)
    story.do(objection_event(level=4, objections_before=0))
    assert (story.now, story.complaint.post) == ((State.ESCALATED, 4), LEADERSHIP)


# At the door, and after the end


def test_an_excluded_matter_is_refused_and_a_supervisor_may_take_it_in() -> None:
    refused, events = register(a_draft(category="HOM-01"), number=NUMBER, at=NOON, rules=RULES, excluded="rti")
    assert (refused.state, refused.post, refused.excluded) == (State.REFUSED, None, "rti")
    assert [event.kind for event in events] == [EventKind.REGISTERED, EventKind.TURNED_AWAY]
    story = Story(refused).wait(days=1).do(EventKind.OVERRIDDEN)
    assert (story.now, story.complaint.closed_at) == ((State.WITH_OFFICER, 1), None)
    assert story.complaint.due_at == story.clock() + timedelta(days=3)


def test_a_second_call_changes_nothing_in_what_is_closed() -> None:
    story = Story().report().answer(satisfied=True)
    closed = story.complaint
    after = story.do(EventKind.SECOND_FEEDBACK, reason="dissatisfied").complaint
    assert replace(after, version=closed.version) == closed
