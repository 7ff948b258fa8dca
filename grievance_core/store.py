"""Where complaints are kept: the tables, and the statements of each use case.

Complaints are changed under an optimistic lock (`version`), events are only ever added, and the pair (complaint, seq)
is unique, so two writers can never both be the one that made event n. Times are stored in UTC and come back aware.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    Column,
    CursorResult,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Interval,
    MetaData,
    Row,
    Select,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeDecorator

from grievance_core.complaint import CHANNEL_LIMIT, SHORT_LIMIT, Complaint, Event
from grievance_core.errors import ChangedMeanwhile, StoreBusy, StoreFailed
from grievance_core.excluded import ExcludedMatter
from grievance_core.lifecycle import FINAL, WITH_AN_OFFICER, EventKind, State
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


# One complaint as it stands now. Columns are the fields of `Complaint`, but for the last one.
complaints = Table(
    "complaints",
    metadata,
    Column("number", String(12), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("category", String(8), nullable=False),
    Column("department", String(8), nullable=False),
    Column("district", String(8), nullable=False),
    Column("text", Text, nullable=False),
    Column("caller", String(15), nullable=False),
    Column("name", String(SHORT_LIMIT), nullable=False),
    Column("language", String(2), nullable=False),
    Column("channel", String(CHANNEL_LIMIT), nullable=False),
    Column("call_id", String(SHORT_LIMIT)),
    Column("agent", String(SHORT_LIMIT)),
    Column("state", String(20), nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("post", String(120)),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),
    Column("stopped_at", UtcDateTime),
    Column("waited", Interval, nullable=False),
    Column("reported_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("dissatisfied", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("overdue", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("accused", String(120)),
    Column("pin", String(4), nullable=False),
    Column("excluded", String(20), nullable=False),
    Column("flags", String(60), nullable=False),
    Column("ends_at", UtcDateTime),
    # What the sweep reads: empty when the clock has nothing to do with it.
    Column("sweep_at", UtcDateTime),
    Column("warned", SmallInteger, nullable=False),
    Column("extended", SmallInteger, nullable=False),
    Column("transfers", SmallInteger, nullable=False),
    Column("objections", SmallInteger, nullable=False),
    Column("proposed_by", String(SHORT_LIMIT), nullable=False),
    Column("proposed_level", SmallInteger, nullable=False),
    Column("proposed_reason", String(30), nullable=False),
    # What the dialer reads: whose citizen is to be rung from when on.
    Column("ask_at", UtcDateTime),
    Column("unreached", Integer, nullable=False),
    Column("question_at", UtcDateTime),
    Column("parent", String(12)),
    Column("supporters", Integer, nullable=False),
    Column("supporters_for", Integer, nullable=False),
    Column("supporters_against", Integer, nullable=False),
    # Two sendings of one form are one complaint: see complaint.once_key.
    Column("once_key", String(64), unique=True),
    Index(None, "caller", "registered_at"),
    Index(None, "call_id"),
    Index(None, "post", "state", "registered_at"),
    Index(None, "state", "reported_at"),
    Index(None, "sweep_at", "number"),
    Index(None, "registered_at"),
    # Few complaints of a hundred million are in these at any time, so they hold those few only.
    *(
        Index(
            None,
            column,
            "number",
            sqlite_where=text(f"{column} IS NOT NULL"),
            postgresql_where=text(f"{column} IS NOT NULL"),
        )
        for column in ("ask_at", "question_at", "parent")
    ),
    # Whether others complain of the same trouble.
    Index(None, "district", "category", "registered_at"),
)

# One thing that happened to a complaint. Columns are the fields of `Event`; rows are added and never changed.
complaint_events = Table(
    "complaint_events",
    metadata,
    Column("number", ForeignKey("complaints.number"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(30), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(SHORT_LIMIT), nullable=False),
    Column("channel", String(CHANNEL_LIMIT), nullable=False),
    Column("state", String(20), nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("post", String(120)),
    Column("text", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("reason", String(30), nullable=False),
    Column("attempt", String(SHORT_LIMIT)),
    Column("by_level", SmallInteger, nullable=False),
    Column("about", String(12), nullable=False),
    Column("amount", SmallInteger, nullable=False),
    Column("due_at", UtcDateTime),
    Column("flags", String(60), nullable=False),
    # One feedback call has one end, whoever tells it and however often.
    UniqueConstraint("number", "attempt"),
)

# A complaint spoken to the machine, waiting to be typed up.
voice_message_files = Table(
    "voice_messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", String(1000), nullable=False, unique=True),
    Column("caller", String(15), nullable=False),
    Column("taken_at", UtcDateTime, nullable=False, index=True),
    Column("filed_at", UtcDateTime, nullable=False),
)

# An excluded matter that was turned away at the door.
refusals = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("matter", String(20), nullable=False),
    Column("caller", String(15), nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
)

# Wrong PINs keyed for a number, so that nobody tries all ten thousand.
wrong_pins = Table(
    "wrong_pins",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(12), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "number", "at"),
)


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
# What no event changes in a complaint: it stays as it was registered.
_BIRTH = frozenset(
    {
        *("number", "kind", "district", "text", "caller", "name", "language", "channel", "call_id", "agent"),
        *("registered_at", "confidential", "accused", "pin", "excluded"),
    }
)
_CHANGING = tuple(name for name in _COMPLAINT_FIELDS if name not in _BIRTH)
# Statements of the busy paths, built once: building one costs more than the database takes for it.
_LOAD = select(complaints).where(complaints.c.number == bindparam("wanted"))
_ADD = insert(complaints)
_ADD_EVENT = insert(complaint_events)
_SAVE = update(complaints).where(
    complaints.c.number == bindparam("loaded_number"), complaints.c.version == bindparam("loaded_version")
)
_ATTEMPT = select(complaint_events.c.seq).where(
    complaint_events.c.number == bindparam("wanted"), complaint_events.c.attempt == bindparam("told")
)
ALIKE_PAGE = 200  # complaints that are compared with a new one
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


def _complaint_of(row: Row[Any]) -> Complaint:
    values = row._asdict()
    del values["once_key"]
    values["state"] = State(values["state"])
    return Complaint(**values)


def _event_of(row: Row[Any]) -> Event:
    values = row._asdict()
    values["kind"], values["state"] = EventKind(values["kind"]), State(values["state"])
    return Event(**values)


def _event_values(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _EVENT_FIELDS}


async def add(session: AsyncSession, complaint: Complaint, events: Sequence[Event], *, once_key: str | None) -> None:
    """Store a new complaint. IntegrityError if its number or `once_key` is taken."""
    values = {name: getattr(complaint, name) for name in _COMPLAINT_FIELDS}
    await session.execute(_ADD, values | {"once_key": once_key})
    await session.execute(_ADD_EVENT, [_event_values(event) for event in events])


async def save(session: AsyncSession, before: Complaint, after: Complaint, event: Event) -> None:
    """Store the changed complaint and the event that changed it.

    Raises ChangedMeanwhile if the stored one is no longer the one that was loaded.
    """
    values = {name: getattr(after, name) for name in _CHANGING}
    values |= {"loaded_number": before.number, "loaded_version": before.version}
    result = cast("CursorResult[Any]", await session.execute(_SAVE, values))
    if result.rowcount != 1:
        raise ChangedMeanwhile
    await session.execute(_ADD_EVENT, _event_values(event))


async def load(session: AsyncSession, number: ComplaintNumber) -> Complaint | None:
    row = (await session.execute(_LOAD, {"wanted": number})).one_or_none()
    return None if row is None else _complaint_of(row)


async def by_once_key(session: AsyncSession, once_key: str) -> Complaint | None:
    found = await _complaints(session, select(complaints).where(complaints.c.once_key == once_key))
    return found[0] if found else None


async def attempt_told(session: AsyncSession, number: ComplaintNumber, attempt: str) -> bool:
    """Whether the end of this feedback call is on record already."""
    return await session.scalar(_ATTEMPT, {"wanted": number, "told": attempt}) is not None


async def events_of(session: AsyncSession, number: ComplaintNumber) -> list[Event]:
    statement = select(complaint_events).where(complaint_events.c.number == number)
    return [_event_of(row) for row in await session.execute(statement.order_by(complaint_events.c.seq))]


async def _complaints(session: AsyncSession, statement: Select[Any]) -> list[Complaint]:
    return [_complaint_of(row) for row in await session.execute(statement)]


async def find(
    session: AsyncSession, *, caller: str | None, state: State | None, post: str | None, limit: int
) -> list[Complaint]:
    statement = select(complaints).order_by(complaints.c.registered_at.desc(), complaints.c.number).limit(limit)
    for column, wanted in ((complaints.c.caller, caller), (complaints.c.state, state), (complaints.c.post, post)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return await _complaints(session, statement)


async def of_call(session: AsyncSession, call_id: str) -> list[Complaint]:
    statement = select(complaints).where(complaints.c.call_id == call_id)
    return await _complaints(session, statement.order_by(complaints.c.registered_at, complaints.c.number))


async def open_levels(session: AsyncSession, caller: str, limit: int) -> list[tuple[int, str | None]]:
    """Level and agent of a caller's open complaints, newest first."""
    statement = select(complaints.c.level, complaints.c.agent).where(
        complaints.c.caller == caller, complaints.c.state.not_in(FINAL)
    )
    ordered = statement.order_by(complaints.c.registered_at.desc(), complaints.c.number).limit(limit)
    return [(row.level, row.agent) for row in await session.execute(ordered)]


