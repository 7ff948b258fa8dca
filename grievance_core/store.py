"""Where complaints are kept: the statements of each use case.

Complaints are changed under an optimistic lock (`version`), events are only ever added, and the pair (complaint, seq)
is unique, so two writers can never both be the one that made event n."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    CursorResult,
    Row,
    Select,
    bindparam,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from grievance_core.chain import BEGIN, sealed
from grievance_core.complaint import Complaint, Event
from grievance_core.errors import ChangedMeanwhile, StoreBusy, StoreFailed
from grievance_core.excluded import ExcludedMatter
from grievance_core.lifecycle import FINAL, WITH_AN_OFFICER, EventKind, State
from grievance_core.numbers import ComplaintNumber
from grievance_core.tables import Db, complaint_events, complaints, refusals, voice_message_files, wrong_pins


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
_LAST_SEAL = select(complaint_events.c.seal).where(
    complaint_events.c.number == bindparam("wanted"), complaint_events.c.seq == bindparam("last")
)
_ATTEMPT = select(complaint_events.c.seq).where(
    complaint_events.c.number == bindparam("wanted"), complaint_events.c.attempt == bindparam("told")
)
_BY_ONCE_KEY = select(complaints).where(complaints.c.once_key == bindparam("wanted"))
_COUNT_OF_CALLER = (
    select(func.count())
    .select_from(complaints)
    .where(
        complaints.c.caller == bindparam("wanted"),
        complaints.c.registered_at >= bindparam("since"),
        complaints.c.kind != "information",
        complaints.c.state != State.REFUSED.value,
    )
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


def event_of(row: Row[Any]) -> Event:
    """The event in a row of its table."""
    values = row._asdict()
    del values["seal"], values["sealed_in"]
    values["kind"], values["state"] = EventKind(values["kind"]), State(values["state"])
    return Event(**values)


def _event_values(events: Sequence[Event], before: str) -> list[dict[str, Any]]:
    """The rows of events of one complaint that follow the one with the seal `before`."""
    rows = []
    for event in events:
        before = sealed(event, before)
        rows.append({name: getattr(event, name) for name in _EVENT_FIELDS} | {"seal": before})
    return rows


async def add(session: Db, complaint: Complaint, events: Sequence[Event], *, once_key: str | None) -> None:
    """Store a new complaint. IntegrityError if its number or `once_key` is taken."""
    values = {name: getattr(complaint, name) for name in _COMPLAINT_FIELDS}
    await session.execute(_ADD, values | {"once_key": once_key})
    await session.execute(_ADD_EVENT, _event_values(events, BEGIN))


async def save(session: Db, before: Complaint, after: Complaint, event: Event) -> None:
    """Store the changed complaint and the event that changed it.

    Raises ChangedMeanwhile if the stored one is no longer the one that was loaded.
    """
    values = {name: getattr(after, name) for name in _CHANGING}
    values |= {"loaded_number": before.number, "loaded_version": before.version}
    result = cast("CursorResult[Any]", await session.execute(_SAVE, values))
    if result.rowcount != 1:
        raise ChangedMeanwhile
    last = await session.scalar(_LAST_SEAL, {"wanted": before.number, "last": before.version})
    await session.execute(_ADD_EVENT, _event_values([event], last or BEGIN))


async def load(session: Db, number: ComplaintNumber) -> Complaint | None:
    row = (await session.execute(_LOAD, {"wanted": number})).one_or_none()
    return None if row is None else _complaint_of(row)


async def by_once_key(session: Db, once_key: str) -> Complaint | None:
    row = (await session.execute(_BY_ONCE_KEY, {"wanted": once_key})).one_or_none()
    return None if row is None else _complaint_of(row)


async def attempt_told(session: Db, number: ComplaintNumber, attempt: str) -> bool:
    """Whether the end of this feedback call is on record already."""
    return await session.scalar(_ATTEMPT, {"wanted": number, "told": attempt}) is not None


async def events_of(session: Db, number: ComplaintNumber) -> list[Event]:
    statement = select(complaint_events).where(complaint_events.c.number == number)
    return [event_of(row) for row in await session.execute(statement.order_by(complaint_events.c.seq))]


async def _complaints(session: Db, statement: Select[Any]) -> list[Complaint]:
    return [_complaint_of(row) for row in await session.execute(statement)]


async def find(
    session: Db, *, caller: str | None, state: State | None, post: str | None, limit: int
) -> list[Complaint]:
    statement = select(complaints).order_by(complaints.c.registered_at.desc(), complaints.c.number).limit(limit)
    for column, wanted in ((complaints.c.caller, caller), (complaints.c.state, state), (complaints.c.post, post)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return await _complaints(session, statement)


async def at_work_with(session: Db, post: str, *, after: str, limit: int) -> list[ComplaintNumber]:
    """What this post is to work on, in the order of the numbers, from behind `after`."""
    number = complaints.c.number
    statement = select(number).where(
        complaints.c.post == post, complaints.c.state.in_([*WITH_AN_OFFICER]), number > after
    )
    return [ComplaintNumber(row.number) for row in await session.execute(statement.order_by(number).limit(limit))]


async def of_call(session: Db, call_id: str) -> list[Complaint]:
    statement = select(complaints).where(complaints.c.call_id == call_id)
    return await _complaints(session, statement.order_by(complaints.c.registered_at, complaints.c.number))


async def open_levels(session: Db, caller: str, limit: int) -> list[tuple[int, str | None]]:
    """Level and agent of a caller's open complaints, newest first."""
    statement = select(complaints.c.level, complaints.c.agent).where(
        complaints.c.caller == caller, complaints.c.state.not_in(FINAL)
    )
    ordered = statement.order_by(complaints.c.registered_at.desc(), complaints.c.number).limit(limit)
    return [(row.level, row.agent) for row in await session.execute(ordered)]


