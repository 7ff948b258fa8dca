"""Whom may be rung, and when: pure. Times come in as arguments, and always know their zone.

The hours are those of the public rules (domain.md, section 4): nobody is rung before 9:00 or after 21:00.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from outbound_dialer.attempt import Attempt
from outbound_dialer.day_parts import NOTHING_LEARNED, Chances, beginnings_after, best, part_of
from outbound_dialer.errors import InvalidSettings
from outbound_dialer.outcomes import PLANS, Disposition

NUMBER: Final = re.compile(r"[1-9]\d{5,14}", re.ASCII)
"""What is rung: national digits. Shorter ones are service numbers, never a citizen's."""

FOREIGN: Final = re.compile(r"\+\d+", re.ASCII)
"""Never rung: a caller can show any number, and a dear one abroad would be rung at the state's cost."""


MIDNIGHT: Final = time(0)
EVERY_DAY: Final = frozenset(range(7))
LOOK_AHEAD_DAYS: Final = 4
"""How far to look for other parts of the day; openings are looked for in strides of as many days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The hours in which citizens may be rung, by the wall clock of `zone`, and the days.

    `opens` belongs to them, `closes` does not. `opens` later than `closes` means across midnight; equal, all day.
    `days` are weekdays (Monday is 0). On the dates of `days_off` nobody is rung. A day is one of the calendar, so what
    reaches across midnight ends there when the next day is none to ring on.
    """

    zone: tzinfo
    opens: time = time(9, 0)
    closes: time = time(21, 0)
    days: frozenset[int] = EVERY_DAY
    days_off: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise InvalidSettings("The hours of calling are plain times such as 09:00; their zone is set apart.")
        if not self.days or not self.days <= EVERY_DAY:
            raise InvalidSettings("The days of calling are numbers from 0 (Monday) to 6 (Sunday), at least one.")

    def is_open(self, at: datetime) -> bool:
        """Whether a citizen may be rung at this moment."""
        local = _aware(at).astimezone(self.zone)
        if local.weekday() not in self.days or local.date() in self.days_off:
            return False
        clock = local.time()
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
        # Days off are finitely many, and after the last of them each weekday comes again within two strides.
        strides = 3 + len(self.days_off)
        for stride in range(strides):
            first = day + timedelta(days=stride * LOOK_AHEAD_DAYS)
            openings = [opening for opening in self._openings(first) if opening >= at and self.is_open(opening)]
            if openings:
                return min(openings)
        raise InvalidSettings("There is no day on which citizens may be rung. Mend the days off.")

    def day_begins(self, at: datetime) -> datetime:
        """The midnight before this moment, by the wall clock."""
        return datetime.combine(at.astimezone(self.zone).date(), MIDNIGHT, self.zone).astimezone(UTC)

    def next_day(self, at: datetime) -> datetime:
        """The first moment of a later day at which citizens may be rung."""
        tomorrow = datetime.combine(at.astimezone(self.zone).date() + timedelta(days=1), MIDNIGHT, self.zone)
        # A midnight that comes twice begins the day at its second, one that is skipped at the change of the clock.
        return self.next_open(max(tomorrow.replace(fold=fold).astimezone(UTC) for fold in (0, 1)))

    def _openings(self, first: date) -> list[datetime]:
        """Where the hours may begin on some days: at the opening, or at midnight after a day that was none."""
        return [
            datetime.combine(first + timedelta(days=ahead), begins, self.zone).replace(fold=fold).astimezone(UTC)
            for ahead in range(LOOK_AHEAD_DAYS)
            for begins in {self.opens, MIDNIGHT}
            for fold in (0, 1)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a campaign. They can be widened for a demonstration, never bypassed.

    `max_tries` is of attempts that count (see `RetryPlan`), `max_dials` of all, in one round. When either is used up
    the round is over, the citizen counts as not reached, and after `rest` a new round begins, for as long as the
    source still names the contact. `most_a_day`: calls to one number on one day, over all campaigns; what the network
    had no way for did not ring, and is not counted. `gaps` replaces the gaps of `PLANS`, and with it the wish for
    another part of the day. `do_not_ring` holds national numbers, beside the list in the database.
    """

    window: Window
    max_tries: int = 3
    max_dials: int = 10
    most_a_day: int = 4
    rest: timedelta = timedelta(days=7)
    gaps: Mapping[Disposition, timedelta] = field(default_factory=dict)
    do_not_ring: frozenset[str] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        if self.max_tries < 1 or self.max_dials < self.max_tries:
            raise InvalidSettings(
                f"At least one try, and no fewer dials than tries: max_tries {self.max_tries}, max_dials "
                f"{self.max_dials} can't be."
            )
        if self.most_a_day < 1:
            raise InvalidSettings(f"At least one call a day to a number must be allowed, not {self.most_a_day}.")
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
    attempt: Attempt,
    disposition: Disposition,
    earlier: Sequence[Attempt],
    *,
    now: datetime,
    rules: Rules,
    chances: Chances = NOTHING_LEARNED,
) -> Next:
    """When the contact may be rung again after `attempt` came out like this.

    `earlier`: its other attempts; `chances`: what is known of its number.
    """
    gap = rules.gap_after(disposition)
    if gap is None:
        return Next(None, round_over=disposition is not Disposition.ANSWERED)
    if attempt.rung_at is None:
        return Next(rules.window.next_open(now), round_over=False)  # nobody was disturbed
    this_round = _of_this_round(earlier)
    dials = 1 + sum(1 for one in this_round if one.rung_at)
    tries = PLANS[disposition].counts + sum(1 for one in this_round if _counts(one))
    if tries >= rules.max_tries or dials >= rules.max_dials:
        return Next(rules.window.next_open(now + rules.rest), round_over=True)
    if PLANS[disposition].other_part and disposition not in rules.gaps:
        return Next(_in_another_part(attempt, this_round, now + gap, rules, chances), round_over=False)
    return Next(rules.window.next_open(now + gap), round_over=False)


def _in_another_part(
    attempt: Attempt, this_round: Sequence[Attempt], earliest: datetime, rules: Rules, chances: Chances
) -> datetime:
    """The best time in a part of the day that was not tried in this round; when all were, in another than the last."""
    window = rules.window
    first = window.next_open(earliest)
    moments = [first, *(at for at in beginnings_after(first, window.zone, days=1) if window.is_open(at))]
    moments += [window.next_day(first)]
    last = part_of(attempt.rung_at or attempt.written_at, window.zone)
    tried = {last, *(part_of(one.rung_at, window.zone) for one in this_round if one.rung_at)}
    return (
        best(moments, chances, zone=window.zone, avoid=tried)
        or best(moments, chances, zone=window.zone, avoid={last})
        or window.next_day(first)  # hours so short that they lie in one part of the day
    )


class Why(StrEnum):
    """Why a contact may be rung now, or not."""

    RING = "may be rung"
    UNDER_WAY = "an attempt is under way"
    NOT_REPORTED = "the outcome of its last attempt is not taken yet"
    SETTLED = "it is never rung again"
    RESTS = "the gap after its last attempt is not over"
    BARRED = "its number is not rung"
    NUMBER_IN_USE = "its number is being rung for another contact"
    ENOUGH_TODAY = "its number was rung often enough today"
    OUT_OF_HOURS = "outside the hours of calling"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a contact may be rung. `until`: when to look again, if known. `barred`: as what to record it."""

    why: Why
    until: datetime | None = None
    barred: Disposition | None = None


def verdict(
    number: str,
    attempts: Sequence[Attempt],
    *,
    now: datetime,
    rules: Rules,
    in_use: Collection[str],
    rung_today: int = 0,
) -> Verdict:
    """Whether a contact may be rung now.

    `attempts`: all of this contact; `in_use`: numbers with an open attempt; `rung_today`: how often its number was, for
    whatever contact.
    """
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
    if rung_today >= rules.most_a_day:
        return Verdict(Why.ENOUGH_TODAY, until=rules.window.next_day(now))
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
