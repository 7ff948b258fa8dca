"""A complaint as a frozen value, and what happens to it: each step gives the changed complaint and its event.

Everything here is decided by the table in `lifecycle.py`; these functions find the event's name, ask the table, and
carry its effects out on the value. Nothing is stored and no clock is read: times come in as arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, get_args

from grievance_core.catalogue import Catalogue
from grievance_core.errors import DraftRefused, NotAllowed
from grievance_core.lifecycle import (
    FINAL,
    WITH_AN_OFFICER,
    Barred,
    Effect,
    EventKind,
    State,
    closure_event,
    feedback_event,
    outcome_of,
    time_event,
)
from grievance_core.limits import due_time
from grievance_core.numbers import ComplaintNumber
from grievance_core.officers import PostId, post_for

Kind = Literal["complaint", "demand", "suggestion"]
Language = Literal["hi", "en"]

TEXT_LIMIT = 4000  # characters of a statement or report: more than can be said in three minutes
SHORT_LIMIT = 120  # characters of a name, of who did it, of a call's or attempt's id
CHANNEL_LIMIT = 20


class SpecialReason(StrEnum):
    """The fixed list of circumstances that allow a special closure (designed: no public list was found)."""

    IN_COURT = "in_court"  # the matter came before a court meanwhile
    AGAINST_RULES = "against_rules"  # what is asked is against the law or the rules
    NEEDS_POLICY = "needs_policy"  # it needs a change of policy or money that no officer can give
    FOUND_UNTRUE = "found_untrue"  # an inquiry on the spot found it untrue
    DECIDED_BEFORE = "decided_before"  # the same matter was decided before and nothing is new


class ExcludedMatter(StrEnum):
    """Matters that the helpline does not handle; the caller is told where to go and the refusal is counted."""

    RTI = "rti"
    COURT = "court"
    OTHER_STATE = "other_state"
    CENTRE = "centre"
    SERVICE_MATTER = "service_matter"


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
    due_at: datetime | None  # set on entering a level and by nothing else
    stopped_at: datetime | None  # since when the clock stands still
    waited: timedelta  # how long the clock stood still at this level before
    reported_at: datetime | None  # of the last report
    closed_at: datetime | None
    dissatisfied: int  # how often the citizen was dissatisfied, over its whole life
    missed: int  # how often the citizen was not reached for feedback, over its whole life
    overdue: bool  # L4 let its time run out
    version: int  # number of events so far

    @property
    def is_open(self) -> bool:
        return self.state not in FINAL

    @property
    def clock_ends_at(self) -> datetime | None:
        """When the time of this level runs out; None while the clock stands still or nothing runs any more."""
        if self.state not in WITH_AN_OFFICER or self.due_at is None:
            return None
        return self.due_at + self.waited


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
    reason: str = ""  # of a special closure
    attempt: str | None = None  # the feedback call that brought it


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody did, as it is recorded beside the event's kind."""

    at: datetime
    by: str = field(repr=False)
    channel: str
    text: str = field(default="", repr=False)
    report: str = field(default="", repr=False)
    reason: str = ""
    attempt: str | None = None


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


def register(
    draft: Draft, *, number: ComplaintNumber, at: datetime, catalogue: Catalogue
) -> tuple[Complaint, tuple[Event, Event]]:
    """A checked draft becomes a complaint and is given at once to the L1 officer of its category and district."""
    category = catalogue.category(draft.category)
    district = catalogue.district(draft.district)
    by = draft.agent or "citizen"
    complaint = Complaint(
        number=number,
        kind=draft.kind,
        category=category.code,
        department=category.department,
        district=district.code,
        text=draft.text,
        caller=draft.caller,
        name=draft.name,
        language=draft.language,
        channel=draft.channel,
        call_id=draft.call_id,
        agent=draft.agent,
        state=State.REGISTERED,
        level=1,
        post=None,
        registered_at=at,
        due_at=None,
        stopped_at=None,
        waited=timedelta(),
        reported_at=None,
        closed_at=None,
        dissatisfied=0,
        missed=0,
        overdue=False,
        version=1,
    )
    registered = Event(
        number=number,
        seq=1,
        kind=EventKind.REGISTERED,
        at=at,
        by=by,
        channel=draft.channel,
        state=complaint.state,
        level=1,
        post=None,
        text=draft.text,
    )
    deed = Deed(at=at, by=by, channel=draft.channel)
    complaint, assigned = happen(complaint, EventKind.ASSIGNED, deed, catalogue=catalogue)
    return complaint, (registered, assigned)


