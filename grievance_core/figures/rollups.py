"""Roll-ups: each event is counted once, when the seal over all that counts it is made (once a minute, see audit.py).

Counting there and not where complaints are written costs a registration nothing, and one writer adds to the rows that
a whole state shares, so nobody waits for anybody. The figures are a minute old at most; what is open is looked up from
the same rows. `recount` counts all events anew and says where the roll-ups differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.errors import ChangedMeanwhile
from grievance_core.figures.counting import RAN_OUT, Cell, Happened, OpenCell, WeekCell, count
from grievance_core.figures.tables import figure_counts, figures_position, open_counts, registered_weeks
from grievance_core.lifecycle import EventKind, State
from grievance_core.store import plain_errors
from grievance_core.tables import audit_seals, complaint_events, complaints

PAGE = 2_000  # events at once
TRIES = 5  # how often a look at all is begun anew because others counted meanwhile
TABLES = (figure_counts, open_counts, registered_weeks)
Counted = Sequence[Counter[Any]]
"""What belongs into each of the tables: by cell and column."""

_MOVES = (EventKind.REGISTERED, EventKind.TRANSFERRED, EventKind.TRANSFER_DECIDED)
_events = complaint_events.c


class Rollups:
    """Every method may raise StoreBusy (retryable) or StoreFailed; then nothing was changed."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, zone: tzinfo) -> None:
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._zone = zone

    async def catch_up(self) -> int:
        """Count the events of every seal that is not counted yet; how many seals. Each in a transaction of its own.

        Raises ChangedMeanwhile (retryable) when another counted one at the same moment.
        """
        seals = 0
        while await self._next():
            seals += 1
        return seals

    async def _next(self) -> bool:
        with plain_errors():
            async with self._engine.begin() as session:
                position = await _position(session)
                wanted = select(audit_seals.c.id).where(audit_seals.c.id > (position or 0))
                seal = await session.scalar(wanted.order_by(audit_seals.c.id).limit(1))
                if seal is None:
                    return False
                await _move(session, position, seal)
                for table, cells in zip(TABLES, await self._counted(session, _events.sealed_in == seal), strict=True):
                    await _add(session, table, cells)
                await session.execute(delete(open_counts).where(open_counts.c.number == 0))
                return True

    async def recount(self, *, repair: bool = False) -> list[str]:
        """Count all sealed events anew; where the roll-ups differ from that. `repair` puts what was counted there.

        While it repairs nobody else counts; on SQLite nobody writes at all. Raises ChangedMeanwhile (retryable) when
        it only looks, and seals were counted meanwhile each time.
        """
        await self.catch_up()
        for _ in range(TRIES):
            with plain_errors():
                async with self._engine.begin() as session:
                    if repair:  # hold the row, so that what is counted below stays all that is counted
                        await session.execute(update(figures_position).values(seal=figures_position.c.seal))
                    position = await _position(session)
                    if position is None:
                        return []  # nothing was ever counted
                    counted = await self._counted(session, _events.sealed_in <= position)
                    faults = await _differences(session, counted)
                    if repair:
                        await _replace(session, counted)
                    if await _position(session) == position:
                        return faults
        raise ChangedMeanwhile

    async def _counted(self, session: AsyncConnection, which: ColumnElement[bool]) -> Counted:
        counted: Counted = tuple(Counter() for _ in TABLES)
        async for page in _happened(session, which):
            added: Counted = count(page, self._zone)
            for all_of, more in zip(counted, added, strict=True):
                all_of.update(more)
        return counted


async def _position(session: AsyncConnection) -> int | None:
    """The last seal whose events are counted; None when none is."""
    found: int | None = await session.scalar(select(figures_position.c.seal))
    return found


async def _move(session: AsyncConnection, position: int | None, seal: int) -> None:
    """On to the next seal. Of two who count it, one finds that the other was there: ChangedMeanwhile."""
    if position is not None:
        held = figures_position.c.seal == position
        if (await session.execute(update(figures_position).where(held).values(seal=seal))).rowcount != 1:
            raise ChangedMeanwhile
        return
    try:
        await session.execute(insert(figures_position).values(id=1, seal=seal))
    except IntegrityError:
        raise ChangedMeanwhile from None


