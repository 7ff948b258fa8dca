"""The words of a complaint's life: its states, what can happen to it, what that changes, and the rules against it.

The table that puts them together stands in `lifecycle_table.py`. What decides between two outcomes (which level, which
time dissatisfied, who decides) is part of the event's name, so the table has no hidden conditions and can be printed,
drawn and checked cell by cell. The `…_event` functions find the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from grievance_core.catalogue import TOP_LEVEL

Kind = Literal["complaint", "demand", "suggestion", "information"]
"""What was told: only a complaint is asked about; a demand and a suggestion are answered, information was given."""

LEADERSHIP_LEVEL: Final = TOP_LEVEL + 1
"""Above L4: not a level of the complaint, but of who may decide about it."""


class State(StrEnum):
    """Where a complaint is in its life."""

    REGISTERED = "registered"
    WITH_OFFICER = "with_officer"  # with the first officer for the first time
    AWAITING_FEEDBACK = "awaiting_feedback"  # reported as resolved; the citizen is to be asked
    UNDER_REVIEW = "under_review"  # back with the same officer, because the citizen is not satisfied
    ESCALATED = "escalated"  # it went up: with an officer above the one who had it
    CLOSURE_PROPOSED = "closure_proposed"  # one officer would close it specially; a second must approve
    WITH_SUPERIOR = "with_superior"  # the citizen was never reached; the officer's superior decides
    CLOSED_SATISFIED = "closed_satisfied"
    CLOSED_SPECIALLY = "closed_specially"
    CLOSED_ANSWERED = "closed_answered"  # a demand or suggestion was answered, or information was given
    REFUSED = "refused"  # an excluded matter, turned away at the door
    WITHDRAWN = "withdrawn"
    MERGED = "merged"  # goes on as part of another one, whose report its citizen is asked about too


class EventKind(StrEnum):
    """What can happen to a complaint."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    TURNED_AWAY = "turned_away"
    OVERRIDDEN = "overridden"  # a supervisor takes an excluded matter in all the same
    REPORTED = "reported"
    ANSWERED = "answered"
    SATISFIED = "satisfied"
    DISSATISFIED_FIRST = "dissatisfied_first"
    DISSATISFIED_AGAIN = "dissatisfied_again"
    DISSATISFIED_AT_TOP = "dissatisfied_at_top"
    FEEDBACK_MISSED = "feedback_missed"
    FEEDBACK_GIVEN_UP = "feedback_given_up"
    FEEDBACK_GIVEN_UP_AT_TOP = "feedback_given_up_at_top"
    ASKED_AGAIN = "asked_again"  # the superior has the citizen rung once more
    SECOND_FEEDBACK = "second_feedback"  # the answer to a blind second call
    SECOND_CALL_MISSED = "second_call_missed"  # nobody was reached by it: it says nothing
    PRESSED = "pressed"  # the citizen says that an officer pressed them
    WARNED = "warned"
    TIME_RAN_OUT = "time_ran_out"
    TIME_RAN_OUT_AT_TOP = "time_ran_out_at_top"
    EXTENDED = "extended"
    EXTENDED_AGAIN = "extended_again"
    EXTENDED_FROM_BELOW = "extended_from_below"
    CLOSURE_PROPOSED = "closure_proposed"
    CLOSURE_PROPOSED_AT_L1 = "closure_proposed_at_l1"
    CLOSURE_PROPOSED_FROM_BELOW = "closure_proposed_from_below"
    SPECIAL_CLOSURE = "special_closure"  # the second person approves
    CLOSURE_DECLINED = "closure_declined"
    CLOSURE_DECIDED_BY_SAME = "closure_decided_by_same"
    CLOSURE_DECIDED_FROM_BELOW = "closure_decided_from_below"
    OBJECTED = "objected"
    OBJECTED_AT_TOP = "objected_at_top"
    OBJECTED_AGAIN = "objected_again"
    TRANSFERRED = "transferred"
    TRANSFERRED_TOO_OFTEN = "transferred_too_often"
    TRANSFER_DECIDED = "transfer_decided"  # by a supervisor
    OFFICER_GONE = "officer_gone"  # nobody is in the post that has it
    QUESTION_ASKED = "question_asked"
    QUESTION_ASKED_AGAIN = "question_asked_again"
    QUESTION_ANSWERED = "question_answered"
    QUESTION_NOT_ASKED = "question_not_asked"  # an answer to no question
    ATTACHED = "attached"
    COMMENTED = "commented"
    REMINDED = "reminded"
    WITHDRAWN = "withdrawn"
    WITHDRAWN_WITH_SUPPORTERS = "withdrawn_with_supporters"
    MERGED = "merged"
    MERGED_WITH_SUPPORTERS = "merged_with_supporters"
    SUPPORTED = "supported"  # another citizen's complaint of the same trouble joins this one
    SUPPORTER_SATISFIED = "supporter_satisfied"
    SUPPORTER_DISSATISFIED = "supporter_dissatisfied"
    PARENT_REPORTED = "parent_reported"
    DISSATISFIED_WITH_PARENT = "dissatisfied_with_parent"
    ANSWERED_UNASKED = "answered_unasked"  # a supporter's word on no report
    LEFT_PARENT = "left_parent"
    FEEDBACK_OF_MERGED_GIVEN_UP = "feedback_of_merged_given_up"


