"""The queue, live, as the other rooms see it: `Acd`.

One coroutine is one call. Decisions come from the pure engine and are put into effect by the parts that this module
puts together: `live.hall` (who holds which place), `waiting.caller_way` (what a caller goes through), `live.offers`
(ring and talk), `waiting.callbacks`, `live.work_desk`, `live.supervision`, `live.floor` (what the link tells,
deadlines, repairs).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from acd.engine.events import Event, QueueClosed, QueueOpened
from acd.errors import NoSuchQueue, QueueUnreadable
from acd.history.today import Today
from acd.live.colleagues import Colleagues
from acd.live.conversations import Clock, Conversations
from acd.live.floor import Floor
from acd.live.gone_phones import GonePhones
from acd.live.hall import Hall, Journal
from acd.live.jobs import Jobs
from acd.live.joining import Joining
from acd.live.ledger import Ledger
from acd.live.link import Link
from acd.live.off_hook import OffHook
from acd.live.offers import Offers
from acd.live.orders import StandingOrders
from acd.live.restarts import Restarts
from acd.live.resuming import Resuming
from acd.live.seen import Seen
from acd.live.supervision import Supervision
from acd.live.work import WorkItem
from acd.live.work_desk import WorkDesk
from acd.records import CallbackOwed, NotServed, Request, Resumed, Served
from acd.settings import AcdSettings, WaitingWords
from acd.snapshot import KnownCall, Snapshot
from acd.store import CallLog, QueueStore
from acd.waiting.admission import Load, house_is_full, line_is_full
from acd.waiting.announcements import Rhythm, Told
from acd.waiting.callbacks import Callbacks
from acd.waiting.caller_way import CallerWay, End
from acd.waiting.callers import KnownCallers
from acd.waiting.notices import NoticeBuilder
from acd.waiting.session import Aside, Session
from agents.agent import Line, PresenceChanged
from agents.service import Agents
from telephony.call import Call

log = logging.getLogger(__name__)

__all__ = ["Acd", "AcdSettings", "CallbackOwed", "NotServed", "Request", "Resumed", "Served", "WaitingWords"]

KEEP_LEARNED_EVERY = timedelta(minutes=1)
"""The forecast's text is some 100 kB on a busy day; what a crash forgets of it is not missed."""


