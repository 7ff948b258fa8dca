"""The life of a complaint as one total table: (state, event) → the next state and its effects, or the rule against it.

The rules are those of the mission ("The life of a complaint"): given at once to the L1 officer; closed only after the
citizen is satisfied; dissatisfied the first time, back to the same officer; again, to the next level, and from L4 back
to L4; special closure by two people of L2, L3, L4 and never L1, to which the citizen may object once; a level whose
time runs out loses the complaint to the next; who is never reached is for the superior to decide, and nothing closes
by silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from grievance_core.lifecycle import FINAL, WITH_AN_OFFICER, Barred, Effect, EventKind, Outcome, State, Transition

Row = dict[EventKind, Outcome]


def _ends_in(state: State) -> Transition:
    return Transition(state, (Effect.STOP_ASKING, Effect.END))


def _talked_about(state: State) -> Row:
    """What is noted and changes nothing in the complaint's way."""
    return dict.fromkeys((EventKind.ATTACHED, EventKind.COMMENTED, EventKind.REMINDED), Transition(state))


def _supported(state: State) -> Row:
    """Other citizens stand behind it: each is counted, and each is asked about the report."""
    return {
        EventKind.SUPPORTED: Transition(state, (Effect.COUNT_SUPPORTER,)),
        EventKind.SUPPORTER_SATISFIED: Transition(state, (Effect.COUNT_FOR,)),
        EventKind.SUPPORTER_DISSATISFIED: Transition(state, (Effect.COUNT_AGAINST,)),
    }


_SATISFIED = Transition(State.CLOSED_SATISFIED, (Effect.STOP_ASKING, Effect.END, Effect.DRAW_SECOND_CALL))
_FIRST = (Effect.COUNT_DISSATISFIED, Effect.STOP_ASKING, Effect.RUN_CLOCK)
_AGAIN = (Effect.COUNT_DISSATISFIED, Effect.STOP_ASKING, Effect.RISE)
# The citizen's own answer, wherever it is taken.
_ANSWERS: Row = {
    EventKind.SATISFIED: _SATISFIED,
    EventKind.DISSATISFIED_FIRST: Transition(State.UNDER_REVIEW, _FIRST),
    EventKind.DISSATISFIED_AGAIN: Transition(State.ESCALATED, _AGAIN),
    EventKind.DISSATISFIED_AT_TOP: Transition(State.UNDER_REVIEW, _FIRST),
}
_REPORT = (Effect.DROP_PROPOSAL, Effect.STOP_CLOCK, Effect.ASK)

