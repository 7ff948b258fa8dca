"""Stand-ins that ship: a link to Asterisk that a test speaks for, a call log in memory, plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from acd.records import CallRecord, Outcome
from acd.waiting.notices import Notice
from telephony.errors import LinkDown, TelephonyError
from telephony.events import LiveChannel
from telephony.originate import RANG_TOO_LONG, Originate, Originated

E = TypeVar("E")


class FakeLink:
    """What `AmiLink` is to the queue. `tell` is an event; `come_up` a (re)connect with `channels` alive."""

    def __init__(self) -> None:
        self.connected = True
        self.channels: list[LiveChannel] = []
        self.reachable: set[str] = set()
        self.started = datetime(2026, 1, 5, 6, tzinfo=UTC)  # when Asterisk was
        self.actions: list[tuple[str, dict[str, str]]] = []
        self.originated: list[Originate] = []
        self.outcomes: list[Originated | TelephonyError] = []  # of the calls that are asked for, in order
        self.hung_up: list[str] = []
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

    @property
    def lag(self) -> float | None:
        return 0.001 if self.connected else None

    async def action(self, name: str, fields: Mapping[str, str] | None = None) -> Mapping[str, str]:
        if not self.connected:
            raise LinkDown
        self.actions.append((name, dict(fields or {})))
        return {}

    async def asterisk_started(self) -> datetime:
        if not self.connected:
            raise LinkDown
        return self.started

    async def originate(self, call: Originate) -> Originated:
        """Rings as long as the call's `ring_seconds` when nobody answers."""
        if not self.connected:
            raise LinkDown
        self.originated.append(call)
        outcome = self.outcomes.pop(0) if self.outcomes else Originated(answered=False, reason=RANG_TOO_LONG, cause=19)
        await asyncio.sleep(0.1 if isinstance(outcome, TelephonyError) or outcome.answered else call.ring_seconds)
        if isinstance(outcome, TelephonyError):
            raise outcome
        return outcome

    async def hang_up(self, channel: str) -> bool:
        if not self.connected:
            raise LinkDown
        self.hung_up.append(channel)
        return True

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
        self.vulnerable: dict[str, str] = {}  # number: who said it
        self.down = False

    async def save(self, records: Sequence[CallRecord]) -> None:
        self._check()
        for record in records:
            self.records[record.call_id] = record
            self.history.append(record)

    async def callers_since(self, since: datetime) -> Sequence[tuple[str, datetime]]:
        self._check()
        return [(r.caller, r.joined_at) for r in self.records.values() if r.caller and r.joined_at >= since]

    async def ended_since(self, since: datetime) -> Sequence[CallRecord]:
        self._check()
        return [r for r in self.records.values() if r.ended_at is not None and r.joined_at >= since]

    async def close_unknown(self, known: Collection[str], at: datetime) -> int:
        self._check()
        lost = [r for r in self.records.values() if r.ended_at is None and r.call_id not in known]
        await self.save([replace(record, outcome=Outcome.LOST, ended_at=at) for record in lost])
        return len(lost)

    async def vulnerable_callers(self) -> Sequence[str]:
        self._check()
        return list(self.vulnerable)

    async def set_vulnerable(self, caller: str, vulnerable: bool, *, by: str, at: datetime) -> None:
        self._check()
        self.vulnerable.pop(caller, None)
        if vulnerable:
            self.vulnerable[caller] = by

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
