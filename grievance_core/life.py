"""What happens to a complaint: each step gives the changed complaint and its event.

Everything here is decided by the table in `lifecycle_table.py`; `happen` asks the table and carries its effects out on
the value. Nothing is stored and no clock is read: times come in as arguments. `replay` makes the complaint out of its
events again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from grievance_core.catalogue import TOP_LEVEL
from grievance_core.complaint import Complaint, Deed, Draft, Event, Step
from grievance_core.errors import NotAllowed
from grievance_core.lifecycle import (
    LEADERSHIP_LEVEL,
    WITH_AN_OFFICER,
    Barred,
    Effect,
    EventKind,
    State,
    given_up_event,
    time_event,
)
from grievance_core.lifecycle_table import outcome_of
from grievance_core.numbers import ComplaintNumber
from grievance_core.officers import PostId
from grievance_core.rules import Rules

WARNINGS: Final = (50, 80)
"""At which per cent of a level's time its officer is warned."""


def register(
    draft: Draft, *, number: ComplaintNumber, at: datetime, rules: Rules, pin: str = "", excluded: str = ""
) -> tuple[Complaint, tuple[Event, Event]]:
    """A checked draft becomes a complaint and is given at once to the L1 officer of its category and district.

    Information that was given is closed at once; an excluded matter is turned away.
    """
    complaint = born(draft, number=number, at=at, rules=rules, pin=pin, excluded=excluded)
    by = draft.agent or "citizen"
    deed = Deed(at=at, by=by, channel=draft.channel, text=draft.text, about=complaint.category)
    registered = _event(complaint, EventKind.REGISTERED, deed)
    if excluded:
        second = EventKind.TURNED_AWAY
    else:
        second = EventKind.ANSWERED if draft.kind == "information" else EventKind.ASSIGNED
    complaint, then = happen(complaint, second, replace(deed, text="", about="", reason=excluded), rules=rules)
    return complaint, (registered, then)


def born(
    draft: Draft, *, number: ComplaintNumber, at: datetime, rules: Rules, pin: str = "", excluded: str = ""
) -> Complaint:
    """The complaint of a checked draft, before anybody has it."""
    category = rules.catalogue.category(draft.category)
    return Complaint(
        number=number,
        kind=draft.kind,
        category=category.code,
        department=category.department,
        district=rules.catalogue.district(draft.district).code,
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
        confidential=draft.confidential,
        accused=draft.accused,
        pin=pin,
        excluded=excluded,
    )


def as_registered(complaint: Complaint, first: Event, *, rules: Rules) -> Complaint:
    """The complaint as it was before anybody had it, for `replay`; `first` is its first event."""
    draft = Draft(
        category=first.about or complaint.category,  # the oldest do not tell it, and were never moved
        district=complaint.district,
        text=complaint.text,
        caller=complaint.caller,
        name=complaint.name,
        kind=complaint.kind,
        language=complaint.language,
        channel=complaint.channel,
        call_id=complaint.call_id,
        agent=complaint.agent,
        confidential=complaint.confidential,
        accused=complaint.accused,
    )
    at = complaint.registered_at
    return born(draft, number=complaint.number, at=at, rules=rules, pin=complaint.pin, excluded=complaint.excluded)


