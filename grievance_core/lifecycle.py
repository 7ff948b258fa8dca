"""The life of a complaint as one total table: (state, event) → the next state and its effects, or the rule against it.

The rules are those of the mission ("The life of a complaint"): given at once to the L1 officer; closed only after the
citizen is satisfied; dissatisfied the first time, back to the same officer; again, to the next level, and from L4 back
to L4; special closure by L2, L3, L4 and never L1; a level whose time runs out loses the complaint to the next.

What decides between two outcomes (which level, which time dissatisfied) is part of the event's name, so the table has
no hidden conditions and can be printed, drawn and checked cell by cell. `feedback_event`, `time_event` and
`closure_event` find the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from grievance_core.catalogue import TOP_LEVEL


class State(StrEnum):
    """Where a complaint is in its life."""

    REGISTERED = "registered"
    WITH_OFFICER = "with_officer"  # with the L1 officer for the first time
    AWAITING_FEEDBACK = "awaiting_feedback"  # reported as resolved; the citizen is to be asked
    UNDER_REVIEW = "under_review"  # back with the same officer, because the citizen is not satisfied
    ESCALATED = "escalated"  # with the officer of level 2, 3 or 4
    CLOSED_SATISFIED = "closed_satisfied"
    CLOSED_SPECIALLY = "closed_specially"
    REFUSED = "refused"  # an excluded matter, turned away at the door
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class EventKind(StrEnum):
    """What can happen to a complaint."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    REPORTED = "reported"
    SATISFIED = "satisfied"
    DISSATISFIED_FIRST = "dissatisfied_first"
    DISSATISFIED_AGAIN = "dissatisfied_again"
    DISSATISFIED_AT_TOP = "dissatisfied_at_top"
    FEEDBACK_MISSED = "feedback_missed"
    TIME_RAN_OUT = "time_ran_out"
    TIME_RAN_OUT_AT_TOP = "time_ran_out_at_top"
    SPECIAL_CLOSURE = "special_closure"
    SPECIAL_CLOSURE_AT_L1 = "special_closure_at_l1"
    SPECIAL_CLOSURE_FROM_BELOW = "special_closure_from_below"
    TURNED_AWAY = "turned_away"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


class Effect(StrEnum):
    """What a transition does beside changing the state; the words are for people."""

    ENTER_LEVEL_1 = "given to the L1 officer, due time set"
    RISE = "given to the officer of the next level, due time set"
    STOP_CLOCK = "clock stopped"
    RUN_CLOCK = "clock runs on"
    COUNT_DISSATISFIED = "counted as dissatisfied"
    COUNT_MISSED = "counted as not reached"
    FLAG_OVERDUE = "flagged to the leadership as overdue"
    END = "closed for good"


class Barred(StrEnum):
    """The named rule by which an event is not allowed in a state; the words say what to do instead."""

    ONCE_ONLY = "A complaint is registered once. Register a new one for a new matter."
    NOT_ASSIGNED_YET = "No officer has it yet. It is given to one in a moment: try again."
    HAS_OFFICER = "An officer has it already. It moves on by a report, by feedback or when time runs out."
    NO_REPORT_YET = "The officer has not reported it resolved. Feedback is taken after the report."
    ALREADY_REPORTED = "It is reported already. Wait for the citizen's feedback."
    FEEDBACK_DUE = "The citizen is being asked whether they are satisfied. Wait for the answer."
    CLOCK_STOPPED = "The clock stands still while feedback is awaited."
    NOT_AT_TOP = "It is not with L4, so it goes to the next level instead."
    L1_NEVER_CLOSES = "L1 never closes specially. Only L2, L3 or L4 may, once the complaint is with them."
    NOT_YOUR_LEVEL = "Only the level that has it, or a higher one, may close it specially."
    TAKEN_IN = "It was taken in already and can't be turned away. It goes on to its end."
    CLOSED = "It is closed. Register a new complaint if the trouble is back."


@dataclass(frozen=True, slots=True)
class Transition:
    """An allowed cell of the table."""

    to: State
    effects: tuple[Effect, ...]


Outcome = Transition | Barred

FINAL = frozenset({State.CLOSED_SATISFIED, State.CLOSED_SPECIALLY, State.REFUSED, State.WITHDRAWN, State.MERGED})
# States in which an officer works on the complaint and the clock runs.
WITH_AN_OFFICER = frozenset({State.WITH_OFFICER, State.UNDER_REVIEW, State.ESCALATED})


def _ends_in(state: State) -> Transition:
    return Transition(state, (Effect.END,))


_REGISTERED: dict[EventKind, Outcome] = {
    **dict.fromkeys(EventKind, Barred.NOT_ASSIGNED_YET),
    EventKind.REGISTERED: Barred.ONCE_ONLY,
    EventKind.ASSIGNED: Transition(State.WITH_OFFICER, (Effect.ENTER_LEVEL_1,)),
    EventKind.TURNED_AWAY: _ends_in(State.REFUSED),
    EventKind.SPECIAL_CLOSURE_AT_L1: Barred.L1_NEVER_CLOSES,
}


