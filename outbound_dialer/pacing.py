"""How many calls to start now: pure.

`step` takes in what happened, `decide` says how many calls may be started at this moment. This is the pace of calls in
which the machine asks (IVR-first): they need lines, not agents. Three limits hold: free lines, calls per second
(credit that grows with time, up to about one second's worth), and, while the network says it is congested, a rest that
doubles each time, after which one call at a time feels the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from outbound_dialer.errors import InvalidSettings
from outbound_dialer.outcomes import Disposition

FIRST_REST: Final = timedelta(seconds=2)
LONGEST_REST: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The limits. `lines`: outgoing calls at the same time; 0 starts none."""

    lines: int = 30
    calls_per_second: float = 5.0

    def __post_init__(self) -> None:
        if self.lines < 0 or not 0 < self.calls_per_second < math.inf:
            raise InvalidSettings(
                f"Lines can't be negative and calls a second must be above 0: {self.lines}, {self.calls_per_second}."
            )

    @property
    def most_credit(self) -> float:
        """The credit that is kept at most: a second's worth, and the part of a call that could not be used."""
        return self.calls_per_second + 1.0


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call was started by us, or found under way after a restart (`found`): that one costs no credit."""

    at: datetime
    found: bool = False


@dataclass(frozen=True, slots=True)
class CallAnswered:
    at: datetime


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A line is free again."""

    at: datetime
    disposition: Disposition


Event = CallStarted | CallAnswered | CallEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the pace depends on."""

    pace: Pace
    in_use: int = 0  # lines
    credit: float  # calls that may be started
    credit_at: datetime  # when the credit was reckoned
    congested: int = 0  # rests in a row, without a call that went through
    rests_until: datetime | None = None


def begin(pace: Pace, now: datetime) -> State:
    """No call is under way, one second's worth may be started."""
    return State(pace=pace, credit=max(1.0, pace.calls_per_second), credit_at=now)


def step(state: State, event: Event) -> State:
    """The state after this event."""
    match event:
        case CallStarted(at=at, found=found):
            credit = _credit(state, at) - (0.0 if found else 1.0)
            return replace(state, in_use=state.in_use + 1, credit=credit, credit_at=at)
        case CallAnswered(at=at):
            return _went_through(state, at)
        case CallEnded(at=at, disposition=disposition):
            freed = replace(state, in_use=max(0, state.in_use - 1))
            if disposition is Disposition.CONGESTION:
                return _congested(freed, at)
            return _went_through(freed, at) if disposition in THROUGH else freed


THROUGH: Final = frozenset(
    {
        Disposition.ANSWERED,
        Disposition.UNFINISHED,
        Disposition.BUSY,
        Disposition.NO_ANSWER,
        Disposition.UNREACHABLE,
        Disposition.REJECTED,
        Disposition.INVALID_NUMBER,
    }
)
"""Dispositions which show that the network had a way."""


def decide(now: datetime, state: State) -> int:
    """How many calls may be started now."""
    if _resting(state, now):
        return 0
    free = max(0, state.pace.lines - state.in_use)
    allowed = min(free, max(0, math.floor(_credit(state, now) + 1e-9)))  # 1e-9: sums of tenths fall short of a whole
    return min(allowed, 1) if state.congested else allowed


def _credit(state: State, now: datetime) -> float:
    """The credit at `now`. A clock that is set back gives none."""
    passed = max(0.0, (now - state.credit_at).total_seconds())
    return min(state.pace.most_credit, state.credit + passed * state.pace.calls_per_second)


def _resting(state: State, now: datetime) -> bool:
    # A clock that is set back must not lengthen the rest: one longer than the longest is over.
    return state.rests_until is not None and timedelta() < state.rests_until - now <= LONGEST_REST


def _congested(state: State, at: datetime) -> State:
    if _resting(state, at):
        return state  # of the same burst: says nothing new
    rest = min(LONGEST_REST, FIRST_REST * 2 ** min(state.congested, 10))
    return replace(state, congested=state.congested + 1, rests_until=at + rest)


def _went_through(state: State, at: datetime) -> State:
    if _resting(state, at):
        return state  # it got its line before the congestion
    return replace(state, congested=0, rests_until=None)
