"""Every gate between a contact and its next call, each with a word on whether it is open now: pure.

`rules.verdict` decides, and stops at the first gate that is shut; here a person is shown all of them. A test holds the
two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from outbound_dialer.attempt import Attempt
from outbound_dialer.outcomes import Disposition
from outbound_dialer.rules import Rules, barred_as


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: what it is, whether it lets the call through now, and why in words."""

    name: str
    is_open: bool
    says: str


def gates(
    number: str,
    attempts: Sequence[Attempt],
    *,
    now: datetime,
    rules: Rules,
    number_in_use: bool,
    rung_today: int,
    barred: bool,
) -> list[Gate]:
    """The gates in the dialer's order.

    `attempts`: all of this contact; `number_in_use`: an attempt for another contact holds its number; `barred`: it is
    on the do-not-ring list.
    """
    return [
        _attempt(attempts),
        _rest(attempts, now, rules),
        _number(number, rules, barred=barred),
        Gate(
            "line to this number",
            not number_in_use,
            "it is being rung about another matter" if number_in_use else "nobody else of ours is ringing it",
        ),
        Gate(
            "calls today",
            rung_today < rules.most_a_day,
            f"rung {rung_today} of at most {rules.most_a_day} times today, over all campaigns",
        ),
        _hours(now, rules),
    ]


def _attempt(attempts: Sequence[Attempt]) -> Gate:
    if any(one.open for one in attempts):
        return Gate("earlier attempts", False, "one is under way now")
    if any(one.reported_at is None for one in attempts):
        return Gate("earlier attempts", False, "what came of the last one is not taken yet; this lasts moments")
    count = len(attempts)
    return Gate("earlier attempts", True, f"{count}, none of them open" if count else "none yet")


def _rest(attempts: Sequence[Attempt], now: datetime, rules: Rules) -> Gate:
    last = max(attempts, key=lambda one: (one.written_at, one.id), default=None)
    if last is None:
        return Gate("rest", True, "no call yet, so nothing to wait for")
    how = last.disposition.value.replace("_", " ") if last.disposition else "open"
    if last.retry_at is None:
        return Gate("rest", False, f"the last attempt came out as {how}: it is not rung again")
    local = f"{last.retry_at.astimezone(rules.window.zone):%d %b %Y %H:%M}"
    if last.retry_at > now:
        return Gate("rest", False, f"the last attempt came out as {how}: the next is not before {local}")
    return Gate("rest", True, f"the last attempt came out as {how}; its rest ended {local}")


def _number(number: str, rules: Rules, *, barred: bool) -> Gate:
    kind = barred_as(number, rules)
    if barred or kind is Disposition.DO_NOT_RING:
        return Gate("number", False, "it stands on the do-not-ring list, or is a foreign one")
    if kind is not None:
        return Gate("number", False, "it is no telephone number that can be rung")
    return Gate("number", True, "it may be rung: valid, and not on the do-not-ring list")


def _hours(now: datetime, rules: Rules) -> Gate:
    window = rules.window
    hours = f"{window.opens:%H:%M} to {window.closes:%H:%M}"
    if window.is_open(now):
        return Gate("hours of calling", True, f"open ({hours})")
    again = window.next_open(now).astimezone(window.zone)
    return Gate("hours of calling", False, f"closed ({hours} on permitted days); open again {again:%d %b %Y %H:%M}")
