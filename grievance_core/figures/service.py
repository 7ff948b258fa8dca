"""The figures as the leadership asks for them: read from the roll-ups, a minute old at most."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.catalogue import Catalogue
from grievance_core.figures.counting import Cell, Figure, OpenCell
from grievance_core.figures.reading import By, Line, Span, ages, lines
from grievance_core.figures.tables import figure_counts, open_counts
from grievance_core.store import plain_errors

_counts = figure_counts.c

Sum = tuple[Cell, Mapping[str, int]]

# What a line is told apart by: nothing else is read, so a year of the state is some thousand rows.
_COLUMNS = {
    "state": (),
    "district": (_counts.district,),
    "division": (_counts.district,),
    "department": (_counts.category,),
    "category": (_counts.category,),
    "post": (_counts.post,),
}


class LeadershipFigures:
    """Every method may raise StoreBusy (retryable) or StoreFailed."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, catalogue: Catalogue) -> None:
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._catalogue = catalogue

    async def lines(self, span: Span, by: By, *, district: str = "", category: str = "") -> list[Line]:
        """A line for each that occurs in the span or the one before, of one district or category if named."""
        with plain_errors():
            async with self._engine.connect() as session:
                now, before = await _sums(session, span, by, district=district, category=category)
        return lines(now, before, by, self._catalogue)

    async def open_by_age(self, today: date, *, district: str = "") -> dict[tuple[int, str], int]:
        """How many complaints are open, by level and age."""
        statement = select(
            open_counts.c.level, open_counts.c.registered, func.sum(open_counts.c.number).label("number")
        ).group_by(open_counts.c.level, open_counts.c.registered)
        if district:
            statement = statement.where(open_counts.c.district == district)
        with plain_errors():
            async with self._engine.connect() as session:
                rows = await session.execute(statement)
                cells = [
                    (OpenCell(district="", category="", level=row.level, registered=row.registered), int(row.number))
                    for row in rows
                ]
        return ages(cells, today)


async def _sums(
    session: AsyncConnection, span: Span, by: By, *, district: str, category: str
) -> tuple[list[Sum], list[Sum]]:
    """What was counted in the span, and in the one before it."""
    is_now = (_counts.day >= span.first).label("is_now")
    columns = (is_now, _counts.level, *_COLUMNS[by])
    statement = select(*columns, *(func.sum(_counts[figure.value]).label(figure.value) for figure in Figure)).where(
        _counts.of == _narrowest(by, district=district, category=category),
        _counts.day.between(span.before.first, span.last),
    )
    if district:
        statement = statement.where(_counts.district == district)
    if category:
        statement = statement.where(_counts.category == category)
    found: tuple[list[Sum], list[Sum]] = ([], [])
    for row in await session.execute(statement.group_by(*columns)):
        values = row._asdict()
        counts = {figure.value: int(values.pop(figure.value)) for figure in Figure}
        side = found[0] if values.pop("is_now") else found[1]
        blank: dict[str, Any] = {"of": "", "day": span.first, "district": "", "category": "", "post": ""}
        side.append((Cell(**blank | values), counts))
    return found


def _narrowest(by: By, *, district: str, category: str) -> str:
    """The roll-ups with the fewest rows that tell this."""
    wants_district = bool(district) or by in ("district", "division")
    wants_category = bool(category) or by in ("department", "category")
    if by == "post" or (wants_district and wants_category):
        return "post"
    return "category" if wants_category else "district"
