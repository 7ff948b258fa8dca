"""Where the queue is kept: who waits and who talks in Redis, a line for every call in SQL."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from redis.asyncio import Redis
from sqlalchemy import Column, Index, MetaData, String, Table, Text, insert, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from acd.records import CallRecord, Conversation, Entry, Outcome, Request
from agents.mirror import Mirror
from agents.store import NAMING, UtcDateTime

log = logging.getLogger(__name__)

WAITING_KEY = "acd:waiting"
CONVERSATIONS_KEY = "acd:conversations"

metadata = MetaData(naming_convention=NAMING)

calls_table = Table(
    "calls",
    metadata,
    Column("call_id", String(150), primary_key=True),
    Column("caller", String(20), nullable=False),
    Column("language", String(8), nullable=False),
    Column("service", String(40), nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("agent", String(4), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", String(20), nullable=False),
    Column("recording", Text, nullable=False),
    Index(None, "joined_at"),
)


class CallLog(Protocol):
    """Keeps a line per call for the figures. Writing a line again replaces it."""

    async def save(self, records: Sequence[CallRecord]) -> None: ...
    async def close_unknown(self, known: Collection[str], at: datetime) -> int: ...


class SqlCallLog:
    """The table `calls`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def save(self, records: Sequence[CallRecord]) -> None:
        """All in one transaction."""
        async with self._sessions.begin() as session:
            for record in records:
                values = _values(record)
                changed = await session.execute(
                    update(calls_table).where(calls_table.c.call_id == record.call_id).values(values)
                )
                if changed.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
                    await session.execute(insert(calls_table).values(values))

    async def close_unknown(self, known: Collection[str], at: datetime) -> int:
        """Calls that neither wait nor talk and were never ended are lost; how many there were."""
        async with self._sessions.begin() as session:
            closed = await session.execute(
                update(calls_table)
                .where(calls_table.c.ended_at.is_(None), calls_table.c.call_id.not_in(list(known)))
                .values(ended_at=at, outcome=Outcome.LOST.value)
            )
            return int(closed.rowcount)  # type: ignore[attr-defined]


def _values(record: CallRecord) -> dict[str, Any]:
    return {
        "call_id": record.call_id,
        "caller": record.caller,
        "language": record.language,
        "service": record.service,
        "joined_at": record.joined_at,
        "answered_at": record.answered_at,
        "agent": record.agent,
        "ended_at": record.ended_at,
        "outcome": record.outcome.value,
        "recording": record.recording,
    }


class QueueStore:
    """What the next controller takes up. Written before it is acted on; Redis may be away (see agents.mirror)."""

    def __init__(self, redis: Redis) -> None:
        self._waiting = Mirror(redis, WAITING_KEY)
        self._conversations = Mirror(redis, CONVERSATIONS_KEY)

    async def read(self) -> tuple[list[Entry], list[Conversation]]:
        """What the last controller left, by place. Raises RedisError, OSError, TimeoutError."""
        waiting, conversations = await self._waiting.read(), await self._conversations.read()
        entries = [entry for text in waiting.values() if (entry := _entry_from(text))]
        return (
            sorted(entries, key=lambda entry: entry.place),
            [conversation for text in conversations.values() if (conversation := _conversation_from(text))],
        )

    def start(self) -> None:
        self._waiting.start()
        self._conversations.start()

    async def stop(self) -> None:
        await self._waiting.stop()
        await self._conversations.stop()

    async def put_waiting(self, entry: Entry) -> None:
        await self._waiting.put(entry.call_id, json.dumps(_entry_values(entry)))

    async def drop_waiting(self, call_id: str) -> None:
        await self._waiting.put(call_id, None)

    async def put_conversation(self, conversation: Conversation) -> None:
        values = {
            "entry": _entry_values(conversation.entry),
            "agent": conversation.agent,
            "since": conversation.since.isoformat(),
            "recording": conversation.recording,
            "answered_at": conversation.answered_at and conversation.answered_at.isoformat(),
            "passed_on": conversation.passed_on,
        }
        await self._conversations.put(conversation.entry.call_id, json.dumps(values))

    async def drop_conversation(self, call_id: str) -> None:
        await self._conversations.put(call_id, None)


def _entry_values(entry: Entry) -> dict[str, Any]:
    request = entry.request
    return {
        "call_id": entry.call_id,
        "channel": entry.channel,
        "caller": entry.caller,
        "joined_at": entry.joined_at.isoformat(),
        "place": entry.place,
        "language": request.language,
        "language_required": request.language_required,
        "service": request.service,
        "priority": request.priority,
        "context": dict(request.context),
    }


def _entry(values: Mapping[str, Any]) -> Entry:
    return Entry(
        call_id=str(values["call_id"]),
        channel=str(values["channel"]),
        caller=str(values["caller"]),
        joined_at=datetime.fromisoformat(values["joined_at"]),
        place=int(values["place"]),
        request=Request(
            language=str(values["language"]),
            service=str(values["service"]),
            context={str(key): str(value) for key, value in values["context"].items()},
            language_required=bool(values["language_required"]),
            priority=int(values["priority"]),
        ),
    )


def _entry_from(text: str) -> Entry | None:
    try:
        return _entry(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _warn_unreadable(error)
        return None


def _conversation_from(text: str) -> Conversation | None:
    try:
        values = json.loads(text)
        answered_at = values["answered_at"]
        return Conversation(
            entry=_entry(values["entry"]),
            agent=str(values["agent"]),
            since=datetime.fromisoformat(values["since"]),
            recording=str(values["recording"]),
            answered_at=None if answered_at is None else datetime.fromisoformat(answered_at),
            passed_on=bool(values["passed_on"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _warn_unreadable(error)
        return None


def _warn_unreadable(error: Exception) -> None:
    log.error("A call in Redis can't be read", extra={"action": "call_unreadable", "error": str(error)})
