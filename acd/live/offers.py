"""The ring: from the offer of an agent to the end of the conversation, or back to waiting at the old place.

On-hook agents are rung by one Dial, several of them in a race; an off-hook agent, whose phone is connected already, is
bridged. Whoever does not take it is paused and told why; the caller never hears a gap.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from acd.live.conversations import Clock, Conversations
from acd.live.hall import Hall
from acd.live.jobs import Jobs
from acd.live.ringing import pause_reason, recording_file
from acd.records import Conversation, Served
from acd.waiting.session import Session
from agents.agent import Agent, agent_on
from agents.errors import NotAvailable
from agents.service import Agents
from telephony.call import Dialled
from telephony.errors import CommandRefused, HungUp
from telephony.session import CLOSED

log = logging.getLogger(__name__)

RING_SLACK_SECONDS = 5.0  # Asterisk ends the ring by itself; only what went wrong lasts longer
BRIDGED_AFTER_SECONDS = 0.1


class Offers:
    """Puts the engine's offers for one caller into effect, in the caller's own coroutine.

    `line_of`: the channel of an off-hook agent who is connected now, "" for everybody else. `tone`: such an
    agent hears a short tone before the caller.
    """

    def __init__(
        self,
        *,
        agents: Agents,
        hall: Hall,
        conversations: Conversations,
        line_of: Callable[[str], str],
        jobs: Jobs,
        clock: Clock,
        ring_seconds: int,
        recordings_folder: Path,
        tone: bool,
    ) -> None:
        self._agents = agents
        self._hall = hall
        self._conversations = conversations
        self._line_of = line_of
        self._jobs = jobs
        self._clock = clock
        self._ring_seconds = ring_seconds
        self._recordings_folder = recordings_folder
        self._tone = tone

    async def ring(self, session: Session) -> Served | None:
        """Ring whoever is offered and let them talk. None: the caller waits on, at the old place, or at the front when
        a supervisor wants another to take the call."""
        call = session.call
        rung, recording = await self._prepare(session)
        if not rung:
            return None
        if len(rung) > 1:
            rung = await self._first_line_alone(call.id, rung, recording)
        hung_up: HungUp | None = None
        try:
            dialled = await self._connect(session, rung)
        except HungUp as end:
            hung_up, dialled = end, end.dialled or Dialled("CANCEL")
        conversation = self._conversations.get(call.id)
        if dialled.answered or (conversation is not None and conversation.answered_at is not None):
            return await self._talked(session, rung, dialled, hung_up)
        await self._not_answered(call.id, rung, dialled, hung_up)
        if hung_up is not None:
            raise hung_up
        if recording:
            await call.stop_recording()
        return None

    async def _prepare(self, session: Session) -> tuple[list[Agent], str]:
        """Write down who is about to be rung, and begin to record. Who can't be rung (any more) is let go."""
        call = session.call
        offers = self._hall.engine.offers_to(call.id)
        offered = [self._agents.get(offer.agent) for offer in offers]
        rung: list[Agent] = []

        async def ringing(agent: Agent) -> None:
            try:
                await self._agents.ringing(agent.id, call.id, seconds=self._ring_seconds + RING_SLACK_SECONDS)
            except NotAvailable:
                self._hall.offer_failed(call.id, agent.id)
            else:
                rung.append(agent)

        session.rings += 1
        file = self._recording_of(session)
        conversation = Conversation(
            entry=session.entry,
            agent=offered[0].id,
            since=self._clock(),
            recording=str(file),
            ringing=tuple(agent.id for agent in offered),
            why=offers[0].why.value,
        )
        # Together, so that it is one trip to Redis for all; the phones ring only afterwards.
        await asyncio.gather(*(ringing(agent) for agent in offered), self._conversations.ring(conversation))
        if not rung:
            await self._conversations.not_begun(call.id)
            return [], ""
        try:
            recorded = await self._start_recording(session, file)
        except HungUp:
            await self._conversations.not_begun(call.id)
            raise
        await self._conversations.rung(call.id, [agent.id for agent in rung], str(file) if recorded else "")
        log.info(
            "An agent's phone rings",
            extra={"action": "ringing", "call_id": call.id, "agent": " ".join(agent.id for agent in rung)},
        )
        return rung, str(file) if recorded else ""

    async def _first_line_alone(self, call_id: str, rung: list[Agent], recording: str) -> list[Agent]:
        """In a race an off-hook agent hears the caller at once, so nobody else is rung: the others are free again, and
        are blamed for nothing should that line drop."""
        first = next((agent for agent in rung if self._line_of(agent.id)), None)
        if first is None:
            return rung
        others = [agent.id for agent in rung if agent is not first]
        await asyncio.gather(
            self._conversations.rung(call_id, [first.id], recording),
            *(self._agents.released(other, call_id) for other in others),
        )
        for other in others:
            self._hall.offer_failed(call_id, other)
        return [first]

    async def _connect(self, session: Session, rung: Sequence[Agent]) -> Dialled:
        """Ring them; an off-hook agent hears the caller at once instead."""
        call = session.call
        if line := self._line_of(rung[0].id):
            return await self._bridge(session, rung[0], line)
        return await call.dial(
            [f"PJSIP/{agent.endpoint}" for agent in rung],
            ring_seconds=self._ring_seconds,
            auto_answer=all(agent.auto_answer for agent in rung),
        )

    async def _bridge(self, session: Session, agent: Agent, line: str) -> Dialled:
        call = session.call

        async def talking() -> None:
            if await self._conversations.answered(call.id, agent.id, phone=line):
                await self._hall.answered(call.id, agent.id)

        # Asterisk tells nothing of a bridge; one that can't be made is over sooner than this.
        begun = asyncio.get_running_loop().call_later(
            BRIDGED_AFTER_SECONDS, partial(self._jobs.put, talking, of=call.id)
        )
        try:
            return await call.bridge(line, tone=self._tone)
        finally:
            begun.cancel()

    async def _talked(
        self, session: Session, rung: Sequence[Agent], dialled: Dialled, hung_up: HungUp | None
    ) -> Served | None:
        if hung_up is not None and hung_up.reason == CLOSED:
            raise hung_up  # nobody told that they hung up: what has become of the talk is the link's to tell
        call_id = session.call.id
        conversation = self._conversations.get(call_id)
        agent = _who_answered(conversation, dialled, rung)
        self._conversations.taken_by(call_id, agent)
        await self._hall.answered(call_id, agent)
        seconds = dialled.talk_seconds if dialled.answered else None
        if hung_up is not None and hung_up.transferred and conversation is not None:
            await self._conversations.passed_on(call_id, agent)
            recording = conversation.recording
            return Served(agent=agent, talk_seconds=seconds or 0.0, recording=recording, ended_by="transferred")
        move = self._hall.moves.pop(call_id, None)
        if move is not None and hung_up is None:
            await self._conversations.set_down(call_id, agent)
            session.entry = await self._hall.rejoin(session.entry, move)
            self._hall.step_back(call_id)
            return None
        ended_by = "agent" if hung_up is None else "caller"
        served = await self._conversations.over(call_id, ended_by=ended_by, talk_seconds=seconds, agent=agent)
        return served or Served(agent=agent, talk_seconds=seconds or 0.0, recording="", ended_by=ended_by)

    async def _not_answered(
        self, call_id: str, rung: Sequence[Agent], dialled: Dialled, hung_up: HungUp | None
    ) -> None:
        await self._conversations.not_begun(call_id)
        reason = "" if hung_up is not None else pause_reason(dialled)
        log.info(
            "An agent's phone rang without an answer",
            extra={
                "action": "not_answered",
                "call_id": call_id,
                "agent": " ".join(agent.id for agent in rung),
                "status": dialled.status,
                "cause": dialled.cause,
                "caller_left": hung_up is not None,
            },
        )
        for agent in rung:
            if reason:
                await self._agents.not_answered(agent.id, call_id, reason)
            else:
                await self._agents.released(agent.id, call_id)
            if hung_up is None:
                self._hall.offer_failed(call_id, agent.id)

    def _recording_of(self, session: Session) -> Path:
        return recording_file(
            self._recordings_folder,
            call_id=session.call.id,
            joined_at=session.entry.joined_at,
            began=self._clock(),
            ring=session.rings,
        )

    async def _start_recording(self, session: Session, file: Path) -> bool:
        """Begin to record; a call that can't be recorded is a call all the same."""
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await session.call.start_recording(file)
        except (CommandRefused, OSError) as error:
            log.error(
                "A conversation can't be recorded",
                extra={"action": "recording_failed", "call_id": session.call.id, "error": str(error)},
            )
            return False
        return True


def _who_answered(conversation: Conversation | None, dialled: Dialled, rung: Sequence[Agent]) -> str:
    """Of those who were rung. What the link told counts, then what Dial told; of one alone there is no doubt."""
    ids = [agent.id for agent in rung]
    told = conversation.agent if conversation is not None and conversation.answered_at is not None else ""
    return next((id for id in ids if id in (told, agent_on(dialled.by))), ids[0])
