from __future__ import annotations

import pytest

from grievance_core.lifecycle import (
    FINAL,
    TABLE,
    Barred,
    Effect,
    EventKind,
    State,
    Transition,
    closure_event,
    feedback_event,
    outcome_of,
    printable,
    time_event,
)

pytestmark = pytest.mark.unit


def moves_to(state: State) -> set[tuple[State, EventKind]]:
    return {cell for cell, outcome in TABLE.items() if isinstance(outcome, Transition) and outcome.to is state}


def test_the_table_is_total() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in EventKind}


def test_every_rule_and_every_effect_is_used() -> None:
    barred = {outcome for outcome in TABLE.values() if isinstance(outcome, Barred)}
    effects = {effect for outcome in TABLE.values() if isinstance(outcome, Transition) for effect in outcome.effects}
    assert barred == set(Barred)
    assert effects == set(Effect)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_final_state_is_left_by_nothing(state: State) -> None:
    assert all(outcome_of(state, kind) is Barred.CLOSED for kind in EventKind)


def test_a_final_state_ends_the_complaint_and_no_other_does() -> None:
    for outcome in TABLE.values():
        if isinstance(outcome, Transition):
            assert (Effect.END in outcome.effects) == (outcome.to in FINAL)


def test_only_the_satisfied_citizen_closes_as_satisfied() -> None:
    assert moves_to(State.CLOSED_SATISFIED) == {(State.AWAITING_FEEDBACK, EventKind.SATISFIED)}


def test_special_closure_comes_from_no_other_event_and_never_out_of_awaited_feedback() -> None:
    assert moves_to(State.CLOSED_SPECIALLY) == {
        (State.UNDER_REVIEW, EventKind.SPECIAL_CLOSURE),
        (State.ESCALATED, EventKind.SPECIAL_CLOSURE),
    }


def test_every_open_state_can_reach_an_end() -> None:
    reach = set(FINAL)
    for _ in State:
        reach |= {state for (state, _), to in TABLE.items() if isinstance(to, Transition) and to.to in reach}
    assert reach == set(State)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("by_level", [1, 2, 3, 4])
def test_l1_never_closes_specially_and_none_closes_above_its_level(level: int, by_level: int) -> None:
    kind = closure_event(level=level, by_level=by_level)
    if 1 in (level, by_level):
        assert kind is EventKind.SPECIAL_CLOSURE_AT_L1
    else:
        assert (kind is EventKind.SPECIAL_CLOSURE) == (by_level >= level)
    if kind is not EventKind.SPECIAL_CLOSURE:
        assert all(isinstance(outcome_of(state, kind), Barred) for state in State)


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


def test_time_flags_at_l4_and_raises_below() -> None:
    assert [time_event(level) for level in (1, 2, 3)] == [EventKind.TIME_RAN_OUT] * 3
    assert time_event(4) is EventKind.TIME_RAN_OUT_AT_TOP


def test_the_printed_table_tells_each_cell_in_words() -> None:
    rows = {(row.state, row.event): row for row in printable()}
    assert len(rows) == len(State) * len(EventKind)
    reported = rows["with_officer", "reported"]
    assert (reported.to, reported.effects, reported.words) == ("awaiting_feedback", ("stop_clock",), "clock stopped")
    closure = rows["with_officer", "special_closure_at_l1"]
    assert (closure.to, closure.barred) == ("", "l1_never_closes")
    assert closure.words.startswith("L1 never closes")
    assert all(row.words for row in rows.values())
