"""Agents' phones that vanish without a word: Asterisk asks each every few seconds, and one that does not answer is
gone.

A talk with a phone that is gone is ended on the agent's side, and the caller goes on to the next agent, before all
others. Voice that still comes proves that the phone is there after all: a lost question must not cut a talk. A phone
that suppresses silence answers the question, so it is never taken for gone.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from acd.live.conversations import Conversations
from acd.live.hall import Hall, Move
from acd.live.jobs import Jobs
from acd.live.link import Link
from agents.agent import ENDPOINT_PREFIX, agent_on
from telephony.errors import ActionRefused
from telephony.events import ContactChanged, LiveChannel

log = logging.getLogger(__name__)

VOICE_SECONDS: Final = 0.5
"""Voice comes every 20 ms: so long a look shows whether any does."""
UNREACHABLE: Final = "Unreachable"
RECEIVED: Final = "CHANNEL(rtcp,rxcount)"
BY: Final = "a phone that is gone"


class GonePhones:
    """Hears of phones over the link; what follows is done by the jobs."""

    def __init__(self, *, hall: Hall, conversations: Conversations, link: Link, jobs: Jobs) -> None:
        self._hall = hall
        self._conversations = conversations
        self._link = link
        self._jobs = jobs
        self._away: set[str] = set()  # endpoints
        self._to_look_at: set[str] = set()
        link.subscribe(ContactChanged, self._on_contact)

    def _on_contact(self, event: ContactChanged) -> None:
        if event.reachable:
            self._away.discard(event.endpoint)
        elif event.status == UNREACHABLE and event.endpoint.startswith(ENDPOINT_PREFIX):
            self._away.add(event.endpoint)
            self._to_look_at.add(event.endpoint)
            self._jobs.put(self._look, of=BY)

    async def _look(self) -> None:
        """End each channel of those phones through which no voice comes; many that go together are looked at once."""
        phones, self._to_look_at = self._to_look_at, set()
        if not phones:
            return
        agents = {phone.removeprefix(ENDPOINT_PREFIX) for phone in phones}
        theirs = [one for one in await self._link.live_channels() if agent_on(one.channel) in agents]
        before = await self._received(theirs)
        if theirs:
            await asyncio.sleep(VOICE_SECONDS)
        after = await self._received(theirs)
        for channel, was, now in zip(theirs, before, after, strict=True):
            if was == now and f"{ENDPOINT_PREFIX}{agent_on(channel.channel)}" in self._away:
                await self._end(channel)

    async def _received(self, channels: list[LiveChannel]) -> list[str]:
        return await asyncio.gather(*(self._received_by(channel) for channel in channels))

    async def _received_by(self, channel: LiveChannel) -> str:
        """How many packets came from that phone; "" for one that rings, or that has ended meanwhile."""
        try:
            answer = await self._link.action("Getvar", {"Channel": channel.channel, "Variable": RECEIVED})
        except ActionRefused:
            return ""
        return answer.get("Value", "")

    async def _end(self, channel: LiveChannel) -> None:
        agent = agent_on(channel.channel) or ""
        conversation = self._conversations.of_agent(agent, channel.channel, channel.linked_id)
        call_id = ""
        if conversation is not None and conversation.answered_at is not None:
            call_id = conversation.entry.call_id
            self._hall.moves[call_id] = Move(by=BY)
        log.warning(
            "A phone is gone in the middle of a call",
            extra={"action": "phone_gone", "agent": agent, "call_id": call_id, "channel": channel.channel},
        )
        await self._link.hang_up(channel.channel)
