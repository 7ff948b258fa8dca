"""Where nobody answers: the holes of the roster as a matrix. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from grievance_core.catalogue import LEVELS, Catalogue
from grievance_core.officers import PostId, post_for
from grievance_core.posts.roster import Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The posts of one row at one level."""

    posts: int = 0
    named: int = 0  # somebody on record answers
    by_charge: int = 0  # of the named, by additional charge
    holes: tuple[PostId, ...] = ()  # nobody answers: complaints go past them

    @property
    def unnamed(self) -> int:
        """Taken to be held, by whom is not on record."""
        return self.posts - self.named - len(self.holes)


@dataclass(frozen=True, slots=True)
class Row:
    """A department over the state, or one district of a department."""

    code: str
    name: str
    cells: tuple[Cell, ...]  # level 1 to 4


def by_department(roster: Roster, catalogue: Catalogue, day: date, districts: Iterable[str] = ()) -> list[Row]:
    """A row for each department, over these districts or all."""
    wanted = tuple(districts) or tuple(catalogue.districts)
    return [
        Row(one.code, one.name_en, _cells(roster, catalogue, day, one.code, wanted))
        for one in catalogue.departments.values()
    ]


def by_district(roster: Roster, catalogue: Catalogue, day: date, department: str) -> list[Row]:
    """A row for each district of the state, of one department."""
    code = catalogue.department(department).code
    return [
        Row(one.code, one.name_en, _cells(roster, catalogue, day, code, (one.code,)))
        for one in catalogue.districts.values()
    ]


def _cells(
    roster: Roster, catalogue: Catalogue, day: date, department: str, districts: tuple[str, ...]
) -> tuple[Cell, ...]:
    return tuple(_cell(roster, catalogue, day, department, districts, level) for level in LEVELS)


def _cell(
    roster: Roster, catalogue: Catalogue, day: date, department: str, districts: tuple[str, ...], level: int
) -> Cell:
    places = [catalogue.district(code) for code in districts]
    matters = catalogue.categories_of(department)
    posts = list(dict.fromkeys(post_for(matter, place, level).id for place in places for matter in matters))
    seats = {post: roster.seat(post, day) for post in posts}
    return Cell(
        posts=len(posts),
        named=sum(seat.officer is not None for seat in seats.values()),
        by_charge=sum(seat.officer is not None and bool(seat.gaps) for seat in seats.values()),
        holes=tuple(post for post, seat in seats.items() if not seat.answers),
    )
