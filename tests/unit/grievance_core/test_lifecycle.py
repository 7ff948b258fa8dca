from __future__ import annotations

import pytest

from grievance_core.lifecycle import (
    FINAL,
    WITH_AN_OFFICER,
    Barred,
    Effect,
    EventKind,
    State,
    Transition,
    decision_event,
    feedback_event,
    proposal_event,
    time_event,
)
from grievance_core.lifecycle_drawing import printable
from grievance_core.lifecycle_table import TABLE, outcome_of

pytestmark = pytest.mark.unit

OBJECTIONS = (EventKind.OBJECTED, EventKind.OBJECTED_AT_TOP)


def moves_to(state: State) -> set[tuple[State, EventKind]]:
    """What leads there from another state."""
    return {
        (before, kind)
        for (before, kind), outcome in TABLE.items()
        if isinstance(outcome, Transition) and outcome.to is state is not before
    }


def test_the_table_is_total() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in EventKind}


def test_every_rule_and_every_effect_is_used() -> None:
    barred = {outcome for outcome in TABLE.values() if isinstance(outcome, Barred)}
    effects = {effect for outcome in TABLE.values() if isinstance(outcome, Transition) for effect in outcome.effects}
    assert barred == set(Barred)
    assert effects == set(Effect)


def test_a_final_state_is_left_only_by_an_objection_an_override_or_for_a_supporters_own_way() -> None:
    leaving = {
        (state, kind)
        for (state, kind), outcome in TABLE.items()
        if state in FINAL and isinstance(outcome, Transition) and outcome.to not in FINAL
    }
    assert leaving == {
        *((state, kind) for state in (State.CLOSED_SPECIALLY, State.CLOSED_ANSWERED) for kind in OBJECTIONS),
        (State.REFUSED, EventKind.OVERRIDDEN),
        (State.MERGED, EventKind.LEFT_PARENT),
    }


def test_only_what_ends_is_closed_for_good_and_what_comes_back_is_opened() -> None:
    for (state, _), outcome in TABLE.items():
        if not isinstance(outcome, Transition):
            continue
        ends = outcome.to in FINAL and outcome.to is not state
        if state is not State.MERGED or outcome.to is not State.MERGED:
            assert (Effect.END in outcome.effects) == ends
        assert (Effect.REOPEN in outcome.effects) == (state in FINAL and outcome.to not in FINAL)


def test_only_the_satisfied_citizen_closes_as_satisfied() -> None:
    asked = (State.AWAITING_FEEDBACK, State.WITH_SUPERIOR, State.MERGED)
    assert moves_to(State.CLOSED_SATISFIED) == {(state, EventKind.SATISFIED) for state in asked}


def test_special_closure_comes_from_a_proposal_only_and_never_out_of_awaited_feedback() -> None:
    assert moves_to(State.CLOSED_SPECIALLY) == {(State.CLOSURE_PROPOSED, EventKind.SPECIAL_CLOSURE)}
    assert moves_to(State.CLOSURE_PROPOSED) == {
        (state, EventKind.CLOSURE_PROPOSED) for state in WITH_AN_OFFICER - {State.CLOSURE_PROPOSED}
    }


def test_every_open_state_can_reach_an_end() -> None:
    reach = set(FINAL)
    for _ in State:
        reach |= {state for (state, _), to in TABLE.items() if isinstance(to, Transition) and to.to in reach}
    assert reach == set(State)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("by_level", [1, 2, 3, 4])
def test_l1_never_proposes_to_close_and_none_proposes_above_its_level(level: int, by_level: int) -> None:
    kind = proposal_event(level=level, by_level=by_level)
    if 1 in (level, by_level):
        assert kind is EventKind.CLOSURE_PROPOSED_AT_L1
    else:
        assert (kind is EventKind.CLOSURE_PROPOSED) == (by_level >= level)
    if kind is not EventKind.CLOSURE_PROPOSED:
        assert all(isinstance(outcome_of(state, kind), Barred) for state in State)


@pytest.mark.parametrize("proposed_level", [2, 3, 4])
@pytest.mark.parametrize("by_level", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("approve", [True, False])
def test_a_higher_level_decides_and_beside_l4_another_l4(proposed_level: int, by_level: int, approve: bool) -> None:
    kind = decision_event(approve=approve, proposed_level=proposed_level, by_level=by_level, same_person=False)
    may = by_level > proposed_level or by_level == proposed_level == 4
    allowed = EventKind.SPECIAL_CLOSURE if approve else EventKind.CLOSURE_DECLINED
    assert kind is (allowed if may else EventKind.CLOSURE_DECIDED_FROM_BELOW)
    same = decision_event(approve=approve, proposed_level=proposed_level, by_level=by_level, same_person=True)
    assert isinstance(outcome_of(State.CLOSURE_PROPOSED, same), Barred)


@pytest.mark.parametrize(
    ("before", "level", "kind"),
    [
        (0, 1, EventKind.DISSATISFIED_FIRST),
        (0, 4, EventKind.DISSATISFIED_FIRST),
        (1, 1, EventKind.DISSATISFIED_AGAIN),
        (2, 3, EventKind.DISSATISFIED_AGAIN),
        (3, 4, EventKind.DISSATISFIED_AT_TOP),
    ],
)
def test_the_first_refusal_goes_back_and_further_ones_go_up(before: int, level: int, kind: EventKind) -> None:
    assert feedback_event(satisfied=False, level=level, dissatisfied_before=before) is kind
    assert feedback_event(satisfied=True, level=level, dissatisfied_before=before) is EventKind.SATISFIED


def test_time_flags_at_l4_and_raises_below_and_of_a_demand_from_l2_on() -> None:
    assert [time_event(level) for level in (1, 2, 3)] == [EventKind.TIME_RAN_OUT] * 3
    assert time_event(4) is EventKind.TIME_RAN_OUT_AT_TOP
    assert time_event(1, "demand") is EventKind.TIME_RAN_OUT
    assert time_event(2, "suggestion") is EventKind.TIME_RAN_OUT_AT_TOP


def test_the_printed_table_tells_each_cell_in_words() -> None:
    rows = {(row.state, row.event): row for row in printable()}
    assert len(rows) == len(State) * len(EventKind)
    reported = rows["with_officer", "reported"]
    assert (reported.to, reported.effects) == ("awaiting_feedback", ("drop_proposal", "stop_clock", "ask"))
    assert "clock stopped; the citizen is to be asked" in reported.words
    closure = rows["with_officer", "closure_proposed_at_l1"]
    assert (closure.to, closure.barred) == ("", "l1_never_closes")
    assert closure.words.startswith("L1 never closes")
    assert all(row.words for row in rows.values())