def happen(complaint: Complaint, kind: EventKind, deed: Deed, *, rules: Rules) -> Step:
    """The complaint after this event. Raises NotAllowed, which names the rule, when the table bars it."""
    outcome = outcome_of(complaint.state, kind)
    if isinstance(outcome, Barred):
        raise NotAllowed(outcome.name.lower(), outcome.value)
    changed = complaint
    if kind is EventKind.REPORTED:
        changed = replace(changed, reported_at=deed.at, supporters_for=0, supporters_against=0)
    for effect in outcome.effects:
        changed = _EFFECTS[effect](changed, deed, rules)
    sweep_at = _sweep_at(changed, outcome.to, rules)
    changed = replace(changed, state=outcome.to, version=complaint.version + 1, sweep_at=sweep_at)
    return changed, _event(changed, kind, deed)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The owner that an event was recorded with."""

    post: PostId
    level: int
    flags: tuple[str, ...]


def replay(first: Complaint, events: Iterable[Event], *, rules: Rules) -> Complaint:
    """The complaint as its events make it, from what was registered (`born`); owners are those on record."""
    complaint = first
    for event in events:
        if event.kind is EventKind.REGISTERED:
            continue
        owner = _Recorded(event.post or PostId(""), event.level, tuple(event.flags.split()))
        deed = Deed(
            at=event.at,
            by=event.by,
            channel=event.channel,
            text=event.text,
            report=event.report,
            reason=event.reason,
            attempt=event.attempt,
            by_level=event.by_level,
            about=event.about,
            amount=event.amount,
        )
        complaint, _ = happen(complaint, event.kind, deed, rules=replace(rules, owners=lambda *_, owner=owner: owner))
    return complaint


def due_event(complaint: Complaint, now: datetime, *, rules: Rules) -> tuple[EventKind, int] | None:
    """What the clock brings at `now`, with the per cent of a warning; None when nothing is due."""
    if complaint.sweep_at is None or complaint.sweep_at > now:
        return None
    if complaint.state is State.MERGED:
        return EventKind.FEEDBACK_OF_MERGED_GIVEN_UP, 0
    if complaint.state not in WITH_AN_OFFICER:
        return given_up_event(complaint.level), 0
    if complaint.ends_at is not None and complaint.ends_at <= now:
        return time_event(complaint.level, complaint.kind), 0
    warnings = _warnings(complaint, rules)
    passed = [share for share, at in warnings if at <= now]
    # The calendar may have been changed since the next look was set: then it is the first warning's turn.
    return EventKind.WARNED, max(passed, default=warnings[0][0] if warnings else WARNINGS[-1])


def _warnings(complaint: Complaint, rules: Rules) -> list[tuple[int, datetime]]:
    """The shares of its time of which this level is still to be warned, and when."""
    if complaint.ends_at is None:
        return []
    limit = rules.limit(complaint.category, complaint.level)
    total = limit.span + timedelta(days=complaint.extended)
    return [
        (share, rules.calendar.add(complaint.ends_at, -total * (100 - share) / 100, working=limit.working))
        for share in WARNINGS
        if share > complaint.warned
    ]


def _sweep_at(complaint: Complaint, state: State, rules: Rules) -> datetime | None:
    """When the clock has something to do with it next, in this state."""
    if state in WITH_AN_OFFICER:
        if complaint.overdue:
            return None
        return next((at for _, at in _warnings(complaint, rules)), complaint.ends_at)
    never = complaint.unreached or not complaint.caller  # nobody can ring a number that was withheld
    if complaint.ask_at is not None and never and complaint.stopped_at is not None:
        return complaint.stopped_at + rules.policy.feedback_span
    return None


def _event(complaint: Complaint, kind: EventKind, deed: Deed) -> Event:
    return Event(
        number=complaint.number,
        seq=complaint.version,
        kind=kind,
        at=deed.at,
        by=deed.by,
        channel=deed.channel,
        state=complaint.state,
        level=complaint.level,
        post=complaint.post,
        text=deed.text,
        report=deed.report,
        reason=deed.reason,
        attempt=deed.attempt,
        by_level=deed.by_level,
        about=deed.about,
        amount=deed.amount,
        due_at=complaint.due_at,
        flags=complaint.flags,
    )


# The effects

NO_PROPOSAL: Final[Mapping[str, Any]] = MappingProxyType(
    {"proposed_by": "", "proposed_level": 0, "proposed_reason": ""}
)


def _enter(complaint: Complaint, level: int, at: datetime, rules: Rules) -> Complaint:
    """At a level from now on: its owner, its due time, and nothing left of the level before."""
    owner = rules.owners(complaint.category, complaint.district, level, at, complaint.accused)
    own_level = min(owner.level, TOP_LEVEL)
    limit = rules.limit(complaint.category, own_level)
    due_at = rules.calendar.add(at, limit.span, working=limit.working)
    return replace(
        complaint,
        **NO_PROPOSAL,
        level=own_level,
        post=owner.post,
        flags=" ".join(owner.flags),
        due_at=due_at,
        ends_at=due_at,
        stopped_at=None,
        waited=timedelta(),
        warned=0,
        extended=0,
        overdue=False,
    )


def _rise(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    return _enter(complaint, complaint.level + 1, deed.at, rules)


def _stop_clock(complaint: Complaint, deed: Deed, _rules: Rules) -> Complaint:
    return replace(complaint, stopped_at=deed.at)


def _run_clock(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    if complaint.stopped_at is None or complaint.ends_at is None:
        return replace(complaint, stopped_at=None)
    limit = rules.limit(complaint.category, complaint.level)
    # A machine's clock set back must not shorten the officer's time.
    until = max(deed.at, complaint.stopped_at)
    stood = rules.calendar.between(complaint.stopped_at, until, working=limit.working)
    return replace(
        complaint,
        stopped_at=None,
        waited=complaint.waited + stood,
        ends_at=rules.calendar.add(complaint.ends_at, stood, working=limit.working),
    )


def _extend(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    assert complaint.due_at is not None  # the table: only with an officer
    assert complaint.ends_at is not None
    working = rules.limit(complaint.category, complaint.level).working
    more = timedelta(days=deed.amount)
    return replace(
        complaint,
        due_at=rules.calendar.add(complaint.due_at, more, working=working),
        ends_at=rules.calendar.add(complaint.ends_at, more, working=working),
        extended=complaint.extended + deed.amount,
        overdue=False,
    )


def _move_department(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    """The clock is the citizen's: it does not begin anew because the wrong department had it."""
    category = rules.catalogue.category(deed.about)
    moved = replace(complaint, category=category.code, department=category.department)
    owner = rules.owners(moved.category, moved.district, moved.level, deed.at, moved.accused)
    return replace(
        moved,
        post=owner.post,
        level=min(owner.level, TOP_LEVEL),
        flags=" ".join(owner.flags),
        transfers=complaint.transfers + 1,
    )


