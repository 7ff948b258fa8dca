"""Off-hook agents: their phones stay connected, each in a session of its own, and callers are bridged to them.

The agent dials *1; the dialplan brings the channel to `attend` (AGI path "agent"), and back to it after each talk and
each restart of the controller. The channel is the agent's *line*: it is open while it lives, whether it waits here,
talks in a bridge or finds its way back, and it can be bridged at any of these moments.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from acd.live.repairs import is_line
from agents.agent import AgentId, Line, agent_on
from agents.errors import UnknownAgent
from agents.service import Agents
from telephony.call import Call
from telephony.errors import HungUp, TelephonyError
from telephony.events import Hungup, LiveChannel

log = logging.getLogger(__name__)

SILENCE_SECONDS: Final = 3600.0
"""The longest wait of one command; another follows."""
ERROR_TONE_SECONDS: Final = 2

E = TypeVar("E")


class Link(Protocol):
    """What off-hook agents need of `telephony.ami.AmiLink`."""

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> None: ...
    def on_resync(self, handler: Callable[[Sequence[LiveChannel]], Awaitable[None]]) -> None: ...
    async def hang_up(self, channel: str) -> bool: ...


class OffHook:
    """The lines that are open now. `agents` is told of each that opens and closes (`Agent.line_open`)."""

    def __init__(self, *, agents: Agents, link: Link) -> None:
        self._agents = agents
        self._link = link
        self._lines: dict[AgentId, str] = {}  # channel by agent
        self._here: set[str] = set()  # channels that wait in `attend` now
        self._replaced: set[str] = set()  # channels whose agent opened another line since
        link.subscribe(Hungup, self._on_hungup)
        link.on_resync(self._on_resync)

    def channel_of(self, agent: str) -> str | None:
        """The channel of an agent's open line, to be given to `Call.bridge`; None: there is none, so ring the phone.

        Whether the agent is free is for their presence to say: a bridge would take the channel from another caller.
        """
        return self._lines.get(AgentId(agent))

    async def attend(self, call: Call) -> None:
        """The handler of the path "agent": be there until a bridge takes the channel or the phone drops (HungUp)."""
        agent = self._off_hook_agent(call.channel)
        if agent is None:
            log.warning("A line is refused", extra={"action": "line_refused", "channel": call.channel})
            await call.execute("Congestion", str(ERROR_TONE_SECONDS), seconds=ERROR_TONE_SECONDS)
            await call.done()
            return
        if call.channel in self._replaced:
            await call.done()  # it talked while the agent opened another; the dialplan hangs up
            return
        self._here.add(call.channel)
        try:
            await self._open(agent, call.channel)
            while True:
                await call.wait(SILENCE_SECONDS, wakeable=False)
        except HungUp as end:
            if not end.taken:
                self._closed(call.channel)
                await self._hang_up(call.channel)
            raise
        finally:
            self._here.discard(call.channel)

    def _off_hook_agent(self, channel: str) -> AgentId | None:
        """Whose line that may be; None for one of nobody known, or of an agent whose phone is to ring."""
        id = agent_on(channel)
        if id is None:
            return None
        try:
            agent = self._agents.get(id)
        except UnknownAgent:
            return None
        return agent.id if agent.line is Line.OFF_HOOK else None

    async def _open(self, agent: AgentId, channel: str) -> None:
        before, self._lines[agent] = self._lines.get(agent), channel
        if before == channel:
            return
        log.info("An off-hook line is open", extra={"action": "line_open", "agent": agent, "channel": channel})
        self._agents.line_state(agent, True)
        if before is not None:
            await self._end(before)

    async def _end(self, channel: str) -> None:
        """End a line that another one of the same agent took the place of; one that talks ends after the talk."""
        self._replaced.add(channel)
        if channel in self._here:
            await self._hang_up(channel)

    async def _hang_up(self, channel: str) -> None:
        """See to it that the channel goes. One whose phone hung up at the very moment a bridge took it would stay."""
        try:
            await self._link.hang_up(channel)
        except TelephonyError as error:
            log.warning("A line stays", extra={"action": "line_stays", "channel": channel, "reason": str(error)})

    def _closed(self, channel: str) -> None:
        self._replaced.discard(channel)
        for agent, line in self._lines.items():
            if line == channel:
                del self._lines[agent]
                log.info("An off-hook line is closed", extra={"action": "line_closed", "agent": agent})
                self._agents.line_state(agent, False)
                return

    def _on_hungup(self, event: Hungup) -> None:
        self._closed(event.channel)

    async def _on_resync(self, channels: Sequence[LiveChannel]) -> None:
        """Lines that closed unseen are closed, and those that talk since before we came up are known at once."""
        live = {channel.channel for channel in channels}
        for gone in {*self._lines.values(), *self._replaced} - live:
            self._closed(gone)
        for channel in channels:
            agent = self._off_hook_agent(channel.channel) if is_line(channel) else None
            if agent is not None and agent not in self._lines:
                await self._open(agent, channel.channel)
