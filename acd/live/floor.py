"""What happens on the call floor without a caller's coroutine: the link's events, deadlines, repairs.

The link's events become jobs, worked off in order for each call. One task minds the deadlines of agents' transient
states, another compares with the live channels every few seconds. What that has to mend is counted: in a sound
helpline it is nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from acd.live.conversations import Clock, Conversations
from acd.live.hall import SPY, Hall
from acd.live.jobs import Jobs
from acd.live.link import Link
from acd.live.repairs import (
    AgentFree,
    AgentLeft,
    CallerGone,
    ConversationOver,
    Repair,
    StillTalking,
    compare,
    phone_in_talk,
)
from acd.live.restarts import Restarts
from acd.live.ringing import pause_reason
from acd.records import Outcome
from acd.waiting.callbacks import Callbacks
from agents.agent import ENDPOINT_PREFIX, Agent, AgentId, agent_on
from agents.presence import State
from agents.service import Agents
from telephony.call import Dialled
from telephony.errors import TelephonyError
from telephony.events import (
    AttendedTransferred,
    ContactChanged,
    DeviceChanged,
    DialEnded,
    Hungup,
    LiveChannel,
)

log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
PHONE_AWAY = frozenset({"UNAVAILABLE", "INVALID"})


class Floor:
    """`start()` to `stop()`."""

    def __init__(
        self,
        *,
        agents: Agents,
        hall: Hall,
        conversations: Conversations,
        callbacks: Callbacks,
        restarts: Restarts,
        link: Link,
        jobs: Jobs,
        clock: Clock,
        wrap_up_seconds: float,
        tidy: Callable[[], Awaitable[None]],
    ) -> None:
        self.repairs: Counter[str] = Counter()
        self._agents = agents
        self._hall = hall
        self._conversations = conversations
        self._callbacks = callbacks
        self._restarts = restarts
        self._link = link
        self._jobs = jobs
        self._clock = clock
        self._wrap_up_seconds = wrap_up_seconds
        self._tidy = tidy
        self._other_calls: dict[str, tuple[AgentId, str]] = {}  # by the id of the agent's channel
        self._look = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._suspected: set[Repair] = set()
        link.subscribe(DialEnded, self._on_dial_ended)
        link.subscribe(Hungup, self._on_hungup)
        link.subscribe(AttendedTransferred, self._on_transferred)
        link.subscribe(ContactChanged, self._on_contact)
        link.subscribe(DeviceChanged, self._on_device)
        link.on_resync(self._on_resync)

    async def start(self) -> None:
        """Begin; with the link up already, compare at once."""
        for loop, name in ((self._mind, "acd deadlines"), (self._check, "acd check")):
            self._tasks.append(asyncio.create_task(loop(), name=name))
        if self._link.connected:
            try:
                await self._on_resync(await self._link.live_channels())
            except TelephonyError as error:  # the link will say when it is back
                log.warning("The channels can't be read", extra={"action": "resync_failed", "reason": str(error)})

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def look(self) -> None:
        """An agent's state changed: the next deadline may be another."""
        self._look.set()

    # -- what the link tells

    def _on_dial_ended(self, event: DialEnded) -> None:
        agent = agent_on(event.dest_channel)
        if agent is not None:
            told = self._phone_answered if event.answered else self._phone_failed
            self._jobs.put(partial(told, agent, event), of=event.call_id or event.dest_id)

    def _on_hungup(self, event: Hungup) -> None:
        self._jobs.put(partial(self._hung_up, event), of=event.linked_id or event.call_id)

    def _on_transferred(self, event: AttendedTransferred) -> None:
        agent = agent_on(event.target_channel)
        if event.succeeded and agent is not None:
            over = partial(self._conversations.handed_over, event.call_id, agent, phone=event.target_channel)
            self._jobs.put(over)  # alone: what was told of the agents' talk with each other is another call's

    def _on_contact(self, event: ContactChanged) -> None:
        # A contact that went may have been the last but one: that a phone is away is the device's to say.
        if event.reachable:
            self._agents.phone_state(event.endpoint, True)

    def _on_device(self, event: DeviceChanged) -> None:
        if event.device.startswith(f"PJSIP/{ENDPOINT_PREFIX}"):
            self._agents.phone_state(event.device.removeprefix("PJSIP/"), event.state not in PHONE_AWAY)

    async def _on_resync(self, channels: Sequence[LiveChannel]) -> None:
        """The link is (back) up: take what was missed as one more event, in order."""
        done = asyncio.get_running_loop().create_future()
        live = {channel.call_id for channel in channels}

        async def job() -> None:
            try:
                reachable = await self._link.reachable_endpoints()
                for agent in self._agents.list():
                    self._agents.phone_state(agent.endpoint, agent.endpoint in reachable)
                await self._restarts.look(live)
                await self._learn_answers(channels)
                for repair in self._compare(channels):
                    await self._mend(repair)
                await self._callbacks.compare(live, certain=True)
            finally:
                if not done.done():
                    done.set_result(None)

        if self._jobs.running:
            self._jobs.put(job)
            await done

    # -- working it off

    async def _learn_answers(self, channels: Sequence[LiveChannel]) -> None:
        """Who answered while the link was cut; no event told, and that is nobody's fault."""
        for conversation in self._conversations:
            call_id = conversation.entry.call_id
            if call_id not in self._hall.sessions or conversation.phone:
                continue
            for agent in conversation.ringing or (conversation.agent,):
                if phone := phone_in_talk(call_id, agent, channels):
                    await self._answered(call_id, agent, phone)

    async def _phone_answered(self, agent: AgentId, event: DialEnded) -> None:
        conversation, phone = self._conversations.get(event.call_id), event.dest_channel
        if conversation is not None:
            rung = agent == conversation.agent or agent in conversation.ringing
            if rung and not conversation.passed_on:
                await self._answered(event.call_id, agent, phone)
            else:
                await self._conversations.handed_over(event.call_id, agent, phone=phone)
        elif not event.call_id or self._agents.get(agent).call != event.call_id:  # else late news of one that is over
            # A call that we did not offer, such as a colleague's question: they talk all the same. One that nobody
            # made (a supervisor who listens) goes by its own id.
            call_id = event.call_id or event.dest_id
            self._other_calls[event.dest_id] = (agent, call_id)
            await self._agents.talking(agent, call_id)

    async def _phone_failed(self, agent: AgentId, event: DialEnded) -> None:
        """One of several phones that ring for a caller is busy, gone or declines: that agent is out of the race now.
        With one phone alone the caller's own coroutine sees it."""
        reason = pause_reason(Dialled(event.status))
        if reason and await self._conversations.rings_no_more(event.call_id, agent):
            await self._agents.not_answered(agent, event.call_id, reason)
            self._hall.offer_failed(event.call_id, agent)

    async def _answered(self, call_id: str, agent: str, phone: str = "") -> None:
        """Asterisk says that they talk now."""
        if await self._conversations.answered(call_id, agent, phone=phone):
            await self._hall.answered(call_id, agent)

    async def _hung_up(self, event: Hungup) -> None:
        """A channel ended. Calls with a session see to their own end; here are those without."""
        self._restarts.alive()
        if (other := self._other_calls.pop(event.call_id, None)) is not None:
            seconds = 0.0 if event.call_id.startswith(SPY) else self._wrap_up_seconds
            await self._agents.wrap_up(other[0], call=other[1], seconds=seconds)
        elif event.call_id in self._hall.sessions or event.linked_id in self._hall.sessions:
            return
        elif self._conversations.get(event.call_id) is not None:
            await self._both_gone(event.call_id, Outcome.ABANDONED)
        elif event.call_id in self._hall.entries:
            await self._hall.leave(event.call_id, Outcome.ABANDONED)
        elif (agent := agent_on(event.channel)) is not None:
            await self._phone_ended(agent, event)
        else:
            await self._callbacks.ended(event.call_id)

    async def _phone_ended(self, agent: AgentId, event: Hungup) -> None:
        conversation = self._conversations.of_agent(agent, event.channel, event.linked_id)
        if conversation is None or conversation.entry.call_id in self._hall.sessions:
            return
        if conversation.answered_at is not None:
            await self._conversations.wrap_up(conversation)

    async def _both_gone(self, call_id: str, unanswered: Outcome) -> None:
        """`unanswered`: how to count one that we did not see answered."""
        conversation = self._conversations.get(call_id)
        if conversation is None:
            return
        if conversation.answered_at is not None:
            await self._conversations.over(call_id, ended_by="caller")
            return
        await self._conversations.not_begun(call_id)
        for agent in conversation.ringing or (conversation.agent,):
            await self._agents.released(agent, call_id)
        await self._hall.leave(call_id, unanswered)

    # -- deadlines

    async def _mind(self) -> None:
        while True:
            self._look.clear()
            due = self._agents.next_deadline()
            if due is None:
                await self._look.wait()
                continue
            try:
                async with asyncio.timeout(max(0.0, (due - self._clock()).total_seconds())):
                    await self._look.wait()
            except TimeoutError:
                await self._expire()

    async def _expire(self) -> None:
        try:
            for agent, phone in await self._who_answered_unnoticed():
                if self._link.connected:  # else nobody could have told
                    self.repairs["answer missed"] += 1
                await self._answered(agent.call, agent.id, phone)
            await self._agents.expire()
        except Exception:
            log.exception("Deadlines could not be minded", extra={"action": "deadlines_failed"})
            await asyncio.sleep(1.0)

    async def _who_answered_unnoticed(self) -> list[tuple[Agent, str]]:
        """Those of whom it is thought that their phone rings, long after Asterisk would have ended that, and its
        channel if it is known.

        They talk, and the event of it was missed; unless Asterisk can be asked, and knows of no talk.
        """
        overdue = self._agents.overdue()
        rung = [agent for agent in overdue if agent.state is State.RINGING and agent.call in self._hall.sessions]
        unasked = [(agent, "") for agent in rung]
        if not rung or not self._link.connected:
            return unasked
        try:
            channels = await self._link.live_channels()
        except TelephonyError:
            return unasked
        return [(agent, phone) for agent in rung if (phone := phone_in_talk(agent.call, agent.id, channels))]

    # -- repairs

    async def _check(self) -> None:
        """Compare now and then. What is seen twice in a row was no event that was just under way."""
        was_up = False
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self._tidy()
            before, was_up = was_up, self._link.connected
            if not was_up:
                self._suspected.clear()
                continue
            try:
                channels = await self._link.live_channels()
            except TelephonyError:
                continue
            if before:  # else it has just come up, and may be another Asterisk: `_on_resync` looks at that
                self._restarts.alive()
            found = set(self._compare(channels))
            for repair in found & self._suspected:
                self._jobs.put(partial(self._mend, repair))
            self._suspected = found
            live = {channel.call_id for channel in channels}
            self._jobs.put(partial(self._callbacks.compare, live, certain=False))

    def _compare(self, channels: Sequence[LiveChannel]) -> list[Repair]:
        return compare(
            waiting=list(self._hall.entries),
            conversations=self._conversations,
            attached=self._hall.sessions,
            agents=self._agents.list(),
            channels=channels,
        )

    async def _mend(self, repair: Repair) -> None:
        if repair.call_id in self._hall.sessions:
            return  # the caller came back since: their session sees to it
        match repair:
            case StillTalking(call_id, agent, phone):
                await self._answered(call_id, agent, phone)
                return  # as it should be after a restart: nothing was broken
            case AgentLeft(call_id):
                conversation = self._conversations.get(call_id)
                if conversation is None or conversation.answered_at is None:
                    return  # the caller comes back and tells how the ring ended
                await self._conversations.wrap_up(conversation)
            case ConversationOver(call_id):
                await self._both_gone(call_id, Outcome.LOST)  # they may have talked: not known, so not made up
            case CallerGone(call_id):
                await self._hall.leave(call_id, Outcome.ABANDONED)
            case AgentFree(agent, call_id):
                await self._agents.released(agent, call_id)
                await self._agents.wrap_up(agent, call=call_id, seconds=0.0)
        kind = type(repair).__name__
        self.repairs[kind] += 1
        log.warning("Mended", extra={"action": "repair", "kind": kind, "repair": repr(repair)})
