"""Where the queue is kept: who waits, who talks and who is owed a call in Redis, a line for every call in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from redis.asyncio import Redis
from sqlalchemy import Column, Index, MetaData, String, Table, Text, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from acd.live import kept
from acd.live.work import WorkItem
from acd.records import CallRecord, Conversation, Entry, Outcome
from acd.waiting.callback import Callback
from acd.waiting.remembered import Left
from agents.mirror import Mirror
from agents.store import NAMING, UtcDateTime

WAITING_KEY = "acd:waiting"
CONVERSATIONS_KEY = "acd:conversations"
CALLBACKS_KEY = "acd:callbacks"
LEFT_KEY = "acd:left"
WORK_KEY = "acd:work"
ORDERS_KEY = "acd:orders"
"""What supervisors ordered (closed queues, the notice), and when the Asterisk that we know was started."""
FORECAST_KEY = "acd:forecast"
"""What was learned of waits: one field."""

T = TypeVar("T")

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

vulnerable_table = Table(
    "vulnerable_callers",
    metadata,
    Column("caller", String(20), primary_key=True),
    Column("said_by", String(60), nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
)
"""Senior or disabled citizens, by number, and who said so."""


def _upsert(insert: Any) -> Any:
    new = insert(calls_table)
    replaced = {column.name: new.excluded[column.name] for column in calls_table.c if not column.primary_key}
    return new.on_conflict_do_update(index_elements=["call_id"], set_=replaced)


_UPSERTS = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


class CallLog(Protocol):
    """Keeps a line per call for the figures. Writing a line again replaces it."""

    async def save(self, records: Sequence[CallRecord]) -> None: ...
    async def close_unknown(self, known: Collection[str], at: datetime) -> int: ...
    async def callers_since(self, since: datetime) -> Sequence[tuple[str, datetime]]: ...
    async def ended_since(self, since: datetime) -> Sequence[CallRecord]: ...
    async def vulnerable_callers(self) -> Sequence[str]: ...
    async def set_vulnerable(self, caller: str, vulnerable: bool, *, by: str, at: datetime) -> None: ...


class SqlCallLog:
    """The tables `calls` and `vulnerable_callers`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def save(self, records: Sequence[CallRecord]) -> None:
        """All in one statement, since each costs several trips to the database's thread. A call only once."""
        async with self._sessions.begin() as session:
            connection = await session.connection()
            await connection.execute(_UPSERTS[connection.dialect.name], [_values(record) for record in records])

    async def close_unknown(self, known: Collection[str], at: datetime) -> int:
        """Calls that neither wait nor talk and were never ended are lost; how many there were."""
        async with self._sessions.begin() as session:
            closed = await session.execute(
                update(calls_table)
                .where(calls_table.c.ended_at.is_(None), calls_table.c.call_id.not_in(list(known)))
                .values(ended_at=at, outcome=Outcome.LOST.value)
            )
            return int(closed.rowcount)  # type: ignore[attr-defined]

    async def callers_since(self, since: datetime) -> Sequence[tuple[str, datetime]]:
        """Every number that called since then, with the moment of its last call."""
        async with self._sessions() as session:
            found = await session.execute(
                select(calls_table.c.caller, func.max(calls_table.c.joined_at))
                .where(calls_table.c.joined_at >= since, calls_table.c.caller != "")
                .group_by(calls_table.c.caller)
            )
            return [(caller, at) for caller, at in found]

    async def ended_since(self, since: datetime) -> Sequence[CallRecord]:
        """The calls that joined since then and are over."""
        async with self._sessions() as session:
            found = await session.execute(
                select(calls_table).where(calls_table.c.joined_at >= since, calls_table.c.ended_at.is_not(None))
            )
            return [CallRecord(**{**row, "outcome": Outcome(row["outcome"])}) for row in found.mappings()]

    async def vulnerable_callers(self) -> Sequence[str]:
        """The numbers of senior and disabled citizens."""
        async with self._sessions() as session:
            return list(await session.scalars(select(vulnerable_table.c.caller)))

    async def set_vulnerable(self, caller: str, vulnerable: bool, *, by: str, at: datetime) -> None:
        """Whoever said it last is kept."""
        async with self._sessions.begin() as session:
            await session.execute(delete(vulnerable_table).where(vulnerable_table.c.caller == caller))
            if vulnerable:
                await session.execute(insert(vulnerable_table).values(caller=caller, said_by=by[:60], said_at=at))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the last controller left; the waiting by place, the callbacks in the order they became owed."""

    waiting: Sequence[Entry]
    conversations: Sequence[Conversation]
    callbacks: Sequence[Callback]
    left: Sequence[Left]
    work: Sequence[WorkItem]
    orders: Mapping[str, str]
    forecast: str


class QueueStore:
    """What the next controller takes up. Written before it is acted on; Redis may be away (see agents.mirror).

    A change that touches two of them writes both at once: the mirrors' writes run together.
    """

    def __init__(self, redis: Redis) -> None:
        self._waiting = Mirror(redis, WAITING_KEY)
        self._conversations = Mirror(redis, CONVERSATIONS_KEY)
        self._callbacks = Mirror(redis, CALLBACKS_KEY)
        self._left = Mirror(redis, LEFT_KEY)
        self._work = Mirror(redis, WORK_KEY)
        self._orders = Mirror(redis, ORDERS_KEY)
        self._forecast = Mirror(redis, FORECAST_KEY)
        self._mirrors = (
            *(self._waiting, self._conversations, self._callbacks, self._left),
            *(self._work, self._orders, self._forecast),
        )

    async def read(self) -> Found:
        """Raises RedisError, OSError, TimeoutError."""
        waiting, conversations, callbacks, left, work, orders, forecast = [
            await mirror.read() for mirror in self._mirrors
        ]
        return Found(
            waiting=sorted(_readable(waiting, kept.entry_from), key=lambda entry: entry.place),
            conversations=_readable(conversations, kept.conversation_from),
            callbacks=sorted(_readable(callbacks, kept.callback_from), key=lambda callback: callback.owed_since),
            left=_readable(left, kept.left_from),
            work=sorted(_readable(work, kept.work_from), key=lambda item: item.place),
            orders=orders,
            forecast=forecast.get("state", ""),
        )

    def start(self) -> None:
        for mirror in self._mirrors:
            mirror.start()

    async def stop(self) -> None:
        for mirror in self._mirrors:
            await mirror.stop()

    async def put_waiting(self, entry: Entry) -> None:
        await self._waiting.put(entry.call_id, kept.entry_text(entry))

    async def drop_waiting(self, call_id: str) -> None:
        await self._waiting.put(call_id, None)

    async def put_conversation(self, conversation: Conversation) -> None:
        await self._conversations.put(conversation.entry.call_id, kept.conversation_text(conversation))

    async def drop_conversation(self, call_id: str) -> None:
        await self._conversations.put(call_id, None)

    async def put_callback(self, callback: Callback, *, instead_of: str = "") -> None:
        """`instead_of`: the waiting or talking call that this is owed for from now on."""
        together = [self._callbacks.put(callback.id, kept.callback_text(callback))]
        if instead_of:
            together += [self._waiting.put(instead_of, None), self._conversations.put(instead_of, None)]
        await asyncio.gather(*together)

    async def drop_callback(self, id: str, *, now_waiting: Entry | None = None) -> None:
        """`now_waiting`: the citizen was reached, or called themselves, and waits at the old place."""
        together = [self._callbacks.put(id, None)]
        if now_waiting is not None:
            together.append(self.put_waiting(now_waiting))
        await asyncio.gather(*together)

    async def put_left(self, left: Left) -> None:
        await self._left.put(left.entry.caller, kept.left_text(left))

    async def drop_left(self, caller: str) -> None:
        await self._left.put(caller, None)

    async def put_work(self, item: WorkItem) -> None:
        await self._work.put(item.id, kept.work_text(item))

    async def drop_work(self, id: str) -> None:
        await self._work.put(id, None)

    async def put_order(self, name: str, text: str | None) -> None:
        await self._orders.put(name, text)

    async def put_forecast(self, text: str) -> None:
        await self._forecast.put("state", text)


def _readable(texts: Mapping[str, str], value_of: Callable[[str], T | None]) -> list[T]:
    return [value for text in texts.values() if (value := value_of(text)) is not None]
