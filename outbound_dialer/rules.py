"""Whom may be rung, and when: pure. Times come in as arguments, and always know their zone.

The hours and the number of tries are designed after the public rules (domain.md, section 4): promotional calls are
barred before 9:00 and after 21:00, and a helpline rings nobody later than 20:00.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from outbound_dialer.attempt import Attempt
from outbound_dialer.errors import InvalidSettings
from outbound_dialer.outcomes import PLANS, Disposition

NUMBER: Final = re.compile(r"[1-9]\d{5,14}", re.ASCII)
"""What is rung: national digits. Shorter ones are service numbers, never a citizen's."""

FOREIGN: Final = re.compile(r"\+\d+", re.ASCII)
"""Never rung: a caller can show any number, and a dear one abroad would be rung at the state's cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The hours of the day in which citizens may be rung, by the wall clock of `zone`.

    `opens` belongs to them, `closes` does not. `opens` later than `closes` means across midnight; equal, all day.
    """

    zone: tzinfo
    opens: time = time(9, 0)
    closes: time = time(20, 0)

    def __post_init__(self) -> None:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise InvalidSettings("The hours of calling are plain times such as 09:00; their zone is set apart.")

    def is_open(self, at: datetime) -> bool:
        """Whether a citizen may be rung at this moment."""
        clock = _aware(at).astimezone(self.zone).time()
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def next_open(self, at: datetime) -> datetime:
        """This moment if it is open, else the next opening.

        A day may have its opening hour twice or skip it (clocks set back or forward). Twice: both count. Skipped: the
        day opens as long after the change as the opening lies within what was skipped.
        """
        if self.is_open(at):
            return at
        day = at.astimezone(self.zone).date()
        openings = (
            datetime.combine(day + timedelta(days=ahead), self.opens, self.zone).replace(fold=fold).astimezone(UTC)
            for ahead in range(4)  # a day's only hours may fall into a skipped hour
            for fold in (0, 1)
        )
        return min(opening for opening in openings if opening >= at and self.is_open(opening))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a campaign. They can be widened for a demonstration, never bypassed.

    `max_tries` is of attempts that count (see `RetryPlan`), `max_dials` of all, in one round. When either is used up
    the round is over, the citizen counts as not reached, and after `rest` a new round begins, for as long as the
    source still names the contact. `gaps` replaces the gaps of `PLANS`. `do_not_ring` holds national numbers.
    """

    window: Window
    max_tries: int = 3
    max_dials: int = 10
    rest: timedelta = timedelta(days=7)
    gaps: Mapping[Disposition, timedelta] = field(default_factory=dict)
    do_not_ring: frozenset[str] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        if self.max_tries < 1 or self.max_dials < self.max_tries:
            raise InvalidSettings(
                f"At least one try, and no fewer dials than tries: max_tries {self.max_tries}, max_dials "
                f"{self.max_dials} can't be."
            )
        if any(gap < timedelta() for gap in (self.rest, *self.gaps.values())):
            raise InvalidSettings("A gap between two tries can't be negative.")

    def gap_after(self, disposition: Disposition) -> timedelta | None:
        """How long the same contact rests after this; None: it is never rung again."""
        planned = PLANS[disposition].gap
        return None if planned is None else self.gaps.get(disposition, planned)


@dataclass(frozen=True, slots=True)
class Next:
    """What follows from how an attempt came out."""

    at: datetime | None  # the earliest next try; None: never
    round_over: bool


def next_try(
    attempt: Attempt, disposition: Disposition, earlier: Sequence[Attempt], *, now: datetime, rules: Rules
) -> Next:
    """When the contact may be rung again after `attempt` came out like this. `earlier`: its other attempts."""
    gap = rules.gap_after(disposition)
    if gap is None:
        return Next(None, round_over=disposition is not Disposition.ANSWERED)
    if attempt.rung_at is None:
        return Next(rules.window.next_open(now), round_over=False)  # nobody was disturbed
    this_round = _of_this_round(earlier)
    dials = 1 + sum(1 for one in this_round if one.rung_at)
    tries = PLANS[disposition].counts + sum(1 for one in this_round if _counts(one))
    over = tries >= rules.max_tries or dials >= rules.max_dials
    return Next(rules.window.next_open(now + (rules.rest if over else gap)), round_over=over)


class Why(StrEnum):
    """Why a contact may be rung now, or not."""

    RING = "may be rung"
    UNDER_WAY = "an attempt is under way"
    NOT_REPORTED = "the outcome of its last attempt is not taken yet"
    SETTLED = "it is never rung again"
    RESTS = "the gap after its last attempt is not over"
    BARRED = "its number is not rung"
    NUMBER_IN_USE = "its number is being rung for another contact"
    OUT_OF_HOURS = "outside the hours of calling"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a contact may be rung. `until`: when to look again, if known. `barred`: as what to record it."""

    why: Why
    until: datetime | None = None
    barred: Disposition | None = None


def verdict(
    number: str, attempts: Sequence[Attempt], *, now: datetime, rules: Rules, in_use: Collection[str]
) -> Verdict:
    """Whether a contact may be rung now. `attempts`: all of this contact; `in_use`: numbers with an open attempt."""
    if any(one.open for one in attempts):
        return Verdict(Why.UNDER_WAY)
    if any(one.reported_at is None for one in attempts):
        return Verdict(Why.NOT_REPORTED)
    last = max(attempts, key=lambda one: (one.written_at, one.id), default=None)
    if last is not None and last.retry_at is None:
        return Verdict(Why.SETTLED)
    if last is not None and last.retry_at is not None and last.retry_at > now:
        return Verdict(Why.RESTS, until=last.retry_at)
    barred = barred_as(number, rules)
    if barred is not None:
        return Verdict(Why.BARRED, barred=barred)
    if number in in_use:
        return Verdict(Why.NUMBER_IN_USE)
    if not rules.window.is_open(now):
        return Verdict(Why.OUT_OF_HOURS, until=rules.window.next_open(now))
    return Verdict(Why.RING)


def barred_as(number: str, rules: Rules) -> Disposition | None:
    """As what a number is recorded that must not be rung at all; None when it may."""
    if number in rules.do_not_ring or FOREIGN.fullmatch(number):
        return Disposition.DO_NOT_RING
    return None if NUMBER.fullmatch(number) else Disposition.INVALID_NUMBER


def may_ring_now(number: str, *, now: datetime, rules: Rules) -> bool:
    """The hard gate, asked once more as the last thing before the call is made."""
    return barred_as(number, rules) is None and rules.window.is_open(now)


def _of_this_round(attempts: Sequence[Attempt]) -> list[Attempt]:
    this_round: list[Attempt] = []
    for one in sorted(attempts, key=lambda one: (one.written_at, one.id)):
        this_round.append(one)
        if one.round_over:
            this_round.clear()
    return this_round


def _counts(attempt: Attempt) -> bool:
    return attempt.rung_at is not None and attempt.disposition is not None and PLANS[attempt.disposition].counts


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"an aware time was expected, not {at!r}")
    return at
