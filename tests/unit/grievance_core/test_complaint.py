from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from grievance_core.catalogue import Catalogue
from grievance_core.complaint import (
    TEXT_LIMIT,
    Complaint,
    Deed,
    Draft,
    Event,
    checked,
    closure_kind,
    feedback_kind,
    happen,
    once_key,
    register,
    time_kind,
)
from grievance_core.errors import DraftRefused, NotAllowed
from grievance_core.lifecycle import FINAL, WITH_AN_OFFICER, EventKind, State, Transition, outcome_of
from grievance_core.numbers import SERIALS, number_for
from grievance_core.testing import NOON, FixedClock, a_draft

pytestmark = pytest.mark.unit

CATALOGUE = Catalogue.shipped()
NUMBER = number_for(SERIALS[0])
ENTERING = {
    EventKind.ASSIGNED,
    EventKind.TIME_RAN_OUT,
    EventKind.DISSATISFIED_AGAIN,
}


def fresh(category: str = "HOM-01") -> Complaint:
    return register(a_draft(category=category), number=NUMBER, at=NOON, catalogue=CATALOGUE)[0]


class Story:
    """A complaint and the clock beside it; each verb is one thing that somebody does."""

    def __init__(self, complaint: Complaint | None = None) -> None:
        self.complaint = complaint or fresh()
        self.clock = FixedClock()

    def do(self, kind: EventKind) -> Story:
        deed = Deed(at=self.clock(), by="somebody", channel="desk")
        self.complaint, _ = happen(self.complaint, kind, deed, catalogue=CATALOGUE)
        return self

    def wait(self, *, days: float) -> Story:
        self.clock.move(days=days)
        return self

    def report(self) -> Story:
        return self.do(EventKind.REPORTED)

    def answer(self, *, satisfied: bool) -> Story:
        return self.do(feedback_kind(self.complaint, satisfied=satisfied))

    def time_runs_out(self) -> Story:
        kind = time_kind(self.complaint, self.clock())
        assert kind is not None
        return self.do(kind)

    @property
    def now(self) -> tuple[str, int]:
        return self.complaint.state, self.complaint.level


def test_a_complaint_is_with_its_l1_officer_from_the_start() -> None:
    complaint, events = register(a_draft(category="HOM-01"), number=NUMBER, at=NOON, catalogue=CATALOGUE)
    assert (complaint.state, complaint.level, complaint.post) == (State.WITH_OFFICER, 1, "HOM/162/circle-officer")
    assert complaint.due_at == NOON + timedelta(days=3)
    assert [event.kind for event in events] == [EventKind.REGISTERED, EventKind.ASSIGNED]
    assert [event.seq for event in events] == [1, 2]
    assert complaint.version == 2


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


def test_a_level_that_lets_its_time_run_out_loses_the_complaint_and_l4_is_flagged_once() -> None:
    story = Story()
    for level in (2, 3, 4):
        story.wait(days=7).time_runs_out()
        assert story.now == (State.ESCALATED, level)
    story.wait(days=7).time_runs_out()
    assert story.now == (State.ESCALATED, 4)
    assert story.complaint.overdue
    assert time_kind(story.complaint, story.wait(days=100).clock()) is None


def test_the_clock_stands_still_while_feedback_is_awaited_and_then_runs_on() -> None:
    story = Story().wait(days=2).report()
    due_at = story.complaint.due_at
    assert story.complaint.clock_ends_at is None
    assert time_kind(story.wait(days=30).complaint, story.clock()) is None
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


@pytest.mark.parametrize("by_level", [1, 2, 3, 4])
def test_nobody_closes_specially_what_is_with_l1(by_level: int) -> None:
    story = Story().report().answer(satisfied=False)  # under review at L1
    with pytest.raises(NotAllowed, match="L1 never closes") as caught:
        story.do(closure_kind(story.complaint, by_level=by_level))
    assert caught.value.barred == "l1_never_closes"


def test_l3_closes_specially_what_is_with_l2_but_not_the_other_way() -> None:
    story = Story().wait(days=3).time_runs_out()
    assert story.do(closure_kind(story.complaint, by_level=3)).now == (State.CLOSED_SPECIALLY, 2)
    story = Story().wait(days=3).time_runs_out().wait(days=3).time_runs_out()
    with pytest.raises(NotAllowed, match="higher one"):
        story.do(closure_kind(story.complaint, by_level=2))


def test_not_reached_never_counts_as_satisfied() -> None:
    story = Story().report()
    for _ in range(20):
        story.do(EventKind.FEEDBACK_MISSED)
    assert story.now == (State.AWAITING_FEEDBACK, 1)
    assert story.complaint.missed == 20


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"text": " \x00\n "}, "statement is empty", id="nothing but a NUL"),
        pytest.param({"text": "क" * (TEXT_LIMIT + 1)}, f"at most {TEXT_LIMIT}", id="too long"),
        pytest.param({"caller": "+919876543210"}, "digits only", id="a number with its plus"),
        pytest.param({"caller": "१२३"}, "digits only", id="a number in Hindi digits"),
        pytest.param({"name": "x" * 121}, "name must be at most 120", id="a name too long"),
        pytest.param({"channel": "x" * 21}, "channel must be at most 20", id="a channel too long"),
        pytest.param({"call_id": "x" * 121}, "call's id", id="a call's id too long"),
        pytest.param({"kind": "rant"}, "complaint, demand, suggestion", id="unknown kind"),
        pytest.param({"language": "fr"}, "one of hi, en", id="unknown language"),
    ],
)
def test_a_draft_out_of_bounds_is_refused_with_its_field(changes: dict[str, str], told: str) -> None:
    with pytest.raises(DraftRefused, match=told):
        checked(replace(a_draft(), **changes))  # type: ignore[arg-type]