async def awaiting_feedback(session: Db, now: datetime, limit: int) -> list[Complaint]:
    """Whose citizen is to be rung by `now`, longest due first."""
    statement = select(complaints).where(complaints.c.ask_at <= now)
    return await _complaints(session, statement.order_by(complaints.c.ask_at, complaints.c.number).limit(limit))


async def feedback_of(session: Db, caller: str) -> list[Complaint]:
    """One caller's complaints whose report they have not answered, newest report first."""
    asked = (State.AWAITING_FEEDBACK, State.WITH_SUPERIOR, State.MERGED)
    statement = select(complaints).where(complaints.c.caller == caller, complaints.c.state.in_(asked))
    found = [complaint for complaint in await _complaints(session, statement) if complaint.feedback_wanted]
    return sorted(found, key=lambda one: one.stopped_at or one.registered_at, reverse=True)


async def open_questions(session: Db, limit: int) -> list[Complaint]:
    statement = select(complaints).where(complaints.c.question_at.is_not(None), complaints.c.caller != "")
    return await _complaints(session, statement.order_by(complaints.c.question_at, complaints.c.number).limit(limit))


async def parts_of(session: Db, number: ComplaintNumber) -> list[Complaint]:
    """The complaints that are part of this one."""
    statement = select(complaints).where(complaints.c.parent == number, complaints.c.state == State.MERGED)
    return await _complaints(session, statement.order_by(complaints.c.number))


async def count_of_caller(session: Db, caller: str, *, since: datetime) -> int:
    """How many matters this number had taken in since then; information given and refusals do not count."""
    return await session.scalar(_COUNT_OF_CALLER, {"wanted": caller, "since": since}) or 0


async def open_of_caller(session: Db, caller: str, category: str) -> list[Complaint]:
    statement = select(complaints).where(
        complaints.c.caller == caller, complaints.c.category == category, complaints.c.state.not_in(FINAL)
    )
    return await _complaints(session, statement.order_by(complaints.c.registered_at.desc()).limit(ALIKE_PAGE))


