"""What happens on the call floor without a caller's coroutine: the link's events, deadlines, repairs.

One task works off the link's events strictly in order, another minds the deadlines of agents' transient states and
compares with the live channels now and then. What that has to mend is counted: in a sound helpline it is nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from acd.conversations import Clock, Conversations
from acd.records import Outcome
from acd.repairs import AgentFree, AgentLeft, CallerGone, ConversationOver, Repair, StillTalking, compare
from agents.agent import ENDPOINT_PREFIX, AgentId, agent_on
from agents.errors import UnknownAgent
from agents.presence import State
from agents.service import Agents
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

CHECK_SECONDS = 15.0
PHONE_AWAY = frozenset({"UNAVAILABLE", "INVALID"})

E = TypeVar("E")
Job = Callable[[], Awaitable[None]]


class Link(Protocol):
    """What the queue needs of `telephony.ami.AmiLink`."""

    @property
    def connected(self) -> bool: ...
    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> None: ...
    def on_resync(self, handler: Callable[[Sequence[LiveChannel]], Awaitable[None]]) -> None: ...
    async def live_channels(self) -> list[LiveChannel]: ...
    async def reachable_endpoints(self) -> frozenset[str]: ...


class Floor:
    """`start()` to `stop()`. `waiting` and `attached` are the queue's own, looked at as they are."""

    def __init__(
        self,
        *,
        agents: Agents,
        conversations: Conversations,
        link: Link,
        waiting: Mapping[str, Any],
        attached: Collection[str],
        answered: Callable[[str], Awaitable[None]],
        caller_gone: Callable[[str, Outcome], Awaitable[None]],
        clock: Clock,
        wrap_up_seconds: float,
    ) -> None:
        self.repairs: Counter[str] = Counter()
        self._agents = agents
        self._conversations = conversations
        self._link = link
        self._waiting = waiting
        self._attached = attached
        self._answered = answered
        self._caller_gone = caller_gone
        self._clock = clock
        self._wrap_up_seconds = wrap_up_seconds
        self._other_calls: dict[str, tuple[AgentId, str]] = {}  # by the id of the agent's channel
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
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
        for loop, name in ((self._work, "acd events"), (self._mind, "acd deadlines"), (self._check, "acd check")):
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
        if event.answered and agent is not None:
            self._jobs.put_nowait(partial(self._phone_answered, agent, event))

    def _on_hungup(self, event: Hungup) -> None:
        self._jobs.put_nowait(partial(self._hung_up, event))

    def _on_transferred(self, event: AttendedTransferred) -> None:
        agent = agent_on(event.target_channel)
        if event.succeeded and agent is not None:
            self._jobs.put_nowait(partial(self._conversations.handed_over, event.call_id, agent))

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

        async def job() -> None:
            try:
                for repair in self._compare(channels):
                    await self._mend(repair)
                reachable = await self._link.reachable_endpoints()
                for agent in self._agents.list():
                    self._agents.phone_state(agent.endpoint, agent.endpoint in reachable)
            finally:
                if not done.done():
                    done.set_result(None)

        if self._tasks:
            self._jobs.put_nowait(job)
            await done

    # -- working it off

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except UnknownAgent as error:
                log.warning("A phone that is no agent's", extra={"action": "unknown_agent", "reason": str(error)})
            except TelephonyError as error:
                log.warning("The link broke", extra={"action": "link_broke", "reason": str(error)})
            except Exception:  # one event's fault must not stop the floor
                log.exception("An event could not be worked off", extra={"action": "event_failed"})

    async def _phone_answered(self, agent: AgentId, event: DialEnded) -> None:
        conversation = self._conversations.get(event.call_id)
        if conversation is not None:
            if conversation.agent == agent and not conversation.passed_on:
                await self._answered(event.call_id)
            else:
                await self._conversations.handed_over(event.call_id, agent)
        elif self._agents.get(agent).call != event.call_id:  # else late news of a conversation that ended already
            # A call that we did not offer, such as a colleague's question: they talk all the same.
            self._other_calls[event.dest_id] = (agent, event.call_id)
            await self._agents.talking(agent, event.call_id)

    async def _hung_up(self, event: Hungup) -> None:
        """A channel ended. Calls with a session see to their own end; here are those without."""
        if (other := self._other_calls.pop(event.call_id, None)) is not None:
            await self._agents.wrap_up(other[0], call=other[1], seconds=self._wrap_up_seconds)
        elif event.call_id in self._attached or event.linked_id in self._attached:
            return
        elif self._conversations.get(event.call_id) is not None:
            await self._both_gone(event.call_id, Outcome.ABANDONED)
        elif event.call_id in self._waiting:
            await self._caller_gone(event.call_id, Outcome.ABANDONED)
        elif (agent := agent_on(event.channel)) is not None:
            conversation = self._conversations.of_agent(agent, event.linked_id)
            if conversation is not None and conversation.answered_at is not None:
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
        await self._agents.released(conversation.agent, call_id)
        await self._caller_gone(call_id, unanswered)

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
            for agent in self._agents.overdue():
                if agent.state is State.RINGING and agent.call in self._attached:
                    # Asterisk would have ended the ring by now: they talk, and the event of it was missed.
                    self.repairs["answer missed"] += 1
                    await self._answered(agent.call)
            await self._agents.expire()
        except Exception:
            log.exception("Deadlines could not be minded", extra={"action": "deadlines_failed"})
            await asyncio.sleep(1.0)

    # -- repairs

    async def _check(self) -> None:
        """Compare now and then. What is seen twice in a row was no event that was just under way."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not self._link.connected:
                self._suspected.clear()
                continue
            try:
                found = set(self._compare(await self._link.live_channels()))
            except TelephonyError:
                continue
            for repair in found & self._suspected:
                self._jobs.put_nowait(partial(self._mend, repair))
            self._suspected = found

    def _compare(self, channels: Sequence[LiveChannel]) -> list[Repair]:
        return compare(
            waiting=list(self._waiting),
            conversations=self._conversations,
            attached=self._attached,
            agents=self._agents.list(),
            channels=channels,
        )

    async def _mend(self, repair: Repair) -> None:
        if repair.call_id in self._attached:
            return  # the caller came back since: their session sees to it
        match repair:
            case StillTalking(call_id):
                await self._answered(call_id)
                return  # as it should be after a restart: nothing was broken
            case AgentLeft(call_id):
                conversation = self._conversations.get(call_id)
                if conversation is None or conversation.answered_at is None:
                    return  # the caller comes back and tells how the ring ended
                await self._conversations.wrap_up(conversation)
            case ConversationOver(call_id):
                await self._both_gone(call_id, Outcome.LOST)  # they may have talked: not known, so not made up
            case CallerGone(call_id):
                await self._caller_gone(call_id, Outcome.ABANDONED)
            case AgentFree(agent, call_id):
                await self._agents.released(agent, call_id)
                await self._agents.wrap_up(agent, call=call_id, seconds=0.0)
        kind = type(repair).__name__
        self.repairs[kind] += 1
        log.warning("Mended", extra={"action": "repair", "kind": kind, "repair": repr(repair)})
