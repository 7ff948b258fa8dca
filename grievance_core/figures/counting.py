"""What an event adds to the figures. Pure.

Figures are counted from events alone, each once, so a recount of all gives the same. A report and what the citizen says
of it are counted where the report came from: the level and the post that had the complaint before the event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from grievance_core.lifecycle import FINAL, EventKind, State


class Figure(StrEnum):
    """What is counted."""

    REGISTERED = "registered"
    REPORTED = "reported"
    SOLVED = "solved"  # the citizen said so
    IN_TIME = "in_time"  # solved, and no level let its time run out
    DISSATISFIED = "dissatisfied"
    NOT_REACHED = "not_reached"  # neither satisfied nor dissatisfied, and never counted as either
    CLOSED_SPECIALLY = "closed_specially"
    ANSWERED = "answered"  # a demand, a suggestion, information
    TIME_RAN_OUT = "time_ran_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event with what it is counted by."""

    kind: EventKind
    at: datetime
    registered_at: datetime
    district: str
    category: str  # as it was then
    state: State
    level: int
    post: str
    before: tuple[State, int, str, str] | None  # state, level, post and category before; None for the first event
    ran_out: bool  # whether a level had let its time run out before


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Cell:
    """Where something is counted: a day of the state's wall clock, a place, a matter, a level, and whose it was.

    Each is counted three times, so that a glance at the state reads few rows: `of` a district, of a category (with
    the other columns empty), and of a post with all of it.
    """

    of: str  # district, category, post
    day: date
    district: str
    category: str
    level: int
    post: str


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class OpenCell:
    """Where open complaints stand, by the day on which they were registered."""

    district: str
    category: str
    level: int
    registered: date


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class WeekCell:
    """What was registered in a week of the calendar, of a matter, in a district and (with none) in the state.

    A row for each week, with a column for each of its days: what rises is asked of years (rises.py).
    """

    week: date  # its Monday
    category: str
    district: str


WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

FIGURE_OF: Final = {
    EventKind.REGISTERED: Figure.REGISTERED,
    EventKind.REPORTED: Figure.REPORTED,
    EventKind.SATISFIED: Figure.SOLVED,
    EventKind.DISSATISFIED_FIRST: Figure.DISSATISFIED,
    EventKind.DISSATISFIED_AGAIN: Figure.DISSATISFIED,
    EventKind.DISSATISFIED_AT_TOP: Figure.DISSATISFIED,
    EventKind.FEEDBACK_MISSED: Figure.NOT_REACHED,
    EventKind.SPECIAL_CLOSURE: Figure.CLOSED_SPECIALLY,
    EventKind.ANSWERED: Figure.ANSWERED,
    EventKind.TIME_RAN_OUT: Figure.TIME_RAN_OUT,
    EventKind.TIME_RAN_OUT_AT_TOP: Figure.TIME_RAN_OUT,
}
RAN_OUT: Final = frozenset({EventKind.TIME_RAN_OUT, EventKind.TIME_RAN_OUT_AT_TOP})


OPEN: Final = "number"

Counts = tuple[Counter[tuple[Cell, str]], Counter[tuple[OpenCell, str]], Counter[tuple[WeekCell, str]]]
"""By place and figure, by place of what is open (`OPEN`), and by week and its day (one of `WEEKDAYS`)."""


def count(events: Iterable[Happened], zone: tzinfo) -> Counts:
    """What these events add: to the figures of their days, to what is open (which they may take from), to the weeks."""
    figures: Counter[tuple[Cell, str]] = Counter()
    pending: Counter[tuple[OpenCell, str]] = Counter()
    weeks: Counter[tuple[WeekCell, str]] = Counter()
    for event in events:
        level, post = (event.before[1], event.before[2]) if event.before else (event.level, event.post)
        for figure in _figures_of(event):
            day = event.at.astimezone(zone).date()
            if figure is Figure.REGISTERED:
                for place in (event.district, ""):
                    week = WeekCell(week=monday_of(day), category=event.category, district=place)
                    weeks[week, WEEKDAYS[day.weekday()]] += 1
            for of, district, category, whose in (
                ("district", event.district, "", ""),
                ("category", "", event.category, ""),
                ("post", event.district, event.category, post),
            ):
                cell = Cell(of=of, day=day, district=district, category=category, level=level, post=whose)
                figures[cell, figure.value] += 1
        registered = event.registered_at.astimezone(zone).date()
        if event.before is not None and event.before[0] not in FINAL:
            was = OpenCell(
                district=event.district, category=event.before[3], level=event.before[1], registered=registered
            )
            pending[was, OPEN] -= 1
        if event.state not in FINAL:
            now = OpenCell(district=event.district, category=event.category, level=event.level, registered=registered)
            pending[now, OPEN] += 1
    return figures, pending, weeks


def monday_of(day: date) -> date:
    """When its week began."""
    return day - timedelta(days=day.weekday())


def _figures_of(event: Happened) -> tuple[Figure, ...]:
    figure = FIGURE_OF.get(event.kind)
    if figure is None:
        return ()
    if figure is Figure.SOLVED and not event.ran_out:
        return (Figure.SOLVED, Figure.IN_TIME)
    return (figure,)
