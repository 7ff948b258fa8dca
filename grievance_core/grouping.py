"""One trouble, many citizens: what a step of the complaint they stand behind means for each of theirs.

Each supporter's complaint keeps its number and is MERGED: it has no officer and no clock of its own, but its citizen is
rung about every report on the parent. Who is satisfied is done. Who is not stays with the parent as long as that one is
open; when it closes as satisfied, they go on: the first of them by themselves, the others behind that one. So nobody's
complaint ends by somebody else's word, and 200 people are never 200 cases for one officer.
"""

from __future__ import annotations

from dataclasses import replace

from grievance_core import store
from grievance_core.complaint import Complaint, Deed, Step
from grievance_core.life import happen
from grievance_core.lifecycle import EventKind, State
from grievance_core.outbox.box import enqueue
from grievance_core.rules import Rules
from grievance_core.tables import Db

# A report, and a superior's wish to have the citizens asked once more.
_ASKING = frozenset({EventKind.REPORTED, EventKind.ASKED_AGAIN})


async def step(session: Db, complaint: Complaint, kind: EventKind, deed: Deed, *, rules: Rules) -> Step:
    """Carry an event out and store it, with what follows for the supporters. Raises NotAllowed or ChangedMeanwhile."""
    if complaint.state is State.MERGED and kind in (EventKind.SATISFIED, EventKind.DISSATISFIED_WITH_PARENT):
        return await _supporter_answers(session, complaint, kind, deed, rules)
    after, event = await _store(session, complaint, kind, deed, rules)
    if after.supporters:
        if kind in _ASKING:
            for part in await store.parts_of(session, after.number):
                await _store(session, part, EventKind.PARENT_REPORTED, _of_clock(deed), rules)
        elif kind is EventKind.SATISFIED:
            await _go_on_without(session, after, deed, rules)
    return after, event


async def _store(session: Db, before: Complaint, kind: EventKind, deed: Deed, rules: Rules) -> Step:
    after, event = happen(before, kind, deed, rules=rules)
    await store.save(session, before, after, event)
    await enqueue(session, rules.letters(after, (event,)), at=event.at)
    return after, event


async def _supporter_answers(session: Db, part: Complaint, kind: EventKind, deed: Deed, rules: Rules) -> Step:
    """Counted with the parent, which is written first as everywhere, so that no two writers wait for each other."""
    satisfied = kind is EventKind.SATISFIED
    parent = await store.load(session, part.parent) if part.parent else None
    assert parent is not None  # what is merged has a parent, and nothing is ever deleted
    counted = EventKind.SUPPORTER_SATISFIED if satisfied else EventKind.SUPPORTER_DISSATISFIED
    parent, _ = await _store(session, parent, counted, replace(deed, about=part.number), rules)
    after, event = await _store(session, part, kind, deed, rules)
    if not satisfied and not parent.is_open:
        after, _ = await _store(session, after, EventKind.LEFT_PARENT, _leaving(parent, deed), rules)
    return after, event


async def _go_on_without(session: Db, parent: Complaint, deed: Deed, rules: Rules) -> None:
    """The parent's citizen is satisfied: whoever said no to its last report goes on, together."""
    first: Complaint | None = None
    for part in await store.parts_of(session, parent.number):
        if not part.dissatisfied or part.feedback_wanted:
            continue
        if first is None:
            first, _ = await _store(session, part, EventKind.LEFT_PARENT, _leaving(parent, deed), rules)
            continue
        behind = replace(_of_clock(deed), about=part.number)
        first, _ = await _store(session, first, EventKind.SUPPORTED, behind, rules)
        await _store(session, part, EventKind.MERGED, replace(behind, about=first.number), rules)


def _leaving(parent: Complaint, deed: Deed) -> Deed:
    return replace(_of_clock(deed), about=parent.number, amount=parent.level)


def _of_clock(deed: Deed) -> Deed:
    """What follows by itself from a deed."""
    return Deed(at=deed.at, by="clock", channel=deed.channel)