class Acd:
    """See the module. `start()` before the first call, `stop()` after the last.

    `calls_in_use` counts the calls that Asterisk has with us now; `build_notice` makes a supervisor's words into sound.
    """

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
        journal: Journal | None = None,
        build_notice: NoticeBuilder | None = None,
        calls_in_use: Callable[[], int] = lambda: 0,
    ) -> None:
        self._agents = agents
        self._calls = calls
        self._link = link
        self._clock = clock
        self._settings = settings
        self._calls_in_use = calls_in_use
        self._rhythm = Rhythm(
            first_seconds=settings.announce_first_seconds, every_seconds=settings.announce_every_seconds
        )
        self._rules = {rules.name: rules for rules in settings.queues}
        self.callers = KnownCallers(calls, clock)
        self._learned_kept_at = clock()
        self._store = QueueStore(redis)
        self._ledger = Ledger(calls)
        self._jobs = Jobs()
        self._orders = StandingOrders(self._store)
        self._hall = Hall(
            agents=agents,
            store=self._store,
            ledger=self._ledger,
            jobs=self._jobs,
            clock=clock,
            queues=list(self._rules),
            today=Today({name: rules.promise for name, rules in self._rules.items()}, settings.zone),
            notes=journal,
        )
        self._callbacks = Callbacks(
            link=link,
            store=self._store,
            ledger=self._ledger,
            tell=self._hall.tell,
            clock=clock,
            rules=settings.callback,
        )
        self._hall.ring_back = self._callbacks.ring
        self._work = WorkDesk(agents=agents, hall=self._hall, store=self._store)
        self._hall.hand_out = self._work.hand_out
        self._conversations = Conversations(
            agents=agents,
            store=self._store,
            ledger=self._ledger,
            clock=clock,
            wrap_up_seconds=settings.wrap_up_seconds,
            ended=self._hall.ended,
        )
        self._hall.rings = self._conversations.rings
        self._off_hook = OffHook(agents=agents, link=link)
        GonePhones(hall=self._hall, conversations=self._conversations, link=link, jobs=self._jobs)
        self._colleagues = Colleagues(
            agents=agents,
            hall=self._hall,
            conversations=self._conversations,
            line_of=self._line_of,
            wrap_up_seconds=settings.wrap_up_seconds,
        )
        self._way = self._caller_way(words)
        self._resuming = Resuming(
            agents=agents, hall=self._hall, conversations=self._conversations, callbacks=self._callbacks
        )
        self._restarts = Restarts(
            link=link,
            hall=self._hall,
            conversations=self._conversations,
            callbacks=self._callbacks,
            orders=self._orders,
            clock=clock,
        )
        self._floor = Floor(
            agents=agents,
            hall=self._hall,
            conversations=self._conversations,
            callbacks=self._callbacks,
            restarts=self._restarts,
            link=link,
            jobs=self._jobs,
            clock=clock,
            wrap_up_seconds=settings.wrap_up_seconds,
            tidy=self._tidy,
        )
        self._joining = Joining(
            hall=self._hall,
            callbacks=self._callbacks,
            callers=self.callers,
            store=self._store,
            jobs=self._jobs,
            clock=clock,
        )
        self._seen = Seen(
            agents=agents,
            hall=self._hall,
            conversations=self._conversations,
            callbacks=self._callbacks,
            work=self._work,
            orders=self._orders,
            repairs=self._floor.repairs,
            link=link,
            clock=clock,
            zone=settings.zone,
        )
        self.supervision = Supervision(
            agents=agents,
            hall=self._hall,
            conversations=self._conversations,
            orders=self._orders,
            link=link,
            rules=self._rules,
            line_of=self._line_of,
            build_notice=build_notice,
            clock=clock,
        )
        agents.watch(self._presence_changed)

    def _caller_way(self, words: WaitingWords) -> CallerWay:
        offers = Offers(
            agents=self._agents,
            hall=self._hall,
            conversations=self._conversations,
            line_of=self._line_of,
            jobs=self._jobs,
            clock=self._clock,
            ring_seconds=self._settings.ring_seconds,
            recordings_folder=self._settings.recordings_folder,
            tone=self._settings.off_hook_tone,
        )
        return CallerWay(
            hall=self._hall,
            offers=offers,
            callbacks=self._callbacks,
            orders=self._orders,
            link=self._link,
            words=words,
            rhythm=self._rhythm,
            max_wait_seconds=self._settings.max_wait_seconds,
            clock=self._clock,
        )

    # -- coming up and going down

    async def start(self) -> None:
        """Take up who waits, who talks, who is owed a call. `agents` must be loaded. Raises QueueUnreadable."""
        try:
            found = await self._store.read()
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnreadable(
                "Redis does not answer, so it is not known who waits. Start it, or mend redis_url, and try again."
            ) from error
        self._store.start()
        self._ledger.start()
        self._orders.take_up(found.orders)
        self._hall.remembered.take_up(found.left)
        self._hall.expected.take_up(found.forecast)
        for conversation in found.conversations:
            self._conversations.take_up(conversation)
        events: list[Event] = [QueueOpened(rules) for rules in self._settings.queues]
        events += [QueueClosed(name) for name in self._orders.closed if name in self._rules]
        events += self._hall.take_up(found.waiting)
        for callback in found.callbacks:
            events += self._callbacks.take_up(callback)
        for item in found.work:
            events += self._work.take_up(item)
        for agent in self._agents.list():
            events += self._hall.events_of(agent)
        known = {entry.call_id for entry in found.waiting} | {c.entry.call_id for c in found.conversations}
        await self._close_unknown(known)
        self._hall.tell_together(events)
        self._jobs.put(self._read_recent, of="recent")
        self._jobs.start()
        await self._floor.start()
        if known or found.callbacks:
            log.info(
                "Took up the queue",
                extra={
                    "action": "queue_taken_up",
                    "waiting": len(found.waiting),
                    "talking": len(found.conversations),
                    "callbacks": len(found.callbacks),
                },
            )

    async def stop(self) -> None:
        """End what runs beside the calls. Who waits, talks or is owed a call stays in Redis."""
        self._hall.stop()
        await self._floor.stop()
        await self._jobs.stop()
        await self._callbacks.stop()
        await self.supervision.stop()
        await self._ledger.stop()
        await self._store.put_forecast(self._hall.expected.kept())
        await self._store.stop()

    async def _close_unknown(self, known: set[str]) -> None:
        try:
            lost = await self._calls.close_unknown(known, self._clock())
        except (SQLAlchemyError, OSError) as error:
            log.error("Old calls can't be closed", extra={"action": "call_log_failed", "error": str(error)})
            return
        if lost:
            log.warning("Calls were lost", extra={"action": "calls_lost", "calls": lost})

    async def _read_recent(self) -> None:
        """Who called before, and today's figures; a long list, so calls do not wait for it."""
        now = self._clock()
        await self.callers.read()
        try:
            self._hall.today.happened(await self._calls.ended_since(self._hall.today.begins(now)))
        except (SQLAlchemyError, OSError) as error:
            log.error("Today's calls are not known", extra={"action": "call_log_failed", "error": str(error)})

    async def _tidy(self) -> None:
        """Places that were kept for those who left are given up in time; what is learned of waits is kept."""
        for caller in self._hall.remembered.too_old(self._clock()):
            await self._store.drop_left(caller)
        now = self._clock()
        if now - self._learned_kept_at >= KEEP_LEARNED_EVERY:
            self._learned_kept_at = now
            await self._store.put_forecast(self._hall.expected.kept())

    # -- a caller's way

    async def wait_for_agent(self, call: Call, request: Request, *, asides: Mapping[str, Aside] | None = None) -> End:
        """The whole of waiting, ringing and talking. Raises HungUp when the caller leaves before an agent answered.

        A caller whose place is held (see `resume`) takes it up again. When this coroutine ends in any other way (the
        controller stops, the session breaks), the place is held for the caller's return. `asides`: what further keys do
        while waiting.
        """
        entry = self._hall.entries.get(call.id) or await self._joining.join(call, request)
        told = Told.nothing(self._clock(), self._rhythm)
        return await self._way.walk(Session(call, entry, told, asides or {}))

    async def resume(self, call: Call) -> Resumed | None:
        """What was known of this call before it came; None for a new one. To be asked first of all.

        A conversation that ended meanwhile is closed. A waiting caller's place is held for `wait_for_agent`, and so is
        that of a citizen whom we rang because a call was owed.
        """
        return await self._resuming.resume(call)

    def full(self) -> bool:
        """Whether no further call can be carried, as one comes: apologise, and `owe_callback`."""
        return house_is_full(self._load(), self._settings.admission)

    def line_full(self) -> bool:
        """Whether nobody more is let in to wait, when a caller wants to: likewise."""
        return line_is_full(self._load(), self._settings.admission)

    def _load(self) -> Load:
        return Load(self._calls_in_use(), self._settings.max_calls, len(self._hall.entries))

    async def owe_callback(self, call: Call, request: Request) -> bool:
        """Keep a place for a caller who can't be let in, and ring them when it is due. False: no number is known."""
        return await self._joining.owe_callback(call, request)

    async def attend(self, call: Call) -> None:
        """An off-hook agent's line (AGI path "agent")."""
        await self._off_hook.attend(call)

    async def put_through(self, call: Call) -> None:
        """An agent dials a colleague, or transfers a caller to one (AGI path "colleague")."""
        await self._colleagues.put_through(call)

    def _line_of(self, agent: str) -> str:
        if self._agents.get(agent).line is not Line.OFF_HOOK:
            return ""
        return self._off_hook.channel_of(agent) or ""

    # -- work

    async def add_work(self, item: WorkItem) -> None:
        """A work item to be matched by the same rules as callers, below them until it is due. Raises NoSuchQueue."""
        if item.queue not in self._rules:
            raise NoSuchQueue(f"There is no queue {item.queue!r}. There are {', '.join(sorted(self._rules))}.")
        await self._work.add(item)

    def work_item(self, item_id: str) -> WorkItem | None:
        """An item that is not done yet."""
        return self._work.get(item_id)

    def queue_of(self, service: str) -> str:
        """Where work of that service belongs; a service without a queue of its own goes where people are asked for."""
        return self._hall.queue_of(Request(language="", service=service))

    async def done_work(self, item_id: str) -> None:
        """Raises NoSuchWork."""
        await self._work.done(item_id)

    # -- what is seen of it

    def snapshot(self, limit: int | None = None) -> Snapshot:
        """Who waits and who talks now, and the figures; see `acd.live.seen.Seen.snapshot`."""
        return self._seen.snapshot(limit)

    def call(self, call_id: str) -> KnownCall | None:
        """What is known of a call that waits, rings or is talked on; None when it is over."""
        return self._seen.call(call_id)

    def why(self, call_id: str) -> Sequence[str]:
        """Why that caller waits, or was given that agent; a sentence a line, for people who ask."""
        return self._seen.why(call_id)

    def why_agent(self, agent_id: str) -> Sequence[str]:
        """What that agent is doing for the queue. Raises UnknownAgent."""
        return self._seen.why_agent(agent_id)

    def _presence_changed(self, change: PresenceChanged) -> None:
        self._work.presence_changed(change, self._jobs)
        self._hall.feed(change.after)
        self._floor.look()