async def _replace(session: AsyncConnection, counted: Counted) -> None:
    for table, cells in zip(TABLES, counted, strict=True):
        await session.execute(delete(table))
        await _add(session, table, cells)


async def _happened(session: AsyncConnection, which: ColumnElement[bool]) -> AsyncIterator[list[Happened]]:
    """The events with what they are counted by, page by page."""
    before, first = complaint_events.alias("before"), complaint_events.alias("ran_out")
    late = exists().where(
        first.c.number == _events.number, first.c.seq < _events.seq, first.c.kind.in_([kind.value for kind in RAN_OUT])
    )
    statement = (
        select(
            *(_events.number, _events.seq, _events.kind, _events.at, _events.state, _events.level, _events.post),
            *(complaints.c.registered_at, complaints.c.district, complaints.c.category, complaints.c.transfers),
            *(before.c.state.label("was"), before.c.level.label("was_level"), before.c.post.label("was_post")),
            late.label("ran_out"),
        )
        .join(complaints, complaints.c.number == _events.number)
        .outerjoin(before, and_(before.c.number == _events.number, before.c.seq == _events.seq - 1))
        .where(which)
        .order_by(_events.number, _events.seq)
        .limit(PAGE)
    )
    after = ("", 0)
    while rows := (await session.execute(statement.where(tuple_(_events.number, _events.seq) > after))).all():
        after = (rows[-1].number, rows[-1].seq)
        moved = await _moves(session, {row.number for row in rows if row.transfers})
        yield [_as_happened(row, moved.get(row.number, ())) for row in rows]


async def _moves(session: AsyncConnection, numbers: set[str]) -> dict[str, list[tuple[int, str]]]:
    """Which category each of these had from which event on."""
    found: dict[str, list[tuple[int, str]]] = {}
    if numbers:
        wanted = select(_events.number, _events.seq, _events.about).where(
            _events.number.in_(sorted(numbers)), _events.kind.in_([kind.value for kind in _MOVES])
        )
        for row in await session.execute(wanted.order_by(_events.number, _events.seq)):
            found.setdefault(row.number, []).append((row.seq, row.about))
    return found


def _as_happened(row: Any, moves: Sequence[tuple[int, str]]) -> Happened:
    def category(seq: int) -> str:
        known = [about for since, about in moves if since <= seq and about]
        return known[-1] if known else row.category

    was = None
    if row.was is not None:
        was = (State(row.was), row.was_level, row.was_post or "", category(row.seq - 1))
    return Happened(
        kind=EventKind(row.kind),
        at=row.at,
        registered_at=row.registered_at,
        district=row.district,
        category=category(row.seq),
        state=State(row.state),
        level=row.level,
        post=row.post or "",
        before=was,
        ran_out=bool(row.ran_out),
    )


async def _add(session: AsyncConnection, table: Table, counted: Counter[Any]) -> None:
    """Add to the rows, in one order for all who may do so."""
    names = [column.name for column in table.columns if not column.primary_key]
    rows: dict[Any, dict[str, int]] = {}
    for (cell, name), number in counted.items():
        if number:
            rows.setdefault(cell, dict.fromkeys(names, 0))[name] = number
    if not rows:
        return
    dialect = sqlite if session.dialect.name == "sqlite" else postgresql
    adding: Any = dialect.insert(table)
    adding = adding.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: table.c[name] + adding.excluded[name] for name in names},
    )
    await session.execute(adding, [asdict(cell) | rows[cell] for cell in sorted(rows)])


async def _differences(session: AsyncConnection, counted: Counted) -> list[str]:
    """Where the roll-ups are not what was counted."""
    faults = []
    for table, of, sums in zip(TABLES, (Cell, OpenCell, WeekCell), counted, strict=True):
        keys = {column.name for column in table.primary_key.columns}
        kept: Counter[Any] = Counter()
        for row in await session.execute(select(table)):
            values = row._asdict()
            cell = of(**{name: values.pop(name) for name in keys})
            kept.update({(cell, name): number for name, number in values.items()})
        for cell, name in sorted({*sums, *kept}):
            if sums[cell, name] != kept[cell, name]:
                where = " ".join(str(part) for part in asdict(cell).values() if part != "")
                faults.append(f"{table.name}: {where} {name}: {kept[cell, name]}, counted {sums[cell, name]}")
    return faults
