"""What can be set for a campaign of feedback calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from outbound_dialer.errors import InvalidSettings
from outbound_dialer.pacing import Pace
from outbound_dialer.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class DialerSettings:
    """How calls go out.

    `caller_id`: the number shown to the citizen. `ring_seconds`: how long the telephone rings. `tick_seconds`: how
    often the pace is reckoned and the source asked. `check_seconds`: how often open attempts are compared with
    Asterisk's channels, should the end of one not have been told. `finish_seconds`: how long after the hang-up the
    call's flow may still give its result.
    """

    rules: Rules
    caller_id: str
    pace: Pace = field(default_factory=Pace)
    campaign: str = "feedback"
    trunk: str = "trunk"  # name of the PJSIP endpoint
    context: str = "feedback"
    ring_seconds: float = 30.0
    tick_seconds: float = 0.5
    check_seconds: float = 30.0
    finish_seconds: float = 10.0

    def __post_init__(self) -> None:
        times = (self.ring_seconds, self.tick_seconds, self.check_seconds, self.finish_seconds)
        if any(seconds <= 0 for seconds in times):
            raise InvalidSettings("The dialer's times must be above 0 seconds.")