def test_signs_that_no_store_can_keep_become_spaces() -> None:
    assert checked(replace(a_draft(), text="बिजली\x00नहीं\ud800\n")).text == "बिजली नहीं"


def test_the_same_form_in_the_same_call_has_one_key_and_outside_a_call_none() -> None:
    draft = a_draft(call_id="1700000000.1")
    assert once_key(draft) == once_key(replace(draft, name="", agent="1002"))
    assert once_key(draft) != once_key(replace(draft, text="something else"))
    assert once_key(a_draft()) is None


def test_what_is_printed_of_a_complaint_holds_no_personal_data() -> None:
    draft = a_draft()
    complaint, events = register(draft, number=NUMBER, at=NOON, catalogue=CATALOGUE)
    printed = f"{draft!r} {complaint!r} {events!r}"
    assert not any(private in printed for private in (draft.caller, draft.name, draft.text))


class RandomLife(RuleBasedStateMachine):
    """Anything happens in any order; whatever the table lets pass must keep the mission's promises."""

    @initialize(category=st.sampled_from(sorted(CATALOGUE.categories)), kind=st.sampled_from(["complaint", "demand"]))
    def registered(self, category: str, kind: str) -> None:
        draft: Draft = replace(a_draft(category=category), kind=kind)  # type: ignore[arg-type]
        self.clock = FixedClock()
        self.complaint, events = register(draft, number=NUMBER, at=NOON, catalogue=CATALOGUE)
        self.events: list[Event] = list(events)

    def happens(self, kind: EventKind) -> None:
        before = self.complaint
        outcome = outcome_of(before.state, kind)
        deed = Deed(at=self.clock(), by="somebody", channel="desk")
        if not isinstance(outcome, Transition):
            with pytest.raises(NotAllowed) as caught:
                happen(before, kind, deed, catalogue=CATALOGUE)
            assert caught.value.barred == outcome.name.lower()
            return
        after, event = happen(before, kind, deed, catalogue=CATALOGUE)
        assert before.state not in FINAL
        assert after.level in (before.level, before.level + 1)
        assert (after.due_at != before.due_at or after.level != before.level) <= (kind in ENTERING)
        assert after.waited >= before.waited or kind in ENTERING
        assert (after.version, event.seq) == (before.version + 1, after.version)
        self.complaint = after
        self.events.append(event)

    @rule(days=st.floats(0, 12))
    def time_passes(self, days: float) -> None:
        self.clock.move(days=days)

    @rule()
    def reports(self) -> None:
        self.happens(EventKind.REPORTED)

    @rule(satisfied=st.sampled_from([False, False, False, True]))
    def answers(self, satisfied: bool) -> None:
        self.happens(feedback_kind(self.complaint, satisfied=satisfied))

    @rule()
    def is_not_reached(self) -> None:
        self.happens(EventKind.FEEDBACK_MISSED)

    @rule(level=st.integers(1, 4))
    def closes_specially(self, level: int) -> None:
        kind = closure_kind(self.complaint, by_level=level)
        if 1 in (level, self.complaint.level):
            assert kind is EventKind.SPECIAL_CLOSURE_AT_L1
        self.happens(kind)

    @rule()
    def sweep_comes(self) -> None:
        kind = time_kind(self.complaint, self.clock())
        if kind is not None:
            self.happens(kind)

    @rule(kind=st.sampled_from([EventKind.TURNED_AWAY, EventKind.ASSIGNED, EventKind.REGISTERED]))
    def nonsense_comes(self, kind: EventKind) -> None:
        before = self.complaint
        self.happens(kind)
        assert self.complaint == before

    @invariant()
    def has_an_owner_or_is_closed(self) -> None:
        complaint = self.complaint
        assert complaint.post is not None
        assert complaint.is_open == (complaint.closed_at is None)

    @invariant()
    def is_closed_only_by_a_satisfied_citizen_or_specially_from_l2_up(self) -> None:
        complaint, last = self.complaint, self.events[-1]
        if not complaint.is_open:
            if complaint.state is State.CLOSED_SATISFIED:
                assert last.kind is EventKind.SATISFIED
                assert self.events[-2].state is State.AWAITING_FEEDBACK
            else:
                assert (complaint.state, last.kind) == (State.CLOSED_SPECIALLY, EventKind.SPECIAL_CLOSURE)
                assert complaint.level >= 2

    @invariant()
    def clock_runs_only_while_an_officer_works(self) -> None:
        complaint = self.complaint
        assert (complaint.clock_ends_at is not None) == (complaint.state in WITH_AN_OFFICER)
        assert (complaint.stopped_at is not None) == (complaint.state is State.AWAITING_FEEDBACK)

    @invariant()
    def state_follows_from_its_events(self) -> None:
        again, _ = register(
            replace(a_draft(category=self.complaint.category), kind=self.complaint.kind),
            number=NUMBER,
            at=self.events[0].at,
            catalogue=CATALOGUE,
        )
        for event in self.events[2:]:
            again, _ = happen(again, event.kind, Deed(at=event.at, by="x", channel="x"), catalogue=CATALOGUE)
        assert again == self.complaint


TestRandomLife = RandomLife.TestCase
TestRandomLife.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
