"""The leadership's figures over millions of complaints, read from roll-ups as a year of them leaves behind."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from statistics import median
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker

from grievance_core.catalogue import LEVELS, Catalogue
from grievance_core.figures.counting import WEEKDAYS, Figure, monday_of
from grievance_core.figures.reading import Span
from grievance_core.figures.rising import Rising
from grievance_core.figures.service import LeadershipFigures
from grievance_core.figures.usual import LONGEST
from grievance_core.tables import metadata
from grievance_core.working_days import ZONE, WorkingCalendar
from helpline.storage import open_engine

DAYS = 730  # a year, and the one before it that it stands beside
TODAY = date(2026, 11, 25)
LOOKS = 15
OPEN_DAYS = 90  # what is open was registered within them


async def dashboard_row(url: str, *, complaints: int) -> str:
    """A line for each question, the median of LOOKS. `complaints` are those of the last year."""
    engine = open_engine(url)
    catalogue = Catalogue.shipped()
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        rows = await _filled(connection, catalogue, complaints)
        await _fill_weeks(connection, catalogue, complaints)
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    figures = LeadershipFigures(async_sessionmaker(engine), catalogue=catalogue)
    rising = Rising(async_sessionmaker(engine), works=WorkingCalendar().works, zone=ZONE)
    month, year = Span(TODAY - timedelta(days=29), TODAY), Span(TODAY - timedelta(days=364), TODAY)
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "the state, 30 days": lambda: figures.lines(month, "state"),
        "districts, 30 days": lambda: figures.lines(month, "district"),
        "departments, 30 days": lambda: figures.lines(month, "department"),
        "categories, 30 days": lambda: figures.lines(month, "category"),
        "posts of a district, 30 days": lambda: figures.lines(month, "post", district="162"),
        "the state, a year": lambda: figures.lines(year, "state"),
        "open by level and age": lambda: figures.open_by_age(TODAY),
        "what rises": lambda: rising.find(TODAY),
    }
    (state,) = await figures.lines(year, "state")
    told = [f"{state.now.registered:,} registered in the last year; {rows:,} rows of two years"]
    for name, ask in questions.items():
        times = []
        for _ in range(LOOKS):
            start = time.perf_counter()
            await ask()
            times.append(time.perf_counter() - start)
        told.append(f"    {name:30} {median(times) * 1000:7.1f} ms")
    await engine.dispose()
    return "\n".join(told)


async def _filled(connection: AsyncConnection, catalogue: Catalogue, complaints: int) -> int:
    """Roll-ups, written by SQL: each district and each category at every level on every day, as many as there can be.

    Of the pairs of district and category, which share a day's complaints, each has a row of its post at L1.
    """
    days = "generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day"
    names = ", ".join(Figure)
    add = f"INSERT INTO figure_counts (of, day, district, category, level, post, {names})"
    levels = ", ".join(f"({level})" for level in LEVELS)
    lists = {"district": _values(catalogue.districts), "category": _values(catalogue.categories)}
    values: dict[str, Any] = {"first": TODAY - timedelta(days=DAYS - 1), "last": TODAY}
    for of, places in (("district", catalogue.districts), ("category", catalogue.categories)):
        district, category = ("p.code", "''") if of == "district" else ("''", "p.code")
        # Registered at L1 only, so that the sum over the year is what was asked for.
        each = f"CASE WHEN level > 1 THEN 0 ELSE {round(complaints / 365 / len(places))} END"
        numbers = ", ".join(each if figure is Figure.REGISTERED else "1" for figure in Figure)
        await connection.execute(
            text(
                f"{add} SELECT '{of}', day, {district}, {category}, level, '', {numbers} "
                f"FROM {days}, (VALUES {levels}) l(level), (VALUES {lists[of]}) p(code)"
            ),
            values,
        )
    pairs = f"(VALUES {lists['district']}) d(code), (VALUES {lists['category']}) c(code)"
    ones = ", ".join("1" for _ in Figure)
    await connection.execute(
        text(f"{add} SELECT 'post', day, d.code, c.code, 1, c.code || '/' || d.code, {ones} FROM {days}, {pairs}"),
        values,
    )
    await connection.execute(
        text(
            "INSERT INTO open_counts (district, category, level, registered, number) "
            f"SELECT d.code, c.code, 1 + (hashtext(c.code) & 3), day::date, 1 FROM {days}, {pairs}"
        ),
        values | {"first": TODAY - timedelta(days=OPEN_DAYS)},
    )
    return int(await connection.scalar(text("SELECT count(*) FROM figure_counts")) or 0)


async def _fill_weeks(connection: AsyncConnection, catalogue: Catalogue, complaints: int) -> None:
    """What was registered by week, of each pair of district and category: around the mean, so that there is chance."""
    mean = complaints / 365 / len(catalogue.districts) / len(catalogue.categories)
    days = ", ".join(f"floor(random() * {2 * mean + 1:.3f})::int" for _ in WEEKDAYS)
    names = ", ".join(WEEKDAYS)
    await connection.execute(
        text(
            f"INSERT INTO registered_weeks (district, week, category, {names}) SELECT d.code, week, c.code, {days} "
            "FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '7 days') AS week, "
            f"(VALUES {_values(catalogue.districts)}) d(code), (VALUES {_values(catalogue.categories)}) c(code)"
        ),
        {"first": monday_of(TODAY) - timedelta(weeks=LONGEST), "last": TODAY},
    )
    sums = ", ".join(f"sum({day})" for day in WEEKDAYS)
    await connection.execute(
        text(
            f"INSERT INTO registered_weeks (district, week, category, {names}) "
            f"SELECT '', week, category, {sums} FROM registered_weeks GROUP BY week, category"
        )
    )


def _values(names: Any) -> str:
    return ", ".join(f"('{name}')" for name in names)
