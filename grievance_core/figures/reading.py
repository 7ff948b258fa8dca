"""The figures of a span, by place, matter or post, and beside the span before. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from grievance_core.catalogue import Catalogue
from grievance_core.figures.counting import Cell, Figure, OpenCell

By = Literal["state", "district", "division", "department", "category", "post"]
AGES: Final = ((7, "to 7 days"), (15, "to 15"), (30, "to 30"), (90, "to 90"), (10**6, "older"))
"""Days since the registration up to which a complaint belongs to an age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One line: what was counted, and the shares that follow. A share of nothing is None, never 0."""

    registered: int = 0
    reported: int = 0
    solved: int = 0
    solved_at_l1: int = 0
    in_time: int = 0
    dissatisfied: int = 0
    not_reached: int = 0
    closed_specially: int = 0
    answered: int = 0
    time_ran_out: int = 0

    @property
    def share_l1(self) -> float | None:
        """The headline: of what was solved, how much by the first officer."""
        return _share(self.solved_at_l1, self.solved)

    @property
    def share_in_time(self) -> float | None:
        """Of what was solved, how much before any level's time ran out."""
        return _share(self.in_time, self.solved)

    @property
    def share_satisfied(self) -> float | None:
        """Of the citizens who answered; who was not reached is on neither side."""
        return _share(self.solved, self.solved + self.dissatisfied)


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one place, matter or post, in a span and in the one before."""

    key: str
    name: str
    now: Figures
    before: Figures


@dataclass(frozen=True, slots=True)
class Span:
    """Days, the first and the last among them."""

    first: date
    last: date

    @property
    def before(self) -> Span:
        """The span of the same length that ends the day before."""
        days = (self.last - self.first).days + 1
        return Span(self.first - timedelta(days=days), self.first - timedelta(days=1))


def lines(
    now: Iterable[tuple[Cell, Mapping[str, int]]],
    before: Iterable[tuple[Cell, Mapping[str, int]]],
    by: By,
    catalogue: Catalogue,
) -> list[Line]:
    """A line for each place, matter or post that occurs, in the order of their keys; by figure in each cell."""
    key = _key_of(by, catalogue)
    sums: dict[str, tuple[Counter[tuple[str, int]], Counter[tuple[str, int]]]] = {}
    for place, cells in enumerate((now, before)):
        for cell, counts in cells:
            of_line = sums.setdefault(key(cell), (Counter(), Counter()))[place]
            for figure, number in counts.items():
                of_line[figure, cell.level] += number
    names = _names(by, catalogue)
    return [Line(one, names.get(one, one), _figures(sums[one][0]), _figures(sums[one][1])) for one in sorted(sums)]


def ages(open_now: Iterable[tuple[OpenCell, int]], today: date) -> dict[tuple[int, str], int]:
    """How many are open, by level and age."""
    found: Counter[tuple[int, str]] = Counter()
    for cell, number in open_now:
        days = (today - cell.registered).days
        found[cell.level, next(name for limit, name in AGES if days <= limit)] += number
    return dict(found)


def _figures(sums: Counter[tuple[str, int]]) -> Figures:
    def total(figure: Figure) -> int:
        return sum(number for (name, _), number in sums.items() if name == figure)

    return Figures(
        registered=total(Figure.REGISTERED),
        reported=total(Figure.REPORTED),
        solved=total(Figure.SOLVED),
        solved_at_l1=sums[Figure.SOLVED.value, 1],
        in_time=total(Figure.IN_TIME),
        dissatisfied=total(Figure.DISSATISFIED),
        not_reached=total(Figure.NOT_REACHED),
        closed_specially=total(Figure.CLOSED_SPECIALLY),
        answered=total(Figure.ANSWERED),
        time_ran_out=total(Figure.TIME_RAN_OUT),
    )


def _key_of(by: By, catalogue: Catalogue) -> Callable[[Cell], str]:
    match by:
        case "state":
            return lambda _cell: "UP"
        case "district":
            return lambda cell: cell.district
        case "division":
            return lambda cell: catalogue.district(cell.district).division_en
        case "department":
            return lambda cell: catalogue.category(cell.category).department
        case "category":
            return lambda cell: cell.category
        case "post":
            return lambda cell: cell.post


def _names(by: By, catalogue: Catalogue) -> Mapping[str, str]:
    match by:
        case "district":
            return {one.code: one.name_en for one in catalogue.districts.values()}
        case "department":
            return {one.code: one.name_en for one in catalogue.departments.values()}
        case "category":
            return {one.code: one.name_en for one in catalogue.categories.values()}
        case _:
            return {"UP": "Uttar Pradesh"}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
