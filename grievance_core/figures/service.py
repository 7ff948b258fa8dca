"""The figures as the leadership asks for them: read from the roll-ups, a minute old at most."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.catalogue import Catalogue
from grievance_core.figures.counting import Cell, OpenCell
from grievance_core.figures.reading import By, Line, Span, ages, lines
from grievance_core.figures.tables import figure_counts, open_counts
from grievance_core.store import plain_errors

_counts = figure_counts.c
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
                now, before = [
                    await _sums(session, one, by, district=district, category=category) for one in (span, span.before)
                ]
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
) -> list[tuple[Cell, int]]:
    columns = _COLUMNS[by]
    narrow = {"state": "category" if category else "district", "district": "district", "division": "district"}
    of = narrow.get(by, "post" if by == "post" else "category")
    if (of == "district" and category) or (of == "category" and district):
        of = "post"
    statement = select(_counts.figure, _counts.level, *columns, func.sum(_counts.number).label("number")).where(
        _counts.of == of, _counts.day.between(span.first, span.last)
    )
    if district:
        statement = statement.where(_counts.district == district)
    if category:
        statement = statement.where(_counts.category == category)
    found = []
    for row in await session.execute(statement.group_by(_counts.figure, _counts.level, *columns)):
        values = row._asdict()
        number = int(values.pop("number"))
        blank = {"district": "", "category": "", "post": ""}
        found.append((Cell(of=of, day=span.first, **blank | values), number))
    return found