def happen(complaint: Complaint, kind: EventKind, deed: Deed, *, catalogue: Catalogue) -> Step:
    """The complaint after this event. Raises NotAllowed, which names the rule, when the table bars it."""
    outcome = outcome_of(complaint.state, kind)
    if isinstance(outcome, Barred):
        raise NotAllowed(outcome.name.lower(), outcome.value)
    changed = replace(complaint, state=outcome.to, version=complaint.version + 1)
    if kind is EventKind.REPORTED:
        changed = replace(changed, reported_at=deed.at)
    for effect in outcome.effects:
        changed = _EFFECTS[effect](changed, deed.at, catalogue)
    event = Event(
        number=changed.number,
        seq=changed.version,
        kind=kind,
        at=deed.at,
        by=deed.by,
        channel=deed.channel,
        state=changed.state,
        level=changed.level,
        post=changed.post,
        text=deed.text,
        report=deed.report,
        reason=deed.reason,
        attempt=deed.attempt,
    )
    return changed, event


def feedback_kind(complaint: Complaint, *, satisfied: bool) -> EventKind:
    """Which event the citizen's answer is for this complaint."""
    return feedback_event(satisfied=satisfied, level=complaint.level, dissatisfied_before=complaint.dissatisfied)


def closure_kind(complaint: Complaint, *, by_level: int) -> EventKind:
    """Which event a special closure by an officer of this level is for this complaint."""
    return closure_event(level=complaint.level, by_level=by_level)


def time_kind(complaint: Complaint, now: datetime) -> EventKind | None:
    """Which event the clock brings at `now`; None when nothing is due, or L4 is flagged already."""
    ends_at = complaint.clock_ends_at
    if ends_at is None or ends_at > now or complaint.overdue:
        return None
    return time_event(complaint.level)


def _enter(complaint: Complaint, level: int, at: datetime, catalogue: Catalogue) -> Complaint:
    category = catalogue.category(complaint.category)
    district = catalogue.district(complaint.district)
    return replace(
        complaint,
        level=level,
        post=post_for(category, district, level).id,
        due_at=due_time(category, level, at),
        stopped_at=None,
        waited=timedelta(),
    )


def _enter_level_1(complaint: Complaint, at: datetime, catalogue: Catalogue) -> Complaint:
    return _enter(complaint, 1, at, catalogue)


def _rise(complaint: Complaint, at: datetime, catalogue: Catalogue) -> Complaint:
    return _enter(complaint, complaint.level + 1, at, catalogue)


def _stop_clock(complaint: Complaint, at: datetime, _catalogue: Catalogue) -> Complaint:
    return replace(complaint, stopped_at=at)


def _run_clock(complaint: Complaint, at: datetime, _catalogue: Catalogue) -> Complaint:
    # A machine's clock set back must not shorten the officer's time.
    stood = max(at - complaint.stopped_at, timedelta()) if complaint.stopped_at else timedelta()
    return replace(complaint, stopped_at=None, waited=complaint.waited + stood)


def _count_dissatisfied(complaint: Complaint, _at: datetime, _catalogue: Catalogue) -> Complaint:
    return replace(complaint, dissatisfied=complaint.dissatisfied + 1)


def _count_missed(complaint: Complaint, _at: datetime, _catalogue: Catalogue) -> Complaint:
    return replace(complaint, missed=complaint.missed + 1)


def _flag_overdue(complaint: Complaint, _at: datetime, _catalogue: Catalogue) -> Complaint:
    return replace(complaint, overdue=True)


def _end(complaint: Complaint, at: datetime, _catalogue: Catalogue) -> Complaint:
    return replace(complaint, closed_at=at, stopped_at=None)


_EFFECTS: dict[Effect, Callable[[Complaint, datetime, Catalogue], Complaint]] = {
    Effect.ENTER_LEVEL_1: _enter_level_1,
    Effect.RISE: _rise,
    Effect.STOP_CLOCK: _stop_clock,
    Effect.RUN_CLOCK: _run_clock,
    Effect.COUNT_DISSATISFIED: _count_dissatisfied,
    Effect.COUNT_MISSED: _count_missed,
    Effect.FLAG_OVERDUE: _flag_overdue,
    Effect.END: _end,
}
