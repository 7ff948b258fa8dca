"""The sweep among millions of complaints of which few are due."""

from __future__ import annotations

import time
from datetime import timedelta
from statistics import median

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker

from grievance_core import store
from grievance_core.catalogue import Catalogue
from grievance_core.rules import Rules
from grievance_core.service import PAGE, Grievances
from grievance_core.tables import complaint_events, complaints, metadata
from grievance_core.testing import FixedClock, a_draft
from helpline.storage import open_engine

OPEN = 50  # one of so many has a clock that runs, the others are closed or wait
DUE = 500
LOOKS = 50


async def sweep_row(url: str, *, rows: int) -> str:
    """One line: reading a page of what is due, the whole sweep for each that was due, and what was read for it."""
    engine = open_engine(url)
    clock = FixedClock()
    rules = Rules.shipped(Catalogue.shipped())
    grievances = Grievances(async_sessionmaker(engine), catalogue=rules.catalogue, clock=clock, rules=rules)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    number = (await grievances.register(a_draft())).number
    await _multiplied(engine, number, rows)
    async with engine.connect() as connection:
        first = await connection.scalar(select(func.min(complaints.c.sweep_at)))
        now = first + timedelta(minutes=DUE - 0.5)
        looks = [await _look(connection, now) for _ in range(LOOKS)]
        plan = await _plan(connection, now)
    start = time.perf_counter()
    moved = await grievances.sweep(now)
    each = (time.perf_counter() - start) / max(1, moved)
    await engine.dispose()
    return (
        f"{rows:,} complaints, {moved} due: a page of {PAGE} in {median(looks) * 1000:.2f} ms, "
        f"each moved in {each * 1000:.2f} ms\n    {plan}"
    )


async def _multiplied(engine: AsyncEngine, number: str, rows: int) -> None:
    """So many complaints of one: every OPEN-th a minute later than the one before, the others with no clock.

    Without the indexes that the sweep does not read, and all the same to it, making them takes a quarter of the time.
    """
    plain = engine.dialect.name == "sqlite"
    for index in complaints.indexes:
        if index.name != "ix_complaints_sweep_at_number":
            async with engine.begin() as connection:
                await connection.run_sync(index.drop)
    later = (
        "datetime(sweep_at, (n / :open) || ' minutes') || '.000000'"
        if plain
        else ("sweep_at + make_interval(mins => n / :open)")
    )
    changed = {
        "number": "printf('%012d', n)" if plain else "lpad(n::text, 12, '0')",
        "once_key": "NULL",
        "sweep_at": f"CASE WHEN n % :open = 0 THEN {later} END",
        "ends_at": f"CASE WHEN n % :open = 0 THEN {later.replace('sweep_at', 'ends_at')} END",
    }
    names = ", ".join(f'"{column.name}"' for column in complaints.columns)
    values = ", ".join(changed.get(column.name, f'"{column.name}"') for column in complaints.columns)
    numbers = (
        "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :rows) SELECT n FROM c)"
        if plain
        else "generate_series(1, CAST(:rows AS integer)) AS n"
    )
    insert = f"INSERT INTO complaints ({names}) SELECT {values} FROM complaints, {numbers} WHERE number = :number"
    if not plain:
        insert = insert.replace(":open", "CAST(:open AS integer)")
    async with engine.begin() as connection:
        await connection.execute(text(insert), {"rows": rows, "open": OPEN, "number": number})
        await connection.execute(complaint_events.delete())
        await connection.execute(complaints.delete().where(complaints.c.number == number))
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if plain else "VACUUM ANALYZE complaints"))


async def _look(connection: AsyncConnection, now: object) -> float:
    start = time.perf_counter()
    await store.due(connection, now, after=None, limit=PAGE)  # type: ignore[arg-type]
    return time.perf_counter() - start


async def _plan(connection: AsyncConnection, now: object) -> str:
    compiled = store.due_statement(now, after=None, limit=PAGE).compile(  # type: ignore[arg-type]
        dialect=connection.dialect, compile_kwargs={"literal_binds": True}
    )
    words = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)"
    lines = [str(row[-1]).strip() for row in await connection.execute(text(f"{words} {compiled}"))]
    return "; ".join(line for line in lines if "INDEX" in line or "Scan" in line or "Buffers" in line)
