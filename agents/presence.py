"""Presence: what an agent is doing, and every way in which that may change.

Pure. `TABLE` answers for each state and each kind of event; `step` carries the answer out on a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum

from agents.occupancy import Shift


class State(StrEnum):
    """What an agent is doing. Ringing, wrap-up and working are transient: they carry a deadline."""

    SIGNED_OUT = "signed_out"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    WORKING = "working"  # on a work item that is no call, such as a recorded complaint to be typed up
    PAUSED = "paused"


class Kind(StrEnum):
    """What can happen to an agent."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    READY = "ready"
    PAUSE = "pause"
    RING = "ring"  # a call is offered: their phone rings
    RELEASE = "release"  # the offer was taken back: the caller left
    NO_ANSWER = "no_answer"  # the offer failed by the agent or their phone; the reason says how
    ANSWER = "answer"  # a conversation is on: true of the phone, so accepted in every state
    END = "end"  # the conversation is over
    WRAPPED = "wrapped"  # wrap-up is over, by the agent or by its deadline
    EXTEND = "extend"  # more time for this wrap-up, once
    WORK = "work"  # a work item is given to them
    WORKED = "worked"  # the work item is done, or was taken back
    UNWORKED = "unworked"  # the work item's time ran out, and the agent said nothing


class Move(Enum):
    """Answers of the table that are not simply the next state."""

    STAY = "stay"  # nothing changes
    REFUSE = "refuse"  # not possible: the one who asked is told why
    LATER = "later"  # a call or a work item is on: do it when that and its wrap-up are over
    AFTERWARDS = "afterwards"  # do what was asked for later; ready, if nothing was
    LONGER = "longer"  # the same state with a later deadline


DID_NOT_ANSWER = "did not answer"
REJECTED = "rejected the call"
PHONE_NOT_REACHABLE = "phone not reachable"
PHONE_BUSY = "phone busy"
WORK_NOT_DONE = "did not finish the work item"
MACHINE_REASONS = frozenset({DID_NOT_ANSWER, REJECTED, PHONE_NOT_REACHABLE, PHONE_BUSY, WORK_NOT_DONE})
"""Pauses that the engine set: a conversation that is on after all proves them wrong."""

