"""The tables of complaints, their events, and what stands beside them. Sub-rooms have theirs on the same metadata.

Times are stored in UTC and come back aware.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Interval,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.types import TypeDecorator

from grievance_core.complaint import CHANNEL_LIMIT, SHORT_LIMIT

Db = AsyncConnection | AsyncSession
"""What statements are sent by."""

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


# One complaint as it stands now. Columns are the fields of `Complaint`, but for `once_key`.
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
    # What the sweep reads: empty when the clock has nothing to do with it.
    Column("sweep_at", UtcDateTime),
    # Two sendings of one form are one complaint: see complaint.once_key.
    Column("once_key", String(64), unique=True),
    Column("confidential", Boolean, nullable=False),
    Column("accused", String(120)),
    Column("pin", String(4), nullable=False),
    Column("excluded", String(20), nullable=False),
    Column("flags", String(60), nullable=False),
    Column("ends_at", UtcDateTime),
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

WATCHED = (
    "kind IN ('satisfied', 'dissatisfied_first', 'dissatisfied_again', 'dissatisfied_at_top', 'feedback_missed', "
    "'reported', 'second_feedback', 'pressed')"
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
    # What makes the row tamper-evident, see chain.py: its own seal, and in which of the seals over all it is counted.
    Column("seal", String(64), nullable=False),
    Column("sealed_in", Integer),
    # One feedback call has one end, whoever tells it and however often.
    UniqueConstraint("number", "attempt"),
    # What no seal over all counts yet: the events of the last minute.
    Index(
        "ix_complaint_events_unsealed",
        "number",
        "seq",
        sqlite_where=text("sealed_in IS NULL"),
        postgresql_where=text("sealed_in IS NULL"),
    ),
    Index(None, "sealed_in"),
    # What integrity looks at, by the day.
    Index(
        "ix_complaint_events_watched",
        "kind",
        "at",
        sqlite_where=text(WATCHED),
        postgresql_where=text(WATCHED),
    ),
    # Special closures are counted for each officer.
    Index(
        "ix_complaint_events_special",
        "at",
        "post",
        sqlite_where=text("kind = 'special_closure'"),
        postgresql_where=text("kind = 'special_closure'"),
    ),
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

# The seals over all events, one after another; see chain.py.
audit_seals = Table(
    "audit_seals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("events", Integer, nullable=False),
    Column("root", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
)