async def awaiting_feedback(session: AsyncSession, now: datetime, limit: int) -> list[Complaint]:
    """Whose citizen is to be rung by `now`, longest due first."""
    statement = select(complaints).where(complaints.c.ask_at <= now)
    return await _complaints(session, statement.order_by(complaints.c.ask_at, complaints.c.number).limit(limit))


async def feedback_of(session: AsyncSession, caller: str) -> list[Complaint]:
    """One caller's complaints whose report they have not answered, newest report first."""
    asked = (State.AWAITING_FEEDBACK, State.WITH_SUPERIOR, State.MERGED)
    statement = select(complaints).where(complaints.c.caller == caller, complaints.c.state.in_(asked))
    found = [complaint for complaint in await _complaints(session, statement) if complaint.feedback_wanted]
    return sorted(found, key=lambda one: one.stopped_at or one.registered_at, reverse=True)


async def open_questions(session: AsyncSession, limit: int) -> list[Complaint]:
    statement = select(complaints).where(complaints.c.question_at.is_not(None), complaints.c.caller != "")
    return await _complaints(session, statement.order_by(complaints.c.question_at, complaints.c.number).limit(limit))


async def parts_of(session: AsyncSession, number: ComplaintNumber) -> list[Complaint]:
    """The complaints that are part of this one."""
    statement = select(complaints).where(complaints.c.parent == number, complaints.c.state == State.MERGED)
    return await _complaints(session, statement.order_by(complaints.c.number))