# What holds in every open state that has an officer, unless the state says otherwise.
_OPEN: Row = {
    EventKind.REGISTERED: Barred.ONCE_ONLY,
    EventKind.ASSIGNED: Barred.HAS_OFFICER,
    EventKind.TURNED_AWAY: Barred.TAKEN_IN,
    EventKind.OVERRIDDEN: Barred.TAKEN_IN,
    **dict.fromkeys(_ANSWERS, Barred.NO_REPORT_YET),
    EventKind.FEEDBACK_MISSED: Barred.NO_REPORT_YET,
    EventKind.FEEDBACK_GIVEN_UP: Barred.NO_REPORT_YET,
    EventKind.FEEDBACK_GIVEN_UP_AT_TOP: Barred.NO_REPORT_YET,
    EventKind.ASKED_AGAIN: Barred.NO_REPORT_YET,
    EventKind.SECOND_FEEDBACK: Barred.NOT_CLOSED_YET,
    EventKind.SECOND_CALL_MISSED: Barred.NOT_CLOSED_YET,
    EventKind.EXTENDED_AGAIN: Barred.ONE_EXTENSION,
    EventKind.EXTENDED_FROM_BELOW: Barred.SUPERIOR_EXTENDS,
    EventKind.CLOSURE_PROPOSED_AT_L1: Barred.L1_NEVER_CLOSES,
    EventKind.CLOSURE_PROPOSED_FROM_BELOW: Barred.NOT_YOUR_LEVEL,
    EventKind.SPECIAL_CLOSURE: Barred.NOTHING_PROPOSED,
    EventKind.CLOSURE_DECLINED: Barred.NOTHING_PROPOSED,
    EventKind.CLOSURE_DECIDED_BY_SAME: Barred.NOTHING_PROPOSED,
    EventKind.CLOSURE_DECIDED_FROM_BELOW: Barred.NOTHING_PROPOSED,
    EventKind.OBJECTED: Barred.NOT_CLOSED_SPECIALLY,
    EventKind.OBJECTED_AT_TOP: Barred.NOT_CLOSED_SPECIALLY,
    EventKind.OBJECTED_AGAIN: Barred.OBJECTED_BEFORE,
    EventKind.TRANSFERRED_TOO_OFTEN: Barred.SUPERVISOR_MOVES,
    EventKind.QUESTION_ASKED_AGAIN: Barred.QUESTION_OPEN,
    EventKind.QUESTION_NOT_ASKED: Barred.NO_QUESTION,
    EventKind.WITHDRAWN: _ends_in(State.WITHDRAWN),
    EventKind.WITHDRAWN_WITH_SUPPORTERS: Barred.OTHERS_STAND_BEHIND,
    EventKind.MERGED: Transition(State.MERGED, (Effect.STOP_ASKING, Effect.JOIN_PARENT, Effect.END)),
    EventKind.MERGED_WITH_SUPPORTERS: Barred.OTHERS_STAND_BEHIND,
    EventKind.PARENT_REPORTED: Barred.NOT_PART_OF_ANOTHER,
    EventKind.DISSATISFIED_WITH_PARENT: Barred.NOT_PART_OF_ANOTHER,
    EventKind.LEFT_PARENT: Barred.NOT_PART_OF_ANOTHER,
    EventKind.ANSWERED_UNASKED: Barred.NOT_PART_OF_ANOTHER,
    EventKind.FEEDBACK_OF_MERGED_GIVEN_UP: Barred.NOT_PART_OF_ANOTHER,
}


def _open(state: State) -> Row:
    return {**_OPEN, **_talked_about(state), **_supported(state), EventKind.PRESSED: Transition(state)}


def _at_work(state: State) -> Row:
    """The row of a state in which an officer has the complaint and the clock runs."""
    return {
        **_open(state),
        EventKind.REPORTED: Transition(State.AWAITING_FEEDBACK, _REPORT),
        EventKind.ANSWERED: _ends_in(State.CLOSED_ANSWERED),
        EventKind.WARNED: Transition(state, (Effect.WARN,)),
        EventKind.TIME_RAN_OUT: Transition(State.ESCALATED, (Effect.RISE,)),
        EventKind.TIME_RAN_OUT_AT_TOP: Transition(state, (Effect.FLAG_OVERDUE,)),
        EventKind.EXTENDED: Transition(state, (Effect.EXTEND,)),
        EventKind.CLOSURE_PROPOSED: Transition(State.CLOSURE_PROPOSED, (Effect.PROPOSE,)),
        EventKind.TRANSFERRED: Transition(state, (Effect.MOVE_DEPARTMENT,)),
        EventKind.TRANSFER_DECIDED: Transition(state, (Effect.MOVE_DEPARTMENT,)),
        EventKind.OFFICER_GONE: Transition(State.ESCALATED, (Effect.NEXT_OWNER,)),
        EventKind.QUESTION_ASKED: Transition(state, (Effect.OPEN_QUESTION,)),
        EventKind.QUESTION_ANSWERED: Transition(state, (Effect.SETTLE_QUESTION,)),
    }


