"""A complaint, what is told to register one, and what happens to it, as frozen values; what happens is in `life.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, get_args

from grievance_core.errors import DraftRefused
from grievance_core.lifecycle import FINAL, WITH_AN_OFFICER, EventKind, Kind, State
from grievance_core.numbers import ComplaintNumber
from grievance_core.officers import PostId

Language = Literal["hi", "en"]

TEXT_LIMIT = 4000  # characters of a statement or report: more than can be said in three minutes
SHORT_LIMIT = 120  # characters of a name, of who did it, of a call's or attempt's id
CHANNEL_LIMIT = 20
MASK = "confidential"


class SpecialReason(StrEnum):
    """The fixed list of circumstances that allow a special closure (designed: no public list was found)."""

    IN_COURT = "in_court"  # the matter came before a court meanwhile
    AGAINST_RULES = "against_rules"  # what is asked is against the law or the rules
    NEEDS_POLICY = "needs_policy"  # it needs a change of policy or money that no officer can give
    FOUND_UNTRUE = "found_untrue"  # an inquiry on the spot found it untrue
    DECIDED_BEFORE = "decided_before"  # the same matter was decided before and nothing is new
    NEVER_REACHED = "never_reached"  # the superior decides: the citizen could not be asked, and the report convinces


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be registered."""

    category: str  # code
    district: str  # LGD code
    text: str = field(repr=False)  # the citizen's statement, at most TEXT_LIMIT characters
    caller: str = field(default="", repr=False)  # national number, "" when withheld
    name: str = field(default="", repr=False)
    kind: Kind = "complaint"
    language: Language = "hi"
    channel: str = "call"
    call_id: str | None = None  # the call it was told in; None for a walk-in or a letter
    agent: str | None = None  # who typed it; None when the citizen did it alone by keys
    confidential: bool = False  # the officer is not told who complains
    accused: PostId | None = None  # the post that it is against, if it is against an officer


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A complaint at one moment of its life."""

    number: ComplaintNumber
    kind: Kind
    category: str
    department: str
    district: str
    text: str = field(repr=False)
    caller: str = field(repr=False)
    name: str = field(repr=False)
    language: Language
    channel: str
    call_id: str | None
    agent: str | None
    state: State
    level: int  # 1 to 4
    post: PostId | None  # who answers for it; None only until it is assigned, or if it was turned away
    registered_at: datetime
    due_at: datetime | None  # set on entering a level, and moved by nothing but an extension on record
    stopped_at: datetime | None  # since when the clock stands still, which is since when the citizen is asked
    waited: timedelta  # how much of the level's kind of time the clock stood still at this level before
    reported_at: datetime | None  # of the last report
    closed_at: datetime | None
    dissatisfied: int  # how often the citizen was dissatisfied, over its whole life
    missed: int  # how often the citizen was not reached for feedback, over its whole life
    overdue: bool  # L4 let its time run out
    version: int  # number of events so far
    confidential: bool = False
    accused: PostId | None = None
    pin: str = field(default="", repr=False)  # four digits that open its status to who calls from another number
    excluded: str = ""  # the excluded matter it was refused for, or taken in all the same
    flags: str = ""  # why its post has it, in words of `posts`: vacant, on_leave …; with spaces between
    ends_at: datetime | None = None  # when the time of this level runs out, if the clock runs
    sweep_at: datetime | None = None  # when the clock has something to do with it next
    warned: int = 0  # the highest share of its time of which this level was warned: 0, 50 or 80 %
    extended: int = 0  # by how many days this level's time was extended
    transfers: int = 0
    objections: int = 0
    proposed_by: str = field(default="", repr=False)  # who proposed to close it specially
    proposed_level: int = 0
    proposed_reason: str = ""
    ask_at: datetime | None = None  # when the citizen is to be rung next
    unreached: int = 0  # rounds of calls without an answer since the last report
    question_at: datetime | None = None  # since when an officer's question to the citizen is open
    parent: ComplaintNumber | None = None  # the one it is part of
    supporters: int = 0  # how many others are part of it
    supporters_for: int = 0  # of those, who is satisfied with the last report
    supporters_against: int = 0

    @property
    def is_open(self) -> bool:
        return self.state not in FINAL

    @property
    def clock_ends_at(self) -> datetime | None:
        """When the time of this level runs out; None while the clock stands still or nothing runs any more."""
        return self.ends_at if self.state in WITH_AN_OFFICER else None

    @property
    def feedback_wanted(self) -> bool:
        """Whether the citizen's word on the last report is still missing."""
        if self.state is State.MERGED:
            return self.stopped_at is not None
        return self.state in (State.AWAITING_FEEDBACK, State.WITH_SUPERIOR)

    @property
    def second_call_due(self) -> bool:
        """Whether its citizen, who was satisfied, is to be rung once more by somebody who does not know that."""
        return self.state is State.CLOSED_SATISFIED and self.ask_at is not None

    def for_officer(self) -> Complaint:
        """As the officer and the outside may see it: without the citizen, if it is confidential."""
        seen = replace(self, pin="", ask_at=None)
        return replace(seen, caller="", name=MASK) if self.confidential else seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a complaint: kept for ever, never changed."""

    number: ComplaintNumber
    seq: int  # 1, 2, 3 … without a gap
    kind: EventKind
    at: datetime
    by: str = field(repr=False)  # citizen, an agent, a post, clock
    channel: str
    state: State  # the state it led to
    level: int
    post: PostId | None
    text: str = field(default="", repr=False)  # statement, report or explanation
    report: str = field(default="", repr=False)  # the report that a special closure rests on
    reason: str = ""  # of a special closure; of feedback and reports what `Deed` says
    attempt: str | None = None  # the feedback call that brought it
    by_level: int = 0  # of whoever did it, if it was an officer or the leadership (5)
    about: str = ""  # another complaint's number, or the category it was moved to
    # Days of an extension, per cent of a warning, level that a supporter goes on at, hours until a blind second call.
    amount: int = 0
    due_at: datetime | None = None  # as it is after this
    flags: str = ""  # why this post has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody did, as it is recorded beside the event's kind."""

    at: datetime
    by: str = field(repr=False)
    channel: str
    text: str = field(default="", repr=False)
    report: str = field(default="", repr=False)
    reason: str = ""  # of a report "visited" if the officer was there; of a second call the answer
    attempt: str | None = None
    by_level: int = 0
    about: str = ""
    amount: int = 0


