"""Who answers for a complaint: the mapped post of its level, or, when nobody is there, the next one up. Pure.

The rule (the mission, and issue 4): no officer mapped, the post vacant, the officer on leave: it goes to who has charge
of the post, else to the next level up, and is flagged. What is against an officer goes past that officer, whichever
post they sit in. It is never without an owner: above L4 stands the leadership.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING

from grievance_core.catalogue import Catalogue
from grievance_core.lifecycle import LEADERSHIP_LEVEL
from grievance_core.officers import LEADERSHIP, PostId, post_for
from grievance_core.posts.roster import OfficerId, Roster

if TYPE_CHECKING:  # the rules take their owners from here
    from grievance_core.rules import Owners

AGAINST = "against_officer"


@dataclass(frozen=True, slots=True)
class Owned:
    """Who answers, at which level, and why not the mapped officer. `holder` is None when no name is on record."""

    post: PostId
    holder: OfficerId | None
    level: int
    flags: tuple[str, ...] = ()


def owner_for(
    roster: Roster, catalogue: Catalogue, *, category: str, district: str, level: int, day: date, accused: PostId | None
) -> Owned:
    """The owner on this day from this level (1 to 5) up."""
    matter, place = catalogue.category(category), catalogue.district(district)
    persons = frozenset[OfficerId]() if accused is None else roster.persons_of(accused, day)
    flags: dict[str, None] = {}  # each once, in the order in which they were met
    for at_level in range(level, LEADERSHIP_LEVEL):
        post = post_for(matter, place, at_level).id
        seat = roster.seat(post, day)
        if post == accused or (seat.officer is not None and seat.officer in persons):
            flags[AGAINST] = None
            continue
        flags.update(dict.fromkeys(gap.value for gap in seat.gaps))
        if seat.answers:
            return Owned(post, seat.officer, at_level, tuple(flags))
    return Owned(LEADERSHIP, None, LEADERSHIP_LEVEL, tuple(flags))


def owners_by(roster: Callable[[], Roster], catalogue: Catalogue, *, zone: tzinfo) -> Owners:
    """The owners of `Rules`, by the roster as it is at the moment that somebody asks."""

    def owner(category: str, district: str, level: int, at: datetime, accused: PostId | None) -> Owned:
        day = at.astimezone(zone).date()
        return owner_for(
            roster(), catalogue, category=category, district=district, level=level, day=day, accused=accused
        )

    return owner
