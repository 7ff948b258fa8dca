"""Whether one more caller can be taken in: pure.

Two limits, and the nearer one counts: Asterisk refuses a call beyond its own `max_calls` with a dead line (503), so
callers are turned to a callback before that; and an own limit keeps the line shorter than anybody would wait through.
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


def is_full(load: Load, limits: Limits) -> bool:
    """No further caller can be let in to wait."""
    if limits.max_waiting is not None and load.waiting >= limits.max_waiting:
        return True
    return load.calls >= limits.share * load.max_calls
