"""How busy an agent was in the shift so far, so that among equals the one who had less goes first.

Pure. A shift begins with signing in and ends with signing out; a restart of the controller does not end it. Busy is
the time of ringing, talking, wrap-up and work items; a pause is signed-in time like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """What was counted of a shift: the busy stretches that are over, in seconds."""

    signed_in_at: datetime
    busy_seconds: float = 0.0

    def with_busy(self, since: datetime, until: datetime) -> Shift:
        """After one more busy stretch. A clock that was set back takes nothing away."""
        return Shift(self.signed_in_at, self.busy_seconds + max(0.0, (until - since).total_seconds()))


def busy_share(shift: Shift | None, at: datetime) -> float:
    """The busy part of the shift up to `at`, 0 to 1; 0 when nobody is signed in or the shift has only begun."""
    if shift is None:
        return 0.0
    signed_in = (at - shift.signed_in_at).total_seconds()
    return min(1.0, shift.busy_seconds / signed_in) if signed_in > 0 else 0.0
