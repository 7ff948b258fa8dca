"""Where complaints are kept: the tables, and the statements of each use case.

Complaints are changed under an optimistic lock (`version`), events are only ever added, and the pair (complaint, seq)
is unique, so two writers can never both be the one that made event n. Times are stored in UTC and come back aware.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    DateTime,
    ForeignKey,
    Index,
    Interval,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from grievance_core.complaint import Complaint, Event, ExcludedMatter
from grievance_core.errors import ChangedMeanwhile, StoreBusy, StoreFailed
from grievance_core.lifecycle import EventKind, State
from grievance_core.numbers import ComplaintNumber

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC; a naive one is refused at the door."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime can't be stored: give it a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Base(DeclarativeBase):
    metadata = metadata


class ComplaintRow(_Base):
    """One complaint as it stands now. Columns are the fields of `Complaint`, but for the last two."""

    __tablename__ = "complaints"

    number: Mapped[str] = mapped_column(String(12), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    category: Mapped[str] = mapped_column(String(8))
    department: Mapped[str] = mapped_column(String(8))
    district: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    caller: Mapped[str] = mapped_column(String(15))
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(2))
    channel: Mapped[str] = mapped_column(String(20))
    call_id: Mapped[str | None] = mapped_column(String(120))
    agent: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(20))
    level: Mapped[int]
    post: Mapped[str | None] = mapped_column(String(120))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waited: Mapped[timedelta] = mapped_column(Interval)
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dissatisfied: Mapped[int]
    missed: Mapped[int]
    overdue: Mapped[bool]
    version: Mapped[int]
    # What the sweep reads: when the running clock ends, empty when nothing will become due.
    sweep_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    once_key: Mapped[str | None] = mapped_column(String(64), unique=True)

    __table_args__ = (
        Index(None, "caller", "registered_at"),
        Index(None, "call_id"),
        Index(None, "post", "state", "registered_at"),
        Index(None, "state", "reported_at"),
        Index(None, "sweep_at", "number"),
        Index(None, "registered_at"),
    )


class EventRow(_Base):
    """One thing that happened to a complaint. Rows are added and never changed."""

    __tablename__ = "complaint_events"

    number: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(120))
    channel: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    level: Mapped[int]
    post: Mapped[str | None] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text)
    report: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(30))
    attempt: Mapped[str | None] = mapped_column(String(120))

    # One feedback call has one end, whoever tells it and however often.
    __table_args__ = (UniqueConstraint("number", "attempt"),)


class VoiceMessageRow(_Base):
    """A complaint spoken to the machine, waiting to be typed up."""

    __tablename__ = "voice_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(1000), unique=True)
    caller: Mapped[str] = mapped_column(String(15))
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RefusalRow(_Base):
    """An excluded matter that was turned away at the door."""

    __tablename__ = "refusals"

    id: Mapped[int] = mapped_column(primary_key=True)
    matter: Mapped[str] = mapped_column(String(20))
    caller: Mapped[str] = mapped_column(String(15))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMessage:
    """A recorded complaint: where the sound lies, who spoke and when."""

    id: int
    path: str
    caller: str = field(repr=False)
    taken_at: datetime
    filed_at: datetime


_COMPLAINT_FIELDS = tuple(item.name for item in fields(Complaint))
_EVENT_FIELDS = tuple(item.name for item in fields(Event))
_MESSAGE_FIELDS = tuple(item.name for item in fields(VoiceMessage))
# SQLSTATEs of PostgreSQL that mean "not now": lock not available, deadlock, serialization failure.
_BUSY_STATES = frozenset({"55P03", "40P01", "40001"})
_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the database's failures into StoreBusy and StoreFailed; the statement's (personal) parameters stay out."""
    try:
        yield
    except IntegrityError:
        raise  # the use cases look for these themselves
    except (DBAPIError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in _BUSY_CODES or getattr(cause, "sqlstate", None) in _BUSY_STATES:
            raise StoreBusy(
                "The complaint store is locked by another program or transaction; nothing was changed. Try again in a "
                "moment; if it stays so, close what holds the database (a backup, an open shell)."
            ) from cause
        # A driver's complaint about a value may quote the value, which is somebody's words.
        detail = type(cause).__name__ if isinstance(error, DataError) else str(cause)
        raise StoreFailed(
            f"The complaint store can't be used: {detail}. Nothing was changed. "
            "See `helpline doctor`: is the disk full, the database there and migrated?"
        ) from cause


def complaint_of(row: ComplaintRow) -> Complaint:
    values: dict[str, Any] = {name: getattr(row, name) for name in _COMPLAINT_FIELDS}
    values["state"] = State(row.state)
    return Complaint(**values)


def event_of(row: EventRow) -> Event:
    values: dict[str, Any] = {name: getattr(row, name) for name in _EVENT_FIELDS}
    values["kind"], values["state"] = EventKind(row.kind), State(row.state)
    return Event(**values)


def _values(complaint: Complaint) -> dict[str, Any]:
    values = {name: getattr(complaint, name) for name in _COMPLAINT_FIELDS}
    values["sweep_at"] = None if complaint.overdue else complaint.clock_ends_at
    return values


async def add(session: AsyncSession, complaint: Complaint, events: Iterable[Event], *, once_key: str | None) -> None:
    """Store a new complaint. IntegrityError if its number or `once_key` is taken."""
    await session.execute(insert(ComplaintRow).values(**_values(complaint), once_key=once_key))
    await session.execute(insert(EventRow), [asdict(event) for event in events])


async def save(session: AsyncSession, complaint: Complaint, event: Event) -> None:
    """Store the changed complaint and the event that changed it.

    Raises ChangedMeanwhile if the stored one is no longer the one that was loaded.
    """
    statement = (
        update(ComplaintRow)
        .where(ComplaintRow.number == complaint.number, ComplaintRow.version == complaint.version - 1)
        .values(**_values(complaint))
        .execution_options(synchronize_session=False)
    )
    result = cast("CursorResult[Any]", await session.execute(statement))
    if result.rowcount != 1:
        raise ChangedMeanwhile(
            "Somebody else changed this complaint at the same moment. Look at it again, then repeat what is still "
            "needed."
        )
    await session.execute(insert(EventRow).values(**asdict(event)))


async def load(session: AsyncSession, number: ComplaintNumber) -> Complaint | None:
    row = await session.get(ComplaintRow, number)
    return None if row is None else complaint_of(row)


async def by_once_key(session: AsyncSession, once_key: str) -> Complaint | None:
    row = await session.scalar(select(ComplaintRow).where(ComplaintRow.once_key == once_key))
    return None if row is None else complaint_of(row)


async def attempt_told(session: AsyncSession, number: ComplaintNumber, attempt: str) -> bool:
    """Whether the end of this feedback call is on record already."""
    statement = select(EventRow.seq).where(EventRow.number == number, EventRow.attempt == attempt)
    return await session.scalar(statement) is not None


async def events_of(session: AsyncSession, number: ComplaintNumber) -> list[Event]:
    rows = await session.scalars(select(EventRow).where(EventRow.number == number).order_by(EventRow.seq))
    return [event_of(row) for row in rows]


async def find(
    session: AsyncSession, *, caller: str | None, state: State | None, post: str | None, limit: int
) -> list[Complaint]:
    statement = select(ComplaintRow).order_by(ComplaintRow.registered_at.desc(), ComplaintRow.number).limit(limit)
    for column, wanted in (
        (ComplaintRow.caller, caller),
        (ComplaintRow.state, state),
        (ComplaintRow.post, post),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return [complaint_of(row) for row in await session.scalars(statement)]


async def of_call(session: AsyncSession, call_id: str) -> list[Complaint]:
    statement = select(ComplaintRow).where(ComplaintRow.call_id == call_id)
    rows = await session.scalars(statement.order_by(ComplaintRow.registered_at, ComplaintRow.number))
    return [complaint_of(row) for row in rows]


async def awaiting_feedback(session: AsyncSession, limit: int) -> list[Complaint]:
    statement = select(ComplaintRow).where(ComplaintRow.state == State.AWAITING_FEEDBACK)
    rows = await session.scalars(statement.order_by(ComplaintRow.reported_at, ComplaintRow.number).limit(limit))
    return [complaint_of(row) for row in rows]


async def due(
    session: AsyncSession, now: datetime, *, after: tuple[datetime, str] | None, limit: int
) -> Sequence[tuple[datetime, ComplaintNumber]]:
    """Whose clock has ended by `now`, oldest first, beyond the place `after`. Reads the index of `sweep_at` only."""
    statement = select(ComplaintRow.sweep_at, ComplaintRow.number).where(ComplaintRow.sweep_at <= now)
    if after is not None:
        statement = statement.where(tuple_(ComplaintRow.sweep_at, ComplaintRow.number) > tuple_(*after))
    rows = await session.execute(statement.order_by(ComplaintRow.sweep_at, ComplaintRow.number).limit(limit))
    return [(sweep_at, ComplaintNumber(number)) for sweep_at, number in rows if sweep_at is not None]


def _message_of(row: VoiceMessageRow) -> VoiceMessage:
    return VoiceMessage(**{name: getattr(row, name) for name in _MESSAGE_FIELDS})


async def add_voice_message(
    session: AsyncSession, *, path: str, caller: str, taken_at: datetime, filed_at: datetime
) -> VoiceMessage:
    """Store a voice message. IntegrityError if this file is stored already."""
    row = VoiceMessageRow(path=path, caller=caller, taken_at=taken_at, filed_at=filed_at)
    session.add(row)
    await session.flush()
    return _message_of(row)


async def voice_message(session: AsyncSession, path: str) -> VoiceMessage | None:
    row = await session.scalar(select(VoiceMessageRow).where(VoiceMessageRow.path == path))
    return None if row is None else _message_of(row)


async def voice_messages(session: AsyncSession, limit: int) -> list[VoiceMessage]:
    statement = select(VoiceMessageRow).order_by(VoiceMessageRow.taken_at, VoiceMessageRow.id).limit(limit)
    return [_message_of(row) for row in await session.scalars(statement)]


async def add_refusal(session: AsyncSession, *, matter: ExcludedMatter, caller: str, at: datetime) -> None:
    await session.execute(insert(RefusalRow).values(matter=matter, caller=caller, at=at))


async def refusal_counts(session: AsyncSession, since: datetime | None) -> dict[str, int]:
    statement = select(RefusalRow.matter, func.count()).group_by(RefusalRow.matter)
    if since is not None:
        statement = statement.where(RefusalRow.at >= since)
    return dict((await session.execute(statement)).tuples().all())
