"""A small helpline for tests: agents, a queue, a link that the test speaks for; on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zlib import crc32

from acd.records import Request
from acd.service import Acd, NotServed, Served
from acd.settings import AcdSettings
from acd.testing import FakeLink, MemoryCallLog, PlainWords
from agents.agent import Agent
from agents.testing import MemoryAgents
from telephony.call import CallId, Dialled
from telephony.events import DialEnded, Hungup, LiveChannel
from telephony.testing import ScriptedCall

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MOST_SECONDS = 1800  # of virtual time: a caller whom nobody serves fails the test, rather than waiting for ever
HINDI = Request(language="hi", service="complaint")


def clock() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


class World:
    """`after=` an earlier world: the controller that comes up when that one is gone."""

    def __init__(self, recordings: Path, *, after: World | None = None, **settings: Any) -> None:
        self.agents = MemoryAgents(
            clock=clock, redis=after.agents.redis if after else None, store=after.agents.store if after else None
        )
        self.redis = self.agents.redis
        self.link = FakeLink()
        self.link.connected = after is None  # after a restart the link comes up later, by `come_up`
        self.calls = after.calls if after else MemoryCallLog()
        self.acd = Acd(
            agents=self.agents,
            redis=self.redis.as_redis(),
            calls=self.calls,
            link=self.link,
            clock=clock,
            words=PlainWords(),
            settings=AcdSettings(recordings_folder=recordings, **settings),
        )
        self.tasks: list[asyncio.Task[Served | NotServed]] = []

    async def __aenter__(self) -> Self:
        await self.agents.start()
        await self.acd.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.acd.stop()
        await self.agents.stop()
        left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(("acd", "mirror"))]
        assert not left, f"tasks are left: {left}"

    async def seat(self, *ids: str, languages: tuple[str, ...] = ("hi", "en")) -> None:
        for id in ids:
            self.link.reachable.add(f"agent-{id}")
            await self.agents.seat(id, languages=languages)

    def call(self, call_id: str, *dials: Dialled | Callable[[str], Awaitable[Dialled]], **more: Any) -> ScriptedCall:
        caller = more.pop("caller", f"98{crc32(call_id.encode()) % 10**8:08}")
        return ScriptedCall(call_id=call_id, channel=f"PJSIP/trunk-{call_id}", caller=caller, dials=dials, **more)

    def wait(self, call: ScriptedCall, request: Request = HINDI) -> asyncio.Task[Served | NotServed]:
        task = asyncio.create_task(self._bounded(call, request), name=f"call {call.id}")
        self.tasks.append(task)
        return task

    async def _bounded(self, call: ScriptedCall, request: Request) -> Served | NotServed:
        async with asyncio.timeout(MOST_SECONDS):
            return await self.acd.wait_for_agent(call, request)

    def answering(
        self, call_id: str, *, ring: float = 3.0, talk: float = 60.0, told: bool = True
    ) -> Callable[[str], Awaitable[Dialled]]:
        """A dial that is answered. `told` False: the link does not tell of it."""

        async def answer(target: str) -> Dialled:
            await asyncio.sleep(ring)
            if told:
                self.tell_answered(call_id, target.removeprefix("PJSIP/agent-"))
            await asyncio.sleep(talk)
            return Dialled("ANSWER", 16, ring, talk)

        return answer

    def tell_answered(self, call_id: str, agent: str) -> None:
        self.link.tell(
            DialEnded(
                call_id=CallId(call_id),
                channel=f"PJSIP/trunk-{call_id}",
                dest_id=CallId(f"leg.{call_id}.{agent}"),
                dest_channel=f"PJSIP/agent-{agent}-0000000a",
                status="ANSWER",
            )
        )

    def tell_hung_up(self, call_id: str, *, channel: str = "", linked_id: str = "") -> None:
        self.link.tell(
            Hungup(
                call_id=CallId(call_id),
                linked_id=linked_id or call_id,
                channel=channel or f"PJSIP/trunk-{call_id}",
                cause=16,
            )
        )

    def agent(self, id: str) -> Agent:
        return self.agents.get(id)

    @property
    def kept(self) -> set[str]:
        """The calls that Redis holds."""
        return set(self.redis.hashes.get("acd:waiting", {})) | set(self.redis.hashes.get("acd:conversations", {}))


def channel(call_id: str, *, linked_id: str = "", name: str = "", bridge: str = "") -> LiveChannel:
    """A live channel; without a name the caller's own."""
    return LiveChannel(
        call_id=CallId(call_id),
        linked_id=linked_id or call_id,
        channel=name or f"PJSIP/trunk-{call_id}",
        state="Up",
        caller="",
        application="Dial" if bridge else "AGI",
        data="",
        bridge_id=bridge,
        context="",
        extension="",
        seconds=60,
    )
