"""The queue, live: `wait_for_agent` is all that a caller hears from joining to the end of the conversation.

One coroutine is one call. Decisions come from the pure engine; whatever one caller's event decides for another is put
into effect by waking that other's coroutine, which looks at the engine and acts. What the link tells is worked off in
order by one task, deadlines by another.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from acd.conversations import Clock, Conversations
from acd.decisions import Decision, Offer
from acd.engine import Engine
from acd.errors import QueueUnreadable
from acd.events import (
    AgentBusy,
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallerAttached,
    CallerDetached,
    CallerJoined,
    CallerLeft,
    Event,
    OfferAnswered,
    OfferFailed,
)
from acd.floor import Floor, Link
from acd.ledger import Ledger
from acd.queues import DEFAULT_QUEUES
from acd.records import Conversation, Entry, NotServed, Outcome, Request, Resumed, Served, record_of
from acd.ringing import pause_reason, recording_file
from acd.settings import AcdSettings, WaitingWords
from acd.snapshot import KnownCall, Snapshot, known_call, snapshot_of
from acd.store import CallLog, QueueStore
from acd.waiting import Position, Rhythm, Told
from agents.agent import Agent, PresenceChanged
from agents.errors import NotAvailable
from agents.presence import State
from agents.service import Agents
from telephony.call import Call, Dialled
from telephony.errors import CommandRefused, HungUp

log = logging.getLogger(__name__)

RING_SLACK_SECONDS = 5.0  # Asterisk ends the ring by itself; only what went wrong lasts longer
LOOK_SECONDS = 10.0  # a caller is woken for every decision; look all the same, should the link break unnoticed
POLL_SECONDS = 0.5  # with the link down nobody can wake a caller: look this often instead

__all__ = ["Acd", "AcdSettings", "NotServed", "Request", "Resumed", "Served", "WaitingWords"]


@dataclass(slots=True)
class _Session:
    """The coroutine of one waiting call."""

    call: Call
    entry: Entry
    told: Told
    rings: int = 0


class Acd:
    """See the module. `start()` before the first call, `stop()` after the last."""

    def __init__(
        self,
        *,
        agents: Agents,
        redis: Redis,
        calls: CallLog,
        link: Link,
        clock: Clock,
        words: WaitingWords,
        settings: AcdSettings,
    ) -> None:
        self._agents = agents
        self._calls = calls
        self._link = link
        self._clock = clock
        self._words = words
        self._settings = settings
        self._rhythm = Rhythm(
            first_seconds=settings.announce_first_seconds, every_seconds=settings.announce_every_seconds
        )
        self._engine = Engine(DEFAULT_QUEUES)
        self._entries: dict[str, Entry] = {}
        self._sessions: dict[str, _Session] = {}
        self._next_place = 1
        self._store = QueueStore(redis)
        self._ledger = Ledger(calls)
        self._conversations = Conversations(
            agents=agents,
            store=self._store,
            ledger=self._ledger,
            clock=clock,
            wrap_up_seconds=settings.wrap_up_seconds,
        )
        self._floor = Floor(
            agents=agents,
            conversations=self._conversations,
            link=link,
            waiting=self._entries,
            attached=self._sessions,
            answered=self._answered,
            caller_gone=self._leave,
            clock=clock,
            wrap_up_seconds=settings.wrap_up_seconds,
        )
        agents.watch(self._presence_changed)

    # -- coming up and going down

    async def start(self) -> None:
        """Take up who waits and who talks. `agents` must be loaded. Raises QueueUnreadable."""
        try:
            entries, conversations = await self._store.read()
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnreadable(
                "Redis does not answer, so it is not known who waits. Start it, or mend redis_url, and try again."
            ) from error
        self._store.start()
        self._ledger.start()
        for conversation in conversations:
            self._conversations.take_up(conversation)
        for entry in entries:
            self._next_place = max(self._next_place, entry.place + 1)
            self._entries[entry.call_id] = entry
            self._tell(CallerJoined(entry.in_line(), attached=False))
        known = {entry.call_id for entry in entries} | {c.entry.call_id for c in conversations}
        await self._close_unknown(known)
        for agent in self._agents.list():
            self._feed(agent)
        await self._floor.start()
        if known:
            log.info(
                "Took up the queue",
                extra={"action": "queue_taken_up", "waiting": len(entries), "talking": len(conversations)},
            )

    async def stop(self) -> None:
        """End what runs beside the calls. Who waits and talks stays in Redis."""
        await self._floor.stop()
        await self._ledger.stop()
        await self._store.stop()

    async def _close_unknown(self, known: set[str]) -> None:
        try:
            lost = await self._calls.close_unknown(known, self._clock())
        except (SQLAlchemyError, OSError) as error:
            log.error("Old calls can't be closed", extra={"action": "call_log_failed", "error": str(error)})
            return
        if lost:
            log.warning("Calls were lost", extra={"action": "calls_lost", "calls": lost})

    # -- a caller's way

    async def wait_for_agent(self, call: Call, request: Request) -> Served | NotServed:
        """The whole of waiting, ringing and talking. Raises HungUp when the caller leaves before an agent answered.

        A caller whose place is held (see `resume`) takes it up again. When this coroutine ends in any other way (the
        controller stops, the session breaks), the place is held for the caller's return.
        """
        entry = await self._join(call, request)
        session = _Session(call, entry, Told.nothing(self._clock(), self._rhythm))
        self._sessions[call.id] = session
        self._tell(CallerAttached(call.id))
        try:
            return await self._wait(session)
        except HungUp:
            await self._leave(call.id, Outcome.ABANDONED)
            raise
        finally:
            self._detach(call.id)

    async def _join(self, call: Call, request: Request) -> Entry:
        if (held := self._entries.get(call.id)) is not None:
            return held
        entry = Entry(
            call_id=call.id,
            channel=call.channel,
            caller=call.caller,
            request=request,
            joined_at=self._clock(),
            place=self._next_place,
        )
        self._next_place += 1
        self._entries[call.id] = entry
        self._tell(CallerJoined(entry.in_line(), attached=False))  # in line at once, offered once it is written
        await self._store.put_waiting(entry)
        self._ledger.note(record_of(entry, Outcome.WAITING))
        log.info("A caller waits", extra={"action": "joined", "call_id": call.id, "pii_caller": call.caller})
        return entry

    async def _wait(self, session: _Session) -> Served | NotServed:
        call, limit = session.call, self._settings.max_wait_seconds
        await call.music(True)
        while True:
            offer = self._engine.offer_to(call.id)
            if offer is not None:
                served = await self._ring(session, offer)
                if served is not None:
                    return served
                await call.music(True)
                continue
            now = self._clock()
            waited = (now - session.entry.joined_at).total_seconds()
            if limit is not None and waited >= limit:
                await self._leave(call.id, Outcome.NOT_SERVED)
                return NotServed("nobody was free in time")
            seconds = session.told.seconds_left(now)
            if seconds <= 0:
                await self._announce(session)
                continue
            look_in = LOOK_SECONDS if self._link.connected else POLL_SECONDS
            await call.wait(min(seconds, look_in, limit - waited if limit is not None else seconds))

    async def _announce(self, session: _Session) -> None:
        language = session.entry.request.language
        session.told, words = session.told.next(self._engine.position(session.call.id) or 1)
        if isinstance(words, Position):
            prompts = self._words.position(words.position, language)
        else:
            prompts = self._words.patience(language)
        await session.call.play(*prompts, wakeable=True)
        session.told = session.told.said(self._clock(), self._rhythm)

    async def _ring(self, session: _Session, offer: Offer) -> Served | None:
        """Ring the offered agent and let them talk. None: nobody answered, the caller waits on at the old place."""
        call, agent = session.call, self._agents.get(offer.agent)
        seconds = self._settings.ring_seconds
        try:
            await self._agents.ringing(agent.id, call.id, seconds=seconds + RING_SLACK_SECONDS)
        except NotAvailable:
            self._offer_failed(call.id, agent)
            return None
        session.rings += 1
        recording = await self._start_recording(session)
        await self._conversations.ring(
            Conversation(entry=session.entry, agent=agent.id, since=self._clock(), recording=recording)
        )
        log.info("An agent's phone rings", extra={"action": "ringing", "call_id": call.id, "agent": agent.id})
        hung_up: HungUp | None = None
        try:
            dialled = await call.dial(f"PJSIP/{agent.endpoint}", ring_seconds=seconds)
        except HungUp as end:
            hung_up, dialled = end, end.dialled or Dialled("CANCEL")
        conversation = self._conversations.get(call.id)
        if dialled.answered or (conversation is not None and conversation.answered_at is not None):
            return await self._talked(call.id, agent, dialled, hung_up)
        await self._not_answered(call.id, agent, dialled, hung_up)
        if hung_up is not None:
            raise hung_up
        if recording:
            await call.stop_recording()
        return None

    async def _talked(self, call_id: str, agent: Agent, dialled: Dialled, hung_up: HungUp | None) -> Served:
        await self._out_of_line(call_id)
        seconds = dialled.talk_seconds if dialled.answered else None
        conversation = self._conversations.get(call_id)
        if hung_up is not None and hung_up.transferred and conversation is not None:
            await self._conversations.passed_on(call_id, agent.id)
            recording = conversation.recording
            return Served(agent=agent.id, talk_seconds=seconds or 0.0, recording=recording, ended_by="transferred")
        ended_by = "agent" if hung_up is None else "caller"
        served = await self._conversations.over(call_id, ended_by=ended_by, talk_seconds=seconds)
        return served or Served(agent=agent.id, talk_seconds=seconds or 0.0, recording="", ended_by=ended_by)

    async def _not_answered(self, call_id: str, agent: Agent, dialled: Dialled, hung_up: HungUp | None) -> None:
        await self._conversations.not_begun(call_id)
        reason = "" if hung_up is not None else pause_reason(dialled)
        log.info(
            "An agent's phone rang without an answer",
            extra={
                "action": "not_answered",
                "call_id": call_id,
                "agent": agent.id,
                "status": dialled.status,
                "cause": dialled.cause,
                "caller_left": hung_up is not None,
            },
        )
        if reason:
            await self._agents.not_answered(agent.id, call_id, reason)
        else:
            await self._agents.released(agent.id, call_id)
        if hung_up is None:
            self._offer_failed(call_id, agent)
        else:
            await self._leave(call_id, Outcome.ABANDONED)

    async def _start_recording(self, session: _Session) -> str:
        """Begin to record; a call that can't be recorded is a call all the same."""
        file = recording_file(
            self._settings.recordings_folder,
            call_id=session.call.id,
            joined_at=session.entry.joined_at,
            began=self._clock(),
            ring=session.rings,
        )
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await session.call.start_recording(file)
        except (CommandRefused, OSError) as error:
            log.error(
                "A conversation can't be recorded",
                extra={"action": "recording_failed", "call_id": session.call.id, "error": str(error)},
            )
            return ""
        return str(file)

    # -- after a crash

    async def resume(self, call: Call) -> Resumed | None:
        """What the controller before knew of this call; None for one it did not know. To be asked first of all.

        A conversation that ended meanwhile is closed. A waiting caller's place is held for `wait_for_agent`.
        """
        conversation, entry = self._conversations.get(call.id), self._entries.get(call.id)
        if conversation is not None:
            status = await call.get("DIALSTATUS")
            if status == "ANSWER" or conversation.answered_at is not None:
                seconds = _seconds(await call.get("ANSWEREDTIME")) if status == "ANSWER" else None
                await call.set("DIALSTATUS", "")
                await self._out_of_line(call.id)
                served = await self._conversations.over(call.id, ended_by="agent", talk_seconds=seconds)
                return Resumed(request=conversation.entry.request, served=served)
            await self._take_back_ring(call, conversation, status)
        if entry is None:
            return None
        log.info("A waiting caller came back", extra={"action": "reattached", "call_id": call.id})
        return Resumed(request=entry.request, served=None)

    async def _take_back_ring(self, call: Call, conversation: Conversation, status: str) -> None:
        """The phone rang when the session broke off; the ring is over, for the caller is back with us."""
        await self._conversations.not_begun(call.id)
        if status in ("NOANSWER", "BUSY"):
            reason = pause_reason(Dialled("BUSY" if status == "BUSY" else "NOANSWER"))
            await self._agents.not_answered(conversation.agent, call.id, reason)
        else:
            await self._agents.released(conversation.agent, call.id)
        await call.set("DIALSTATUS", "")
        if conversation.recording:
            await call.stop_recording()

    # -- what is seen of it

    def snapshot(self) -> Snapshot:
        """Who waits and who talks now."""
        return snapshot_of(
            at=self._clock(),
            engine=self._engine,
            entries=self._entries,
            conversations=self._conversations,
            repairs=self._floor.repairs,
        )

    def call(self, call_id: str) -> KnownCall | None:
        """A call that waits, rings or is talked on now."""
        conversation = self._conversations.get(call_id)
        entry = conversation.entry if conversation else self._entries.get(call_id)
        return None if entry is None else known_call(entry)

    # -- the engine

    def _tell(self, event: Event) -> None:
        """Tell the engine; wake whoever it has decided something for."""
        self._wake(self._engine.handle(event, self._clock()))

    def _wake(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Offer):
                self._sessions[decision.caller].call.wake()

    def _detach(self, call_id: str) -> None:
        """The session is over. A caller who is still in line keeps the place; an offer is void."""
        self._sessions.pop(call_id, None)
        offer = self._engine.offer_to(call_id)
        self._tell(CallerDetached(call_id))
        if offer is not None:
            self._feed(self._agents.get(offer.agent))

    def _feed(self, agent: Agent) -> None:
        if agent.state is State.SIGNED_OUT:
            self._tell(AgentSignedOut(agent.id))
            return
        self._tell(AgentSignedIn(agent.id, agent.skills))
        if agent.available:
            self._tell(AgentReady(agent.id, agent.ready_since or agent.since, agent.busy_share))
        elif agent.state in (State.READY, State.PAUSED):  # ready, and the phone away
            self._tell(AgentPaused(agent.id))
        else:
            self._tell(AgentBusy(agent.id))

    def _presence_changed(self, change: PresenceChanged) -> None:
        self._feed(change.after)
        self._floor.look()

    def _offer_failed(self, call_id: str, agent: Agent) -> None:
        self._tell(OfferFailed(call_id, agent.id))
        self._feed(self._agents.get(agent.id))

    async def _answered(self, call_id: str) -> None:
        """Asterisk says that they talk now."""
        if await self._conversations.answered(call_id):
            await self._out_of_line(call_id)

    async def _out_of_line(self, call_id: str) -> None:
        """The caller talks: no longer waiting, and no offer is open."""
        conversation = self._conversations.get(call_id)
        self._tell(OfferAnswered(call_id, conversation.agent if conversation is not None else ""))
        if self._entries.pop(call_id, None) is not None:
            await self._store.drop_waiting(call_id)

    async def _leave(self, call_id: str, outcome: Outcome) -> None:
        """Out of the queue without an agent; done once, whoever asks first. An agent held for the caller is free."""
        entry = self._entries.pop(call_id, None)
        if entry is None:
            return
        offer = self._engine.offer_to(call_id)
        self._tell(CallerLeft(call_id))
        if offer is not None:
            agent = await self._agents.released(offer.agent, call_id)
            self._feed(agent)
        now = self._clock()
        log.info(
            "A caller left the queue",
            extra={
                "action": outcome.value,
                "call_id": call_id,
                "waited": (now - entry.joined_at).total_seconds(),
            },
        )
        self._ledger.note(record_of(entry, outcome, ended_at=now))
        await self._ledger.written(call_id)
        await self._store.drop_waiting(call_id)


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
