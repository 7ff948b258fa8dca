"""Callers with agents: from the ring to the end, each end taken exactly once, by whoever sees it first.

A conversation has a session while the coroutine of its call is there; one that outlives a restart has none, and its
end is told by the link.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from acd.live.ledger import Ledger
from acd.records import Conversation, Outcome, Served, record_of
from acd.store import QueueStore
from agents.service import Agents

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class Conversations:
    """All that ring or are talked on now, by the caller's call id. `ended` is told of caller and agent at the end."""

    def __init__(
        self,
        *,
        agents: Agents,
        store: QueueStore,
        ledger: Ledger,
        clock: Clock,
        wrap_up_seconds: float,
        ended: Callable[[str, str], None],
    ) -> None:
        self._agents = agents
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._wrap_up_seconds = wrap_up_seconds
        self._ended = ended
        self._now: dict[str, Conversation] = {}

    def take_up(self, conversation: Conversation) -> None:
        """One that the controller before left."""
        self._now[conversation.entry.call_id] = conversation

    def get(self, call_id: str) -> Conversation | None:
        return self._now.get(call_id)

    def of_agent(self, agent: str, channel: str, linked_id: str) -> Conversation | None:
        """The conversation that an agent's channel belongs to. An off-hook line keeps its own linked id."""
        conversation = self._now.get(linked_id)
        if conversation is not None and conversation.agent == agent:
            return conversation
        return next((one for one in self if one.agent == agent and one.phone == channel), None)

    def rings(self, call_id: str, agent: str) -> bool:
        """Whether that agent's phone rings for that caller, and nobody has answered."""
        conversation = self._now.get(call_id)
        return conversation is not None and conversation.answered_at is None and agent in conversation.ringing

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._now.values()))

    async def ring(self, conversation: Conversation) -> None:
        """Write down that the phone is about to ring."""
        self._now[conversation.entry.call_id] = conversation
        await self._store.put_conversation(conversation)

    async def rung(self, call_id: str, agents: Sequence[str], recording: str) -> None:
        """Who of those really is rung, and into what it is recorded."""
        conversation = self._now.get(call_id)
        if conversation is None or (conversation.ringing == tuple(agents) and conversation.recording == recording):
            return
        conversation = replace(conversation, agent=agents[0], ringing=tuple(agents), recording=recording)
        await self.ring(conversation)

    def taken_by(self, call_id: str, agent: str) -> None:
        """That agent has the caller, though nobody told when it was answered: nobody else's phone rings for them."""
        conversation = self._now.get(call_id)
        if conversation is not None and conversation.answered_at is None:
            self._now[call_id] = replace(conversation, agent=agent, ringing=())

    async def rings_no_more(self, call_id: str, agent: str) -> bool:
        """One of several phones has failed while the others ring on. False: it is not so."""
        conversation = self._now.get(call_id)
        if conversation is None or conversation.answered_at is not None or agent not in conversation.ringing:
            return False
        left = tuple(other for other in conversation.ringing if other != agent)
        if not left:
            return False
        await self.ring(replace(conversation, agent=left[0], ringing=left))
        return True

    async def answered(self, call_id: str, agent: str, *, phone: str = "") -> bool:
        """They talk from now on. False when that was known, or the conversation is over already."""
        conversation = self._now.get(call_id)
        if conversation is None:
            return False
        if conversation.answered_at is not None:
            if phone and not conversation.phone and conversation.agent == agent:  # not known when it was answered
                await self.ring(replace(conversation, phone=phone))
            return False
        others = [other for other in conversation.ringing if other != agent]
        conversation = replace(conversation, agent=agent, answered_at=self._clock(), ringing=(), phone=phone)
        self._now[call_id] = conversation
        self._ledger.note(record_of(conversation.entry, Outcome.TALKING, conversation=conversation))
        log.info(
            "Caller and agent talk",
            extra={"action": "answered", "call_id": call_id, "agent": conversation.agent},
        )
        await asyncio.gather(  # one trip to Redis
            self._agents.talking(conversation.agent, call_id),
            self._store.put_conversation(conversation),
            *(self._agents.released(other, call_id) for other in others),
        )
        return True

    async def handed_over(self, call_id: str, agent: str, *, phone: str = "") -> None:
        """Another agent has the conversation now (a transfer): the first one is done with it."""
        conversation = self._now.get(call_id)
        if conversation is None or (conversation.agent == agent and not conversation.passed_on):
            return
        first, conversation = conversation, replace(conversation, agent=agent, passed_on=False, phone=phone, why="")
        self._now[call_id] = conversation
        log.info("A conversation was handed over", extra={"action": "handed_over", "call_id": call_id, "agent": agent})
        await self._store.put_conversation(conversation)
        self._ledger.note(record_of(conversation.entry, Outcome.TALKING, conversation=conversation))
        await self.wrap_up(first)
        await self._agents.talking(agent, call_id)

    async def passed_on(self, call_id: str, agent: str) -> None:
        """That agent transferred the caller away, blindly: it goes on without them, and without a session."""
        conversation = self._now.get(call_id)
        if conversation is None or conversation.agent != agent:
            return  # who answered the transfer was told first
        conversation = replace(conversation, passed_on=True)
        self._now[call_id] = conversation
        await self._store.put_conversation(conversation)
        await self.wrap_up(conversation)

    async def not_begun(self, call_id: str) -> Conversation | None:
        """The ring ended without an answer; None when somebody else saw to it before."""
        conversation = self._now.pop(call_id, None)
        if conversation is not None:
            await self._store.drop_conversation(call_id)
        return conversation

    async def set_down(self, call_id: str, agent: str) -> None:
        """The agent is done with it, the caller goes on to another: no end of the call."""
        conversation = self._now.pop(call_id, None)
        if conversation is None:
            return
        conversation = replace(conversation, agent=agent)
        await self.wrap_up(conversation)
        self._ended(call_id, agent)
        await self._store.drop_conversation(call_id)

    async def cut(self, call_id: str) -> None:
        """Both lines were cut by no one's will: the agent is free, or wraps up; a talker stays in Redis
        until it is written what becomes of them."""
        conversation = self._now.pop(call_id, None)
        if conversation is None:
            return
        if conversation.answered_at is not None:
            await self.wrap_up(conversation)
            self._ended(call_id, conversation.agent)
            return
        for agent in conversation.ringing or (conversation.agent,):
            await self._agents.released(agent, call_id)
        await self._store.drop_conversation(call_id)

    async def wrap_up(self, conversation: Conversation) -> None:
        """The agent's side is over."""
        await self._agents.wrap_up(conversation.agent, call=conversation.entry.call_id, seconds=self._wrap_up_seconds)

    async def over(
        self, call_id: str, *, ended_by: str, talk_seconds: float | None = None, agent: str = ""
    ) -> Served | None:
        """The conversation ended: the agent wraps up, the call's line is closed. None when that was done before.

        `agent`: who answered, when the event of it was missed. `talk_seconds` None: counted from the answer. The
        conversation stays in Redis until its line is in the log.
        """
        conversation = self._now.pop(call_id, None)
        if conversation is None:
            return None
        now = self._clock()
        if conversation.answered_at is None:  # the event of the answer was missed
            answered_at = now - timedelta(seconds=talk_seconds or 0.0)
            conversation = replace(conversation, answered_at=answered_at, agent=agent or conversation.agent)
        if talk_seconds is None:
            talk_seconds = (now - (conversation.answered_at or now)).total_seconds()
        log.info(
            "A conversation ended",
            extra={
                "action": "conversation_over",
                "call_id": call_id,
                "agent": conversation.agent,
                "ended_by": ended_by,
                "talk_seconds": talk_seconds,
            },
        )
        await self.wrap_up(conversation)
        self._ended(call_id, conversation.agent)
        self._ledger.note(record_of(conversation.entry, Outcome.SERVED, conversation=conversation, ended_at=now))
        await self._ledger.written(call_id)
        await self._store.drop_conversation(call_id)
        return Served(
            agent=conversation.agent,
            talk_seconds=talk_seconds,
            recording=conversation.recording,
            ended_by=ended_by,
        )
