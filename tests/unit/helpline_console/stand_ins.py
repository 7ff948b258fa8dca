"""The console on stand-ins: real agents and real grievances in memory, a queue that shows what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import httpx
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from starlette.applications import Starlette

from acd.errors import AcdError, NoSuchQueue, NotKept
from acd.live.work import WorkItem
from acd.snapshot import KnownCall, Snapshot, WaitingCaller
from agents.service import Agents, NewAgent
from agents.testing import MemoryAgents
from grievance_core.catalogue import Catalogue
from grievance_core.outbox.box import Pile
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, memory_grievances
from helpline.console.app import build
from helpline.console.parts import Parts

TOKEN = "t" * 48
OFFICE_CODE = "lucknow-226001"
CATALOGUE = Catalogue.shipped()


class SessionRedis:
    """The few commands that the sessions use."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.expires: dict[str, int] = {}
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise RedisConnectionError("connection refused")

    async def get(self, key: str) -> str | None:
        self._check()
        return self.kept.get(key)

    async def set(self, key: str, value: str, *, ex: int) -> None:
        self._check()
        self.kept[key] = value
        self.expires[key] = ex

    async def delete(self, key: str) -> None:
        self._check()
        self.kept.pop(key, None)

    async def incr(self, key: str) -> int:
        self._check()
        self.kept[key] = str(int(self.kept.get(key, "0")) + 1)
        return int(self.kept[key])

    async def expire(self, key: str, seconds: int) -> None:
        self._check()
        self.expires[key] = seconds


class ShownQueue:
    """A queue that shows what a test puts into it."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.calls: dict[str, KnownCall] = {}
        self.waiting: tuple[Any, ...] = ()
        self.talking: tuple[Any, ...] = ()
        self.work: tuple[WorkItem, ...] = ()
        self.done: list[str] = []

    def knows(self, call_id: str, caller: str, language: str = "hi") -> None:
        self.calls[call_id] = KnownCall(
            call_id=call_id, caller=caller, language=language, service="complaint", context={}
        )

    def call(self, call_id: str) -> KnownCall | None:
        return self.calls.get(call_id)

    def snapshot(self, limit: int | None = None) -> Snapshot:
        return Snapshot(at=self.clock(), waiting=self.waiting, talking=self.talking, work=self.work, repairs={})

    async def add_work(self, item: WorkItem) -> None:
        if item.queue != "complaint":
            raise NoSuchQueue(f"There is no queue {item.queue!r}.")
        self.work += (item,)

    async def done_work(self, item_id: str) -> None:
        self.done.append(item_id)

    def work_item(self, item_id: str) -> WorkItem | None:
        return next((item for item in self.work if item.id == item_id), None)

    def queue_of(self, service: str) -> str:
        return service

    def why(self, call_id: str) -> Sequence[str]:
        return [f"Call {call_id} waits for an agent who speaks Urdu.", "Nobody who does is signed in."]

    def why_agent(self, agent_id: str) -> Sequence[str]:
        return [f"Agent {agent_id} is paused."]


class AskedSupervision:
    """Keeps what supervisors asked for; says no when told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.by: list[str] = []
        self.refuses = ""

    def _note(self, *asked: object) -> None:
        if self.refuses:
            raise AcdError(self.refuses)
        self.asked.append(asked)

    async def to_front(self, call_id: str, *, by: str = "") -> None:
        self.by.append(by)
        self._note("front", call_id)

    async def transfer(self, call_id: str, *, to_agent: str = "", to_queue: str = "", by: str = "") -> None:
        self.by.append(by)
        self._note("transfer", call_id, to_agent, to_queue)

    async def take_over(self, call_id: str, supervisor: str, *, by: str = "") -> None:
        self.by.append(by)
        self._note("take", call_id, supervisor)

    async def spy(self, agent_id: str, supervisor: str, how: str, *, by: str = "") -> None:
        self.by.append(by)
        self._note(how, agent_id, supervisor)

    async def close_queue(
        self, name: str, *, announcement: Mapping[str, str], drain: bool = True, by: str = ""
    ) -> None:
        self.by.append(by)
        self._note("close", name, announcement, drain)

    async def open_queue(self, name: str, *, by: str = "") -> None:
        self.by.append(by)
        self._note("open", name)

    async def set_notice(self, texts: Mapping[str, str], *, by: str = "") -> None:
        self.by.append(by)
        self._note("notice", texts)

    async def clear_notice(self, *, by: str = "") -> None:
        self.by.append(by)
        self._note("clear")


