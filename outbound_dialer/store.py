"""The table of attempts. What is written here before a call is made is what a restarted controller knows of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.types import TypeDecorator

from outbound_dialer.attempt import NUMBER_LIMIT, RESULT_LIMIT, Attempt, AttemptId, ContactKey
from outbound_dialer.outcomes import Disposition

log = logging.getLogger(__name__)

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

KEYS_AT_ONCE: Final = 500  # parameters of one query: databases bound their number
CALLS_REMEMBERED: Final = 50  # to one number
FIRST_DELAY: Final = 0.1  # seconds
LONGEST_DELAY: Final = 5.0  # seconds


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept as UTC. SQLite forgets the zone: it is put back. A naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an aware time was expected, not {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(naming_convention=NAMING)

attempts_table = Table(
    "dialer_attempts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("campaign", String(64), nullable=False),
    Column("contact", String(100), nullable=False),
    Column("number", String(NUMBER_LIMIT), nullable=False),
    Column("language", String(8), nullable=False),
    Column("context", JSON, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
    Column("rung_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("reported_at", UtcDateTime),
    Column("disposition", String(20)),
    Column("result", String(RESULT_LIMIT), nullable=False),
    Column("retry_at", UtcDateTime),
    Column("round_over", Boolean, nullable=False),
    Column("cause", Integer),
)
_columns = attempts_table.c
_is_open = _columns.ended_at.is_(None)
_is_unreported = and_(_columns.disposition.is_not(None), _columns.reported_at.is_(None))

# No number and no contact twice at the same time: the database itself refuses it, whoever dials.
Index("uq_dialer_attempts_open_number", _columns.number, unique=True, sqlite_where=_is_open, postgresql_where=_is_open)
Index(
    "uq_dialer_attempts_open_contact", _columns.contact, unique=True, sqlite_where=_is_open, postgresql_where=_is_open
)
Index("ix_dialer_attempts_number", _columns.number, _columns.written_at)
Index("ix_dialer_attempts_contact", _columns.contact, _columns.written_at)
Index(
    "ix_dialer_attempts_unreported",
    _columns.written_at,
    sqlite_where=_is_unreported,
    postgresql_where=_is_unreported,
)

do_not_ring_table = Table(
    "dialer_do_not_ring",
    metadata,
    Column("number", String(NUMBER_LIMIT), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("by", String(120), nullable=False),
    Column("reason", String(300), nullable=False),
)


async def until_kept(write: Callable[[], Awaitable[T]]) -> T:
    """Do a write, and again for as long as the database is locked or away: what happened must not be forgotten."""
    delay = FIRST_DELAY
    while True:
        try:
            return await write()
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            log.warning(
                "An attempt can't be kept yet", extra={"action": "dialer_database_away", "reason": type(error).__name__}
            )
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST_DELAY)


class AttemptStore:
    """The table as one campaign sees it, each method in a transaction of its own."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, campaign: str) -> None:
        self._sessions = sessions
        self._own = _columns.campaign == campaign

    async def write(self, attempt: Attempt, *, most: int, since: datetime) -> bool:
        """Add an attempt. False, and nothing is written, when its number or its contact has an open one, or when its
        number was rung `most` times `since` then, by whatever campaign.
        """
        try:
            async with self._sessions() as session:
                # Written before it is counted: from here on no other attempt for this number can be written.
                await session.execute(insert(attempts_table).values(_values(attempt)))
                counted = select(func.count()).where(_columns.number == attempt.number, *_rang(since))
                if (await session.execute(counted)).scalar_one() >= most:
                    await session.rollback()
                    return False
                await session.commit()
        except IntegrityError:
            return False
        return True

    async def record(self, attempt: Attempt) -> None:
        """Add an attempt that has ended without a call."""
        async with self._sessions.begin() as session:
            await session.execute(insert(attempts_table).values(_values(attempt)))

    async def save(self, attempt: Attempt) -> None:
        """Keep what has become of an attempt. Whether it is reported is kept by `mark_reported` alone."""
        values = _values(attempt)
        del values["reported_at"]
        async with self._sessions.begin() as session:
            await session.execute(update(attempts_table).where(_columns.id == attempt.id).values(values))

    async def mark_reported(self, attempt_id: AttemptId, at: datetime) -> None:
        """The receiver has taken the outcome."""
        async with self._sessions.begin() as session:
            await session.execute(
                update(attempts_table)
                .where(_columns.id == attempt_id, _columns.reported_at.is_(None))
                .values(reported_at=at)
            )

    async def get(self, attempt_id: str) -> Attempt | None:
        async with self._sessions() as session:
            row = (await session.execute(select(attempts_table).where(_columns.id == attempt_id))).one_or_none()
            return None if row is None else _attempt(row)

    async def open(self) -> list[Attempt]:
        """Every attempt that may still hold a line."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(attempts_table).where(self._own, _is_open).order_by(_columns.written_at)
            )
            return [_attempt(row) for row in rows]

    async def unreported(self, limit: int) -> list[Attempt]:
        """Attempts whose outcome is known but not taken, the oldest first."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(attempts_table)
                .where(self._own, _is_unreported)
                .order_by(_columns.written_at, _columns.id)
                .limit(limit)
            )
            return [_attempt(row) for row in rows]

    async def of_contacts(self, keys: Collection[ContactKey]) -> Mapping[ContactKey, Sequence[Attempt]]:
        """All attempts of these contacts, whatever the campaign, the oldest first."""
        found: dict[ContactKey, list[Attempt]] = {key: [] for key in keys}
        wanted = list(found)
        async with self._sessions() as session:
            for start in range(0, len(wanted), KEYS_AT_ONCE):
                some = wanted[start : start + KEYS_AT_ONCE]
                rows = await session.execute(
                    select(attempts_table).where(_columns.contact.in_(some)).order_by(_columns.written_at, _columns.id)
                )
                for row in rows:
                    found[ContactKey(row.contact)].append(_attempt(row))
        return found

    async def rung_since(self, numbers: Collection[str], since: datetime) -> Mapping[str, int]:
        """How often each of these numbers was rung since then, by whatever campaign; who was not is left out."""
        counts: dict[str, int] = {}
        async with self._sessions() as session:
            for some in _in_bits(numbers):
                rows = await session.execute(
                    select(_columns.number, func.count())
                    .where(_columns.number.in_(some), *_rang(since))
                    .group_by(_columns.number)
                )
                counts.update((number, count) for number, count in rows)
        return counts

    async def calls_to(self, number: str) -> Sequence[tuple[datetime, bool]]:
        """The latest calls to a number: when each was rung, and whether it was answered."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(_columns.rung_at, _columns.answered_at)
                .where(_columns.number == number, *_rang(None))
                .order_by(_columns.written_at.desc())
                .limit(CALLS_REMEMBERED)
            )
            return [(row.rung_at, row.answered_at is not None) for row in rows]

    async def barred(self, numbers: Collection[str]) -> frozenset[str]:
        """Those of these numbers that are on the do-not-ring list now."""
        found: set[str] = set()
        async with self._sessions() as session:
            for some in _in_bits(numbers):
                column = do_not_ring_table.c.number
                found.update(await session.scalars(select(column).where(column.in_(some))))
        return frozenset(found)


def _rang(since: datetime | None) -> list[ColumnElement[bool]]:
    """Of the attempts, those whose telephone rang or may have rung: what the network had no way for did not."""
    kinds = or_(_columns.disposition.is_(None), _columns.disposition != Disposition.CONGESTION.value)
    rang = [_columns.rung_at.is_not(None), kinds]
    return rang if since is None else [_columns.written_at >= since, *rang]


def _in_bits(numbers: Collection[str]) -> Iterator[list[str]]:
    wanted = sorted(set(numbers))
    return (wanted[start : start + KEYS_AT_ONCE] for start in range(0, len(wanted), KEYS_AT_ONCE))


def _values(attempt: Attempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "campaign": attempt.campaign,
        "contact": attempt.contact,
        "number": attempt.number,
        "language": attempt.language,
        "context": dict(attempt.context),
        "written_at": attempt.written_at,
        "rung_at": attempt.rung_at,
        "answered_at": attempt.answered_at,
        "ended_at": attempt.ended_at,
        "reported_at": attempt.reported_at,
        "disposition": attempt.disposition and attempt.disposition.value,
        "result": attempt.result,
        "retry_at": attempt.retry_at,
        "round_over": attempt.round_over,
        "cause": attempt.cause,
    }


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        id=AttemptId(row.id),
        campaign=row.campaign,
        contact=ContactKey(row.contact),
        number=row.number,
        language=row.language,
        context=MappingProxyType(dict(row.context)),
        written_at=row.written_at,
        rung_at=row.rung_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        reported_at=row.reported_at,
        disposition=None if row.disposition is None else Disposition(row.disposition),
        result=row.result,
        retry_at=row.retry_at,
        round_over=row.round_over,
        cause=row.cause,
    )
