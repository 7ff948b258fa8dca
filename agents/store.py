"""Where agents are kept: who they are in SQL, what they are doing in Redis (hash `agents:presence`)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.types import TypeDecorator

from agents.agent import AgentId, Line
from agents.errors import InvalidAgent
from agents.occupancy import Shift
from agents.presence import Presence, State
from agents.skills import skills_from_text, skills_to_text

log = logging.getLogger(__name__)

PRESENCE_KEY = "agents:presence"

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


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

agents_table = Table(
    "agents",
    metadata,
    Column("id", String(4), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("languages", String(40), nullable=False),  # separated by blanks, the best first
    Column("md5_cred", String(32), nullable=False),
    Column("pin_hash", String(100), nullable=False),
    Column("wrong_pins", Integer, nullable=False, default=0),
    Column("locked_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("skills", Text, nullable=False),  # skills_to_text
    Column("line", String(8), nullable=False),
    Column("auto_answer", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An agent as kept in SQL."""

    id: AgentId
    name: str
    languages: tuple[str, ...]
    md5_cred: str
    pin_hash: str
    created_at: datetime
    skills: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    line: Line = Line.ON_HOOK
    auto_answer: bool = False
    wrong_pins: int = 0
    locked_until: datetime | None = None


class AgentTable(Protocol):
    """Who there is, kept for good."""

    async def add(self, record: Record) -> None: ...
    async def all(self) -> Sequence[Record]: ...
    async def pin_tried(self, agent: AgentId, *, wrong_pins: int, locked_until: datetime | None) -> None: ...
    async def new_secrets(self, agent: AgentId, *, md5_cred: str, pin_hash: str) -> None: ...
    async def put(self, record: Record) -> None: ...


class AgentStore:
    """The table `agents`, each method in a transaction of its own."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def add(self, record: Record) -> None:
        """Raises InvalidAgent when the number is taken."""
        values = {
            "id": record.id,
            "name": record.name,
            "languages": " ".join(record.languages),
            "md5_cred": record.md5_cred,
            "pin_hash": record.pin_hash,
            "wrong_pins": record.wrong_pins,
            "locked_until": record.locked_until,
            "created_at": record.created_at,
            "skills": skills_to_text(record.skills),
            "line": record.line.value,
            "auto_answer": record.auto_answer,
        }
        try:
            async with self._sessions.begin() as session:
                await session.execute(insert(agents_table).values(values))
        except IntegrityError as error:
            raise InvalidAgent(f"Agent {record.id} exists already. Choose another number.") from error

    async def all(self) -> Sequence[Record]:
        """Every agent, by number."""
        async with self._sessions() as session:
            rows = await session.execute(select(agents_table).order_by(agents_table.c.id))
            return [
                Record(
                    id=AgentId(row.id),
                    name=row.name,
                    languages=tuple(row.languages.split()),
                    md5_cred=row.md5_cred,
                    pin_hash=row.pin_hash,
                    created_at=row.created_at,
                    skills=skills_from_text(row.skills),
                    line=Line(row.line),
                    auto_answer=row.auto_answer,
                    wrong_pins=row.wrong_pins,
                    locked_until=row.locked_until,
                )
                for row in rows
            ]

    async def pin_tried(self, agent: AgentId, *, wrong_pins: int, locked_until: datetime | None) -> None:
        """Keep the count, so that a restart is no fresh set of tries."""
        async with self._sessions.begin() as session:
            await session.execute(
                update(agents_table)
                .where(agents_table.c.id == agent)
                .values(wrong_pins=wrong_pins, locked_until=locked_until)
            )

    async def new_secrets(self, agent: AgentId, *, md5_cred: str, pin_hash: str) -> None:
        """Other secrets than before; the count of wrong PINs begins anew."""
        async with self._sessions.begin() as session:
            await session.execute(
                update(agents_table)
                .where(agents_table.c.id == agent)
                .values(md5_cred=md5_cred, pin_hash=pin_hash, wrong_pins=0, locked_until=None)
            )

    async def put(self, record: Record) -> None:
        """Languages, skills, kind of line and auto-answer as they are in `record`."""
        async with self._sessions.begin() as session:
            await session.execute(
                update(agents_table)
                .where(agents_table.c.id == record.id)
                .values(
                    languages=" ".join(record.languages),
                    skills=skills_to_text(record.skills),
                    line=record.line.value,
                    auto_answer=record.auto_answer,
                )
            )


def presence_to_text(presence: Presence) -> str:
    """One field of the hash."""
    shift = presence.shift
    return json.dumps(
        {
            "state": presence.state,
            "since": presence.since.isoformat(),
            "reason": presence.reason,
            "call": presence.call,
            "ready_since": presence.ready_since and presence.ready_since.isoformat(),
            "until": presence.until and presence.until.isoformat(),
            "afterwards": presence.afterwards,
            "afterwards_reason": presence.afterwards_reason,
            "extended": presence.extended,
            "signed_in_at": shift and shift.signed_in_at.isoformat(),
            "busy_seconds": shift and shift.busy_seconds,
        }
    )


def presence_from_text(text: str) -> Presence | None:
    """What `presence_to_text` wrote; None (and a line in the log) for anything else."""
    try:
        values = json.loads(text)
        return Presence(
            state=State(values["state"]),
            since=datetime.fromisoformat(values["since"]),
            reason=str(values["reason"]),
            call=str(values["call"]),
            ready_since=_time(values["ready_since"]),
            until=_time(values["until"]),
            afterwards=State(values["afterwards"]),
            afterwards_reason=str(values["afterwards_reason"]),
            extended=bool(values.get("extended", False)),  # this and the shift were not kept by the first version
            shift=_shift(values.get("signed_in_at"), values.get("busy_seconds")),
        )
    except (ValueError, KeyError, TypeError) as error:
        log.error("A presence in Redis can't be read", extra={"action": "presence_unreadable", "error": str(error)})
        return None


def _shift(signed_in_at: str | None, busy_seconds: float | None) -> Shift | None:
    return None if signed_in_at is None else Shift(datetime.fromisoformat(signed_in_at), float(busy_seconds or 0))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