class SetCallers:
    """Who is senior or disabled, and who said it last."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.refuses = ""

    def is_vulnerable(self, caller: str) -> bool:
        return caller in self.said

    async def set_vulnerable(self, caller: str, vulnerable: bool, *, by: str) -> None:
        if self.refuses:
            raise NotKept(self.refuses)
        self.said.pop(caller, None)
        if vulnerable:
            self.said[caller] = by


def waiting(house: House, *callers: str, service: str = "complaint") -> tuple[WaitingCaller, ...]:
    """Callers in line by number, "" for withheld; the first came longest ago. Their calls are c-1, c-2 …"""
    house.queue.waiting = tuple(
        WaitingCaller(
            position=position,
            call_id=f"c-{position}",
            caller=caller,
            language="hi",
            service=service,
            since=house.clock() - timedelta(seconds=10 * (len(callers) - position + 1)),
            attached=True,
        )
        for position, caller in enumerate(callers, start=1)
    )
    return house.queue.waiting


@dataclass
class House:
    """Everything that a test of the console touches."""

    agents: Agents
    asha: NewAgent
    grievances: Grievances
    clock: FixedClock
    queue: ShownQueue
    redis: SessionRedis
    supervision: AskedSupervision = field(default_factory=AskedSupervision)
    callers: SetCallers = field(default_factory=SetCallers)
    links: dict[str, bool] = field(default_factory=lambda: {"asterisk": True, "redis": True, "database": True})
    phones_told: int = 0
    kicks: int = 0
    piles: list[Pile] = field(default_factory=list)
    app: Starlette = field(init=False)
    web: httpx.AsyncClient = field(init=False)

    @property
    def api(self) -> dict[str, str]:
        """The headers of one who has the token."""
        return {"Authorization": f"Bearer {TOKEN}"}

    async def at_the_desk(self) -> None:
        """Asha has signed in at the page."""
        answer = await self.web.post("/desk/sign-in", data={"agent": "1001", "pin": self.asha.pin})
        assert answer.status_code == 303, answer.text

    async def in_the_office(self) -> None:
        answer = await self.web.post("/office/sign-in", data={"name": "Executive Engineer", "code": OFFICE_CODE})
        assert answer.status_code == 303, answer.text

    async def asha_talks(self, call_id: str = "call-1", caller: str = "9876543210") -> None:
        self.queue.knows(call_id, caller)
        self.agents.phone_state("agent-1001", True)
        await self.agents.talking("1001", call_id)


def parts_of(house: House, *, token: str = TOKEN) -> Parts:
    """What the console is given, all of it from this house."""

    async def add_phone() -> None:
        house.phones_told += 1

    async def health() -> dict[str, bool]:
        return house.links

    def kick() -> None:
        house.kicks += 1

    async def piles() -> list[Pile]:
        return house.piles

    return Parts(
        agents=house.agents,
        acd=house.queue,
        supervision=house.supervision,
        callers=house.callers,
        grievances=house.grievances,
        catalogue=CATALOGUE,
        redis=cast(Redis, house.redis),
        api_token=token,
        office_code=OFFICE_CODE,
        zone=ZoneInfo("Asia/Kolkata"),
        clock=house.clock,
        add_phone=add_phone,
        health=health,
        kick_dialer=kick,
        piles=piles,
    )


@asynccontextmanager
async def rooms() -> AsyncIterator[House]:
    """The rooms with one agent, without a console."""
    clock = FixedClock()
    agents = MemoryAgents(clock=clock)
    await agents.load()
    async with memory_grievances(clock=clock, catalogue=CATALOGUE) as grievances:
        asha = await agents.add(id="1001", name="Asha", languages=["hi", "en"])
        yield House(
            agents=agents,
            asha=asha,
            grievances=grievances,
            clock=clock,
            queue=ShownQueue(clock),
            redis=SessionRedis(),
        )


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """The rooms behind the console, and a browser without sockets."""
    async with rooms() as made:
        made.app = build(parts_of(made))
        transport = httpx.ASGITransport(app=made.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8076") as made.web:
            yield made
