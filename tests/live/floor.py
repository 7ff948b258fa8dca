"""A controller with the queue and off-hook agents on a real Asterisk, the telephones in the test's own hands."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from acd.records import CallRecord, Outcome, Request
from acd.service import Acd
from acd.settings import AcdSettings
from acd.testing import MemoryCallLog, PlainWords
from agents.agent import Line, PresenceChanged
from agents.presence import State
from agents.testing import MemoryAgents, MemoryAgentStore, MemoryRedis
from asterisk_conf.instance import Instance
from telephony.ami import AmiLink, AmiSettings
from telephony.call import Call
from telephony.errors import HungUp
from telephony.server import FastAgiServer
from tests.live.accounts import PASSWORD
from tests.live.line_peer import AGENT, CITIZEN, LinePeer
from tests.live.sip_peer import Leg

RING_SECONDS = 2
WRAP_UP_SECONDS = 0.05


def clock() -> datetime:
    return datetime.now(UTC)


def now() -> float:
    """By the loop's clock, in seconds."""
    return asyncio.get_running_loop().time()


@dataclass
class Left:
    """What a controller leaves behind when it is killed."""

    redis: MemoryRedis = field(default_factory=MemoryRedis)
    store: MemoryAgentStore = field(default_factory=MemoryAgentStore)
    calls: MemoryCallLog = field(default_factory=MemoryCallLog)

    def as_of_now(self) -> Left:
        """What is written from now on by the one that dies is not in it."""
        left = Left(store=self.store)
        left.redis.hashes = copy.deepcopy(self.redis.hashes)
        left.calls.records = dict(self.calls.records)
        return left


class Floor:
    """See the module. Every citizen goes straight into the queue."""

    def __init__(
        self, asterisk: Instance, recordings: Path, left: Left, *, wrap_up_seconds: float = WRAP_UP_SECONDS
    ) -> None:
        settings = asterisk.settings
        self.asterisk = asterisk
        self.recordings = recordings
        self.left = left
        self.agents = MemoryAgents(clock=clock, redis=left.redis, store=left.store)
        self.link = AmiLink(
            AmiSettings(host="127.0.0.1", port=settings.ami_port, user=settings.ami_user, secret=asterisk.ami_secret()),
            rng=Random(1),
        )
        self.acd = Acd(
            agents=self.agents,
            redis=self.agents.redis.as_redis(),
            calls=left.calls,
            link=self.link,
            clock=clock,
            words=PlainWords(),
            settings=AcdSettings(
                recordings_folder=recordings, ring_seconds=RING_SECONDS, wrap_up_seconds=wrap_up_seconds
            ),
        )
        self.server = FastAgiServer(*settings.agi, self._handle, self.link)
        self.offered_at: list[float] = []
        """When an agent was chosen for a caller, by the loop's time."""
        self.agents.watch(self._watch)

    def _watch(self, change: PresenceChanged) -> None:
        if change.after.state is State.RINGING and change.before.state is not State.RINGING:
            self.offered_at.append(asyncio.get_running_loop().time())

    async def _handle(self, call: Call) -> None:
        if call.path == "agent":
            await self.acd.attend(call)
            return
        if call.path == "colleague":
            await self.acd.put_through(call)
            return
        with suppress(HungUp):
            resumed = await self.acd.resume(call)
            if resumed is None or resumed.served is None:
                await call.answer()
                await self.acd.wait_for_agent(call, Request(language="hi", service="complaint"))
            await call.done()

    async def start(self) -> None:
        await self.agents.start()
        await self.acd.start()
        await self.link.start()
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()
        await self.link.stop()
        await self.acd.stop()
        await self.agents.stop()

    async def kill(self) -> Left:
        """As kill -9 does: all connections break at once, and nothing is put in order. What is left in Redis."""
        left = self.left.as_of_now()
        await self.link.stop()
        for call in self.server.calls.values():
            call._session.abort()  # type: ignore[attr-defined]
        await self.stop()
        return left

    def record(self) -> CallRecord:
        """The line of the one call there was."""
        [record] = self.left.calls.records.values()
        return record

    @property
    def served(self) -> bool:
        """Whether the one call there was is told as served."""
        return bool(self.left.calls.records) and self.record().outcome is Outcome.SERVED

    async def until(self, id: str, state: State, reason: str = "") -> None:
        await until(lambda: (self.agents.get(id).state, self.agents.get(id).reason) == (state, reason))


async def until(claim: Callable[[], object], *, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not claim():
            await asyncio.sleep(0.005)


class Hall:
    """The telephones around one Asterisk."""

    def __init__(self, asterisk: Instance, recordings: Path) -> None:
        self._asterisk = asterisk
        self._peers: list[LinePeer] = []
        self.floor = Floor(asterisk, recordings, Left())
        self.lines: dict[str, Leg] = {}

    async def agent(self, id: str, line: Line, *, pitch: int = AGENT) -> LinePeer:
        """At their seat, ready, and, when off-hook, connected."""
        settings = self._asterisk.settings
        phone = LinePeer((settings.bind, settings.sip_port), pitch=pitch, user=f"agent-{id}", password=PASSWORD)
        self._peers.append(phone)
        await phone.open("127.0.0.1")
        await phone.register()
        await self.floor.agents.seat(id, line=line)
        if line is Line.OFF_HOOK:
            self.lines[id] = await phone.call("*1")
            await until(lambda: self.floor.agents.get(id).available)
        return phone

    async def citizen(self) -> LinePeer:
        settings = self._asterisk.settings
        phone = LinePeer((settings.bind, settings.sip_port), pitch=CITIZEN)
        self._peers.append(phone)
        await phone.open(settings.trunk.host)
        return phone

    def talk_of(self, id: str, phone: LinePeer) -> Leg:
        """The agent's side of a talk: the line, or the call that came last."""
        return self.lines[id] if id in self.lines else phone.rung[-1]

    async def restart(self, *, away: float) -> None:
        """kill -9 of the controller, and the next one."""
        left = await self.floor.kill()
        await asyncio.sleep(away)
        self.floor = Floor(self._asterisk, self.floor.recordings, left)
        await self.floor.start()

    async def close(self) -> None:
        for peer in self._peers:
            for leg in peer.legs.values():
                if leg.answered.is_set() and not leg.ended.is_set():
                    leg.hang_up()
        await until(lambda: not self.floor.server.calls)
        for peer in self._peers:
            peer.close()
        await self.floor.stop()


@asynccontextmanager
async def hall_of(asterisk: Instance, recordings: Path) -> AsyncIterator[Hall]:
    hall = Hall(asterisk, recordings)
    await hall.floor.start()
    try:
        yield hall
    finally:
        await hall.close()
