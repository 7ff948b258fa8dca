"""How a caller comes to a place: a new one, the old one of a moment ago, or one that is kept for a call back."""

from __future__ import annotations

import logging
from functools import partial

from acd.engine.events import CallerHolds, CallerJoined
from acd.engine.queues import Urgency
from acd.live.conversations import Clock
from acd.live.hall import Hall
from acd.live.jobs import Jobs
from acd.records import Entry, Request
from acd.store import QueueStore
from acd.waiting.callbacks import Callbacks
from acd.waiting.callers import KnownCallers
from telephony.call import Call

log = logging.getLogger(__name__)


class Joining:
    def __init__(
        self,
        *,
        hall: Hall,
        callbacks: Callbacks,
        callers: KnownCallers,
        store: QueueStore,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._hall = hall
        self._callbacks = callbacks
        self._callers = callers
        self._store = store
        self._jobs = jobs
        self._clock = clock

    async def join(self, call: Call, request: Request) -> Entry:
        """A place of their own; the old one for whoever left a moment ago, or calls before we call them back."""
        now = self._clock()
        old = await self._callbacks.take_over(call.caller) or self._hall.remembered.take(call.caller, now)
        entry = self.entry(call, request, old)
        self._callers.called(call.caller, now)
        if old is not None:
            self._jobs.put(partial(self._store.drop_left, call.caller), of=call.id)
        await self._hall.join(entry)
        log.info(
            "A caller waits",
            extra={
                "action": "joined",
                "call_id": call.id,
                "old_place": old is not None,
                "urgency": entry.request.urgency,
                "pii_caller": call.caller,
            },
        )
        return entry

    def entry(self, call: Call, request: Request, old: Entry | None) -> Entry:
        now = self._clock()
        urgency = request.urgency
        if urgency is Urgency.ORDINARY:  # what made the first call urgent does so still
            urgency = self._callers.urgency_of(call.caller, now) if old is None else old.request.urgency
        return Entry(
            call_id=call.id,
            channel=call.channel,
            caller=call.caller,
            request=request.with_urgency(urgency),
            joined_at=now if old is None else old.joined_at,
            place=self._hall.new_place() if old is None else old.place,
            queue=self._hall.queue_of(request),
        )

    async def owe_callback(self, call: Call, request: Request) -> bool:
        """Keep a place for a caller who can't be let in, and ring them when it is due. False: no number is known."""
        if not call.caller:
            return False
        if self._callbacks.of_number(call.caller) is None:
            now = self._clock()
            entry = self.entry(call, request, self._hall.remembered.take(call.caller, now))
            self._hall.tell(CallerJoined(entry.in_line(), attached=False), CallerHolds(entry.call_id))
            await self._callbacks.owe(entry)
        return True