NOT_FOR_OFFICERS = frozenset({EventKind.PRESSED, EventKind.SECOND_FEEDBACK, EventKind.SECOND_CALL_MISSED})


def for_officers(events: Iterable[Event]) -> list[Event]:
    """What officers may read of a history: not who said that they were pressed, nor anything of blind second calls."""
    return [
        replace(event, amount=0) if event.kind is EventKind.SATISFIED else event
        for event in events
        if event.kind not in NOT_FOR_OFFICERS
    ]


Step = tuple[Complaint, Event]


def words(text: str, what: str) -> str:
    """A statement or report, trimmed and without control characters. Raises DraftRefused if empty or too long."""
    clean = "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text).strip()
    if not clean:
        raise DraftRefused(f"The {what} is empty. Write what it is about.")
    if len(clean) > TEXT_LIMIT:
        raise DraftRefused(f"The {what} has {len(clean)} characters, at most {TEXT_LIMIT} are taken. Shorten it.")
    return clean


def short(text: str, what: str, *, limit: int = SHORT_LIMIT) -> str:
    """A name or an id, trimmed. Raises DraftRefused when it is too long or holds control characters."""
    clean = text.strip()
    if len(clean) > limit or not clean.isprintable():
        raise DraftRefused(f"The {what} must be at most {limit} printable characters. Shorten it.")
    return clean


def checked(draft: Draft) -> Draft:
    """The draft with its fields trimmed. Raises DraftRefused, which names the field and what is expected."""
    if draft.kind not in get_args(Kind):
        raise DraftRefused(f"The kind must be one of {', '.join(get_args(Kind))}.")
    if draft.language not in get_args(Language):
        raise DraftRefused(f"The language must be one of {', '.join(get_args(Language))}.")
    if draft.caller and not (draft.caller.isascii() and draft.caller.isdigit() and len(draft.caller) <= 15):
        raise DraftRefused("The caller's number must be digits only, at most 15, or empty when it is withheld.")
    return replace(
        draft,
        text=words(draft.text, "statement"),
        name=short(draft.name, "name"),
        channel=short(draft.channel, "channel", limit=CHANNEL_LIMIT),
        call_id=short(draft.call_id, "call's id") if draft.call_id else None,
        agent=short(draft.agent, "agent's id") if draft.agent else None,
    )


def once_key(draft: Draft) -> str | None:
    """What makes a second sending of the same form the same complaint: the call and all that was said in it.

    None outside a call: there two equal statements may well be two people's.
    """
    if draft.call_id is None:
        return None
    said = "\x1f".join((draft.call_id, draft.kind, draft.category, draft.district, draft.caller, draft.text))
    return hashlib.sha256(said.encode()).hexdigest()
