"""A small helpline for tests: agents, a queue, a link that the test speaks for; on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from zlib import crc32

from acd.engine.decisions import Decision
from acd.engine.events import Event
from acd.history import journal
from acd.records import CallbackOwed, Request
from acd.service import Acd
from acd.settings import AcdSettings
from acd.testing import FakeLink, MemoryCallLog, PlainWords
from acd.waiting.caller_way import End
from acd.waiting.notices import Notice
from acd.waiting.session import Aside
from agents.agent import Agent
from agents.testing import MemoryAgents
from telephony.call import CallId, Dialled
from telephony.events import DialEnded, Hungup, LiveChannel
from telephony.originate import Originate
from telephony.testing import ScriptedCall

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MOST_SECONDS = 1800  # of virtual time: a caller whom nobody serves fails the test, rather than waiting for ever
HINDI = Request(language="hi", service="complaint")


def clock() -> datetime:
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


class Noted:
    """A journal in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lines: list[journal.Line] = []

    def note(self, event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        self.events.append(event)
        self.lines.append(journal.Entry(at=at, events=(event,), decisions=tuple(decisions)))

    def note_all(self, events: Sequence[Event], at: datetime, decisions: Sequence[Decision]) -> None:
        self.events += events
        self.lines.append(journal.Entry(at=at, events=tuple(events), decisions=tuple(decisions), together=True))

    def note_choice(self, caller: str, what: str, at: datetime) -> None:
        self.lines.append(journal.Chose(at=at, caller=caller, what=what))


async def spoken(texts: Mapping[str, str]) -> Notice:
    """Words made into sound."""
    return Notice(texts=texts, sounds={language: f"notices/{text}" for language, text in texts.items()})


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
        self.journal = Noted()
        self.acd = Acd(
            agents=self.agents,
            redis=self.redis.as_redis(),
            calls=self.calls,
            link=self.link,
            clock=clock,
            words=PlainWords(),
            settings=AcdSettings(recordings_folder=recordings, **settings),
            journal=self.journal,
            build_notice=spoken,
            calls_in_use=lambda: self.calls_in_use,
        )
        self.calls_in_use = 0
        self.tasks: list[asyncio.Task[End]] = []

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

    def wait(
        self, call: ScriptedCall, request: Request = HINDI, asides: Mapping[str, Aside] = MappingProxyType({})
    ) -> asyncio.Task[End]:
        task = asyncio.create_task(self._bounded(call, request, asides), name=f"call {call.id}")
        self.tasks.append(task)
        return task

    async def _bounded(self, call: ScriptedCall, request: Request, asides: Mapping[str, Aside]) -> End:
        async with asyncio.timeout(MOST_SECONDS):
            return await self.acd.wait_for_agent(call, request, asides=asides)

    def called_back(
        self, *dials: Dialled | Callable[[str], Awaitable[Dialled]], made: Originate | None = None, **more: Any
    ) -> ScriptedCall:
        """The citizen's side of a call that we made, the last one or that."""
        made = made or self.link.originated[-1]
        number = made.channel.removeprefix("PJSIP/").partition("@")[0]
        return self.call(made.call_id, *dials, caller=number, path="callback", **more)

    async def owed(self, call_id: str, **more: Any) -> ScriptedCall:
        """A caller who waited a moment and chose to be called back."""
        call = self.call(call_id, keys=["", "1"], **more)
        assert isinstance(await self.wait(call), CallbackOwed)
        return call

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


def talking_channels(call_id: str, agent: str) -> list[LiveChannel]:
    """That caller and that agent in one bridge."""
    phone = f"PJSIP/agent-{agent}-0000000a"
    return [
        channel(call_id, bridge="b1"),
        channel(f"leg.{call_id}.{agent}", linked_id=call_id, name=phone, bridge="b1"),
    ]