_S, _K, _M = State, Kind, Move
TABLE: Mapping[State, Mapping[Kind, State | Move]] = {
    _S.SIGNED_OUT: {
        _K.SIGN_IN: _S.READY,
        _K.SIGN_OUT: _M.STAY,
        _K.READY: _M.REFUSE,
        _K.PAUSE: _M.REFUSE,
        _K.RING: _M.REFUSE,
        _K.RELEASE: _M.STAY,
        _K.NO_ANSWER: _M.STAY,
        _K.ANSWER: _S.TALKING,
        _K.END: _M.STAY,
        _K.WRAPPED: _M.STAY,
        _K.EXTEND: _M.REFUSE,
        _K.WORK: _M.REFUSE,
        _K.WORKED: _M.STAY,
        _K.UNWORKED: _M.STAY,
    },
    _S.READY: {
        _K.SIGN_IN: _M.STAY,
        _K.SIGN_OUT: _S.SIGNED_OUT,
        _K.READY: _M.STAY,
        _K.PAUSE: _S.PAUSED,
        _K.RING: _S.RINGING,
        _K.RELEASE: _M.STAY,
        _K.NO_ANSWER: _M.STAY,
        _K.ANSWER: _S.TALKING,
        _K.END: _M.STAY,
        _K.WRAPPED: _M.STAY,
        _K.EXTEND: _M.REFUSE,
        _K.WORK: _S.WORKING,
        _K.WORKED: _M.STAY,
        _K.UNWORKED: _M.STAY,
    },
    _S.RINGING: {
        _K.SIGN_IN: _M.STAY,
        _K.SIGN_OUT: _M.LATER,
        _K.READY: _M.LATER,
        _K.PAUSE: _M.LATER,
        _K.RING: _M.REFUSE,
        _K.RELEASE: _M.AFTERWARDS,
        _K.NO_ANSWER: _S.PAUSED,
        _K.ANSWER: _S.TALKING,
        _K.END: _S.WRAP_UP,  # the event of the answer was missed
        _K.WRAPPED: _M.STAY,
        _K.EXTEND: _M.REFUSE,
        _K.WORK: _M.REFUSE,
        _K.WORKED: _M.STAY,
        _K.UNWORKED: _M.STAY,
    },
    _S.TALKING: {
        _K.SIGN_IN: _M.STAY,
        _K.SIGN_OUT: _M.LATER,
        _K.READY: _M.LATER,
        _K.PAUSE: _M.LATER,
        _K.RING: _M.REFUSE,
        _K.RELEASE: _M.STAY,
        _K.NO_ANSWER: _M.STAY,
        _K.ANSWER: _S.TALKING,
        _K.END: _S.WRAP_UP,
        _K.WRAPPED: _M.STAY,
        _K.EXTEND: _M.REFUSE,
        _K.WORK: _M.REFUSE,
        _K.WORKED: _M.STAY,
        _K.UNWORKED: _M.STAY,
    },
    _S.WRAP_UP: {
        _K.SIGN_IN: _M.STAY,
        _K.SIGN_OUT: _S.SIGNED_OUT,
        _K.READY: _S.READY,
        _K.PAUSE: _S.PAUSED,
        _K.RING: _M.REFUSE,
        _K.RELEASE: _M.STAY,
        _K.NO_ANSWER: _M.STAY,
        _K.ANSWER: _S.TALKING,
        _K.END: _M.STAY,
        _K.WRAPPED: _M.AFTERWARDS,
        _K.EXTEND: _M.LONGER,
        _K.WORK: _M.REFUSE,
        _K.WORKED: _M.STAY,
        _K.UNWORKED: _M.STAY,
    },
    _S.WORKING: {
        _K.SIGN_IN: _M.STAY,
        _K.SIGN_OUT: _M.LATER,
        _K.READY: _M.LATER,
        _K.PAUSE: _M.LATER,
        _K.RING: _M.REFUSE,
        _K.RELEASE: _M.STAY,
        _K.NO_ANSWER: _M.STAY,
        _K.ANSWER: _S.TALKING,
        _K.END: _M.STAY,
        _K.WRAPPED: _M.STAY,
        _K.EXTEND: _M.REFUSE,
        _K.WORK: _M.REFUSE,
        _K.WORKED: _M.AFTERWARDS,
        _K.UNWORKED: _S.PAUSED,
    },
    _S.PAUSED: {
        _K.SIGN_IN: _M.STAY,
        _K.SIGN_OUT: _S.SIGNED_OUT,
        _K.READY: _S.READY,
        _K.PAUSE: _S.PAUSED,
        _K.RING: _M.REFUSE,
        _K.RELEASE: _M.STAY,
        _K.NO_ANSWER: _M.STAY,
        _K.ANSWER: _S.TALKING,
        _K.END: _M.STAY,
        _K.WRAPPED: _M.STAY,
        _K.EXTEND: _M.REFUSE,
        _K.WORK: _M.REFUSE,
        _K.WORKED: _M.STAY,
        _K.UNWORKED: _M.STAY,
    },
}

OF_A_CALL = frozenset({Kind.RELEASE, Kind.NO_ANSWER, Kind.END, Kind.WORKED, Kind.UNWORKED})
"""Kinds that speak of one call or work item: told late, of one that is not this one, they change nothing."""

TRANSIENT = frozenset({State.RINGING, State.WRAP_UP, State.WORKING})
BUSY = TRANSIENT | {State.TALKING}

ASKED_FOR = {Kind.SIGN_OUT: State.SIGNED_OUT, Kind.READY: State.READY, Kind.PAUSE: State.PAUSED}

WHY_NOT = {
    State.SIGNED_OUT: "is signed out: sign in first",
    State.READY: "is ready",
    State.RINGING: "is being rung already",
    State.TALKING: "is in a conversation",
    State.WRAP_UP: "is in wrap-up",
    State.WORKING: "is at work on an item",
    State.PAUSED: "is paused",
}