class Effect(StrEnum):
    """What a transition does beside changing the state; the words are for people."""

    ENTER_LEVEL_1 = "given to the L1 officer, due time set"
    RISE = "given to the officer of the next level, due time set"
    TO_LEADERSHIP = "given to the leadership, due time set"
    STOP_CLOCK = "clock stopped"
    RUN_CLOCK = "clock runs on"
    ASK = "the citizen is to be asked"
    DRAW_SECOND_CALL = "if it was drawn, the citizen is rung once more by somebody else"
    STOP_ASKING = "the citizen is not rung any more"
    COUNT_DISSATISFIED = "counted as dissatisfied"
    COUNT_MISSED = "counted as not reached; rung again later"
    WARN = "the officer is warned"
    EXTEND = "due time moved, on record"
    PROPOSE = "a second person is to decide"
    DROP_PROPOSAL = "the proposal to close is void"
    COUNT_OBJECTION = "the one objection is used"
    MOVE_DEPARTMENT = "given to the officer of the same level in the other department; the due time stays"
    NEXT_OWNER = "given to who answers for this level now; due time set if that is a level above"
    OPEN_QUESTION = "the citizen is rung with the question"
    SETTLE_QUESTION = "the question is settled"
    JOIN_PARENT = "goes on as part of the other one"
    COUNT_SUPPORTER = "counted as supported by one more"
    COUNT_FOR = "one supporter more is satisfied"
    COUNT_AGAINST = "one supporter more is dissatisfied"
    LEAVE_PARENT = "goes on by itself at the level of the one it was part of, due time set"
    FLAG_OVERDUE = "flagged to the leadership as overdue"
    REOPEN = "open again"
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
    ASKED_ALREADY = "The citizen is to be asked once more only when the superior has the complaint."
    L1_NEVER_CLOSES = "L1 never closes specially. Only L2, L3 or L4 may propose it, once the complaint is with them."
    NOT_YOUR_LEVEL = "Only the level that has it, or a higher one, may propose a special closure."
    TWO_PEOPLE = "Two people close specially. Someone other than who proposed it must decide."
    HIGHER_DECIDES = "A higher level than the proposer's decides; what L4 proposed, another L4 or the leadership."
    PROPOSED_ALREADY = "A special closure is proposed already. Approve or decline it first."
    NOTHING_PROPOSED = "No special closure is proposed. Propose it first; a second person then decides."
    NOT_CLOSED_SPECIALLY = "Objections are made to a special closure or an answer. Before that, give feedback."
    OBJECTED_BEFORE = "The one objection was made already, and its decision stands."
    ONE_EXTENSION = "The time at this level was extended already. Report what was done so far."
    SUPERIOR_EXTENDS = "Only a higher level, or the leadership, may extend the time. Ask your superior."
    SUPERVISOR_MOVES = "It was transferred too often. A supervisor decides which department has it."
    NO_QUESTION = "No question to the citizen is open."
    QUESTION_OPEN = "A question to the citizen is open already. Wait for the answer."
    OTHERS_STAND_BEHIND = "Others stand behind this complaint and it goes on for them. Merge the other one into it."
    NOT_PART_OF_ANOTHER = "It stands by itself and is not part of another one."
    PART_OF_ANOTHER = "It goes on as part of another complaint. Look at that one."
    TAKEN_IN = "It was taken in already and can't be turned away. It goes on to its end."
    NOT_CLOSED_YET = "A second call is made about what was closed as satisfied. This is not."
    CLOSED = "It is closed. Register a new complaint if the trouble is back."


@dataclass(frozen=True, slots=True)
class Transition:
    """An allowed cell of the table."""

    to: State
    effects: tuple[Effect, ...] = ()


