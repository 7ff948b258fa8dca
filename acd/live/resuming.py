"""A call that the queue knew before it came: after a crash of the controller, after a talk that a restart outlived, and
one that we made ourselves to a citizen who was owed it."""

from __future__ import annotations

import logging

from acd.live.conversations import Conversations
from acd.live.hall import Hall, Move
from acd.live.ringing import pause_reason
from acd.records import Conversation, Entry, Resumed
from acd.waiting.callbacks import Callbacks
from agents.service import Agents
from telephony.call import Call, Dialled

log = logging.getLogger(__name__)


class Resuming:
    def __init__(self, *, agents: Agents, hall: Hall, conversations: Conversations, callbacks: Callbacks) -> None:
        self._agents = agents
        self._hall = hall
        self._conversations = conversations
        self._callbacks = callbacks

    async def resume(self, call: Call) -> Resumed | None:
        """What is known of this call; None for one that is new."""
        conversation = self._conversations.get(call.id)
        if conversation is not None:
            resumed = await self._after_talk(call, conversation)
            if resumed is not None:
                return resumed
        entry = self._hall.entries.get(call.id)
        if entry is not None:
            log.info("A waiting caller came back", extra={"action": "reattached", "call_id": call.id})
            return Resumed(request=entry.request, served=None)
        return await self._reached(call)

    async def _reached(self, call: Call) -> Resumed | None:
        callback = self._callbacks.of_call(call.id)
        if callback is None:
            return None
        entry = self._callbacks.reached(callback, call.channel)
        self._hall.called[entry.call_id] = callback.id
        self._hall.entries[entry.call_id] = entry
        await self._callbacks.note_reached(callback, entry)
        return Resumed(request=entry.request, served=None, called_back=True)

    async def _after_talk(self, call: Call, conversation: Conversation) -> Resumed | None:
        """None: they did not talk, and the caller waits on."""
        status = await call.get("DIALSTATUS")
        bridged = await call.get("BRIDGERESULT") == "SUCCESS"
        if status != "ANSWER" and not bridged and conversation.answered_at is None:
            await self._take_back_ring(call, conversation, status)
            return None
        seconds = _seconds(await call.get("ANSWEREDTIME")) if status == "ANSWER" else None
        await call.set("DIALSTATUS", "")
        await call.set("BRIDGERESULT", "")
        await self._hall.answered(call.id, conversation.agent)
        move = self._hall.moves.pop(call.id, None)
        if move is None and conversation.passed_on and status != "ANSWER":
            # Transferred to the helpline's own number, or to a phone that nobody took.
            move = Move(by=conversation.agent)
        if move is not None:
            await self._conversations.set_down(call.id, conversation.agent)
            entry: Entry = await self._hall.rejoin(conversation.entry, move)
            return Resumed(request=entry.request, served=None)
        served = await self._conversations.over(call.id, ended_by="agent", talk_seconds=seconds)
        return Resumed(request=conversation.entry.request, served=served)

    async def _take_back_ring(self, call: Call, conversation: Conversation, status: str) -> None:
        """The phones rang when the session broke off; the ring is over, for the caller is back with us."""
        await self._conversations.not_begun(call.id)
        for agent in conversation.ringing or (conversation.agent,):
            if status in ("NOANSWER", "BUSY"):
                reason = pause_reason(Dialled("BUSY" if status == "BUSY" else "NOANSWER"))
                await self._agents.not_answered(agent, call.id, reason)
            else:
                await self._agents.released(agent, call.id)
        await call.set("DIALSTATUS", "")
        if conversation.recording:
            await call.stop_recording()


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