NO_WRAP_UP = "is not in wrap-up: there is nothing to extend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What one agent is doing since when."""

    state: State
    since: datetime
    reason: str = ""  # why paused; "" in every other state
    call: str = ""  # the call that rings, is talked on or is being wrapped up; while working, the work item
    ready_since: datetime | None = None  # ready and ringing only: who is longest idle goes first
    until: datetime | None = None  # the deadline of a transient state
    afterwards: State = State.READY  # what the agent asked for while in a call
    afterwards_reason: str = ""
    extended: bool = False  # wrap-up only: it was given more time, which happens once
    shift: Shift | None = None  # what was counted up to `since`; None while nobody is signed in


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an agent at a time."""

    kind: Kind
    at: datetime
    call: str = ""
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The event is not possible in this state; `why` ends a sentence that begins with the agent."""

    why: str


def signed_out(at: datetime) -> Presence:
    """Where every agent begins."""
    return Presence(state=State.SIGNED_OUT, since=at)


def step(presence: Presence, event: Event) -> Presence | Refusal:
    """The presence after the event. The same object comes back when nothing changed."""
    if event.kind in OF_A_CALL and event.call and presence.call and event.call != presence.call:
        return presence
    answer = TABLE[presence.state][event.kind]
    if answer is Move.STAY:
        return presence
    if answer is Move.REFUSE:
        return Refusal(NO_WRAP_UP if event.kind is Kind.EXTEND else WHY_NOT[presence.state])
    if answer is Move.LONGER:
        return _longer(presence, event)
    if answer is Move.LATER:
        return replace(presence, afterwards=ASKED_FOR[event.kind], afterwards_reason=event.reason)
    if answer is Move.AFTERWARDS:
        return _counted(presence, event, state=presence.afterwards, reason=presence.afterwards_reason)
    assert isinstance(answer, State)
    if event.kind in (Kind.NO_ANSWER, Kind.UNWORKED) and presence.afterwards is State.SIGNED_OUT:
        return _counted(presence, event, state=State.SIGNED_OUT, reason="")
    return _counted(presence, event, state=answer, reason=event.reason)


def _longer(presence: Presence, event: Event) -> Presence | Refusal:
    """Wrap-up until the event's deadline, if that is later than its own."""
    if presence.extended:
        return Refusal("has extended this wrap-up already: press ready when the writing is done, or pause")
    if event.until is None or presence.until is None or event.until <= presence.until:
        return Refusal("has had the longest wrap-up that the settings allow: pause to write on")
    return replace(presence, until=event.until, extended=True)


def _counted(presence: Presence, event: Event, *, state: State, reason: str) -> Presence:
    """The value on entering `state`, with the shift's count brought up to that moment."""
    entered = _entered(presence, event, state=state, reason=reason)
    if state is State.SIGNED_OUT:
        return entered
    shift = presence.shift
    if event.kind is Kind.SIGN_IN:
        shift = Shift(event.at)
    elif shift is not None and presence.state in BUSY:
        shift = shift.with_busy(presence.since, event.at)
    return entered if shift is None else replace(entered, shift=shift)


def _entered(presence: Presence, event: Event, *, state: State, reason: str) -> Presence:
    """The value on entering `state`: each state carries just what is true of it."""
    at = event.at
    if state is State.SIGNED_OUT:
        return signed_out(at)
    if state is State.READY:
        idle_since = presence.ready_since if event.kind is Kind.RELEASE else None
        return Presence(state=state, since=at, ready_since=idle_since or at)
    if state is State.PAUSED:
        return Presence(state=state, since=at, reason=reason)
    if state is State.RINGING:
        return Presence(
            state=state, since=at, call=event.call, ready_since=presence.ready_since or at, until=event.until
        )
    if state is State.TALKING:
        afterwards, its_reason = _after_a_conversation(presence)
        return Presence(state=state, since=at, call=event.call, afterwards=afterwards, afterwards_reason=its_reason)
    return Presence(
        state=state,
        since=at,
        call=event.call if state is State.WORKING else presence.call or event.call,
        until=event.until,
        afterwards=presence.afterwards,
        afterwards_reason=presence.afterwards_reason,
    )


def _after_a_conversation(presence: Presence) -> tuple[State, str]:
    """A conversation that began outside ready and ringing (found after a restart, dialled by the agent) gives back
    what it interrupted."""
    if presence.state is State.SIGNED_OUT:
        return State.SIGNED_OUT, ""
    if presence.state is State.PAUSED and presence.reason not in MACHINE_REASONS:
        return State.PAUSED, presence.reason
    return presence.afterwards, presence.afterwards_reason