async def open_alike(session: Db, category: str, district: str, *, since: datetime) -> list[Complaint]:
    """Open complaints of a category and district since then, newest first."""
    statement = select(complaints).where(
        complaints.c.district == district,
        complaints.c.category == category,
        complaints.c.registered_at >= since,
        complaints.c.state.not_in(FINAL),
    )
    return await _complaints(session, statement.order_by(complaints.c.registered_at.desc()).limit(ALIKE_PAGE))


async def special_closures(session: Db, since: datetime) -> dict[str, int]:
    """How many special closures each post had approved since then, most first; one that was objected to counts too."""
    # The kind stands in the statement itself, as it does in the index, or PostgreSQL would not take that one.
    closed = text("kind = 'special_closure'")
    counted = select(complaint_events.c.post, func.count().label("total")).where(closed, complaint_events.c.at >= since)
    ordered = counted.group_by(complaint_events.c.post).order_by(func.count().desc(), complaint_events.c.post)
    return {row.post: row.total for row in await session.execute(ordered)}


async def wrong_pins_of(session: Db, number: ComplaintNumber, *, since: datetime) -> int:
    statement = select(func.count()).select_from(wrong_pins)
    return await session.scalar(statement.where(wrong_pins.c.number == number, wrong_pins.c.at >= since)) or 0


async def add_wrong_pin(session: Db, number: ComplaintNumber, *, at: datetime) -> None:
    await session.execute(insert(wrong_pins), {"number": number, "at": at})


async def oldest_overdue(session: Db, now: datetime) -> datetime | None:
    """Since when the time of a complaint has run out that was not moved. Reads only what is due."""
    # As an expression the state offers no index of its own, by which all that officers have would be read.
    with_an_officer = (complaints.c.state + "").in_(WITH_AN_OFFICER)
    statement = select(func.min(complaints.c.ends_at)).where(
        complaints.c.sweep_at <= now, complaints.c.ends_at <= now, with_an_officer
    )
    return cast("datetime | None", await session.scalar(statement))


async def due(
    session: Db, now: datetime, *, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, ComplaintNumber]]:
    """Whose clock has ended by `now`, oldest first, beyond the place `after`."""
    statement = due_statement(now, after=after, limit=limit)
    return [(row.sweep_at, row.number) for row in await session.execute(statement)]


def due_statement(now: datetime, *, after: tuple[datetime, str] | None, limit: int) -> Select[Any]:
    """Reads the index of `sweep_at` only, and of it only what is due."""
    place = (complaints.c.sweep_at, complaints.c.number)
    statement = select(*place).where(complaints.c.sweep_at <= now).order_by(*place).limit(limit)
    return statement if after is None else statement.where(tuple_(*place) > tuple_(*after))


async def add_voice_message(session: Db, *, path: str, caller: str, taken_at: datetime, filed_at: datetime) -> None:
    """Store a voice message. IntegrityError if this file is stored already."""
    values = {"path": path, "caller": caller, "taken_at": taken_at, "filed_at": filed_at}
    await session.execute(insert(voice_message_files), values)


async def voice_message(session: Db, path: str) -> VoiceMessage | None:
    rows = await session.execute(select(voice_message_files).where(voice_message_files.c.path == path))
    row = rows.one_or_none()
    return None if row is None else VoiceMessage(**row._asdict())


async def voice_messages(session: Db, limit: int) -> list[VoiceMessage]:
    statement = select(voice_message_files).order_by(voice_message_files.c.taken_at, voice_message_files.c.id)
    return [VoiceMessage(**row._asdict()) for row in await session.execute(statement.limit(limit))]


async def add_refusal(session: Db, *, matter: ExcludedMatter, caller: str, at: datetime) -> None:
    await session.execute(insert(refusals), {"matter": matter, "caller": caller, "at": at})


async def refusal_counts(session: Db, since: datetime | None) -> dict[str, int]:
    statement = select(refusals.c.matter, func.count().label("total")).group_by(refusals.c.matter)
    if since is not None:
        statement = statement.where(refusals.c.at >= since)
    return {row.matter: row.total for row in await session.execute(statement)}