async def count_of_caller(session: AsyncSession, caller: str, *, since: datetime) -> int:
    """How many matters this number had taken in since then; information given and refusals do not count."""
    statement = select(func.count()).select_from(complaints)
    counted = statement.where(
        complaints.c.caller == caller,
        complaints.c.registered_at >= since,
        complaints.c.kind != "information",
        complaints.c.state != State.REFUSED,
    )
    return await session.scalar(counted) or 0


async def open_of_caller(session: AsyncSession, caller: str, category: str) -> list[Complaint]:
    statement = select(complaints).where(
        complaints.c.caller == caller, complaints.c.category == category, complaints.c.state.not_in(FINAL)
    )
    return await _complaints(session, statement.order_by(complaints.c.registered_at.desc()).limit(ALIKE_PAGE))


async def open_alike(session: AsyncSession, category: str, district: str, *, since: datetime) -> list[Complaint]:
    """Open complaints of a category and district since then, newest first."""
    statement = select(complaints).where(
        complaints.c.district == district,
        complaints.c.category == category,
        complaints.c.registered_at >= since,
        complaints.c.state.not_in(FINAL),
    )
    return await _complaints(session, statement.order_by(complaints.c.registered_at.desc()).limit(ALIKE_PAGE))


async def wrong_pins_of(session: AsyncSession, number: ComplaintNumber, *, since: datetime) -> int:
    statement = select(func.count()).select_from(wrong_pins)
    return await session.scalar(statement.where(wrong_pins.c.number == number, wrong_pins.c.at >= since)) or 0


async def add_wrong_pin(session: AsyncSession, number: ComplaintNumber, *, at: datetime) -> None:
    await session.execute(insert(wrong_pins), {"number": number, "at": at})


async def oldest_overdue(session: AsyncSession, now: datetime) -> datetime | None:
    """Since when the time of a complaint has run out that was not moved. Reads only what is due."""
    statement = select(func.min(complaints.c.ends_at)).where(
        complaints.c.sweep_at <= now, complaints.c.ends_at <= now, complaints.c.state.in_(WITH_AN_OFFICER)
    )
    return cast("datetime | None", await session.scalar(statement))


async def due(
    session: AsyncSession, now: datetime, *, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, ComplaintNumber]]:
    """Whose clock has ended by `now`, oldest first, beyond the place `after`. Reads the index of `sweep_at` only."""
    place = (complaints.c.sweep_at, complaints.c.number)
    statement = select(*place).where(complaints.c.sweep_at <= now).order_by(*place).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*place) > tuple_(*after))
    return [(row.sweep_at, row.number) for row in await session.execute(statement)]


async def add_voice_message(
    session: AsyncSession, *, path: str, caller: str, taken_at: datetime, filed_at: datetime
) -> None:
    """Store a voice message. IntegrityError if this file is stored already."""
    values = {"path": path, "caller": caller, "taken_at": taken_at, "filed_at": filed_at}
    await session.execute(insert(voice_message_files), values)


async def voice_message(session: AsyncSession, path: str) -> VoiceMessage | None:
    rows = await session.execute(select(voice_message_files).where(voice_message_files.c.path == path))
    row = rows.one_or_none()
    return None if row is None else VoiceMessage(**row._asdict())


async def voice_messages(session: AsyncSession, limit: int) -> list[VoiceMessage]:
    statement = select(voice_message_files).order_by(voice_message_files.c.taken_at, voice_message_files.c.id)
    return [VoiceMessage(**row._asdict()) for row in await session.execute(statement.limit(limit))]


async def add_refusal(session: AsyncSession, *, matter: ExcludedMatter, caller: str, at: datetime) -> None:
    await session.execute(insert(refusals), {"matter": matter, "caller": caller, "at": at})


async def refusal_counts(session: AsyncSession, since: datetime | None) -> dict[str, int]:
    statement = select(refusals.c.matter, func.count().label("total")).group_by(refusals.c.matter)
    if since is not None:
        statement = statement.where(refusals.c.at >= since)
    return {row.matter: row.total for row in await session.execute(statement)}