def _at_work(state: State) -> dict[EventKind, Outcome]:
    """The row of a state in which an officer has the complaint."""
    at_level_1_only = state is State.WITH_OFFICER
    overdue = Transition(state, (Effect.FLAG_OVERDUE,))
    return {
        EventKind.REGISTERED: Barred.ONCE_ONLY,
        EventKind.ASSIGNED: Barred.HAS_OFFICER,
        EventKind.REPORTED: Transition(State.AWAITING_FEEDBACK, (Effect.STOP_CLOCK,)),
        EventKind.SATISFIED: Barred.NO_REPORT_YET,
        EventKind.DISSATISFIED_FIRST: Barred.NO_REPORT_YET,
        EventKind.DISSATISFIED_AGAIN: Barred.NO_REPORT_YET,
        EventKind.DISSATISFIED_AT_TOP: Barred.NO_REPORT_YET,
        EventKind.FEEDBACK_MISSED: Barred.NO_REPORT_YET,
        EventKind.TIME_RAN_OUT: Transition(State.ESCALATED, (Effect.RISE,)),
        EventKind.TIME_RAN_OUT_AT_TOP: Barred.NOT_AT_TOP if at_level_1_only else overdue,
        EventKind.SPECIAL_CLOSURE: Barred.L1_NEVER_CLOSES if at_level_1_only else _ends_in(State.CLOSED_SPECIALLY),
        EventKind.SPECIAL_CLOSURE_AT_L1: Barred.L1_NEVER_CLOSES,
        EventKind.SPECIAL_CLOSURE_FROM_BELOW: Barred.NOT_YOUR_LEVEL,
        EventKind.TURNED_AWAY: Barred.TAKEN_IN,
        EventKind.WITHDRAWN: _ends_in(State.WITHDRAWN),
        EventKind.MERGED: _ends_in(State.MERGED),
    }


_AWAITING_FEEDBACK: dict[EventKind, Outcome] = {
    EventKind.REGISTERED: Barred.ONCE_ONLY,
    EventKind.ASSIGNED: Barred.HAS_OFFICER,
    EventKind.REPORTED: Barred.ALREADY_REPORTED,
    EventKind.SATISFIED: _ends_in(State.CLOSED_SATISFIED),
    EventKind.DISSATISFIED_FIRST: Transition(State.UNDER_REVIEW, (Effect.COUNT_DISSATISFIED, Effect.RUN_CLOCK)),
    EventKind.DISSATISFIED_AGAIN: Transition(State.ESCALATED, (Effect.COUNT_DISSATISFIED, Effect.RISE)),
    EventKind.DISSATISFIED_AT_TOP: Transition(State.UNDER_REVIEW, (Effect.COUNT_DISSATISFIED, Effect.RUN_CLOCK)),
    EventKind.FEEDBACK_MISSED: Transition(State.AWAITING_FEEDBACK, (Effect.COUNT_MISSED,)),
    EventKind.TIME_RAN_OUT: Barred.CLOCK_STOPPED,
    EventKind.TIME_RAN_OUT_AT_TOP: Barred.CLOCK_STOPPED,
    EventKind.SPECIAL_CLOSURE: Barred.FEEDBACK_DUE,
    EventKind.SPECIAL_CLOSURE_AT_L1: Barred.L1_NEVER_CLOSES,
    EventKind.SPECIAL_CLOSURE_FROM_BELOW: Barred.NOT_YOUR_LEVEL,
    EventKind.TURNED_AWAY: Barred.TAKEN_IN,
    EventKind.WITHDRAWN: _ends_in(State.WITHDRAWN),
    EventKind.MERGED: _ends_in(State.MERGED),
}

_CLOSED: dict[EventKind, Outcome] = dict.fromkeys(EventKind, Barred.CLOSED)

TABLE: Mapping[tuple[State, EventKind], Outcome] = MappingProxyType(
    {
        (state, kind): outcome
        for state, row in {
            State.REGISTERED: _REGISTERED,
            **{state: _at_work(state) for state in State if state in WITH_AN_OFFICER},
            State.AWAITING_FEEDBACK: _AWAITING_FEEDBACK,
            **{state: _CLOSED for state in State if state in FINAL},
        }.items()
        for kind, outcome in row.items()
    }
)


def outcome_of(state: State, kind: EventKind) -> Outcome:
    """What the event does in this state."""
    return TABLE[state, kind]


def feedback_event(*, satisfied: bool, level: int, dissatisfied_before: int) -> EventKind:
    """Which event the citizen's answer is.

    The first time counts over the whole life, not per level: the mission sends only the first refusal back to the same
    officer, and every further one up.
    """
    if satisfied:
        return EventKind.SATISFIED
    if dissatisfied_before == 0:
        return EventKind.DISSATISFIED_FIRST
    return EventKind.DISSATISFIED_AT_TOP if level == TOP_LEVEL else EventKind.DISSATISFIED_AGAIN


def time_event(level: int) -> EventKind:
    """Which event it is when the time of this level has run out."""
    return EventKind.TIME_RAN_OUT_AT_TOP if level == TOP_LEVEL else EventKind.TIME_RAN_OUT


def closure_event(*, level: int, by_level: int) -> EventKind:
    """Which event it is when an officer of `by_level` closes specially what is with `level`."""
    if level == 1 or by_level == 1:
        return EventKind.SPECIAL_CLOSURE_AT_L1
    return EventKind.SPECIAL_CLOSURE_FROM_BELOW if by_level < level else EventKind.SPECIAL_CLOSURE


@dataclass(frozen=True, slots=True)
class TableRow:
    """One cell of the table for printing."""

    state: str
    event: str
    to: str  # "" when barred
    effects: tuple[str, ...]
    barred: str  # name of the rule, "" when allowed
    words: str  # the effects, or what to do instead


def printable() -> tuple[TableRow, ...]:
    """The whole table, state by state, as plain text."""
    rows = []
    for (state, kind), outcome in TABLE.items():
        if isinstance(outcome, Transition):
            effects = tuple(effect.name.lower() for effect in outcome.effects)
            words = "; ".join(outcome.effects)
            rows.append(TableRow(state.value, kind.value, outcome.to.value, effects, "", words))
        else:
            rows.append(TableRow(state.value, kind.value, "", (), outcome.name.lower(), outcome.value))
    return tuple(rows)
