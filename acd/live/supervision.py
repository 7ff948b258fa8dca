"""What supervisors do with the live queue: put a caller first, take a call elsewhere, listen, close a queue, tell all.

Each verb is logged with who did it (`by`), and raises AcdError or AgentsError with the next step.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from acd.engine.events import CallerMoved, QueueClosed, QueueOpened
from acd.engine.queues import QueueRules
from acd.errors import NoSuchCall, NoSuchQueue, NotSupervisable
from acd.live.conversations import Clock, Conversations
from acd.live.hall import SPY, Hall, Move
from acd.live.link import Link
from acd.live.orders import NOTHING, StandingOrders
from acd.live.repairs import LINE_EXTENSION
from acd.records import Conversation
from acd.waiting.notices import NoticeBuilder
from agents.presence import State
from agents.service import Agents
from telephony.call import CallId
from telephony.errors import TelephonyError
from telephony.originate import Listening, Originate, spying

log = logging.getLogger(__name__)

PHONE_UNKNOWN: Final = "It is not known yet which phone they talk on. Try again in a moment."
HOW: Final[Mapping[str, Listening]] = {"listen": "listen", "whisper": "whisper", "barge": "barge"}


class Supervision:
    def __init__(
        self,
        *,
        agents: Agents,
        hall: Hall,
        conversations: Conversations,
        orders: StandingOrders,
        link: Link,
        rules: Mapping[str, QueueRules],
        line_of: Callable[[str], str],
        build_notice: NoticeBuilder | None,
        clock: Clock,
    ) -> None:
        self._agents = agents
        self._hall = hall
        self._conversations = conversations
        self._orders = orders
        self._link = link
        self._rules = rules
        self._line_of = line_of
        self._build_notice = build_notice
        self._clock = clock
        self._ringing: set[asyncio.Task[None]] = set()

    # -- callers

    async def to_front(self, call_id: str, *, by: str = "") -> None:
        """That caller is next, before everybody in their queue."""
        if call_id not in self._hall.entries:
            raise NoSuchCall(f"No caller {call_id} waits. `helpline queue` shows who does.")
        self._hall.to_front(call_id)
        _logged("to_front", by, call_id=call_id)

    async def transfer(self, call_id: str, *, to_agent: str = "", to_queue: str = "", by: str = "") -> None:
        """A talk goes on with that agent, or with whoever comes in that queue; a waiting caller is moved there.

        The caller hears music in between. When that agent does not answer, the caller is first in line.
        """
        if bool(to_agent) == bool(to_queue):
            raise NotSupervisable("Say to whom: an agent or a queue, one of them.")
        if to_queue and to_queue not in self._rules:
            raise self._no_queue(to_queue)
        if to_agent:
            self._must_be_in(to_agent)
        conversation = self._conversations.get(call_id)
        if conversation is not None and conversation.answered_at is not None:
            await self._end_for(conversation, Move(by=by, agent=to_agent, queue=to_queue))
        elif call_id in self._hall.entries and to_queue:
            self._hall.tell(CallerMoved(call_id, queue=to_queue))
        else:
            raise NoSuchCall(f"Call {call_id} is not talked on. `helpline queue` shows which are.")
        _logged("transfer", by, call_id=call_id, agent=to_agent, queue=to_queue)

    async def take_over(self, call_id: str, supervisor: str, *, by: str = "") -> None:
        """The supervisor's own phone rings, and the talk goes on with them."""
        await self.transfer(call_id, to_agent=supervisor, by=by or supervisor)

    def _must_be_in(self, agent: str) -> None:
        state = self._agents.get(agent).state
        if state in (State.SIGNED_OUT, State.PAUSED):
            raise NotSupervisable(f"Agent {agent} takes no calls now ({state.value}). They must be ready, or will be.")

    async def _end_for(self, conversation: Conversation, move: Move) -> None:
        """End the talk on the agent's side; the caller's own coroutine then finds the move and goes on."""
        call_id, phone = conversation.entry.call_id, conversation.phone
        if not phone:
            raise NotSupervisable(PHONE_UNKNOWN)
        self._hall.moves[call_id] = move
        try:
            await self._leave_bridge(conversation.agent, phone)
        except TelephonyError as error:
            self._hall.moves.pop(call_id, None)
            raise NotSupervisable(f"Asterisk could not be asked: {error}") from error

    async def _leave_bridge(self, agent: str, phone: str) -> None:
        """An off-hook line stays open: it goes back to where it waits. Any other phone is hung up."""
        if phone == self._line_of(agent):
            where = {"Context": "from-agents", "Exten": LINE_EXTENSION, "Priority": "again"}
            await self._link.action("Redirect", {"Channel": phone, **where})
        else:
            await self._link.hang_up(phone)

    # -- listening

    async def spy(self, agent_id: str, supervisor: str, how: str, *, by: str = "") -> None:
        """Ring the supervisor's phone: they `listen` to that agent, `whisper` to them, or `barge` in on both sides."""
        if how not in HOW:
            raise NotSupervisable(f"{how!r} is none of listen, whisper, barge.")
        own, heard = self._agents.get(supervisor), self._agents.get(agent_id)
        talk = next((one for one in self._conversations if one.agent == heard.id and one.answered_at), None)
        if talk is None or talk.passed_on:
            raise NoSuchCall(f"Agent {agent_id} talks with nobody now.")
        if not talk.phone:
            raise NotSupervisable(PHONE_UNKNOWN)
        if not self._link.connected:
            raise NotSupervisable("There is no link to Asterisk now. It is made anew by itself: try again in a moment.")
        call_id = CallId(f"{SPY}{supervisor}-{self._clock():%y%m%d%H%M%S%f}")
        call = spying(talk.phone, supervisor=own.endpoint, how=HOW[how], call_id=call_id, caller_id=agent_id)
        task = asyncio.create_task(self._ring(call), name=f"acd spy {supervisor}")
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)
        _logged("spy", by or supervisor, agent=agent_id, how=how)

    async def _ring(self, call: Originate) -> None:
        try:
            told = await self._link.originate(call)
        except TelephonyError as error:
            log.warning("A supervisor can't be rung", extra={"action": "spy_failed", "reason": str(error)})
            return
        if not told.answered:
            log.info("A supervisor did not answer", extra={"action": "spy_not_answered", "call_id": call.call_id})

    async def stop(self) -> None:
        tasks = list(self._ringing)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- queues

    async def close_queue(
        self, name: str, *, announcement: Mapping[str, str], drain: bool = True, by: str = ""
    ) -> None:
        """Who comes from now on hears the announcement (words by language; none: the queue's own) and is sent
        elsewhere by the queue's rules. `drain` False: who waits already, too."""
        if name not in self._rules:
            raise self._no_queue(name)
        notice = NOTHING
        if announcement and self._build_notice is not None:
            notice = await self._build_notice(announcement)
        await self._orders.close(name, notice)
        self._hall.tell(QueueClosed(name, drain=drain))
        _logged("close_queue", by, queue=name)

    async def open_queue(self, name: str, *, by: str = "") -> None:
        """Open again, by its hours."""
        if name not in self._rules:
            raise self._no_queue(name)
        await self._orders.open(name)
        self._hall.tell(QueueOpened(self._rules[name]))
        _logged("open_queue", by, queue=name)

    async def set_notice(self, texts: Mapping[str, str], *, by: str = "") -> None:
        """All who wait hear these words (by language) now, and all who come, once each, until it is cleared."""
        if self._build_notice is None:
            raise NotSupervisable("Words can't be made into sound here.")
        await self._orders.set_notice(await self._build_notice(texts))
        for session in list(self._hall.sessions.values()):
            session.call.wake()
        _logged("set_notice", by)

    async def clear_notice(self, *, by: str = "") -> None:
        await self._orders.set_notice(None)
        _logged("clear_notice", by)

    def _no_queue(self, name: str) -> NoSuchQueue:
        return NoSuchQueue(f"There is no queue {name!r}. There are {', '.join(sorted(self._rules))}.")


def _logged(what: str, by: str, *, call_id: str = "", agent: str = "", queue: str = "", how: str = "") -> None:
    log.info(
        "A supervisor's order",
        extra={"action": what, "by": by, "call_id": call_id, "agent": agent, "queue": queue, "how": how},
    )
