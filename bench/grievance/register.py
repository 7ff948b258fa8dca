"""Registering beside the same statements, with the same values, sent by the bare driver."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import aiosqlite
import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.catalogue import Catalogue
from grievance_core.rules import Rules
from grievance_core.service import Grievances
from grievance_core.tables import metadata
from grievance_core.testing import FixedClock, a_draft
from helpline.storage import BUSY_SECONDS, open_engine

WARM_UP = 20
PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


@dataclass(slots=True)
class Unit:
    """What was sent between taking a connection and its commit or return."""

    statements: list[tuple[str, Any, bool]] = field(default_factory=list)  # words, values, whether they are of many
    committed: bool = False


Journal = list[list[Unit]]
"""The units of each registration."""


async def register_row(url: str, *, complaints: int, rounds: int, clients: int) -> str:
    """One line with the times per registration and their ratio, the median of the rounds."""
    rules = Rules.shipped(Catalogue.shipped())
    journal = await _recorded(url, complaints, rules)
    ours, bare = [], []
    for _ in range(rounds):
        await _emptied(url)
        ours.append(await _ours(url, complaints, clients, rules) / complaints)
        await _emptied(url)
        bare.append(await _bare(url, journal, clients) / complaints)
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    return (
        f"{median(ours) * 1000:6.2f} ms  bare driver {median(bare) * 1000:6.2f} ms  "
        f"ratio {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {clients} clients"
    )


async def _emptied(url: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


def _desk(engine: AsyncEngine, rules: Rules) -> Grievances:
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    return Grievances(sessions, catalogue=rules.catalogue, clock=FixedClock(), rng=random.Random(1), rules=rules)


async def _register(desk: Grievances, place: int) -> None:
    await desk.register(a_draft(caller=str(9_000_000_000 + place), call_id=f"call-{place}"))


async def _recorded(url: str, complaints: int, rules: Rules) -> Journal:
    """What is sent for each registration; not timed."""
    await _emptied(url)
    engine = open_engine(url)
    journal: Journal = []

    def sent(_connection: object, _cursor: object, words: str, values: Any, _context: object, many: bool) -> None:
        if not journal[-1] or journal[-1][-1].committed:
            journal[-1].append(Unit())
        journal[-1][-1].statements.append((words, values, many))

    def ended(_connection: object) -> None:
        journal[-1][-1].committed = True

    def returned(_connection: object) -> None:
        journal[-1].append(Unit())

    event.listen(engine.sync_engine, "before_cursor_execute", sent)
    event.listen(engine.sync_engine, "commit", ended)
    event.listen(engine.sync_engine, "rollback", returned)
    desk = _desk(engine, rules)
    for place in range(complaints):
        journal.append([])
        await _register(desk, place)
    await engine.dispose()
    return [[unit for unit in units if unit.statements] for units in journal]


async def _ours(url: str, complaints: int, clients: int, rules: Rules) -> float:
    engine = open_engine(url)
    desk = _desk(engine, rules)
    for place in range(WARM_UP):
        await _register(desk, complaints + place)

    async def client(first: int) -> None:
        for place in range(first, complaints, clients):
            await _register(desk, place)

    seconds = await _timed([client(first) for first in range(clients)])
    await engine.dispose()
    return seconds


async def _bare(url: str, journal: Journal, clients: int) -> float:
    connect = _sqlite if url.startswith("sqlite") else _postgresql
    hands = [await connect(url) for _ in range(clients)]

    async def client(place: int) -> None:
        for units in journal[place::clients]:
            for unit in units:
                await hands[place][0](unit)

    seconds = await _timed([client(place) for place in range(clients)])
    for _, close in hands:
        await close()
    return seconds


async def _timed(work: Sequence[Awaitable[None]]) -> float:
    start = time.perf_counter()
    await asyncio.gather(*work)
    return time.perf_counter() - start


Hand = tuple[Callable[[Unit], Awaitable[None]], Callable[[], Awaitable[None]]]
"""What sends a unit, and what closes the connection."""


async def _sqlite(url: str) -> Hand:
    connection = await aiosqlite.connect(str(make_url(url).database), timeout=BUSY_SECONDS)
    for pragma in PRAGMAS:
        await connection.execute(pragma)

    async def send(unit: Unit) -> None:
        for words, values, many in unit.statements:
            if many:
                await connection.executemany(words, values)
            else:
                cursor = await connection.execute(words, values)
                if words.startswith("SELECT"):
                    await cursor.fetchall()
                await cursor.close()
        await (connection.commit() if unit.committed else connection.rollback())

    return send, connection.close


async def _postgresql(url: str) -> Hand:
    address = make_url(url)
    connection = await asyncpg.connect(user=address.username, database=address.database, host=address.query["host"])

    async def send(unit: Unit) -> None:
        transaction = connection.transaction()
        await transaction.start()
        for words, values, many in unit.statements:
            if many:
                await connection.executemany(words, values)
            else:
                await connection.fetch(words, *values)
        await (transaction.commit() if unit.committed else transaction.rollback())

    return send, connection.close
