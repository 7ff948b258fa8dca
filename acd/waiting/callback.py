"""A callback that is owed: whom to ring for which place, what was tried, when to try again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from acd.records import Entry
from telephony.call import CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRules:
    """How citizens are rung back. Times in seconds; `caller_id` is the number they see, "" for the trunk's own.

    Three attempts: what was asked for by the house (issue 3); the pause lets somebody come back to their phone.
    """

    attempts: int = 3
    pause_seconds: float = 300.0
    ring_seconds: float = 30.0
    caller_id: str = ""
    trunk: str = "trunk"
    context: str = "callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One that is owed. `entry` is the place that is kept, named by the call that was given up for it.

    `ringing`: the call that rings the citizen now, or whose outcome is not known yet; "" for none. As long as it is
    set nobody rings this citizen again.
    """

    entry: Entry
    owed_since: datetime
    attempts: int = 0
    ringing: str = ""
    again_at: datetime | None = None  # the place rests until then: an attempt has just failed

    @property
    def id(self) -> str:
        """The name of the place, as the engine knows it."""
        return self.entry.call_id

    @property
    def number(self) -> str:
        return self.entry.caller


def begun(callback: Callback, at: datetime) -> Callback:
    """The next attempt, to be written before it is made. Its call id is like no other: place, attempt and moment."""
    attempt = callback.attempts + 1
    call_id = CallId(f"callback-{callback.entry.place}-{attempt}-{at:%y%m%d%H%M%S}")
    return replace(callback, attempts=attempt, ringing=call_id, again_at=None)


def not_reached(callback: Callback, at: datetime, rules: CallbackRules) -> Callback | None:
    """The attempt failed: rest, then try again. None: it was the last."""
    if callback.attempts >= rules.attempts:
        return None
    return replace(callback, ringing="", again_at=at + timedelta(seconds=rules.pause_seconds))