_CLOSURE_PROPOSED: Row = {
    **_at_work(State.CLOSURE_PROPOSED),
    EventKind.CLOSURE_PROPOSED: Barred.PROPOSED_ALREADY,
    EventKind.CLOSURE_PROPOSED_FROM_BELOW: Barred.PROPOSED_ALREADY,
    EventKind.SPECIAL_CLOSURE: _ends_in(State.CLOSED_SPECIALLY),
    EventKind.CLOSURE_DECLINED: Transition(State.UNDER_REVIEW, (Effect.DROP_PROPOSAL,)),
    EventKind.CLOSURE_DECIDED_BY_SAME: Barred.TWO_PEOPLE,
    EventKind.CLOSURE_DECIDED_FROM_BELOW: Barred.HIGHER_DECIDES,
    EventKind.TRANSFERRED: Barred.PROPOSED_ALREADY,
    EventKind.TRANSFER_DECIDED: Transition(State.UNDER_REVIEW, (Effect.DROP_PROPOSAL, Effect.MOVE_DEPARTMENT)),
}

_WITH_SUPERIOR: Row = {
    **_at_work(State.WITH_SUPERIOR),
    **_ANSWERS,
    EventKind.OFFICER_GONE: Transition(State.WITH_SUPERIOR, (Effect.NEXT_OWNER,)),
    EventKind.FEEDBACK_MISSED: Barred.ASKED_ALREADY,
    EventKind.ASKED_AGAIN: Transition(State.AWAITING_FEEDBACK, (Effect.STOP_CLOCK, Effect.ASK)),
}

_AWAITING_FEEDBACK: Row = {
    **_open(State.AWAITING_FEEDBACK),
    **_ANSWERS,
    EventKind.REPORTED: Barred.ALREADY_REPORTED,
    EventKind.ANSWERED: Barred.ALREADY_REPORTED,
    EventKind.FEEDBACK_MISSED: Transition(State.AWAITING_FEEDBACK, (Effect.COUNT_MISSED,)),
    EventKind.FEEDBACK_GIVEN_UP: Transition(State.WITH_SUPERIOR, (Effect.STOP_ASKING, Effect.RISE)),
    EventKind.FEEDBACK_GIVEN_UP_AT_TOP: Transition(State.WITH_SUPERIOR, (Effect.STOP_ASKING, Effect.TO_LEADERSHIP)),
    EventKind.ASKED_AGAIN: Barred.ASKED_ALREADY,
    EventKind.WARNED: Barred.CLOCK_STOPPED,
    EventKind.TIME_RAN_OUT: Barred.CLOCK_STOPPED,
    EventKind.TIME_RAN_OUT_AT_TOP: Barred.CLOCK_STOPPED,
    EventKind.EXTENDED: Barred.CLOCK_STOPPED,
    EventKind.CLOSURE_PROPOSED: Barred.FEEDBACK_DUE,
    EventKind.TRANSFERRED: Barred.FEEDBACK_DUE,
    EventKind.TRANSFER_DECIDED: Barred.FEEDBACK_DUE,
    EventKind.OFFICER_GONE: Barred.FEEDBACK_DUE,
    EventKind.QUESTION_ASKED: Barred.FEEDBACK_DUE,
    EventKind.QUESTION_ANSWERED: Transition(State.AWAITING_FEEDBACK, (Effect.SETTLE_QUESTION,)),
}

_REGISTERED: Row = {
    **dict.fromkeys(EventKind, Barred.NOT_ASSIGNED_YET),
    EventKind.REGISTERED: Barred.ONCE_ONLY,
    EventKind.ASSIGNED: Transition(State.WITH_OFFICER, (Effect.ENTER_LEVEL_1,)),
    EventKind.ANSWERED: _ends_in(State.CLOSED_ANSWERED),
    EventKind.TURNED_AWAY: _ends_in(State.REFUSED),
    EventKind.CLOSURE_PROPOSED_AT_L1: Barred.L1_NEVER_CLOSES,
}

_CLOSED: Row = dict.fromkeys(EventKind, Barred.CLOSED)