Outcome = Transition | Barred

FINAL = frozenset(
    {
        *(State.CLOSED_SATISFIED, State.CLOSED_SPECIALLY, State.CLOSED_ANSWERED),
        *(State.REFUSED, State.WITHDRAWN, State.MERGED),
    }
)
# States in which an officer works on the complaint and the clock runs.
WITH_AN_OFFICER = frozenset(
    {State.WITH_OFFICER, State.UNDER_REVIEW, State.ESCALATED, State.CLOSURE_PROPOSED, State.WITH_SUPERIOR}
)


def report_event(kind: Kind) -> EventKind:
    """Which event the officer's word is: a complaint is reported and asked about, all else is answered."""
    return EventKind.REPORTED if kind == "complaint" else EventKind.ANSWERED


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


def time_event(level: int, kind: Kind = "complaint") -> EventKind:
    """Which event it is when the time of this level has run out. A demand or suggestion rises no further than to L2."""
    top = TOP_LEVEL if kind == "complaint" else 2
    return EventKind.TIME_RAN_OUT_AT_TOP if level >= top else EventKind.TIME_RAN_OUT


def given_up_event(level: int) -> EventKind:
    """Which event it is when the span in which the citizen is rung is over."""
    return EventKind.FEEDBACK_GIVEN_UP_AT_TOP if level == TOP_LEVEL else EventKind.FEEDBACK_GIVEN_UP


def proposal_event(*, level: int, by_level: int) -> EventKind:
    """Which event it is when an officer of `by_level` would close specially what is with `level`."""
    if level == 1 or by_level == 1:
        return EventKind.CLOSURE_PROPOSED_AT_L1
    return EventKind.CLOSURE_PROPOSED_FROM_BELOW if by_level < level else EventKind.CLOSURE_PROPOSED


def decision_event(*, approve: bool, proposed_level: int, by_level: int, same_person: bool) -> EventKind:
    """Which event the second person's word is. `by_level` is 5 (LEADERSHIP_LEVEL) for the leadership."""
    if same_person:
        return EventKind.CLOSURE_DECIDED_BY_SAME
    if by_level < min(proposed_level + 1, TOP_LEVEL):
        return EventKind.CLOSURE_DECIDED_FROM_BELOW
    return EventKind.SPECIAL_CLOSURE if approve else EventKind.CLOSURE_DECLINED


def objection_event(*, level: int, objections_before: int) -> EventKind:
    """Which event a citizen's objection is."""
    if objections_before:
        return EventKind.OBJECTED_AGAIN
    return EventKind.OBJECTED_AT_TOP if level == TOP_LEVEL else EventKind.OBJECTED


def extension_event(*, level: int, by_level: int, extended_before: int) -> EventKind:
    """Which event an extension granted by `by_level` is, of what is with `level`."""
    if by_level <= level:
        return EventKind.EXTENDED_FROM_BELOW
    return EventKind.EXTENDED_AGAIN if extended_before else EventKind.EXTENDED


def transfer_event(*, transfers_before: int, most: int, by_supervisor: bool) -> EventKind:
    """Which event a transfer to another department is."""
    if by_supervisor:
        return EventKind.TRANSFER_DECIDED
    return EventKind.TRANSFERRED if transfers_before < most else EventKind.TRANSFERRED_TOO_OFTEN


def question_event(*, is_open: bool) -> EventKind:
    """Which event an officer's question to the citizen is; one at a time."""
    return EventKind.QUESTION_ASKED_AGAIN if is_open else EventKind.QUESTION_ASKED


def reply_event(*, is_open: bool) -> EventKind:
    """Which event the citizen's answer to an officer's question is."""
    return EventKind.QUESTION_ANSWERED if is_open else EventKind.QUESTION_NOT_ASKED


def supporter_event(*, satisfied: bool, wanted: bool) -> EventKind:
    """Which event a supporter's answer is, `wanted` if the parent was reported and this citizen has not answered."""
    if not wanted:
        return EventKind.ANSWERED_UNASKED
    return EventKind.SATISFIED if satisfied else EventKind.DISSATISFIED_WITH_PARENT


def withdrawal_event(supporters: int) -> EventKind:
    """Which event it is when the citizen takes the complaint back."""
    return EventKind.WITHDRAWN_WITH_SUPPORTERS if supporters else EventKind.WITHDRAWN


def merging_event(supporters: int) -> EventKind:
    """Which event it is when the complaint is to become part of another one."""
    return EventKind.MERGED_WITH_SUPPORTERS if supporters else EventKind.MERGED
