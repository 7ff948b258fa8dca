"""Whether one more caller can be taken in: pure.

Two limits, each looked at where it counts. Asterisk refuses a call beyond its own `max_calls` with a dead line (503),
so a call is turned to a callback as it comes, before that. An own limit keeps the line shorter than anybody would wait
through; it is no reason to refuse a caller who may only ask how a complaint stands, so it is looked at when they want
to wait for a person.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """How much is used now of what there is. Calls are channels to citizens; each conversation needs a second one."""

    calls: int
    max_calls: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where taking in ends. `max_waiting` None: the line may grow as long as Asterisk carries it.

    `share`: of `max_calls`; what is left above it is for the agents' legs, callbacks and emergencies.
    """

    share: float = 0.8
    max_waiting: int | None = None


def house_is_full(load: Load, limits: Limits) -> bool:
    """No further call can be carried."""
    return load.calls >= limits.share * load.max_calls


def line_is_full(load: Load, limits: Limits) -> bool:
    """Nobody more is let in to wait."""
    return limits.max_waiting is not None and load.waiting >= limits.max_waiting
