"""Stand-ins that ship: a link to Asterisk that a test speaks for, a call log in memory, plain words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from acd.notices import Notice
from acd.records import CallRecord, Outcome
from telephony.events import LiveChannel

E = TypeVar("E")


class FakeLink:
    """What `AmiLink` is to the queue. `tell` is an event; `come_up` a (re)connect with `channels` alive."""

    def __init__(self) -> None:
        self.connected = True
        self.channels: list[LiveChannel] = []
        self.reachable: set[str] = set()
        self._handlers: list[tuple[type[Any], Callable[[Any], None]]] = []
        self._resyncs: list[Callable[[Sequence[LiveChannel]], Awaitable[None]]] = []

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> None:
        self._handlers.append((kind, handler))

    def on_resync(self, handler: Callable[[Sequence[LiveChannel]], Awaitable[None]]) -> None:
        self._resyncs.append(handler)

    async def live_channels(self) -> list[LiveChannel]:
        return list(self.channels)

    async def reachable_endpoints(self) -> frozenset[str]:
        return frozenset(self.reachable)

    def tell(self, event: object) -> None:
        for kind, handler in self._handlers:
            if isinstance(event, kind):
                handler(event)

    async def come_up(self) -> None:
        self.connected = True
        for handler in self._resyncs:
            await handler(list(self.channels))


class MemoryCallLog:
    """The table `calls` as a dict. `down`: the database is locked."""

    def __init__(self) -> None:
        self.records: dict[str, CallRecord] = {}
        self.history: list[CallRecord] = []
        self.down = False

    async def save(self, records: Sequence[CallRecord]) -> None:
        self._check()
        for record in records:
            self.records[record.call_id] = record
            self.history.append(record)

    async def close_unknown(self, known: Collection[str], at: datetime) -> int:
        self._check()
        lost = [r for r in self.records.values() if r.ended_at is None and r.call_id not in known]
        await self.save([replace(record, outcome=Outcome.LOST, ended_at=at) for record in lost])
        return len(lost)

    def _check(self) -> None:
        if self.down:
            raise OperationalError("save", {}, Exception("database is locked"))


class PlainWords:
    """Prompts that say what they mean."""

    def position(self, position: int, language: str) -> Sequence[str]:
        return [f"{language}/position-{position}"]

    def patience(self, language: str) -> Sequence[str]:
        return [f"{language}/patience"]

    def expected(self, low_minutes: int, high_minutes: int, language: str) -> Sequence[str]:
        return [f"{language}/expected-{low_minutes}-{high_minutes}"]

    def choices(self, keys: frozenset[str], language: str) -> Sequence[str]:
        return [f"{language}/choices-{''.join(sorted(keys))}"] if keys else []

    def comfort(self, count: int, language: str) -> Sequence[str]:
        return [f"{language}/comfort-{count}"]

    def callback_taken(self, language: str) -> Sequence[str]:
        return [f"{language}/callback-taken"]

    def closed(self, queue: str, language: str) -> Sequence[str]:
        return [f"{language}/closed-{queue}"]

    def notice(self, notice: Notice, language: str) -> Sequence[str]:
        return [notice.sounds[language]] if language in notice.sounds else []