def _next_owner(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    """A level above begins with its own time; another post of the same level goes on with what is left."""
    owner = rules.owners(complaint.category, complaint.district, complaint.level, deed.at, complaint.accused)
    if owner.level > complaint.level:
        return _enter(complaint, complaint.level, deed.at, rules)
    return replace(complaint, **NO_PROPOSAL, post=owner.post, flags=" ".join(owner.flags))


def _leave_parent(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    return _enter(replace(complaint, parent=None), deed.amount, deed.at, rules)


def _count_missed(complaint: Complaint, deed: Deed, rules: Rules) -> Complaint:
    again = deed.at + rules.policy.ask_again_after
    return replace(complaint, missed=complaint.missed + 1, unreached=complaint.unreached + 1, ask_at=again)


def _end(complaint: Complaint, deed: Deed, _rules: Rules) -> Complaint:
    return replace(complaint, closed_at=deed.at, stopped_at=None, question_at=None)


_EFFECTS: Mapping[Effect, Callable[[Complaint, Deed, Rules], Complaint]] = MappingProxyType(
    {
        Effect.ENTER_LEVEL_1: lambda it, deed, rules: _enter(it, 1, deed.at, rules),
        Effect.RISE: _rise,
        Effect.TO_LEADERSHIP: lambda it, deed, rules: _enter(it, LEADERSHIP_LEVEL, deed.at, rules),
        Effect.STOP_CLOCK: _stop_clock,
        Effect.RUN_CLOCK: _run_clock,
        Effect.ASK: lambda it, deed, rules: replace(
            it, ask_at=rules.ask_at(it.number, it.version + 1, deed.at), unreached=0
        ),
        Effect.DRAW_SECOND_CALL: lambda it, deed, _: replace(
            it, ask_at=deed.at + timedelta(hours=deed.amount) if deed.amount and it.caller else None
        ),
        Effect.STOP_ASKING: lambda it, _, __: replace(it, ask_at=None),
        Effect.COUNT_DISSATISFIED: lambda it, _, __: replace(it, dissatisfied=it.dissatisfied + 1),
        Effect.COUNT_MISSED: _count_missed,
        Effect.WARN: lambda it, deed, _: replace(it, warned=deed.amount),
        Effect.EXTEND: _extend,
        Effect.PROPOSE: lambda it, deed, _: replace(
            it, proposed_by=deed.by, proposed_level=deed.by_level, proposed_reason=deed.reason
        ),
        Effect.DROP_PROPOSAL: lambda it, _, __: replace(it, **NO_PROPOSAL),
        Effect.COUNT_OBJECTION: lambda it, _, __: replace(it, objections=it.objections + 1),
        Effect.MOVE_DEPARTMENT: _move_department,
        Effect.NEXT_OWNER: _next_owner,
        Effect.OPEN_QUESTION: lambda it, deed, _: replace(it, question_at=deed.at),
        Effect.SETTLE_QUESTION: lambda it, _, __: replace(it, question_at=None),
        Effect.JOIN_PARENT: lambda it, deed, _: replace(it, parent=ComplaintNumber(deed.about), stopped_at=None),
        Effect.COUNT_SUPPORTER: lambda it, _, __: replace(it, supporters=it.supporters + 1),
        Effect.COUNT_FOR: lambda it, _, __: replace(it, supporters_for=it.supporters_for + 1),
        Effect.COUNT_AGAINST: lambda it, _, __: replace(it, supporters_against=it.supporters_against + 1),
        Effect.LEAVE_PARENT: _leave_parent,
        Effect.FLAG_OVERDUE: lambda it, _, __: replace(it, overdue=True),
        Effect.REOPEN: lambda it, _, __: replace(it, closed_at=None),
        Effect.END: _end,
    }
)
