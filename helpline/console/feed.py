"""What each desk page shows right now: presence and the call, pushed to the page when it changes.

The truth is on the server. A page that was lost or opened twice asks anew and shows the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from agents.agent import Agent, AgentId, PresenceChanged
from agents.presence import State
from agents.service import Agents
from helpline.console.parts import Queue

HEARTBEAT_SECONDS = 15.0  # proxies and browsers drop a connection that is silent for longer


@dataclass(frozen=True, slots=True)
class DeskCall:
    """The call that an agent is rung for, talks on or writes about."""

    id: str
    caller: str = field(repr=False)  # national number, "" when withheld or unknown after a restart
    language: str = "hi"


class Feed:
    """Follows presence; remembers the caller of each agent's call, which the queue forgets when the call ends."""

    def __init__(self, agents: Agents, acd: Queue) -> None:
        self._agents = agents
        self._acd = acd
        self._calls: dict[AgentId, DeskCall] = {}
        self._pages: dict[AgentId, set[asyncio.Event]] = {}
        self._closed = False
        self._closing: list[Callable[[], None]] = []
        agents.watch(self._changed)

    def call_of(self, agent: Agent) -> DeskCall | None:
        """The agent's present call, also during wrap-up; None when there is none. A work item is no call."""
        if not agent.call or agent.state is State.WORKING:
            return None
        known = self._calls.get(agent.id)
        if known is None or known.id != agent.call or not known.caller:
            known = self._looked_up(agent)
            self._calls[agent.id] = known
        return known

    def _looked_up(self, agent: Agent) -> DeskCall:
        call = self._acd.call(agent.call)
        return DeskCall(call.call_id, call.caller, call.language) if call else DeskCall(agent.call, "")

    def _changed(self, change: PresenceChanged) -> None:
        self.call_of(change.after)
        for page in self._pages.get(change.after.id, ()):
            page.set()

    async def follow(self, id: str, show: Callable[[], Awaitable[str]]) -> AsyncIterator[str]:
        """The lines of a server-sent event stream: what `show` gives, now and after each change."""
        agent = self._agents.get(id)
        look = asyncio.Event()
        pages = self._pages.setdefault(agent.id, set())
        pages.add(look)
        try:
            look.set()
            while not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await look.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                look.clear()
                if not self._closed:
                    shown = await show()
                    yield "event: now\n" + "".join(f"data: {line}\n" for line in shown.splitlines()) + "\n"
        finally:
            pages.discard(look)

    def on_close(self, end: Callable[[], None]) -> None:
        """Other streams of the same server, to be ended with these."""
        self._closing.append(end)

    def close(self) -> None:
        """End every stream, so that the server can stop; the pages come back by themselves."""
        self._closed = True
        for end in self._closing:
            end()
        for pages in self._pages.values():
            for page in pages:
                page.set()
