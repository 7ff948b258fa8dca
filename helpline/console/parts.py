"""What the console is made of: the rooms it shows and the few things it asks of the controller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from acd.snapshot import KnownCall, Snapshot
from agents.service import Agents
from grievance_core.catalogue import Catalogue
from grievance_core.service import Grievances


class Queue(Protocol):
    """What the console sees of `acd.service.Acd`."""

    def snapshot(self) -> Snapshot: ...
    def call(self, call_id: str) -> KnownCall | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Given to `console.app.build` by the wiring."""

    agents: Agents
    acd: Queue
    grievances: Grievances
    catalogue: Catalogue
    redis: Redis  # who is signed in at the pages; survives a restart of the controller
    api_token: str = field(repr=False)
    office_code: str = field(repr=False)
    zone: ZoneInfo  # in which the pages show times
    clock: Callable[[], datetime]
    add_phone: Callable[[], Awaitable[None]]  # Asterisk is to learn the agents' phones anew
    health: Callable[[], Awaitable[Mapping[str, bool]]]  # e.g. asterisk, redis, database: whether each is there
    kick_dialer: Callable[[], None]  # feedback is due: look now