def _objectionable(state: State) -> Row:
    """What was ended without the citizen's word, who may object to it once."""
    rising = (Effect.COUNT_OBJECTION, Effect.REOPEN)
    return {
        **_CLOSED,
        **_supported(state),
        EventKind.SUPPORTED: Barred.CLOSED,
        EventKind.PRESSED: Transition(state),
        EventKind.OBJECTED: Transition(State.ESCALATED, (*rising, Effect.RISE)),
        EventKind.OBJECTED_AT_TOP: Transition(State.ESCALATED, (*rising, Effect.TO_LEADERSHIP)),
        EventKind.OBJECTED_AGAIN: Barred.OBJECTED_BEFORE,
    }


_CLOSED_SATISFIED: Row = {
    **_CLOSED,
    **_supported(State.CLOSED_SATISFIED),
    EventKind.SUPPORTED: Barred.CLOSED,
    EventKind.PRESSED: Transition(State.CLOSED_SATISFIED),
    **dict.fromkeys(
        (EventKind.SECOND_FEEDBACK, EventKind.SECOND_CALL_MISSED),
        Transition(State.CLOSED_SATISFIED, (Effect.STOP_ASKING,)),
    ),
}

_REFUSED: Row = {
    **_CLOSED,
    EventKind.OVERRIDDEN: Transition(State.WITH_OFFICER, (Effect.REOPEN, Effect.ENTER_LEVEL_1)),
}

_MERGED: Row = {
    **dict.fromkeys(EventKind, Barred.PART_OF_ANOTHER),
    EventKind.SATISFIED: _SATISFIED,
    EventKind.ANSWERED_UNASKED: Barred.NO_REPORT_YET,
    EventKind.DISSATISFIED_WITH_PARENT: Transition(
        State.MERGED, (Effect.COUNT_DISSATISFIED, Effect.STOP_ASKING, Effect.RUN_CLOCK)
    ),
    EventKind.FEEDBACK_MISSED: Transition(State.MERGED, (Effect.COUNT_MISSED,)),
    EventKind.FEEDBACK_OF_MERGED_GIVEN_UP: Transition(State.MERGED, (Effect.STOP_ASKING,)),
    EventKind.PARENT_REPORTED: Transition(State.MERGED, (Effect.STOP_CLOCK, Effect.ASK)),
    EventKind.LEFT_PARENT: Transition(State.UNDER_REVIEW, (Effect.STOP_ASKING, Effect.REOPEN, Effect.LEAVE_PARENT)),
    EventKind.MERGED: Transition(State.MERGED, (Effect.STOP_ASKING, Effect.JOIN_PARENT)),
    EventKind.PRESSED: Transition(State.MERGED),
    EventKind.WITHDRAWN: _ends_in(State.WITHDRAWN),
}

_ROWS: dict[State, Row] = {
    State.REGISTERED: _REGISTERED,
    **{state: _at_work(state) for state in State if state in WITH_AN_OFFICER},
    State.CLOSURE_PROPOSED: _CLOSURE_PROPOSED,
    State.WITH_SUPERIOR: _WITH_SUPERIOR,
    State.AWAITING_FEEDBACK: _AWAITING_FEEDBACK,
    **{state: _CLOSED for state in State if state in FINAL},
    State.CLOSED_SATISFIED: _CLOSED_SATISFIED,
    State.CLOSED_SPECIALLY: _objectionable(State.CLOSED_SPECIALLY),
    State.CLOSED_ANSWERED: _objectionable(State.CLOSED_ANSWERED),
    State.REFUSED: _REFUSED,
    State.MERGED: _MERGED,
}

TABLE: Mapping[tuple[State, EventKind], Outcome] = MappingProxyType(
    {(state, kind): _ROWS[state][kind] for state in State for kind in EventKind}
)


def outcome_of(state: State, kind: EventKind) -> Outcome:
    """What the event does in this state."""
    return TABLE[state, kind]
