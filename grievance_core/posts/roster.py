"""The roster of officers as a value: who holds which post on which day. Pure.

A complaint belongs to a post, never to a person; the roster says who answers for the post. Days are days of the state's
wall clock, the first and the last of a span both belong to it, and an open end is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from grievance_core.officers import PostId

OfficerId = NewType("OfficerId", str)
"""The state's own number of a servant (its HRMS code), as the import file has it."""


class Hold(StrEnum):
    """How an officer has a post."""

    HOLDER = "holder"
    CHARGE = "charge"  # additional charge of another's post, while nobody else answers for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """A person, as others see them."""

    id: OfficerId
    name: str = field(repr=False)
    mobile: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One officer in one post over a span of days."""

    post: PostId
    officer: OfficerId
    hold: Hold
    first: date
    last: date | None = None

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def overlaps(self, other: Posting) -> bool:
        """Whether some day belongs to both."""
        return (self.last is None or other.first <= self.last) and (other.last is None or self.first <= other.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """An officer who is away."""

    officer: OfficerId
    first: date
    last: date

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


class Gap(StrEnum):
    """Why not simply the officer of a post; the words stand in the flags of complaints."""

    UNMAPPED = "unmapped"  # its department keeps the roster, and nobody was ever put there
    VACANT = "vacant"
    ON_LEAVE = "on_leave"
    CHARGE = "charge"  # another officer answers for it


@dataclass(frozen=True, slots=True)
class Seat:
    """A post on one day: who answers, if anybody, and why it is not simply its officer.

    Without an officer and without gaps nothing is known of the post: it is taken to be held, by whom is not on record.
    """

    officer: OfficerId | None
    gaps: tuple[Gap, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether a complaint may be given to it."""
        return self.officer is not None or not self.gaps


@dataclass(frozen=True, slots=True)
class Roster:
    """Officers, postings and leaves. `complete`: departments whose posts without a name count as nobody's."""

    officers: Mapping[OfficerId, Officer] = field(default_factory=dict)
    postings: Mapping[PostId, tuple[Posting, ...]] = field(default_factory=dict)
    leaves: Mapping[OfficerId, tuple[Leave, ...]] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        officers: Iterable[Officer] = (),
        postings: Iterable[Posting] = (),
        leaves: Iterable[Leave] = (),
        *,
        complete: Iterable[str] = (),
    ) -> Roster:
        """The roster of these, in any order."""
        by_post: dict[PostId, list[Posting]] = {}
        for posting in sorted(postings, key=lambda one: (one.first, one.officer)):
            by_post.setdefault(posting.post, []).append(posting)
        away: dict[OfficerId, list[Leave]] = {}
        for leave in leaves:
            away.setdefault(leave.officer, []).append(leave)
        return cls(
            MappingProxyType({one.id: one for one in officers}),
            MappingProxyType({post: tuple(them) for post, them in by_post.items()}),
            MappingProxyType({officer: tuple(them) for officer, them in away.items()}),
            frozenset(complete),
        )

    def leave_of(self, officer: OfficerId, day: date) -> Leave | None:
        """The leave that the officer is on that day."""
        return next((leave for leave in self.leaves.get(officer, ()) if leave.covers(day)), None)

    def holder(self, post: PostId, day: date) -> OfficerId | None:
        """Whose post it is, present or not."""
        return self._on(post, Hold.HOLDER, day)

    def seat(self, post: PostId, day: date) -> Seat:
        """Who answers for the post on that day: its holder, else who has charge of it and is there."""
        charge = self._on(post, Hold.CHARGE, day)
        if charge is not None and self.leave_of(charge, day) is not None:
            charge = None
        holder = self.holder(post, day)
        if holder is not None and self.leave_of(holder, day) is None:
            return Seat(holder)
        if holder is not None:
            gap: Gap | None = Gap.ON_LEAVE
        elif any(one.hold is Hold.HOLDER and one.first <= day for one in self.postings.get(post, ())):
            gap = Gap.VACANT
        else:  # nobody is known to have left it
            gap = Gap.UNMAPPED if post.split("/")[0] in self.complete else None
        gaps = () if gap is None else (gap,)
        return Seat(None, gaps) if charge is None else Seat(charge, (*gaps, Gap.CHARGE))

    def persons_of(self, post: PostId, day: date) -> frozenset[OfficerId]:
        """Everybody who has this post that day, as holder or in charge."""
        return frozenset(one.officer for one in self.postings.get(post, ()) if one.covers(day))

    def gone(self, day: date, *, leave_days: int) -> list[PostId]:
        """Posts on record whose complaints must go elsewhere: vacant, or the officer's leave is longer than this.

        A shorter leave takes nothing from the officer: the clock of each complaint runs on, and they come back to it.
        """
        found = []
        for post in self.postings:
            if self.seat(post, day).answers:
                continue
            holder = self.holder(post, day)
            leave = None if holder is None else self.leave_of(holder, day)
            if leave is None or leave.days > leave_days:
                found.append(post)
        return found

    def _on(self, post: PostId, hold: Hold, day: date) -> OfficerId | None:
        there = (one for one in self.postings.get(post, ()) if one.hold is hold and one.covers(day))
        return next((one.officer for one in there), None)
