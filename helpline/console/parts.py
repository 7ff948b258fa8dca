"""What the console is made of: the rooms it shows and the few things it asks of the controller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from acd.live.work import WorkItem
from acd.snapshot import KnownCall, Snapshot
from agents.service import Agents
from grievance_core.catalogue import Catalogue
from grievance_core.outbox.box import Pile
from grievance_core.service import Grievances


class Queue(Protocol):
    """What the console sees of `acd.service.Acd`."""

    def snapshot(self, limit: int | None = None) -> Snapshot: ...
    def call(self, call_id: str) -> KnownCall | None: ...
    async def add_work(self, item: WorkItem) -> None: ...
    async def done_work(self, item_id: str) -> None: ...
    def work_item(self, item_id: str) -> WorkItem | None: ...
    def queue_of(self, service: str) -> str: ...
    def why(self, call_id: str) -> Sequence[str]:
        """Why they wait, or have that agent; a sentence for each line."""

    def why_agent(self, agent_id: str) -> Sequence[str]: ...


class Supervision(Protocol):
    """What supervisors ask of `acd.live.supervision.Supervision`; `by` is who asked. Each verb raises AcdError or
    AgentsError with the next step."""

    async def to_front(self, call_id: str, *, by: str = "") -> None: ...
    async def transfer(self, call_id: str, *, to_agent: str = "", to_queue: str = "", by: str = "") -> None: ...
    async def take_over(self, call_id: str, supervisor: str, *, by: str = "") -> None: ...
    async def spy(self, agent_id: str, supervisor: str, how: str, *, by: str = "") -> None:
        """`how`: listen, whisper or barge."""

    async def close_queue(
        self, name: str, *, announcement: Mapping[str, str], drain: bool = True, by: str = ""
    ) -> None:
        """`announcement`: words by language. `drain` False: who waits already is sent elsewhere too."""

    async def open_queue(self, name: str, *, by: str = "") -> None: ...
    async def set_notice(self, texts: Mapping[str, str], *, by: str = "") -> None:
        """Words by language, at least one, that all waiting callers hear."""

    async def clear_notice(self, *, by: str = "") -> None: ...


class Callers(Protocol):
    """What the console asks of `acd.waiting.callers.KnownCallers`; numbers are national ones."""

    def is_vulnerable(self, caller: str) -> bool: ...
    async def set_vulnerable(self, caller: str, vulnerable: bool, *, by: str) -> None:
        """Raises AcdError when it is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Given to `console.app.build` by the wiring."""

    agents: Agents
    acd: Queue
    supervision: Supervision
    callers: Callers
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
    piles: Callable[[], Awaitable[Sequence[Pile]]]  # letters to other systems that have not arrived
