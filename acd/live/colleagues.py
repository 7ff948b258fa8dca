"""An agent's phone dials a colleague, or transfers a caller to one, whose line is open: AGI path "colleague".

A phone that is connected already is not rung on a second line. A colleague who is free is bridged; one who rings or
talks is told as busy; a caller who is transferred goes to the front of the queue and waits for that colleague first.
Any other colleague's phone is rung by the dialplan, which does so too when no controller is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from acd.live.conversations import Conversations
from acd.live.hall import Hall, Move
from agents.agent import Agent, Line
from agents.errors import UnknownAgent
from agents.presence import State
from agents.service import Agents
from telephony.call import Call

log = logging.getLogger(__name__)

ANSWER_VARIABLE: Final = "HELPLINE_COLLEAGUE"
"""What the dialplan does next: `busy`, `queued`, or "": ring the phone."""
IN_A_CALL: Final = frozenset({State.RINGING, State.TALKING})


class Colleagues:
    def __init__(
        self,
        *,
        agents: Agents,
        hall: Hall,
        conversations: Conversations,
        line_of: Callable[[str], str],
        wrap_up_seconds: float,
    ) -> None:
        self._agents = agents
        self._hall = hall
        self._conversations = conversations
        self._line_of = line_of
        self._wrap_up_seconds = wrap_up_seconds

    async def put_through(self, call: Call) -> None:
        """The handler of the path "colleague"; when it returns and the call is not done, the dialplan goes on."""
        colleague = self._of(call.dialled)
        if colleague is None or not (line := self._line_of(colleague.id)):
            return
        conversation = self._conversations.get(call.id)
        if conversation is not None:
            self._hall.moves[call.id] = Move(by=conversation.agent, agent=colleague.id)
            await call.set(ANSWER_VARIABLE, "queued")
        elif colleague.state in IN_A_CALL:
            await call.set(ANSWER_VARIABLE, "busy")
        else:
            await self._consult(call, colleague, line)

    def _of(self, dialled: str) -> Agent | None:
        try:
            agent = self._agents.get(dialled)
        except UnknownAgent:
            return None
        return agent if agent.line is Line.OFF_HOOK else None

    async def _consult(self, call: Call, colleague: Agent, line: str) -> None:
        log.info(
            "A colleague is asked",
            extra={"action": "consulted", "call_id": call.id, "agent": colleague.id, "channel": call.channel},
        )
        await self._agents.talking(colleague.id, call.id)  # first of all: from now on nobody else is given to them
        try:
            await call.answer()
            await call.bridge(line, tone=True)
        finally:
            # Should they talk with the caller by now (an attended transfer), this is another call's: nothing changes.
            await self._agents.wrap_up(colleague.id, call=call.id, seconds=self._wrap_up_seconds)
        await call.done()
