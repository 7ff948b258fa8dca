"""Ten thousand steps of random histories: whatever the table lets pass must keep the mission's promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from grievance_core.chain import BEGIN, sealed
from grievance_core.complaint import Complaint, Deed, Draft, Event
from grievance_core.errors import NotAllowed
from grievance_core.life import as_registered, due_event, happen, register, replay
from grievance_core.lifecycle import (
    FINAL,
    LEADERSHIP_LEVEL,
    WITH_AN_OFFICER,
    EventKind,
    Kind,
    State,
    Transition,
    decision_event,
    extension_event,
    feedback_event,
    objection_event,
    proposal_event,
    report_event,
    supporter_event,
    transfer_event,
    withdrawal_event,
)
from grievance_core.lifecycle_table import outcome_of
from grievance_core.rules import Rules
from grievance_core.testing import NOON, FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, NUMBER

pytestmark = pytest.mark.unit

RULES = Rules.shipped(CATALOGUE)
ENTERING = {
    *(EventKind.ASSIGNED, EventKind.OVERRIDDEN, EventKind.TIME_RAN_OUT, EventKind.DISSATISFIED_AGAIN),
    *(EventKind.OBJECTED, EventKind.OBJECTED_AT_TOP, EventKind.LEFT_PARENT),
    *(EventKind.FEEDBACK_GIVEN_UP, EventKind.FEEDBACK_GIVEN_UP_AT_TOP),
}
REOPENING = {EventKind.OBJECTED, EventKind.OBJECTED_AT_TOP, EventKind.OVERRIDDEN, EventKind.LEFT_PARENT}
PEOPLE = st.sampled_from(["SP", "DM"])
LEVEL = st.integers(1, LEADERSHIP_LEVEL)


DRAFTS = st.fixed_dictionaries(
    {
        "category": st.sampled_from(sorted(CATALOGUE.categories)),
        "kind": st.sampled_from(["complaint"] * 9 + ["demand", "suggestion", "information"]),
        "caller": st.sampled_from(["9876543210", "9876543210", ""]),
        "accused": st.sampled_from([0, 0, 0, 1, 2, 4]),
        "excluded": st.sampled_from([""] * 9 + ["rti"]),
    }
)


def at_work(machine: RandomLife) -> bool:
    return machine.complaint.state in WITH_AN_OFFICER


def is_asked(machine: RandomLife) -> bool:
    return machine.complaint.feedback_wanted


def is_in(*states: State) -> Callable[[RandomLife], bool]:
    return lambda machine: machine.complaint.state in states


class RandomLife(RuleBasedStateMachine):
    """Anything happens in any order: to one complaint after another, each until its end and beyond."""

    @initialize(drafted=DRAFTS)
    def registered(self, drafted: dict[str, Any]) -> None:
        self.clock = FixedClock()
        self.take_in(**drafted)

    def take_in(self, *, category: str, kind: Kind, caller: str, accused: int, excluded: str) -> None:
        posts = [RULES.owners(category, "162", level, NOON, None).post for level in (1, 2, 3, 4)]
        draft: Draft = replace(
            a_draft(category=category, caller=caller), kind=kind, accused=posts[accused - 1] if accused else None
        )
        self.complaint, events = register(draft, number=NUMBER, at=self.clock(), rules=RULES, excluded=excluded)
        self.events: list[Event] = list(events)

    def happens(self, kind: EventKind, deed: Deed | None = None) -> None:
        before = self.complaint
        deed = deed or Deed(at=self.clock(), by="somebody", channel="desk")
        if not isinstance(outcome := outcome_of(before.state, kind), Transition):
            with pytest.raises(NotAllowed) as caught:
                happen(before, kind, deed, rules=RULES)
            assert caught.value.barred == outcome.name.lower()
            return
        after, event = happen(before, kind, deed, rules=RULES)
        self.checked_step(before, after, event)
        self.complaint = after
        self.events.append(event)

    def checked_step(self, before: Complaint, after: Complaint, event: Event) -> None:
        kind = event.kind
        if before.state in FINAL and after.state not in FINAL:
            assert kind in REOPENING
        if before.due_at != after.due_at:
            assert kind in ENTERING | {EventKind.EXTENDED}
        if after.level < before.level:
            assert kind is EventKind.LEFT_PARENT  # goes on at the parent's level
        if kind not in ENTERING:
            assert after.waited >= before.waited
        assert (after.version, event.seq, event.due_at) == (before.version + 1, after.version, after.due_at)
        if after.state is State.CLOSED_SPECIALLY and before.state is not after.state:
            assert (before.state, kind) == (State.CLOSURE_PROPOSED, EventKind.SPECIAL_CLOSURE)
            assert before.level >= 2
            assert min(before.proposed_level, event.by_level) >= 2
            assert event.by_level > before.proposed_level or event.by_level == 4
            assert event.by != before.proposed_by
        if after.state is State.CLOSED_SATISFIED:
            assert before.state is after.state or kind is EventKind.SATISFIED
        if after.state is State.CLOSED_ANSWERED:
            assert after.kind != "complaint"

    def deed(self, **more: object) -> Deed:
        return Deed(at=self.clock(), **{"by": "somebody", "channel": "desk"} | more)  # type: ignore[arg-type]

    @precondition(lambda self: not self.complaint.is_open)
    @rule(drafted=DRAFTS)
    def another_citizen_calls(self, drafted: dict[str, Any]) -> None:
        self.whole_life_is_right()
        self.take_in(**drafted)

    @rule(days=st.floats(0, 12))
    def time_passes(self, days: float) -> None:
        self.clock.move(days=days)

    @rule()
    def sweep_comes(self) -> None:
        while due := due_event(self.complaint, self.clock(), rules=RULES):
            self.happens(due[0], self.deed(by="clock", amount=due[1]))

    @rule(times=st.integers(1, 4))
    def nobody_does_anything(self, times: int) -> None:
        for _ in range(times):
            if self.complaint.sweep_at is not None:
                self.clock.now = max(self.clock.now, self.complaint.sweep_at)
                self.sweep_comes()

    @precondition(at_work)
    @rule()
    def reports(self) -> None:
        self.happens(report_event(self.complaint.kind))

    @precondition(is_asked)
    @rule(satisfied=st.sampled_from([False, False, False, True]), drawn=st.sampled_from([0, 48]))
    def answers(self, satisfied: bool, drawn: int = 0) -> None:
        it = self.complaint
        if it.state is State.MERGED:
            self.happens(supporter_event(satisfied=satisfied, wanted=it.feedback_wanted), self.deed(amount=drawn))
        else:
            kind = feedback_event(satisfied=satisfied, level=it.level, dissatisfied_before=it.dissatisfied)
            self.happens(kind, self.deed(amount=drawn))

    @precondition(at_work)
    @rule()
    def officer_goes(self) -> None:
        self.happens(EventKind.OFFICER_GONE)

    @precondition(at_work)
    @rule()
    def reports_what_is_not_so(self) -> None:
        self.reports()
        if self.complaint.feedback_wanted:
            self.answers(satisfied=False)

    @precondition(is_asked)
    @rule()
    def is_not_reached(self) -> None:
        self.happens(EventKind.FEEDBACK_MISSED)

    @precondition(at_work)
    @rule(level=st.integers(1, 4), by=PEOPLE)
    def closure_is_proposed(self, level: int, by: str) -> None:
        kind = proposal_event(level=self.complaint.level, by_level=level)
        self.happens(kind, self.deed(by=by, by_level=level, reason="in_court"))

    @precondition(is_in(State.CLOSURE_PROPOSED))
    @rule(level=LEVEL, by=PEOPLE, approve=st.booleans())
    def closure_is_decided(self, level: int, by: str, approve: bool) -> None:
        it = self.complaint
        kind = decision_event(
            approve=approve, proposed_level=it.proposed_level, by_level=level, same_person=by == it.proposed_by
        )
        self.happens(kind, self.deed(by=by, by_level=level))

    @precondition(lambda self: at_work(self) and self.complaint.level > 1)
    @rule(by_level=LEVEL, approve=st.booleans())
    def two_people_would_close_it(self, by_level: int, approve: bool) -> None:
        if self.complaint.state is not State.CLOSURE_PROPOSED:
            self.closure_is_proposed(level=self.complaint.level, by="SP")
        by = "DM" if self.complaint.proposed_by == "SP" else "SP"
        self.closure_is_decided(level=max(by_level, self.complaint.proposed_level), by=by, approve=approve)

    @precondition(is_in(State.CLOSED_SPECIALLY, State.CLOSED_ANSWERED))
    @rule()
    def citizen_objects(self) -> None:
        self.happens(objection_event(level=self.complaint.level, objections_before=self.complaint.objections))

    @precondition(at_work)
    @rule(level=LEVEL, days=st.integers(1, 15))
    def time_is_extended(self, level: int, days: int) -> None:
        it = self.complaint
        kind = extension_event(level=it.level, by_level=level, extended_before=it.extended)
        self.happens(kind, self.deed(by_level=level, amount=days))

    @precondition(at_work)
    @rule(category=st.sampled_from(sorted(CATALOGUE.categories)), supervisor=st.booleans())
    def is_transferred(self, category: str, supervisor: bool) -> None:
        kind = transfer_event(transfers_before=self.complaint.transfers, most=2, by_supervisor=supervisor)
        self.happens(kind, self.deed(about=category))

    @precondition(is_in(State.WITH_SUPERIOR))
    @rule()
    def superior_has_it_asked_again(self) -> None:
        self.happens(EventKind.ASKED_AGAIN)

    @precondition(is_in(State.REFUSED))
    @rule()
    def supervisor_overrides(self) -> None:
        self.happens(EventKind.OVERRIDDEN)

    @rule(
        kind=st.sampled_from(
            [
                *(EventKind.QUESTION_ASKED, EventKind.QUESTION_ANSWERED, EventKind.SUPPORTED, EventKind.PRESSED),
                *(EventKind.PARENT_REPORTED, EventKind.SECOND_FEEDBACK, EventKind.ATTACHED, EventKind.REMINDED),
                EventKind.SECOND_CALL_MISSED,
            ]
        )
    )
    def something_is_noted(self, kind: EventKind) -> None:
        due_at = self.complaint.due_at
        self.happens(kind)
        assert self.complaint.due_at == due_at

    @rule(kind=st.sampled_from(EventKind))
    def what_the_table_bars_is_refused(self, kind: EventKind) -> None:
        if not isinstance(outcome_of(self.complaint.state, kind), Transition):
            self.happens(kind)

    @rule(go=st.integers(0, 9))
    def is_merged_or_leaves_its_parent(self, go: int) -> None:
        if self.complaint.state is State.MERGED:
            self.happens(EventKind.LEFT_PARENT, self.deed(amount=1 + go % 4))
        elif go == 0 and not self.complaint.supporters:
            self.happens(EventKind.MERGED, self.deed(about=NUMBER[::-1]))

    @precondition(lambda self: self.complaint.is_open)
    @rule(go=st.integers(0, 19))
    def is_withdrawn(self, go: int) -> None:
        if go == 0:
            self.happens(withdrawal_event(self.complaint.supporters))

    @invariant()
    def has_an_owner_or_a_final_state(self) -> None:
        complaint = self.complaint
        if complaint.is_open:
            assert complaint.post
            assert complaint.due_at is not None
        assert complaint.is_open == (complaint.closed_at is None)
        assert complaint.level in (1, 2, 3, 4)

    @invariant()
    def clock_runs_only_while_an_officer_works_and_ends_where_it_should(self) -> None:
        it = self.complaint
        assert (it.clock_ends_at is not None) == (it.state in WITH_AN_OFFICER)
        if it.state is not State.MERGED:
            assert (it.stopped_at is not None) == (it.state is State.AWAITING_FEEDBACK)
        if it.clock_ends_at is not None and not it.transfers:
            working = RULES.limit(it.category, it.level).working
            assert it.due_at is not None
            assert RULES.calendar.between(it.due_at, it.clock_ends_at, working=working) == it.waited

    @invariant()
    def something_is_bound_to_happen(self) -> None:
        """What is open is worked on under a clock, asked about, or flagged to the leadership: it can't be forgotten."""
        it = self.complaint
        if it.is_open and not it.overdue:
            assert it.sweep_at is not None or it.ask_at is not None
        if not it.is_open and it.state is not State.MERGED:
            assert it.sweep_at is None
            assert it.ask_at is None or it.state is State.CLOSED_SATISFIED  # drawn for a second call

    def teardown(self) -> None:
        if hasattr(self, "complaint"):
            self.whole_life_is_right()

    def whole_life_is_right(self) -> None:
        """The complaint is what its events make it, and their seals show any change."""
        assert [event.seq for event in self.events] == list(range(1, len(self.events) + 1))
        first = as_registered(self.complaint, self.events[0], rules=RULES)
        assert replay(first, self.events, rules=RULES) == self.complaint
        self.seals_show_any_change()

    def seals_show_any_change(self) -> None:
        """One word changed in the middle breaks every seal from there on, and none before."""
        place = len(self.events) // 2
        forged = [*self.events]
        forged[place] = replace(forged[place], by="somebody else")
        honest, other = seals(self.events), seals(forged)
        assert len(set(honest)) == len(honest)
        assert [one == two for one, two in zip(honest, other, strict=True)] == [
            seq < place for seq in range(len(honest))
        ]


def seals(events: list[Event]) -> list[str]:
    found = [BEGIN]
    for event in events:
        found.append(sealed(event, found[-1]))
    return found[1:]


TestRandomLife = RandomLife.TestCase
TestRandomLife.settings = settings(max_examples=220, stateful_step_count=50, deadline=None)
